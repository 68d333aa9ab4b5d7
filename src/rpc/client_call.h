// One call through the gate, written by the generated client stubs: arguments put, frame exchanged, results fetched.
#pragma once

#include "nt/ntstatus.h"
#include "nt/probe.h"
#include "rpc/client.h"

namespace regent::rpc {

// Used by one thread; lives on the stack of the stub.
class ClientCall {
public:
    explicit ClientCall(nt::ServiceNumber service);
    ~ClientCall();
    ClientCall(const ClientCall&) = delete;
    ClientCall& operator=(const ClientCall&) = delete;

    template <typename T>
    void put_value(T value) {
        if (connection_ != nullptr) connection_->request.put(value);
    }
    template <typename T>
    void put_optional(const T* value) {
        put_value(static_cast<std::uint8_t>(value != nullptr));
        if (value != nullptr) put_value(*value);
    }
    void put_string(PCUNICODE_STRING string);
    void put_object_attributes(PCOBJECT_ATTRIBUTES attributes);
    void put_security_descriptor(PSECURITY_DESCRIPTOR descriptor);
    void put_buffer(const void* buffer, std::uint32_t size);
    void put_out_buffer(PVOID buffer, std::uint32_t size);
    void put_told_buffer(PVOID buffer, std::uint32_t size);  // whose contents mean nothing
    void put_handles(const HANDLE* handles, std::uint32_t count);
    // Plain records without pointers.
    template <typename T>
    void put_array(const T* records, std::uint32_t count) {
        if (count > max_buffer_size / sizeof(T)) return give_up(STATUS_INSUFFICIENT_RESOURCES);
        put_buffer(records, static_cast<std::uint32_t>(count * sizeof(T)));
    }
    void put_value_entries(const KEY_VALUE_ENTRY* entries, std::uint32_t count);
    void put_token_information(TOKEN_INFORMATION_CLASS kind, const void* information, std::uint32_t size);
    void put_groups(const TOKEN_GROUPS* groups);
    void put_privileges(const TOKEN_PRIVILEGES* privileges);
    void put_privilege_set(const PRIVILEGE_SET* privileges);
    void put_sid(PSID sid);
    void put_object_types(const OBJECT_TYPE_LIST* types, std::uint32_t count);
    // An entry for each object type.
    template <typename T>
    void put_out_array(const T* array, std::uint32_t count) {
        if (count > nt::probe::max_object_types) return give_up(STATUS_INVALID_PARAMETER);
        put_contents(array, static_cast<std::uint32_t>(count * sizeof(T)));
    }
    void put_io_status(PIO_STATUS_BLOCK block);
    void refuse_apc(bool given);
    // Whether there is one travels; it runs here.
    void put_apc(PIO_APC_ROUTINE routine, PVOID context);

    // Sends the call and waits for its reply; false when there is none, with the reason in status().
    bool exchange();
    NTSTATUS status() const { return status_; }

    template <typename T>
    void get_out(T* value) {
        if (value == nullptr) return;
        const T received = reader_.get<T>();
        if (reader_.good()) *value = received;
    }
    void get_out_buffer(PVOID buffer);
    template <typename T>
    void get_out_array(T* array, std::uint32_t count) {
        if (array != nullptr) get_range(array, static_cast<std::uint32_t>(count * sizeof(T)));
    }
    void get_out_name(PVOID buffer) { get_rebased(buffer, plain_strings); }
    void get_out_dir(PVOID buffer) { get_rebased(buffer, plain_strings); }
    void get_out_pids(PVOID buffer) { get_rebased(buffer, pid_strings); }
    void get_out_groups(PVOID buffer) { get_rebased(buffer, token_groups); }
    void get_out_token(PVOID buffer, TOKEN_INFORMATION_CLASS kind);
    void get_privilege_set(PRIVILEGE_SET* privileges);
    void get_value_entries(PKEY_VALUE_ENTRY entries, std::uint32_t count);
    void get_io_status(PIO_STATUS_BLOCK block);
    // The service's status, or PORT_DISCONNECTED when the reply was no reply.
    NTSTATUS finish();

private:
    void put_raw(const void* data, std::size_t size);
    void give_up(NTSTATUS status);
    bool read_reply();
    // What output memory holds before the call.
    void put_contents(const void* buffer, std::uint32_t size);
    void get_range(PVOID buffer, std::uint32_t size);
    void get_rebased(PVOID buffer, const StringPlaces& places);
    void put_sid_bytes(PSID sid);
    bool pending() const { return status_ == STATUS_PENDING && block_ != nullptr; }

    nt::ServiceNumber service_;
    Connection* connection_ = nullptr;
    bool refused_ = false;
    NTSTATUS status_ = STATUS_SUCCESS;
    PIO_STATUS_BLOCK block_ = nullptr;
    PVOID buffer_ = nullptr;
    std::uint32_t buffer_size_ = 0;
    PIO_APC_ROUTINE apc_ = nullptr;
    PVOID apc_context_ = nullptr;
    std::uint64_t pending_id_ = 0;
    std::size_t id_place_ = 0;
    Reader reader_;
};

// Runs what completions have queued for the calling thread; whether there was anything. REQUIRES: no call of this
// thread is under way.
bool run_apcs();
// An alertable point: `ask` asks the daemon, which breaks a wait for a routine that runs here. One that ran already,
// since its news came with an earlier reply, is no reason: the wait goes on.
template <typename Ask>
NTSTATUS alertable(NTSTATUS when, Ask ask) {
    for (;;) {
        const NTSTATUS status = ask();
        if (status != when || run_apcs() || when != STATUS_USER_APC) return status;
    }
}

}  // namespace regent::rpc
