/* The frame of the small filter drivers: one callback at an altitude, interested in one subtree. Both come from the
   service key: Parameters\Altitude and Parameters\Subtree (REG_SZ). */
#pragma once

#include "key_path.h"
#include "parameters.h"

typedef struct _FILTER {
    LARGE_INTEGER Cookie;
    UNICODE_STRING Subtree;
    WCHAR SubtreeBuffer[260];
} FILTER, *PFILTER;

/* Registers `Callback` with `Filter` as its context. The last step of a DriverEntry: operations come at once. */
NTSTATUS FilterStart(PFILTER Filter, PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath, PCWSTR Altitude,
                     PEX_CALLBACK_FUNCTION Callback, PDRIVER_UNLOAD Unload);
/* The first step of an Unload: afterwards no thread is inside the callback, and none enters it. */
VOID FilterStop(PFILTER Filter);
/* The name of the key that `Object` is an opening of, valid until the opening ends; NULL when it is outside the
   subtree. Takes no lock of the Configuration Manager, so it is safe in every notification. */
PCUNICODE_STRING FilterKeyName(PFILTER Filter, PVOID Object);
