#include "audit.h"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <vector>

#include "shared/device.h"

#include "regent/audit_log.h"  // after the base types

namespace regent::app {
namespace {

constexpr std::uint32_t wait_ms = 500;  // an interrupt is seen after this long
volatile std::sig_atomic_t interrupted = 0;

void interrupt(int) { interrupted = 1; }

int failed(const std::string& why) {
    std::fprintf(stderr, "regent: %s\n", why.c_str());
    return 1;
}

}  // namespace

int show_audit(const AuditOptions& options) {
    const auto device = Device::open(u"\\\\.\\SecurityAudit");
    if (!device) return failed(device.error());
    std::signal(SIGINT, interrupt);
    std::signal(SIGTERM, interrupt);
    std::vector<std::byte> buffer(AUDIT_MINIMUM_BUFFER);
    AUDIT_READ read{};
    read.After = options.after;
    read.WaitMilliseconds = options.follow ? wait_ms : 0;
    AUDIT_BATCH batch{};
    std::uint64_t shown = 0;
    std::uint64_t lost = 0;
    do {
        const auto size = device->control(IOCTL_AUDIT_READ, bytes_of(read), buffer);
        if (!size) return failed(size.error());
        if (*size < sizeof batch) return failed("the audit's device answered with a damaged batch");
        std::memcpy(&batch, buffer.data(), sizeof batch);
        if (batch.TextBytes > *size - sizeof batch) return failed("the audit's device answered with a damaged batch");
        if (std::fwrite(buffer.data() + sizeof batch, 1, batch.TextBytes, stdout) != batch.TextBytes ||
            std::fflush(stdout) != 0)
            return failed("cannot write the records");
        read.After = batch.Last;
        shown += batch.Count;
        lost += batch.Lost;
    } while (interrupted == 0 && (options.follow || batch.Count != 0));
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::fprintf(stderr, "ledger: produced=%llu kept=%llu dropped=%llu; shown=%llu lost=%llu\n", number(batch.Produced),
                 number(batch.Kept), number(batch.Dropped), number(shown), number(lost));
    return 0;
}

}  // namespace regent::app
