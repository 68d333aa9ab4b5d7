// One untrusted call record after the other against the server's decoder, with services that touch every byte that they
// were promised. Seeds: none needed; the first two bytes choose the service.
#include <cstring>
#include <utility>

#include "nt/ntstatus.h"
#include "rpc/server_call.h"
#include "se/descriptor.h"

namespace {

using namespace regent;

volatile unsigned sink;

void touch(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i) sink = sink + bytes[i];
}
void use(PUNICODE_STRING string) {
    if (string != nullptr && string->Buffer != nullptr) touch(string->Buffer, string->Length);
}
void use(POBJECT_ATTRIBUTES attributes) {
    if (attributes == nullptr || attributes->Length != sizeof(*attributes)) return;
    use(attributes->ObjectName);
    if (attributes->SecurityDescriptor != nullptr)
        static_cast<void>(se::capture_descriptor(attributes->SecurityDescriptor));
}
void fill(PVOID buffer, ULONG size) {
    if (buffer != nullptr) std::memset(buffer, 0xA5, size);
}
template <typename T>
void set(T* value) {
    if (value != nullptr) std::memset(value, 1, sizeof(T));
}

NTSTATUS create_key(PHANDLE handle, ACCESS_MASK, POBJECT_ATTRIBUTES attributes, ULONG, PUNICODE_STRING name, ULONG,
                    PULONG disposition) {
    use(attributes);
    use(name);
    set(handle);
    set(disposition);
    return STATUS_SUCCESS;
}
NTSTATUS set_value(HANDLE, PUNICODE_STRING name, ULONG, ULONG, PVOID data, ULONG size) {
    use(name);
    if (data != nullptr) touch(data, size);
    return STATUS_SUCCESS;
}
NTSTATUS query_key(HANDLE, KEY_INFORMATION_CLASS, PVOID buffer, ULONG length, PULONG needed) {
    fill(buffer, length);
    set(needed);
    return STATUS_SUCCESS;
}
NTSTATUS query_object(HANDLE, OBJECT_INFORMATION_CLASS, PVOID buffer, ULONG length, PULONG needed) {
    set(needed);
    if (buffer == nullptr || length < sizeof(UNICODE_STRING)) return STATUS_INFO_LENGTH_MISMATCH;
    UNICODE_STRING string{};
    string.Buffer = static_cast<PWSTR>(buffer);
    std::memcpy(buffer, &string, sizeof(string));
    return STATUS_SUCCESS;
}
NTSTATUS query_directory(HANDLE, PVOID buffer, ULONG length, BOOLEAN, BOOLEAN, PULONG context, PULONG needed) {
    set(context);
    return query_object(nullptr, ObjectNameInformation, buffer, length, needed);
}
NTSTATUS set_security(HANDLE, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR descriptor) {
    if (descriptor != nullptr) static_cast<void>(se::capture_descriptor(descriptor));
    return STATUS_SUCCESS;
}
NTSTATUS wait_many(ULONG count, const HANDLE* handles, WAIT_TYPE, BOOLEAN, PLARGE_INTEGER timeout) {
    if (handles != nullptr && count <= MAXIMUM_WAIT_OBJECTS) touch(handles, count * sizeof(HANDLE));
    if (timeout != nullptr) touch(timeout, sizeof(*timeout));
    return STATUS_TIMEOUT;
}
NTSTATUS device_control(HANDLE, HANDLE, PIO_APC_ROUTINE, PVOID, PIO_STATUS_BLOCK block, ULONG code, PVOID input,
                        ULONG input_size, PVOID output, ULONG output_size) {
    if (input != nullptr) touch(input, input_size);
    fill(output, output_size);
    if (block != nullptr) block->Status = STATUS_SUCCESS;
    return (code & 1) != 0 ? STATUS_PENDING : STATUS_SUCCESS;
}

const nt::ServiceTable& table() {
    static const nt::ServiceTable fakes = [] {
        nt::ServiceTable made{};
        made.NtCreateKey = create_key;
        made.NtSetValueKey = set_value;
        made.NtQueryKey = query_key;
        made.NtQueryObject = query_object;
        made.NtQueryDirectoryObject = query_directory;
        made.NtSetSecurityObject = set_security;
        made.NtWaitForMultipleObjects = wait_many;
        made.NtDeviceIoControlFile = device_control;
        return made;
    }();
    return fakes;
}

constexpr nt::ServiceNumber faked[] = {nt::ServiceNumber::NtCreateKey,
                                       nt::ServiceNumber::NtSetValueKey,
                                       nt::ServiceNumber::NtQueryKey,
                                       nt::ServiceNumber::NtQueryObject,
                                       nt::ServiceNumber::NtQueryDirectoryObject,
                                       nt::ServiceNumber::NtSetSecurityObject,
                                       nt::ServiceNumber::NtWaitForMultipleObjects,
                                       nt::ServiceNumber::NtDeviceIoControlFile};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto number = static_cast<std::uint16_t>(faked[data[0] % std::size(faked)]);
    rpc::Writer reply;
    reply.begin_frame(rpc::FrameKind::replies);
    rpc::ServerCall call(rtl::as_bytes(data + 1, size - 1), reply, number);
    call.set_budget(1 << 20);
    if (!rpc::serve_call(number, call, table())) return 0;
    reply.end_record();
    if (call.pending() && call.completed()) call.write_completion(reply, 1);
    return 0;
}
