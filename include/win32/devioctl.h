/* Control codes of devices, by the name that driver projects use. */
#pragma once
#include "winioctl.h"
