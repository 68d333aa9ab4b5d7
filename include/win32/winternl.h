/* Native declarations: the services, and ntdll's short forms for a key's default value. */
#pragma once

#include "nt/ntservices.h"
#include "windef.h"

RG_EXTERN_C_BEGIN

NTSTATUS NTAPI RtlpNtOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                             ULONG Unused);
NTSTATUS NTAPI RtlpNtCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                               ULONG Unused, PUNICODE_STRING UnusedClass, PULONG Disposition);
NTSTATUS NTAPI RtlpNtQueryValueKey(HANDLE KeyHandle, PULONG Type, PVOID Data, PULONG DataLength, ULONG Unused);
NTSTATUS NTAPI RtlpNtSetValueKey(HANDLE KeyHandle, ULONG Type, PVOID Data, ULONG DataLength);
NTSTATUS NTAPI RtlpNtMakeTemporaryKey(HANDLE KeyHandle);
NTSTATUS NTAPI RtlpNtEnumerateSubKey(HANDLE KeyHandle, PUNICODE_STRING SubKeyName, ULONG Index, ULONG Unused);

RG_EXTERN_C_END
