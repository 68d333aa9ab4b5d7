/* Microsoft's names beside the system's. */
#pragma once

#include_next <string.h>
#include <strings.h>

#define _stricmp strcasecmp
#define _strnicmp strncasecmp
#define _strdup strdup
