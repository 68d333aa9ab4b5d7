// One registry operation as regmon shows it, and the decoder that makes events from the driver's batches.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "nt/ntdef.h"
#include "regent/regmon_ioctl.h"
#include "rtl/bytes.h"
#include "rtl/utf16.h"

namespace regent::regmon {

struct Event {
    unsigned operation = 0;  // REG_NOTIFY_CLASS of the post-notification
    NTSTATUS status = 0;
    std::int64_t time = 0;  // NT time at which it began
    std::uint64_t duration_ns = 0;
    std::uint32_t process_id = 0;
    std::uint32_t thread_id = 0;
    std::uint16_t ring = 0;
    std::uint32_t sequence = 0;  // within the ring
    std::uint16_t flags = 0;     // REGMON_EVENT_x
    std::uint32_t detail[5] = {};
    std::string process;   // image name
    std::string user_sid;  // of the caller; empty when not known
    Utf16 path;            // NT path: \REGISTRY\MACHINE\...
    Utf16 name;            // value, new name, enumerated key or hive file
    std::vector<std::byte> data;
};

// Events that the driver saw and could not keep.
struct Gap {
    unsigned reason = 0;  // REGMON_DROP_x
    std::uint32_t count = 0;
    std::uint16_t ring = 0;
};

// Keeps the names and processes defined so far. Externally synchronised.
class Decoder {
public:
    struct Sinks {
        std::function<void(Event&&)> event;
        std::function<void(const Gap&)> gap;
    };
    // The SID of a process's user, asked once when the process is first seen; may be empty.
    using UserOf = std::function<std::string(std::uint32_t)>;

    Decoder(Sinks sinks, UserOf user_of) : sinks_(std::move(sinks)), user_of_(std::move(user_of)) {}

    // False: the bytes are no batch; what was whole before the fault has been delivered.
    bool decode(rtl::Bytes batch);
    // Of the last batch decoded.
    bool stopped() const { return (flags_ & REGMON_BATCH_STOPPED) != 0; }
    bool more() const { return (flags_ & REGMON_BATCH_MORE) != 0; }
    std::uint32_t records() const { return records_; }

private:
    struct Process {
        std::string name;
        std::string user_sid;
    };

    bool decode_record(rtl::Bytes record, const REGMON_BATCH& batch);
    bool decode_event(rtl::Bytes record, const REGMON_BATCH& batch);
    const Process& process(std::uint32_t id);

    Sinks sinks_;
    UserOf user_of_;
    std::unordered_map<std::uint32_t, Utf16> names_;
    std::unordered_map<std::uint32_t, Process> processes_;
    std::uint32_t flags_ = 0;
    std::uint32_t records_ = 0;
};

}  // namespace regent::regmon
