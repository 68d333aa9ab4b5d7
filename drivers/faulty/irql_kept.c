/* irql-kept: raised on a way out that forgot to lower it. */
#include "faulty.h"

static VOID Fault(VOID) {
    KIRQL old;

    KeRaiseIrql(APC_LEVEL, &old);
    g_Status = old;
}

NOTHING_AT_THE_BEGIN
NOTHING_AT_THE_END
