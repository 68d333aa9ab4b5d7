/* ntddk.h for drivers that filter files or security; adds nothing of its own yet. */
#pragma once

#include "ntddk.h"
