// A client of the cancel driver that is meant to be killed while its read is pending, in the call (waiting) or after it
// (pending); or one that asks the driver what became of such reads (counts).
// usage: pending_client waiting|pending|counts
#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <thread>

#include "nt/ntservices.h"
#include "nt/ntstatus.h"
#include "regent/experiments.h"
#include "rtl/utf16.h"

namespace {

HANDLE open_device(ULONG options) {
    const regent::Utf16 path = u"\\??\\Cancel";
    UNICODE_STRING name = regent::rtl::unicode_string(path);
    OBJECT_ATTRIBUTES attributes{};
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    HANDLE file = nullptr;
    IO_STATUS_BLOCK block{};
    const NTSTATUS status = NtCreateFile(&file, GENERIC_READ | SYNCHRONIZE, &attributes, &block, nullptr, 0,
                                         FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, options, nullptr, 0);
    return NT_SUCCESS(status) ? file : nullptr;
}

bool query(EXPERIMENT_COUNTS& counts) {
    HANDLE file = open_device(FILE_SYNCHRONOUS_IO_NONALERT);
    if (file == nullptr) return false;
    IO_STATUS_BLOCK block{};
    const NTSTATUS status = NtDeviceIoControlFile(file, nullptr, nullptr, nullptr, &block, IOCTL_EXPERIMENT_QUERY,
                                                  nullptr, 0, &counts, sizeof counts);
    NtClose(file);
    return NT_SUCCESS(status);
}

// The daemon cleans up after a killed client a moment later; the two reads of the test end by cancellation.
int print_counts() {
    EXPERIMENT_COUNTS counts{};
    for (int tries = 0; tries < 1000 && counts.ReadsCancelled < 2; ++tries) {
        if (!query(counts)) return 1;
        usleep(10000);
    }
    std::printf("{\"completed\":%llu,\"cancelled\":%llu}\n", static_cast<unsigned long long>(counts.ReadsCompleted),
                static_cast<unsigned long long>(counts.ReadsCancelled));
    return 0;
}

void say_reading() {
    std::puts("reading");
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view way = argc > 1 ? argv[1] : "";
    if (way == "counts") return print_counts();
    const bool waiting = way == "waiting";
    HANDLE file = open_device(waiting ? FILE_SYNCHRONOUS_IO_NONALERT : 0);
    if (file == nullptr) return 1;
    ULONG number = 0;
    IO_STATUS_BLOCK block{};
    if (!waiting) {
        if (NtReadFile(file, nullptr, nullptr, nullptr, &block, &number, sizeof number, nullptr, nullptr) !=
            STATUS_PENDING)
            return 1;
        say_reading();
        pause();
        return 1;
    }
    std::thread reader(
        [&] { NtReadFile(file, nullptr, nullptr, nullptr, &block, &number, sizeof number, nullptr, nullptr); });
    usleep(200000);  // the reader is inside the call by now: nothing that we could ask tells
    say_reading();
    reader.join();
    return 1;
}
