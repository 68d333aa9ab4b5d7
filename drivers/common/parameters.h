/* Values below the driver's service key: <RegistryPath>\Parameters. */
#pragma once

#include "driver.h"

/* `Default` when the value is missing or no REG_DWORD. */
ULONG ReadDwordParameter(PUNICODE_STRING RegistryPath, PCWSTR ValueName, ULONG Default);
/* Copies a REG_SZ or REG_EXPAND_SZ, without its terminator, to `Value`, whose buffer the caller supplies. */
NTSTATUS ReadStringParameter(PUNICODE_STRING RegistryPath, PCWSTR ValueName, PUNICODE_STRING Value);
