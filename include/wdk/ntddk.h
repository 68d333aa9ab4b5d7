/* wdm.h plus what non-WDM drivers use: generic tables, registry helpers. */
#pragma once

#include "wdm.h"

#include "wdm/ps.h"
#include "wdm/rtl_table.h"
