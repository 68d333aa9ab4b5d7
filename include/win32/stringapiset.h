/* Text functions are declared in winbase.h and winnls.h. */
#pragma once

#include "winnls.h"
