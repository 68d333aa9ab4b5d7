// RtlpNt*: ntdll's short forms of the key services, which work on a key's default value.
#include <algorithm>
#include <cstring>

#include "nt/ntservices.h"
#include "win32/predefined.h"
#include "win32/value.h"
#include "win32/winternl.h"

using namespace regent;
using namespace regent::win32;

namespace {

// A key is neither permanent nor exclusive; callers pass attributes of other objects.
constexpr ULONG dropped_attributes = OBJ_PERMANENT | OBJ_EXCLUSIVE;

}  // namespace

extern "C" {

NTSTATUS NTAPI RtlpNtOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes, ULONG) {
    if (ObjectAttributes != nullptr) ObjectAttributes->Attributes &= ~dropped_attributes;
    return NtOpenKey(KeyHandle, DesiredAccess, ObjectAttributes);
}

NTSTATUS NTAPI RtlpNtCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes, ULONG,
                               PUNICODE_STRING, PULONG Disposition) {
    if (ObjectAttributes != nullptr) ObjectAttributes->Attributes &= ~dropped_attributes;
    return NtCreateKey(KeyHandle, DesiredAccess, ObjectAttributes, 0, nullptr, REG_OPTION_NON_VOLATILE, Disposition);
}

// *DataLength: the room, then the length of the data. ERRORS: NtQueryValueKey's; BUFFER_OVERFLOW.
NTSTATUS NTAPI RtlpNtQueryValueKey(HANDLE KeyHandle, PULONG Type, PVOID Data, PULONG DataLength, ULONG) {
    AnswerBuffer buffer;
    const NTSTATUS status = query_value(KeyHandle, {}, buffer);
    if (!NT_SUCCESS(status)) return status;
    const auto* info = buffer.as<KEY_VALUE_PARTIAL_INFORMATION>();
    const ULONG room = DataLength != nullptr ? *DataLength : 0;
    if (Type != nullptr) *Type = info->Type;
    if (DataLength != nullptr) *DataLength = info->DataLength;
    if (Data == nullptr) return status;
    if (room < info->DataLength) return STATUS_BUFFER_OVERFLOW;
    std::copy_n(info->Data, info->DataLength, static_cast<UCHAR*>(Data));
    return status;
}

NTSTATUS NTAPI RtlpNtSetValueKey(HANDLE KeyHandle, ULONG Type, PVOID Data, ULONG DataLength) {
    UNICODE_STRING name{};
    return NtSetValueKey(KeyHandle, &name, 0, Type, Data, DataLength);
}

NTSTATUS NTAPI RtlpNtMakeTemporaryKey(HANDLE KeyHandle) { return NtDeleteKey(KeyHandle); }

// ERRORS: NtEnumerateKey's; BUFFER_OVERFLOW when the name does not fit in MaximumLength.
NTSTATUS NTAPI RtlpNtEnumerateSubKey(HANDLE KeyHandle, PUNICODE_STRING SubKeyName, ULONG Index, ULONG) {
    AnswerBuffer buffer;
    const NTSTATUS status = query_all(buffer, [&](BYTE* data, ULONG length, ULONG* needed) {
        return NtEnumerateKey(KeyHandle, Index, KeyBasicInformation, data, length, needed);
    });
    if (!NT_SUCCESS(status)) return status;
    const auto* info = buffer.as<KEY_BASIC_INFORMATION>();
    if (SubKeyName == nullptr || SubKeyName->MaximumLength < info->NameLength) return STATUS_BUFFER_OVERFLOW;
    std::memcpy(SubKeyName->Buffer, info->Name, info->NameLength);
    SubKeyName->Length = static_cast<USHORT>(info->NameLength);
    return status;
}
}
