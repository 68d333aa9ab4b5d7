#include "rpc/server_call.h"

#include <algorithm>

#include "rtl/io_status.h"
#include "se/descriptor.h"

namespace regent::rpc {

ServerCall::ServerCall(Bytes arguments, Writer& reply, std::uint16_t service)
    : memory_(first_, sizeof(first_)), reader_(arguments), reply_(&reply), service_(service) {}

void* ServerCall::allocate(std::size_t size, std::size_t alignment) { return memory_.allocate(size, alignment); }

PVOID ServerCall::copy(Bytes bytes, std::size_t alignment) {
    void* place = allocate(std::max<std::size_t>(bytes.size(), 1), alignment);
    if (!bytes.empty()) std::memcpy(place, bytes.data(), bytes.size());
    return place;
}

PUNICODE_STRING ServerCall::string() {
    const auto flags = reader_.get<std::uint8_t>();
    if ((flags & 1) == 0) return nullptr;
    UNICODE_STRING value{};
    value.Length = reader_.get<std::uint16_t>();
    value.MaximumLength = reader_.get<std::uint16_t>();
    // The service sees the client's lengths, right or wrong, over memory that really holds Length bytes.
    if ((flags & 2) != 0) value.Buffer = static_cast<PWSTR>(copy(reader_.get_bytes(value.Length), alignof(WCHAR)));
    if (!good()) return nullptr;
    return new (allocate(sizeof(value), alignof(UNICODE_STRING))) UNICODE_STRING(value);
}

POBJECT_ATTRIBUTES ServerCall::object_attributes() {
    if (reader_.get<std::uint8_t>() == 0) return nullptr;
    OBJECT_ATTRIBUTES value{};
    value.Length = reader_.get<std::uint32_t>();
    if (value.Length == sizeof(value)) {
        value.RootDirectory = reader_.get<HANDLE>();
        value.Attributes = reader_.get<std::uint32_t>();
        value.ObjectName = string();
        value.SecurityDescriptor = security_descriptor();
        value.SecurityQualityOfService = optional<SECURITY_QUALITY_OF_SERVICE>();
    }
    if (!good()) return nullptr;
    return new (allocate(sizeof(value), alignof(OBJECT_ATTRIBUTES))) OBJECT_ATTRIBUTES(value);
}

PSECURITY_DESCRIPTOR ServerCall::security_descriptor() {
    if (reader_.get<std::uint8_t>() == 0) return nullptr;
    // The service's capture follows the offsets inside; all that they reach must lie within these bytes.
    const Bytes bytes = reader_.get_bytes(reader_.get<std::uint32_t>());
    if (!good() || !se::DescriptorView::validate(bytes)) {
        reader_.fail();
        return nullptr;
    }
    return copy(bytes, 8);
}

CallBuffer ServerCall::buffer() {
    if (reader_.get<std::uint8_t>() == 0) return {};
    const auto size = reader_.get<std::uint32_t>();
    const Bytes bytes = reader_.get_bytes(size);
    if (!good()) return {};
    return {copy(bytes, 16), size, {}};
}

CallBuffer ServerCall::out_buffer() {
    if (reader_.get<std::uint8_t>() == 0) return {};
    const auto size = reader_.get<std::uint32_t>();
    const Bytes prefix = reader_.get_bytes(reader_.get<std::uint32_t>());
    if (!good() || size > budget_ || prefix.size() > size) {
        reader_.fail();
        return {};
    }
    budget_ -= size;
    auto* data = static_cast<std::byte*>(allocate(std::max<std::size_t>(size, 1), 16));
    if (!prefix.empty()) std::memcpy(data, prefix.data(), prefix.size());
    std::memset(data + prefix.size(), 0, size - prefix.size());
    const auto* before = static_cast<const std::byte*>(copy(prefix, 1));
    out_buffer_ = {data, size, Bytes(before, prefix.size())};
    return out_buffer_;
}

CallHandles ServerCall::handles() {
    if (reader_.get<std::uint8_t>() == 0) return {};
    const auto count = reader_.get<std::uint32_t>();
    const Bytes bytes = reader_.get_bytes(std::size_t{count} * sizeof(HANDLE));
    if (!good()) return {};
    return {static_cast<const HANDLE*>(copy(bytes, alignof(HANDLE))), count};
}

CallEntries ServerCall::value_entries() {
    if (reader_.get<std::uint8_t>() == 0) return {};
    const auto count = reader_.get<std::uint32_t>();
    if (!good() || count > max_value_entries + 1) {
        reader_.fail();
        return {};
    }
    // More than the limit: the service refuses the count before it looks at one entry.
    const std::uint32_t held = count > max_value_entries ? 0 : count;
    const std::size_t size = std::max<std::size_t>(held, 1) * sizeof(KEY_VALUE_ENTRY);
    auto* entries = static_cast<PKEY_VALUE_ENTRY>(allocate(size, alignof(KEY_VALUE_ENTRY)));
    std::memset(entries, 0, size);
    for (std::uint32_t i = 0; i < held && good(); ++i) {
        entries[i].ValueName = string();
        entries[i].DataLength = reader_.get<ULONG>();
        entries[i].DataOffset = reader_.get<ULONG>();
        entries[i].Type = reader_.get<ULONG>();
    }
    return {entries, count};
}

PIO_STATUS_BLOCK ServerCall::io_status() {
    if (reader_.get<std::uint8_t>() == 0) return nullptr;
    pending_id_ = reader_.get<std::uint64_t>();
    if (!good()) return nullptr;
    block_ = new (allocate(sizeof(IO_STATUS_BLOCK), alignof(IO_STATUS_BLOCK))) IO_STATUS_BLOCK{};
    block_->Status = STATUS_PENDING;  // until the service or a completion writes it
    return block_;
}

PIO_APC_ROUTINE ServerCall::apc() {
    if (reader_.get<std::uint8_t>() == 0) return nullptr;
    return [](PVOID, PIO_STATUS_BLOCK, ULONG) {};
}

void ServerCall::check_length(const CallBuffer& buffer, std::uint32_t length) {
    if (buffer.data != nullptr && buffer.size != length) reader_.fail();
}

void ServerCall::check_handles(const CallHandles& handles, std::uint32_t count) {
    // A count above the limit is for the service to refuse, before it reads one handle.
    if (handles.data != nullptr && handles.count != std::min<std::uint32_t>(count, MAXIMUM_WAIT_OBJECTS + 1))
        reader_.fail();
}

void ServerCall::check_entries(const CallEntries& entries, std::uint32_t count) {
    if (entries.data != nullptr && entries.count != std::min(count, max_value_entries + 1)) reader_.fail();
}

void ServerCall::begin_reply(NTSTATUS status) {
    status_ = status;
    reply_->begin_record(RecordKind::reply, service_);
    reply_->put(status);
}

namespace {
void put_range(Writer& writer, const CallBuffer& buffer) {
    const Bytes after = rtl::as_bytes(buffer.data, buffer.size);
    const ChangedRange range = changed_range(buffer.before, after);
    writer.put(range.offset);
    writer.put(range.size);
    if (range.size != 0) writer.put_bytes(after.data() + range.offset, range.size);
}
}  // namespace

void ServerCall::reply_out_buffer(const CallBuffer& buffer) {
    // While the call is pending its buffer belongs to whoever completes it.
    if (buffer.data == nullptr || pending()) return;
    put_range(*reply_, buffer);
}

void ServerCall::reply_told_buffer(const CallBuffer& buffer, const ULONG* told) {
    if (buffer.data == nullptr) return;
    const std::uint32_t size = NT_SUCCESS(status_) && told != nullptr ? std::min<std::uint32_t>(*told, buffer.size) : 0;
    reply_->put(std::uint32_t{0});
    reply_->put(size);
    if (size != 0) reply_->put_bytes(buffer.data, size);
}

void ServerCall::reply_out_pids(const CallBuffer& buffer) {
    std::uint32_t count = 0;
    if (buffer.size >= sizeof(count) && buffer.data != nullptr) std::memcpy(&count, buffer.data, sizeof(count));
    reply_rebased(buffer, pid_strings, count);
}

void ServerCall::reply_value_entries(const CallEntries& entries) {
    if (entries.data == nullptr || entries.count > max_value_entries) return;
    for (std::uint32_t i = 0; i < entries.count; ++i) {
        reply_->put(entries.data[i].DataLength);
        reply_->put(entries.data[i].DataOffset);
        reply_->put(entries.data[i].Type);
    }
}

void ServerCall::reply_rebased(const CallBuffer& buffer, const StringPlaces& places, std::uint32_t max_strings) {
    if (buffer.data == nullptr) return;
    auto* bytes = static_cast<std::byte*>(buffer.data);
    const auto base = reinterpret_cast<std::uint64_t>(bytes);
    std::uint32_t strings = 0;
    while (strings < std::min(max_strings, places.fit(buffer.size))) {
        std::byte* place = bytes + places.at(strings) + places.pointer;
        std::uint64_t pointer = 0;
        std::memcpy(&pointer, place, sizeof(pointer));
        if (pointer < base || pointer > base + buffer.size) break;
        pointer -= base;
        std::memcpy(place, &pointer, sizeof(pointer));
        ++strings;
    }
    reply_->put(strings);
    put_range(*reply_, buffer);
}

void ServerCall::reply_io_status(PIO_STATUS_BLOCK block) {
    if (block == nullptr) return;
    const NTSTATUS status = pending() ? STATUS_PENDING : rtl::load_io_status(block);
    reply_->put(status);
    reply_->put<std::uint64_t>(status == STATUS_PENDING ? 0 : block->Information);
}

bool ServerCall::completed() const { return rtl::load_io_status(block_) != STATUS_PENDING; }

void ServerCall::write_completion(Writer& writer, std::uint64_t number) const {
    writer.begin_record(RecordKind::completion, 0);
    CompletionRecord record{};
    record.number = number;
    record.pending_id = pending_id_;
    record.status = static_cast<std::uint32_t>(rtl::load_io_status(block_));
    record.information = block_->Information;
    writer.put(record);
    if (out_buffer_.data != nullptr) put_range(writer, out_buffer_);
    writer.end_record();
}

}  // namespace regent::rpc
