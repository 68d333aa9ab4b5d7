/* <windows.h> for programs that use the registry, devices, events and error texts. Compile with
       gcc -fshort-wchar -fms-extensions -I include/win32 -I include prog.c -lregent
   and the program talks to a store, or to regentd, as REGENT_STORE and REGENT_SOCKET say. */
#pragma once

#include <ctype.h>

#include "interlockedapi.h"
#include "libloaderapi.h"
#include "process_thread.h"
#include "processenv.h"
#include "processthreadsapi.h"
#include "securitybaseapi.h"
#include "shellapi.h"
#include "synchapi.h"
#include "timezoneapi.h"
#include "winbase.h"
#include "windef.h"
#include "winerror.h"
#include "winioctl.h"
#include "winnls.h"
#include "winnt.h"
#include "winreg.h"
#include "winsvc.h"
#include "winuser.h"
#if defined(__SIZEOF_WCHAR_T__) && __SIZEOF_WCHAR_T__ == 2
#include <wchar.h>
#endif
