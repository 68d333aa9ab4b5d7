/* Names of keys, as filter drivers compare them. */
#pragma once

#include "driver.h"

/* Is `Name` the key `Subtree` or below it? An empty subtree holds every key. */
BOOLEAN IsInSubtree(PCUNICODE_STRING Subtree, PCUNICODE_STRING Name);
/* `Name` of a create or open made absolute: prefixed with its root's name when it is relative. The buffer is the
   caller's to free (ExFreePoolWithTag). */
NTSTATUS CompletePath(PLARGE_INTEGER Cookie, PREG_CREATE_KEY_INFORMATION Information, PUNICODE_STRING Path);
