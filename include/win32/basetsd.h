/* The SDK splits windef.h; we do not. */
#pragma once
#include "windef.h"
