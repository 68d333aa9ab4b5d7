/* The Windows Driver Model contract, as this host gives it. Layouts are those of Windows x64. */
#pragma once

#include "nt/ntservices.h"
#include "regcallback.h"
#include "wdm/io.h"
#include "wdm/obps.h"
#include "wdm/rtl.h"
#include "wdm/rtl_registry.h"
#include "wdm/tm.h"
