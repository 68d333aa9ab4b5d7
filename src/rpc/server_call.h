// One call on the server's side: its arguments decoded from an untrusted record into memory of the call, its results
// encoded into the reply. The call owns every byte that the service may touch, also after it returned STATUS_PENDING.
#pragma once

#include <memory>
#include <memory_resource>

#include "nt/ntstatus.h"
#include "nt/service.h"
#include "rpc/wire.h"

namespace regent::rpc {

// A buffer argument as the service gets it. `size` is what the frame says; data may be null.
struct CallBuffer {
    PVOID data = nullptr;
    std::uint32_t size = 0;
    Bytes before;  // out buffers: what the client's memory held (its missing tail was zero)
};
struct CallHandles {
    const HANDLE* data = nullptr;
    std::uint32_t count = 0;
};
// Records without pointers.
template <typename T>
struct CallArray {
    T* data = nullptr;
    std::uint32_t size = 0;  // in bytes
};
// Records that the service writes.
template <typename T>
struct CallOutArray {
    T* data = nullptr;
    CallBuffer buffer;
};
struct CallTypes {
    POBJECT_TYPE_LIST data = nullptr;
    std::uint32_t count = 0;
};
struct CallEntries {
    PKEY_VALUE_ENTRY data = nullptr;
    std::uint32_t count = 0;
};

// Externally synchronised: one session thread until the call is pending, then the process's collector.
class ServerCall {
public:
    // `arguments` must outlive the decoding only.
    ServerCall(Bytes arguments, Writer& reply, std::uint16_t service);
    ServerCall(const ServerCall&) = delete;
    ServerCall& operator=(const ServerCall&) = delete;

    // How many bytes the out buffers of the calls of one frame may have together.
    void set_budget(std::size_t budget) { budget_ = budget; }
    std::size_t budget() const { return budget_; }

    bool good() const { return reader_.good(); }
    NTSTATUS status() const { return status_; }

    template <typename T>
    T value() {
        return reader_.get<T>();
    }
    template <typename T>
    T* optional() {
        if (reader_.get<std::uint8_t>() == 0) return nullptr;
        const T value = reader_.get<T>();
        return good() ? new (allocate(sizeof(T), alignof(T))) T(value) : nullptr;
    }
    PUNICODE_STRING string();
    POBJECT_ATTRIBUTES object_attributes();
    PSECURITY_DESCRIPTOR security_descriptor();
    CallBuffer buffer();
    CallBuffer out_buffer();
    CallHandles handles();
    template <typename T>
    CallArray<T> array() {
        const CallBuffer bytes = buffer();
        return {static_cast<T*>(bytes.data), bytes.size};
    }
    template <typename T>
    CallOutArray<T> out_array() {
        const CallBuffer bytes = out_buffer();
        return {static_cast<T*>(bytes.data), bytes};
    }
    CallEntries value_entries();
    PSID sid();
    CallTypes object_types();
    CallBuffer token_information(TOKEN_INFORMATION_CLASS kind);
    PTOKEN_GROUPS groups();
    PTOKEN_PRIVILEGES privileges();
    PPRIVILEGE_SET privilege_set();
    PIO_STATUS_BLOCK io_status();
    // Null, or a routine that does nothing: that one is queued breaks the alertable wait, the client's own runs there.
    PIO_APC_ROUTINE apc();
    void check_length(const CallBuffer& buffer, std::uint32_t length);
    void check_handles(const CallHandles& handles, std::uint32_t count);
    template <typename T>
    void check_array(const CallArray<T>& array, std::uint32_t count) {
        if (array.data != nullptr && array.size != std::uint64_t{count} * sizeof(T)) reader_.fail();
    }
    template <typename T>
    void check_array(const CallOutArray<T>& array, std::uint32_t count) {
        check_array(CallArray<T>{array.data, array.buffer.size}, count);
    }
    void check_types(const CallTypes& types, std::uint32_t count) {
        if (types.data != nullptr && types.count != count) reader_.fail();
    }
    void check_entries(const CallEntries& entries, std::uint32_t count);

    void begin_reply(NTSTATUS status);
    template <typename T>
    void reply_out(const T* value) {
        if (value != nullptr) reply_->put(*value);
    }
    void reply_out_buffer(const CallBuffer& buffer);
    template <typename T>
    void reply_out_array(const CallOutArray<T>& array) {
        reply_out_buffer(array.buffer);
    }
    // Of a success the first *told bytes, otherwise none.
    void reply_told_buffer(const CallBuffer& buffer, const ULONG* told);
    void reply_out_name(const CallBuffer& buffer) { reply_rebased(buffer, plain_strings, 1); }
    void reply_out_dir(const CallBuffer& buffer) { reply_rebased(buffer, plain_strings, UINT32_MAX); }
    void reply_out_pids(const CallBuffer& buffer);
    void reply_out_groups(const CallBuffer& buffer);
    void reply_out_token(const CallBuffer& buffer, TOKEN_INFORMATION_CLASS kind);
    void reply_privilege_set(const PRIVILEGE_SET* privileges);
    void reply_value_entries(const CallEntries& entries);
    void reply_io_status(PIO_STATUS_BLOCK block);

    // A call that returned STATUS_PENDING with a status block still writes into this object's memory.
    bool pending() const { return status_ == STATUS_PENDING && block_ != nullptr; }
    bool completed() const;
    void write_completion(Writer& writer, std::uint64_t number) const;

private:
    void* allocate(std::size_t size, std::size_t alignment);
    PVOID copy(Bytes bytes, std::size_t alignment);
    void reply_rebased(const CallBuffer& buffer, const StringPlaces& places, std::uint32_t max_strings);

    std::byte first_[1024];
    std::pmr::monotonic_buffer_resource memory_;
    Reader reader_;
    Writer* reply_;
    std::uint16_t service_;
    std::size_t budget_ = max_buffer_size;
    NTSTATUS status_ = 0;
    PIO_STATUS_BLOCK block_ = nullptr;
    std::uint64_t pending_id_ = 0;
    CallBuffer out_buffer_;
};

// Decodes, calls and encodes service `number` of `table`; false when the record was no call of ours (the reply is then
// to be dropped with the connection). Generated.
bool serve_call(std::uint16_t number, ServerCall& call, const nt::ServiceTable& table);

}  // namespace regent::rpc
