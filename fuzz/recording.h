// The records of a regmon driver that is being fuzzed, read and checked as they come.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <unordered_set>
#include <vector>

#include "nt/ntioapi.h"
#include "nt/ntregapi.h"
#include "nt/ntservices.h"
#include "nt/ntstatus.h"
#include "regent/regmon_ioctl.h"
#include "rtl/utf16.h"

namespace regent::fuzz {

// Invariants: a record lies in its batch, is as long as its parts, and names only keys that were defined before;
// Produced = Delivered + Dropped in the end.
class Recording {
public:
    // Records everything when the device is there; else this and the other calls do nothing.
    void start() {
        Utf16 path = u"\\??\\Regmon";
        UNICODE_STRING name = rtl::unicode_string(path);
        OBJECT_ATTRIBUTES attributes{};
        InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
        IO_STATUS_BLOCK iosb{};
        if (!NT_SUCCESS(NtCreateFile(&device_, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &attributes, &iosb, nullptr, 0,
                                     0, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0))) {
            device_ = nullptr;
            return;
        }
        REGMON_CONFIG config{~0ull, REGMON_DATA_DEFAULT, 20, REGMON_CONFIG_INCLUDE_SELF, 0};
        require(control(IOCTL_REGMON_CONFIGURE, &config, sizeof config, nullptr, 0), "no configuration");
        require(control(IOCTL_REGMON_START, nullptr, 0, nullptr, 0), "no recording");
    }

    void check() {
        while (device_ != nullptr && (read() & REGMON_BATCH_MORE) != 0) {
        }
    }

    void stop() {
        if (device_ == nullptr) return;
        require(control(IOCTL_REGMON_STOP, nullptr, 0, nullptr, 0), "no end of the recording");
        while ((read() & REGMON_BATCH_STOPPED) == 0 || records_of_last_ != 0) {
        }
        REGMON_STATS stats{};
        require(control(IOCTL_REGMON_QUERY_STATS, nullptr, 0, &stats, sizeof stats), "no ledger");
        std::uint64_t accounted = stats.Delivered;
        for (const auto dropped : stats.Dropped) accounted += dropped;
        require(stats.Produced == accounted && stats.Delivered == events_, "the ledger is not exact");
        std::printf("recorded %llu events, delivered %llu\n", stats.Produced, stats.Delivered);
        NtClose(device_);
        device_ = nullptr;
    }

private:
    static void require(bool holds, const char* what) {
        if (holds) return;
        std::fprintf(stderr, "fuzz_driver: recording: %s\n", what);
        std::abort();
    }
    bool control(ULONG code, void* in, ULONG in_size, void* out, ULONG out_size) {
        IO_STATUS_BLOCK iosb{};
        return NT_SUCCESS(
            NtDeviceIoControlFile(device_, nullptr, nullptr, nullptr, &iosb, code, in, in_size, out, out_size));
    }
    // The batch's flags.
    ULONG read() {
        REGMON_READ request{};
        constexpr ULONG size = 1 << 20;
        if (buffer_.empty()) buffer_.resize(size / sizeof buffer_[0]);
        require(control(IOCTL_REGMON_READ, &request, sizeof request, buffer_.data(), size), "no batch");
        const auto* batch = reinterpret_cast<const REGMON_BATCH*>(buffer_.data());
        require(batch->Bytes >= sizeof *batch && batch->Bytes <= size, "a batch's size");
        const auto* at = reinterpret_cast<const std::byte*>(batch + 1);
        std::size_t left = batch->Bytes - sizeof *batch;
        for (ULONG i = 0; i < batch->Records; ++i) {
            const auto* header = reinterpret_cast<const REGMON_HEADER*>(at);
            require(left >= sizeof *header && header->Size % 8 == 0 && header->Size <= left, "a record's place");
            check_record(*header);
            at += header->Size;
            left -= header->Size;
        }
        require(left == 0, "bytes behind the records");
        records_of_last_ = batch->Records;
        return batch->Flags;
    }
    static void require_size(const REGMON_HEADER& header, std::size_t wanted) {
        require(header.Size == ((wanted + 7) & ~std::size_t{7}), "a record's size");
    }
    void check_record(const REGMON_HEADER& header) {
        if (header.Kind == REGMON_KIND_EVENT) {
            const auto& event = reinterpret_cast<const REGMON_EVENT&>(header);
            require_size(header, sizeof event + event.PathLength + event.NameLength + event.DataLength);
            require(event.NameId == 0 || names_.contains(event.NameId), "a name that was not defined");
            ++events_;
        } else if (header.Kind == REGMON_KIND_NAME) {
            const auto& name = reinterpret_cast<const REGMON_NAME&>(header);
            require_size(header, sizeof name + name.PathLength);
            require(names_.insert(name.NameId).second, "a name defined twice");
        } else if (header.Kind == REGMON_KIND_PROCESS) {
            require_size(header, sizeof(REGMON_PROCESS) + reinterpret_cast<const REGMON_PROCESS&>(header).NameLength);
        } else {
            require(header.Kind == REGMON_KIND_GAP && header.Size == sizeof(REGMON_GAP), "a record's kind");
        }
    }

    HANDLE device_ = nullptr;
    std::vector<std::uint64_t> buffer_;
    std::unordered_set<ULONG> names_;
    std::uint64_t events_ = 0;
    ULONG records_of_last_ = 0;
};

}  // namespace regent::fuzz
