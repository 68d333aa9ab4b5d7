#include "event.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "wdk/regcallback.h"

namespace regent::regmon {
namespace {

template <typename T>
std::optional<T> fixed_part(rtl::Bytes bytes) {
    if (bytes.size() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
}

Utf16 units(rtl::Bytes bytes) {
    Utf16 text(bytes.size() / sizeof(char16_t), u'\0');
    if (!text.empty()) std::memcpy(text.data(), bytes.data(), text.size() * sizeof(char16_t));
    return text;
}

// `ticks` of the driver's raw clock in `unit`s a second.
std::int64_t scaled(std::int64_t ticks, std::uint64_t frequency, std::int64_t unit) {
    if (frequency == 0) return 0;
    return static_cast<std::int64_t>(static_cast<long double>(ticks) * static_cast<long double>(unit) /
                                     static_cast<long double>(frequency));
}

// These name a key that may not exist: Path is what the caller gave, relative to the key NameId.
bool names_its_key(unsigned operation) {
    return operation == RegNtPostCreateKeyEx || operation == RegNtPostOpenKeyEx || operation == RegNtPostCreateKey ||
           operation == RegNtPostOpenKey || operation == RegNtPostLoadKey;
}

Utf16 joined(Utf16 base, Utf16View relative) {
    while (relative.ends_with(u'\\')) relative.remove_suffix(1);
    if (relative.empty()) return base;
    if (!base.empty() && !relative.starts_with(u'\\')) base += u'\\';
    return base += relative;
}

}  // namespace

bool Decoder::decode(rtl::Bytes batch) {
    flags_ = 0;
    records_ = 0;
    const auto head = fixed_part<REGMON_BATCH>(batch);
    if (!head || head->Bytes < sizeof(REGMON_BATCH) || head->Bytes > batch.size()) return false;
    flags_ = head->Flags;
    rtl::Bytes rest = batch.subspan(sizeof(REGMON_BATCH), head->Bytes - sizeof(REGMON_BATCH));
    while (records_ < head->Records) {
        const auto header = fixed_part<REGMON_HEADER>(rest);
        if (!header || header->Size < sizeof(REGMON_HEADER) || header->Size > rest.size()) return false;
        if (!decode_record(rest.first(header->Size), *head)) return false;
        rest = rest.subspan(header->Size);
        ++records_;
    }
    return true;
}

bool Decoder::decode_record(rtl::Bytes record, const REGMON_BATCH& batch) {
    const auto kind = fixed_part<REGMON_HEADER>(record)->Kind;
    if (kind == REGMON_KIND_EVENT) return decode_event(record, batch);
    if (kind == REGMON_KIND_NAME) {
        const auto name = fixed_part<REGMON_NAME>(record);
        if (!name || name->PathLength > record.size() - sizeof(REGMON_NAME)) return false;
        names_[name->NameId] = units(record.subspan(sizeof(REGMON_NAME), name->PathLength));
        return true;
    }
    if (kind == REGMON_KIND_PROCESS) {
        const auto process = fixed_part<REGMON_PROCESS>(record);
        if (!process || process->NameLength > record.size() - sizeof(REGMON_PROCESS)) return false;
        const auto* text = reinterpret_cast<const char*>(record.data() + sizeof(REGMON_PROCESS));
        processes_[process->ProcessId] = {std::string(text, process->NameLength), user_of_(process->ProcessId)};
        return true;
    }
    if (kind == REGMON_KIND_GAP) {
        const auto gap = fixed_part<REGMON_GAP>(record);
        if (!gap) return false;
        sinks_.gap({gap->Header.Operation, gap->Count, gap->Ring});
    }
    return true;  // a kind of a newer driver is skipped
}

const Decoder::Process& Decoder::process(std::uint32_t id) {
    const auto found = processes_.find(id);
    if (found != processes_.end()) return found->second;
    return processes_[id] = {{}, user_of_(id)};
}

bool Decoder::decode_event(rtl::Bytes record, const REGMON_BATCH& batch) {
    const auto raw = fixed_part<REGMON_EVENT>(record);
    if (!raw) return false;
    rtl::Bytes rest = record.subspan(sizeof(REGMON_EVENT));
    const std::size_t texts = std::size_t{raw->PathLength} + raw->NameLength;
    if (texts + raw->DataLength > rest.size()) return false;
    Event event;
    event.operation = raw->Header.Operation;
    event.status = static_cast<NTSTATUS>(raw->Header.Status);
    event.time =
        batch.TimeBase + scaled(static_cast<std::int64_t>(raw->Time - batch.RawBase), batch.RawFrequency, 10'000'000);
    event.duration_ns =
        static_cast<std::uint64_t>(scaled(static_cast<std::int64_t>(raw->Duration), batch.RawFrequency, 1'000'000'000));
    event.process_id = raw->ProcessId;
    event.thread_id = raw->ThreadId;
    event.ring = raw->Ring;
    event.sequence = raw->Sequence;
    event.flags = raw->Flags;
    std::copy(std::begin(raw->Detail), std::end(raw->Detail), event.detail);
    const Process& caller = process(raw->ProcessId);
    event.process = caller.name;
    event.user_sid = caller.user_sid;
    const auto base = names_.find(raw->NameId);
    if (raw->NameId != 0 && base != names_.end()) event.path = base->second;
    if (names_its_key(event.operation)) event.path = joined(event.path, units(rest.first(raw->PathLength)));
    event.name = units(rest.subspan(raw->PathLength, raw->NameLength));
    const rtl::Bytes data = rest.subspan(texts, raw->DataLength);
    event.data.assign(data.begin(), data.end());
    sinks_.event(std::move(event));
    return true;
}

}  // namespace regent::regmon
