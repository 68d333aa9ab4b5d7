// Any bytes as a hive, changed through the interface by the input's operations; then what was in memory is what a crash
// after the flush recovers, and what a save holds. Input: how many operation bytes, those bytes, the hive's file.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "hive/hive.h"
#include "hive/hive_impl.h"
#include "rtl/sim_env.h"

namespace {

using namespace regent;
using hive::CellIndex;
using hive::Hive;

void require(bool fact) {
    if (!fact) std::abort();
}

std::string text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// All that lasts of the hive, as one string.
std::string content(const Hive& hive) {
    std::string out;
    std::vector<CellIndex> stack = {hive.root()};
    while (!stack.empty()) {
        const CellIndex key = stack.back();
        stack.pop_back();
        const hive::KeyInfo info = hive.key_info(key);
        out += 'K' + text(info.name.stored()) + '|' + text(info.class_name) + '|' + text(hive.security(key)) + '|' +
               std::to_string(info.last_write_time) + '|' + std::to_string(info.value_count) + '|' +
               std::to_string(info.user_flags) + '|' + std::to_string(info.virtualization_flags) + '\n';
        for (std::uint32_t i = 0; i < info.value_count; ++i) {
            const auto value = hive.value_at(key, i);
            require(value.has_value());
            const hive::ValueInfo about = hive.value_info(*value);
            std::vector<std::byte> data(about.data_size);
            require(hive.read_value(*value, 0, data) == data.size());
            out += 'V' + text(about.name.stored()) + '|' + std::to_string(about.type) + '|' + text(data) + '\n';
        }
        for (std::uint32_t i = 0; i < info.subkey_count; ++i) {
            const auto child = hive.subkey_at(key, i);
            require(child.has_value());
            if (hive::storage_of(*child) == hive::StorageType::stable) stack.push_back(*child);
        }
    }
    return out;
}

void require_sound(const Hive& hive) {
    hive::FindingList findings;
    require(hive.check(findings) == 0);
}

// The input's operations, one after another, on keys that it chooses. A failure is an answer too.
class Mutator {
public:
    Mutator(Hive& hive, Bytes operations) : hive_(hive), operations_(operations) {
        keys_ = {hive.root()};
        for (std::size_t i = 0; i < keys_.size() && keys_.size() < 256; ++i) {
            const std::uint32_t count = hive.key_info(keys_[i]).subkey_count;
            for (std::uint32_t k = 0; k < count && k < 16; ++k) keys_.push_back(*hive.subkey_at(keys_[i], k));
        }
    }
    void run() {
        while (at_ < operations_.size()) step();
    }

private:
    unsigned next() { return at_ < operations_.size() ? std::to_integer<unsigned>(operations_[at_++]) : 0; }
    // Few names, so that they meet again; some beyond Latin-1, some long.
    Utf16 name() {
        const unsigned which = next();
        Utf16 text = {static_cast<char16_t>(u'a' + which % 16)};
        if ((which & 0x40) != 0) text += u"\u0416";
        if ((which & 0x80) != 0) text += Utf16(which % 64 * 4, u'N');
        return text;
    }
    std::vector<std::byte> data() {
        static constexpr std::size_t sizes[] = {0, 1, 4, 5, 8, 40, 300, 4000, 16344, 16345, 40000};
        const unsigned which = next();
        return std::vector<std::byte>(sizes[which % std::size(sizes)], static_cast<std::byte>(which));
    }
    std::vector<std::byte> descriptor() {
        std::vector<std::byte> bytes(hive::default_descriptor().begin(), hive::default_descriptor().end());
        bytes[36] = static_cast<std::byte>(next() % 4);  // a part of an access mask
        return bytes;
    }
    void step() {
        const unsigned what = next() % 16;
        const std::size_t chosen = next() % keys_.size();
        const CellIndex key = keys_[chosen];
        // A link takes one value only; that rule is the Configuration Manager's, which calls these.
        if ((hive_.flags(key) & hive::key_sym_link) != 0) return;
        ++time_;
        if (what < 4) {
            const auto type = what == 3 ? hive::StorageType::volatile_ : hive::StorageType::stable;
            const Utf16 class_name = what == 1 ? name() : Utf16();
            const auto made = hive_.create_subkey(key, name(), class_name, descriptor(), type, time_);
            if (made) keys_.push_back(*made);
        } else if (what < 8) {
            const Utf16 value = what == 7 ? Utf16() : name();
            (void)hive_.set_value(key, value, next(), data(), time_);
        } else if (what < 10) {
            (void)hive_.delete_value(key, name(), time_);
        } else if (what < 12) {
            if (!hive_.delete_key(key, time_)) return;
            keys_.erase(keys_.begin() + static_cast<std::ptrdiff_t>(chosen));
        } else if (what == 12) {
            if (const auto renamed = hive_.rename_key(key, name(), time_)) keys_[chosen] = *renamed;
        } else if (what == 13) {
            (void)hive_.set_security(key, descriptor(), time_);
        } else if (what == 14) {
            (void)hive_.set_user_flags(key, static_cast<std::uint8_t>(next() % 16), 0);
        } else {
            require(hive_.flush().has_value());
        }
    }

    Hive& hive_;
    Bytes operations_;
    std::size_t at_ = 0;
    std::int64_t time_ = 1000;
    std::vector<CellIndex> keys_;
};

// Opened from the disk as it is, the hive needs no repair and holds `expected`.
void require_reopens(const rtl::DiskImage& disk, const std::string& path, const std::string& expected) {
    rtl::SimEnv env(disk);
    hive::FindingList findings;
    hive::OpenOptions options;
    options.findings = &findings;
    const auto opened = Hive::open(env, path, options);
    for (const hive::Finding& finding : findings.findings()) {
        std::fprintf(stderr, "%s at %llu: expected %s, found %s\n", to_string(finding.kind),
                     static_cast<unsigned long long>(finding.file_offset), finding.expected.c_str(),
                     finding.actual.c_str());
    }
    require(opened.has_value());
    require(findings.count() == 0);
    require_sound(**opened);
    require(content(**opened) == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size == 0 || bytes[0] >= size) return 0;
    const std::size_t operations = bytes[0];
    rtl::SimEnv env({{"h", text(rtl::as_bytes(bytes + 1 + operations, size - 1 - operations))}});
    const auto opened = Hive::open(env, "h", {});
    if (!opened) return 0;
    Hive& hive = **opened;
    Mutator(hive, rtl::as_bytes(bytes + 1, operations)).run();
    require_sound(hive);
    const std::string expected = content(hive);

    // The power fails after the flush: what is durable is all.
    require(hive.commit_flush(hive.prepare_flush().value()).has_value());
    require_reopens(env.after_crash(env.event_count(), rtl::LossModel::all, 0), "h", expected);

    const auto file = env.open("saved", rtl::OpenMode::create);
    const auto format = operations % 2 == 0 ? hive::Format::v1_5 : hive::Format::v1_3;
    const auto saved = hive.save_subtree(hive.root(), **file, format);
    // The old format has no big data: the only value that a save may refuse.
    if (!saved) require(saved.error().code() == STATUS_INVALID_PARAMETER && format == hive::Format::v1_3);
    if (saved) require_reopens({{"saved", env.contents()["saved"]}}, "saved", expected);
    return 0;
}
