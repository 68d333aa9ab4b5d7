/* Status codes, for programs that include <ntstatus.h> themselves. */
#pragma once
#include "nt/ntstatus.h"
