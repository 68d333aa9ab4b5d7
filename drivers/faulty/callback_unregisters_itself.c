/* callback-unregisters-itself: it waits for its own end. Here it is told so and goes on. */
#include "faulty.h"

static VOID Fault(VOID) { g_Status = CmUnRegisterCallback(g_Cookie); }

NOTHING_AT_THE_BEGIN
NOTHING_AT_THE_END
