#include "rpc/client_call.h"

#include <algorithm>

#include "ex/apc.h"
#include "nt/probe.h"
#include "se/descriptor.h"

namespace regent::rpc {

ClientCall::ClientCall(nt::ServiceNumber service) : service_(service) {
    connection_ = RemoteGate::instance().connection(status_);
    if (connection_ == nullptr) {
        refused_ = true;
        return;
    }
    if (connection_->busy) {
        connection_ = nullptr;
        give_up(STATUS_INVALID_DEVICE_STATE);
        return;
    }
    connection_->busy = true;
    connection_->request.begin_frame(FrameKind::calls);
    connection_->request.begin_record(RecordKind::call, static_cast<std::uint16_t>(service_));
}

ClientCall::~ClientCall() {
    if (pending_id_ != 0 && !pending()) RemoteGate::instance().remove_pending(pending_id_);
    if (connection_ != nullptr) connection_->busy = false;
}

void ClientCall::give_up(NTSTATUS status) {
    if (refused_) return;
    refused_ = true;
    status_ = status;
}

void ClientCall::put_raw(const void* data, std::size_t size) {
    if (connection_ == nullptr) return;
    if (connection_->request.size() + size > max_frame_size) return give_up(STATUS_INSUFFICIENT_RESOURCES);
    connection_->request.put_bytes(data, size);
}

void ClientCall::put_string(PCUNICODE_STRING string) {
    if (string == nullptr) return put_value<std::uint8_t>(0);
    const bool has_buffer = string->Buffer != nullptr;
    put_value<std::uint8_t>(has_buffer ? 3 : 1);
    put_value<std::uint16_t>(string->Length);
    put_value<std::uint16_t>(string->MaximumLength);
    if (has_buffer) put_raw(string->Buffer, string->Length);
}

void ClientCall::put_object_attributes(PCOBJECT_ATTRIBUTES attributes) {
    put_value(static_cast<std::uint8_t>(attributes != nullptr));
    if (attributes == nullptr) return;
    put_value<std::uint32_t>(attributes->Length);
    if (attributes->Length != sizeof(*attributes)) return;
    put_value(attributes->RootDirectory);
    put_value<std::uint32_t>(attributes->Attributes);
    put_string(attributes->ObjectName);
    // Who makes no object does not look at it, whatever stands there; who does has probed it.
    put_security_descriptor(nt::probe::descriptor(attributes->SecurityDescriptor) ? attributes->SecurityDescriptor
                                                                                  : nullptr);
    // Only one service looks at the quality of service, and probed it.
    const bool looks = service_ == nt::ServiceNumber::NtDuplicateToken;
    put_optional(looks ? static_cast<const SECURITY_QUALITY_OF_SERVICE*>(attributes->SecurityQualityOfService)
                       : nullptr);
}

void ClientCall::put_security_descriptor(PSECURITY_DESCRIPTOR descriptor) {
    put_value(static_cast<std::uint8_t>(descriptor != nullptr));
    if (descriptor == nullptr) return;
    const auto captured = se::capture_descriptor(descriptor);
    if (!captured) return give_up(captured.error().code());
    put_value(static_cast<std::uint32_t>(captured->size()));
    put_raw(captured->bytes().data(), captured->size());
}

void ClientCall::put_buffer(const void* buffer, std::uint32_t size) {
    put_value(static_cast<std::uint8_t>(buffer != nullptr));
    if (buffer == nullptr) return;
    if (size > max_buffer_size) return give_up(STATUS_INSUFFICIENT_RESOURCES);
    put_value(size);
    put_raw(buffer, size);
}

void ClientCall::put_out_buffer(PVOID buffer, std::uint32_t size) {
    if (buffer != nullptr) {
        buffer_ = buffer;
        buffer_size_ = size;
    }
    put_contents(buffer, size);
}

void ClientCall::put_contents(const void* buffer, std::uint32_t size) {
    put_value(static_cast<std::uint8_t>(buffer != nullptr));
    if (buffer == nullptr) return;
    if (size > max_buffer_size) return give_up(STATUS_INSUFFICIENT_RESOURCES);
    // What the service does not write keeps its contents, so they travel too; usually they are zeroes, which do not.
    const auto prefix = static_cast<std::uint32_t>(significant_size(rtl::as_bytes(buffer, size)));
    put_value(size);
    put_value(prefix);
    put_raw(buffer, prefix);
}

void ClientCall::put_told_buffer(PVOID buffer, std::uint32_t size) {
    put_value(static_cast<std::uint8_t>(buffer != nullptr));
    if (buffer == nullptr) return;
    if (size > max_buffer_size) return give_up(STATUS_INSUFFICIENT_RESOURCES);
    buffer_ = buffer;
    buffer_size_ = size;
    put_value(size);
    put_value(std::uint32_t{0});
}

void ClientCall::put_handles(const HANDLE* handles, std::uint32_t count) {
    put_value(static_cast<std::uint8_t>(handles != nullptr));
    if (handles == nullptr) return;
    const std::uint32_t sent = std::min<std::uint32_t>(count, MAXIMUM_WAIT_OBJECTS + 1);
    put_value(sent);
    // One more than the limit is enough for the service to refuse the count; that one need not be readable.
    if (sent > MAXIMUM_WAIT_OBJECTS) {
        const HANDLE none[MAXIMUM_WAIT_OBJECTS + 1] = {};
        return put_raw(none, sizeof(none));
    }
    put_raw(handles, sent * sizeof(HANDLE));
}

void ClientCall::put_value_entries(const KEY_VALUE_ENTRY* entries, std::uint32_t count) {
    put_value(static_cast<std::uint8_t>(entries != nullptr));
    if (entries == nullptr) return;
    // As with handles: the names of too many entries need not be readable.
    put_value(std::min(count, max_value_entries + 1));
    if (count > max_value_entries) return;
    for (std::uint32_t i = 0; i < count; ++i) {
        put_string(entries[i].ValueName);
        put_value(entries[i].DataLength);
        put_value(entries[i].DataOffset);
        put_value(entries[i].Type);
    }
}

void ClientCall::put_io_status(PIO_STATUS_BLOCK block) {
    put_value(static_cast<std::uint8_t>(block != nullptr));
    if (block == nullptr || connection_ == nullptr) return;
    block_ = block;
    id_place_ = connection_->request.size();
    put_value<std::uint64_t>(0);  // the id, once the whole call is known
}

void ClientCall::refuse_apc(bool given) {
    if (given) give_up(STATUS_NOT_SUPPORTED);
}

void ClientCall::put_apc(PIO_APC_ROUTINE routine, PVOID context) {
    apc_ = routine;
    apc_context_ = context;
    put_value(static_cast<std::uint8_t>(routine != nullptr));
}

bool run_apcs() {
    bool ran = false;
    const Ref<ex::ApcQueue> queue = ex::current_apc_queue();
    while (const auto apc = queue->take()) {
        apc->run(*apc);
        ran = true;
    }
    return ran;
}

bool ClientCall::exchange() {
    if (refused_) return false;
    RemoteGate& gate = RemoteGate::instance();
    Writer& request = connection_->request;
    if (block_ != nullptr) {
        pending_id_ = gate.add_pending(block_, buffer_, buffer_size_, {apc_, apc_context_});
        request.put_at(id_place_, pending_id_);
    }
    request.end_record();
    request.end_frame(0);
    if (send_frame(connection_->socket, request.bytes()) && receive_frame(connection_->socket, connection_->reply) &&
        read_reply())
        return true;
    gate.break_connection(*connection_);
    status_ = STATUS_PORT_DISCONNECTED;
    return false;
}

// Finds this call's reply in the frame and takes the completions that ride on it.
bool ClientCall::read_reply() {
    RemoteGate& gate = RemoteGate::instance();
    const Bytes frame = connection_->reply;
    const auto* header = rtl::record_at<FrameHeader>(frame);
    if (header->kind != static_cast<std::uint16_t>(FrameKind::replies)) return false;
    std::size_t place = sizeof(FrameHeader);
    bool found = false;
    for (unsigned left = header->count; left > 0; --left) {
        const auto* record = rtl::record_at<RecordHeader>(frame, place);
        if (record == nullptr || record->size < sizeof(RecordHeader)) return false;
        const auto bytes = rtl::slice(frame, place, record->size);
        if (!bytes) return false;
        const Bytes body = bytes->subspan(sizeof(RecordHeader));
        place += record->size;
        if (record->kind == static_cast<std::uint16_t>(RecordKind::completion)) {
            if (!gate.take_completion(body)) return false;
        } else if (!found && record->service == static_cast<std::uint16_t>(service_)) {
            found = true;
            reader_ = Reader(body);
            status_ = reader_.get<NTSTATUS>();
        } else {
            return false;
        }
    }
    if (!found) return false;
    gate.wait_for_completions(header->ordinal);
    return reader_.good();
}

void ClientCall::get_range(PVOID buffer, std::uint32_t size) {
    const auto offset = reader_.get<std::uint32_t>();
    const Bytes range = reader_.get_bytes(reader_.get<std::uint32_t>());
    if (!reader_.good()) return;
    if (offset > size || range.size() > size - offset) return reader_.fail();
    if (!range.empty()) std::memcpy(static_cast<std::byte*>(buffer) + offset, range.data(), range.size());
}

void ClientCall::get_out_buffer(PVOID buffer) {
    if (buffer == nullptr || pending()) return;
    get_range(buffer, buffer_size_);
}

void ClientCall::get_rebased(PVOID buffer, const StringPlaces& places) {
    if (buffer == nullptr) return;
    const auto strings = reader_.get<std::uint32_t>();
    get_range(buffer, buffer_size_);
    if (!reader_.good() || strings > places.fit(buffer_size_)) return reader_.fail();
    for (std::uint32_t i = 0; i < strings; ++i) {
        std::byte* place = static_cast<std::byte*>(buffer) + places.at(i) + places.pointer;
        std::uint64_t pointer = 0;
        std::memcpy(&pointer, place, sizeof(pointer));
        pointer += reinterpret_cast<std::uint64_t>(buffer);
        std::memcpy(place, &pointer, sizeof(pointer));
    }
}

void ClientCall::get_value_entries(PKEY_VALUE_ENTRY entries, std::uint32_t count) {
    if (entries == nullptr || count > max_value_entries) return;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto length = reader_.get<ULONG>();
        const auto offset = reader_.get<ULONG>();
        const auto type = reader_.get<ULONG>();
        if (!reader_.good()) return;
        entries[i].DataLength = length;
        entries[i].DataOffset = offset;
        entries[i].Type = type;
    }
}

void ClientCall::get_io_status(PIO_STATUS_BLOCK block) {
    if (block == nullptr) return;
    const auto status = reader_.get<NTSTATUS>();
    const auto information = reader_.get<std::uint64_t>();
    if (!reader_.good() || status == STATUS_PENDING) return;
    block->Status = status;
    block->Information = information;
}

NTSTATUS ClientCall::finish() {
    if (reader_.good()) return status_;
    RemoteGate::instance().break_connection(*connection_);
    return STATUS_PORT_DISCONNECTED;
}

}  // namespace regent::rpc
