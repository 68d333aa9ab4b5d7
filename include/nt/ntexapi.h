/* Dispatcher objects and waits. */
#pragma once

#include "nt/ntdef.h"

typedef enum _EVENT_TYPE RG_ENUM_UNDERLYING { NotificationEvent, SynchronizationEvent } EVENT_TYPE;
typedef enum _TIMER_TYPE RG_ENUM_UNDERLYING { NotificationTimer, SynchronizationTimer } TIMER_TYPE;
typedef enum _WAIT_TYPE RG_ENUM_UNDERLYING { WaitAll, WaitAny } WAIT_TYPE;

#define EVENT_QUERY_STATE 0x0001
#define EVENT_MODIFY_STATE 0x0002
#define EVENT_ALL_ACCESS 0x001F0003
#define MUTANT_QUERY_STATE 0x0001
#define MUTANT_ALL_ACCESS 0x001F0001
#define SEMAPHORE_QUERY_STATE 0x0001
#define SEMAPHORE_MODIFY_STATE 0x0002
#define SEMAPHORE_ALL_ACCESS 0x001F0003
#define TIMER_QUERY_STATE 0x0001
#define TIMER_MODIFY_STATE 0x0002
#define TIMER_ALL_ACCESS 0x001F0003
#define MAXIMUM_WAIT_OBJECTS 64

/* Runs in the thread that set the timer, in an alertable wait of it. The time is when the timer expired. */
typedef VOID(NTAPI* PTIMER_APC_ROUTINE)(PVOID TimerContext, ULONG TimerLowValue, LONG TimerHighValue);
