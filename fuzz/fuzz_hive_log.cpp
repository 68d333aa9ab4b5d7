// A dirty hive with a log of any bytes: recovery applies whole entries or nothing, and what loads is sound.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "hive/format.h"
#include "hive/hive.h"
#include "rtl/sim_env.h"

namespace {

using namespace regent;

std::string dirty_primary() {
    rtl::SimEnv env;
    hive::HiveOptions options;
    options.path = "h";
    options.time = 1;
    if (!hive::Hive::create(env, options)) std::abort();
    std::string image = env.contents()["h"];
    hive::BaseBlock base;
    std::memcpy(&base, image.data(), sizeof(base));
    base.primary_sequence = 2;
    base.checksum = hive::checksum(base);
    std::memcpy(image.data(), &base, sizeof(base));
    return image;
}

// Hashes and checksums are set right, so that mutations reach what lies behind them.
void seal(std::string& log) {
    if (log.size() < 512) return;
    hive::BaseBlock header;
    std::memcpy(&header, log.data(), sizeof(header));
    header.signature = hive::base_signature;
    header.primary_sequence = 1;
    header.secondary_sequence = 1;
    header.checksum = hive::checksum(header);
    std::memcpy(log.data(), &header, sizeof(header));
    for (std::size_t at = 512, sequence = 1; at + sizeof(hive::LogEntry) <= log.size(); ++sequence) {
        hive::LogEntry entry;
        std::memcpy(&entry, log.data() + at, sizeof(entry));
        if (entry.size < sizeof(entry) || entry.size > log.size() - at) return;
        entry.sequence = static_cast<std::uint32_t>(sequence);
        entry.signature = hive::log_entry_signature;
        const Bytes bytes = rtl::as_bytes(log.data() + at, entry.size);
        entry.hash_1 = hive::marvin32(bytes.subspan(sizeof(entry)));
        std::memcpy(log.data() + at, &entry, sizeof(entry));
        entry.hash_2 = hive::marvin32(bytes.first(32));
        std::memcpy(log.data() + at, &entry, sizeof(entry));
        at += entry.size;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static const std::string primary = dirty_primary();
    std::string log(reinterpret_cast<const char*>(bytes), size);
    if (size != 0 && bytes[0] != 'r') seal(log);  // both: raw bytes, and bytes that pass the hashes
    rtl::SimEnv env({{"h", primary}, {"h.LOG1", log}});
    const auto opened = hive::Hive::open(env, "h", {});
    if (!opened) return 0;
    hive::FindingList findings;
    if ((*opened)->check(findings) != 0) std::abort();
    (void)(*opened)->reconcile();
    return 0;
}
