/* The SDK splits winbase.h; we do not. */
#pragma once
#include "winbase.h"
