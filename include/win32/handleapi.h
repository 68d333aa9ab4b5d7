/* The SDK splits winbase.h into API sets; we do not. */
#pragma once
#include "winbase.h"
