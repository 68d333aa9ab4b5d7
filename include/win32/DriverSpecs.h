/* Annotations of driver sources, for their user programs: nothing. */
#pragma once
#include "wdk/wdm/sal.h"
