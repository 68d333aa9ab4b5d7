/* Events, mutexes, semaphores, timers and queued routines between threads, by name and by handle, and what the last
   error says. Compiles for Windows as it stands, and prints the same under Wine. Returns 0, or 1 after printing a line
   that was not as expected.
 */
#define UNICODE
#define _UNICODE
#include <windows.h>

#include <stdio.h>

#include "check.h"

#define LAST(call, error) (SetLastError(12345), (call), GetLastError() == (error))

struct shared {
    HANDLE first, second, ready;
    volatile LONG turns;
};

static DWORD WINAPI take_and_leave(LPVOID argument) {
    struct shared* shared = argument;
    WaitForSingleObject(shared->first, INFINITE);
    return 0; /* the mutex is still held */
}

static DWORD WINAPI release_foreign(LPVOID mutex) { return ReleaseMutex(mutex) ? 0 : GetLastError(); }

static DWORD WINAPI wait_for_both(LPVOID argument) {
    struct shared* shared = argument;
    HANDLE both[2] = {shared->first, shared->second};
    DWORD result;
    SetEvent(shared->ready);
    result = WaitForMultipleObjects(2, both, TRUE, 20000);
    if (result == WAIT_OBJECT_0) ReleaseMutex(shared->first);
    return result;
}

static DWORD WINAPI count(LPVOID argument) {
    struct shared* shared = argument;
    int index;
    for (index = 0; index < 500; ++index) {
        if (WaitForSingleObject(shared->first, INFINITE) != WAIT_OBJECT_0) return 1;
        shared->turns = shared->turns + 1;
        if (!ReleaseMutex(shared->first)) return 2;
    }
    return 0;
}

static DWORD run(LPTHREAD_START_ROUTINE routine, LPVOID argument) {
    DWORD code = 999;
    HANDLE thread = CreateThread(NULL, 0, routine, argument, 0, NULL);
    WaitForSingleObject(thread, INFINITE);
    GetExitCodeThread(thread, &code);
    CloseHandle(thread);
    return code;
}

static int events(void) {
    HANDLE event, again, wrong;
    CHECK(LAST(event = CreateEventW(NULL, TRUE, FALSE, L"RegentSyncEvent"), ERROR_SUCCESS) && event != NULL);
    CHECK(LAST(again = CreateEventW(NULL, FALSE, TRUE, L"RegentSyncEvent"), ERROR_ALREADY_EXISTS) && again != NULL);
    CHECK(WaitForSingleObject(again, 0) == WAIT_TIMEOUT); /* what was there stays as it is */
    CHECK(CloseHandle(again));
    CHECK(LAST(again = OpenEventW(EVENT_MODIFY_STATE, FALSE, L"Local\\RegentSyncEvent"), 12345) && again != NULL);
    CHECK(SetEvent(again) && WaitForSingleObject(event, 0) == WAIT_OBJECT_0);
    CHECK(WaitForSingleObject(event, 0) == WAIT_OBJECT_0 && ResetEvent(again));
    CHECK(WaitForSingleObject(event, 0) == WAIT_TIMEOUT);
    CHECK(LAST(WaitForSingleObject(again, 0), ERROR_ACCESS_DENIED)); /* it was opened without SYNCHRONIZE */
    CHECK(PulseEvent(event) && WaitForSingleObject(event, 0) == WAIT_TIMEOUT);
    CHECK(LAST(wrong = OpenEventW(SYNCHRONIZE, FALSE, L"RegentNoSuchEvent"), ERROR_FILE_NOT_FOUND) && wrong == NULL);
    CHECK(LAST(wrong = OpenEventW(SYNCHRONIZE, FALSE, NULL), ERROR_INVALID_PARAMETER) && wrong == NULL);
    CHECK(LAST(wrong = CreateMutexW(NULL, FALSE, L"RegentSyncEvent"), ERROR_INVALID_HANDLE) && wrong == NULL);
    CHECK(LAST(wrong = OpenSemaphoreW(SYNCHRONIZE, FALSE, L"RegentSyncEvent"), ERROR_INVALID_HANDLE) && wrong == NULL);
    CHECK(LAST(SetEvent(NULL), ERROR_INVALID_HANDLE) && LAST(ReleaseMutex(event), ERROR_INVALID_HANDLE));
    CHECK(CloseHandle(again) && CloseHandle(event));
    CHECK(OpenEventW(SYNCHRONIZE, FALSE, L"RegentSyncEvent") == NULL); /* gone with its last handle */
    event = CreateEventExW(NULL, NULL, CREATE_EVENT_MANUAL_RESET | CREATE_EVENT_INITIAL_SET, SYNCHRONIZE);
    CHECK(event != NULL && WaitForSingleObject(event, 0) == WAIT_OBJECT_0 && WaitForSingleObject(event, 0) == 0);
    CHECK(LAST(SetEvent(event), ERROR_ACCESS_DENIED));
    return CloseHandle(event) ? 0 : __LINE__;
}

static int mutexes(void) {
    struct shared shared = {0};
    HANDLE threads[4], again;
    DWORD index;
    CHECK(LAST(shared.first = CreateMutexW(NULL, TRUE, L"Global\\RegentSyncMutex"), ERROR_SUCCESS));
    CHECK(LAST(again = CreateMutexW(NULL, TRUE, L"Global\\RegentSyncMutex"), ERROR_ALREADY_EXISTS));
    CHECK(WaitForSingleObject(shared.first, 0) == WAIT_OBJECT_0); /* its owner takes it again */
    CHECK(run(release_foreign, again) == ERROR_NOT_OWNER);
    CHECK(ReleaseMutex(again) && ReleaseMutex(shared.first)); /* twice: the second creation owned nothing */
    CHECK(LAST(ReleaseMutex(shared.first), ERROR_NOT_OWNER));
    CHECK(CloseHandle(again));
    CHECK((again = OpenMutexW(SYNCHRONIZE, FALSE, L"Global\\RegentSyncMutex")) != NULL);
    CHECK(run(take_and_leave, &shared) == 0);
    CHECK(WaitForSingleObject(again, 20000) == WAIT_ABANDONED && ReleaseMutex(again));
    CHECK(WaitForSingleObject(again, 0) == WAIT_OBJECT_0 && ReleaseMutex(again) && CloseHandle(again));
    for (index = 0; index < 4; ++index) threads[index] = CreateThread(NULL, 0, count, &shared, 0, NULL);
    CHECK(WaitForMultipleObjects(4, threads, TRUE, INFINITE) == WAIT_OBJECT_0 && shared.turns == 2000);
    for (index = 0; index < 4; ++index) CHECK(CloseHandle(threads[index]));
    /* Its owner closes it: nothing is left behind that the thread's end would touch. */
    again = CreateMutexW(NULL, TRUE, NULL);
    CHECK(again != NULL && CloseHandle(again));
    return CloseHandle(shared.first) ? 0 : __LINE__;
}

static int semaphores(void) {
    HANDLE semaphore, again, both[2];
    LONG previous = -1;
    CHECK(LAST(semaphore = CreateSemaphoreW(NULL, 1, 0, NULL), ERROR_INVALID_PARAMETER) && semaphore == NULL);
    CHECK(LAST(semaphore = CreateSemaphoreW(NULL, 3, 2, NULL), ERROR_INVALID_PARAMETER) && semaphore == NULL);
    CHECK(LAST(semaphore = CreateSemaphoreW(NULL, -1, 2, NULL), ERROR_INVALID_PARAMETER) && semaphore == NULL);
    semaphore = CreateSemaphoreW(NULL, 1, 2, L"RegentSyncSemaphore");
    CHECK(semaphore != NULL);
    CHECK(WaitForSingleObject(semaphore, 0) == WAIT_OBJECT_0 && WaitForSingleObject(semaphore, 0) == WAIT_TIMEOUT);
    CHECK((again = OpenSemaphoreW(SEMAPHORE_MODIFY_STATE, FALSE, L"RegentSyncSemaphore")) != NULL);
    CHECK(LAST(ReleaseSemaphore(again, 3, &previous), ERROR_TOO_MANY_POSTS) && previous == -1);
    CHECK(ReleaseSemaphore(again, 2, &previous) && previous == 0);
    CHECK(ReleaseSemaphore(again, 1, NULL) == 0 && GetLastError() == ERROR_TOO_MANY_POSTS);
    both[0] = both[1] = semaphore;
    CHECK(WaitForMultipleObjects(2, both, FALSE, 0) == WAIT_OBJECT_0);
    CHECK(LAST(WaitForMultipleObjects(0, both, FALSE, 0), ERROR_INVALID_PARAMETER));
    CHECK(CloseHandle(again) && CloseHandle(semaphore));
    return 0;
}

/* A wait for all takes nothing until it can take everything. */
static int several(void) {
    struct shared shared = {0};
    DWORD code = 999;
    HANDLE thread, any[3];
    shared.first = CreateMutexW(NULL, TRUE, NULL);
    shared.second = CreateSemaphoreW(NULL, 1, 1, NULL);
    shared.ready = CreateEventW(NULL, FALSE, FALSE, NULL);
    thread = CreateThread(NULL, 0, wait_for_both, &shared, 0, NULL);
    CHECK(WaitForSingleObject(shared.ready, 20000) == WAIT_OBJECT_0);
    CHECK(WaitForSingleObject(thread, 20) == WAIT_TIMEOUT);
    CHECK(WaitForSingleObject(shared.second, 0) == WAIT_OBJECT_0); /* it was left alone */
    CHECK(ReleaseMutex(shared.first) && WaitForSingleObject(thread, 20) == WAIT_TIMEOUT);
    CHECK(ReleaseSemaphore(shared.second, 1, NULL) && WaitForSingleObject(thread, 20000) == WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(thread, &code) && code == WAIT_OBJECT_0);
    any[0] = shared.second, any[1] = shared.first, any[2] = shared.ready;
    CHECK(WaitForMultipleObjects(3, any, FALSE, 0) == WAIT_OBJECT_0 + 1 && ReleaseMutex(shared.first));
    CHECK(CloseHandle(thread) && CloseHandle(shared.first) && CloseHandle(shared.second) && CloseHandle(shared.ready));
    return 0;
}

#define MILLISECONDS(count) (-10000LL * (count))

static BOOL set_timer(HANDLE timer, LONGLONG due, LONG period, PTIMERAPCROUTINE routine, LPVOID argument) {
    LARGE_INTEGER time;
    time.QuadPart = due;
    return SetWaitableTimer(timer, &time, period, routine, argument, FALSE);
}

static int timers(void) {
    HANDLE event = CreateEventW(NULL, TRUE, TRUE, NULL);
    HANDLE timer = CreateWaitableTimerW(NULL, TRUE, NULL), named, same;
    int index;
    CHECK(timer != NULL && WaitForSingleObject(timer, 0) == WAIT_TIMEOUT);
    CHECK(set_timer(timer, MILLISECONDS(10), 0, NULL, NULL) && WaitForSingleObject(timer, 20000) == WAIT_OBJECT_0);
    CHECK(WaitForSingleObject(timer, 0) == WAIT_OBJECT_0); /* until it is set again */
    CHECK(CancelWaitableTimer(timer) && WaitForSingleObject(timer, 0) == WAIT_OBJECT_0);
    CHECK(set_timer(timer, MILLISECONDS(3600000), 0, NULL, NULL) && WaitForSingleObject(timer, 0) == WAIT_TIMEOUT);
    CHECK(set_timer(timer, 1, 0, NULL, NULL) && WaitForSingleObject(timer, 20000) == WAIT_OBJECT_0); /* 1601 */
    named = CreateWaitableTimerW(NULL, FALSE, L"RegentTimer");
    CHECK(named != NULL && GetLastError() == ERROR_SUCCESS);
    same = CreateWaitableTimerW(NULL, TRUE, L"RegentTimer");
    CHECK(same != NULL && GetLastError() == ERROR_ALREADY_EXISTS && CloseHandle(same));
    same = OpenWaitableTimerW(SYNCHRONIZE, FALSE, L"RegentTimer");
    CHECK(same != NULL && LAST(set_timer(same, 0, 0, NULL, NULL), ERROR_ACCESS_DENIED));
    CHECK(set_timer(named, MILLISECONDS(1), 3, NULL, NULL));
    for (index = 0; index < 3; ++index) CHECK(WaitForSingleObject(same, 20000) == WAIT_OBJECT_0);
    CHECK(CancelWaitableTimer(named));
    CHECK(LAST(OpenWaitableTimerW(SYNCHRONIZE, FALSE, L"NoSuchTimer"), ERROR_FILE_NOT_FOUND));
    CHECK(LAST(set_timer(event, 0, 0, NULL, NULL), ERROR_INVALID_HANDLE));
    CHECK(LAST(CancelWaitableTimer(event), ERROR_INVALID_HANDLE));
    CHECK(CloseHandle(event) && CloseHandle(timer) && CloseHandle(named) && CloseHandle(same));
    return 0;
}

static struct {
    int times;
    LPVOID argument;
    ULONGLONG when;
} rung;
static VOID CALLBACK ring(LPVOID argument, DWORD low, DWORD high) {
    ++rung.times;
    rung.argument = argument;
    rung.when = (ULONGLONG)high << 32 | low;
}

/* A timer's routine runs in the thread that set it, in an alertable wait and not before, once for each time. */
static int timer_routines(void) {
    HANDLE timer = CreateWaitableTimerW(NULL, TRUE, NULL);
    FILETIME now;
    ULONGLONG before;
    GetSystemTimeAsFileTime(&now);
    before = (ULONGLONG)now.dwHighDateTime << 32 | now.dwLowDateTime;
    CHECK(set_timer(timer, MILLISECONDS(5), 0, ring, &before));
    CHECK(WaitForSingleObject(timer, 20000) == WAIT_OBJECT_0 && rung.times == 0);
    CHECK(SleepEx(20000, TRUE) == WAIT_IO_COMPLETION && rung.times == 1 && rung.argument == &before);
    CHECK(rung.when >= before && SleepEx(0, TRUE) == 0 && rung.times == 1);
    CHECK(set_timer(timer, MILLISECONDS(1), 0, ring, NULL) && WaitForSingleObject(timer, 20000) == WAIT_OBJECT_0);
    CHECK(CancelWaitableTimer(timer) && SleepEx(0, TRUE) == 0 && rung.times == 1); /* it does not run any more */
    return CloseHandle(timer) ? 0 : __LINE__;
}

static int order[4], ordered;
static VOID NTAPI note(ULONG_PTR number) { order[ordered++] = (int)number; }

static DWORD WINAPI wait_alertably(LPVOID argument) {
    struct shared* shared = argument;
    if (ordered != 1) return 1; /* what was queued before the beginning has run */
    SetEvent(shared->ready);
    return WaitForSingleObjectEx(shared->first, 20000, TRUE) == WAIT_IO_COMPLETION && ordered == 2 ? 0 : 2;
}

static int queued_routines(void) {
    struct shared shared = {0};
    HANDLE thread;
    DWORD code = 999;
    shared.first = CreateEventW(NULL, TRUE, FALSE, NULL);
    CHECK(QueueUserAPC(note, GetCurrentThread(), 1) && QueueUserAPC(note, GetCurrentThread(), 2));
    CHECK(WaitForSingleObject(shared.first, 0) != WAIT_IO_COMPLETION && ordered == 0); /* not alertable */
    CHECK(SleepEx(20000, TRUE) == WAIT_IO_COMPLETION && ordered == 2 && order[0] == 1 && order[1] == 2);
    ordered = 0;
    shared.ready = CreateEventW(NULL, FALSE, FALSE, NULL);
    thread = CreateThread(NULL, 0, wait_alertably, &shared, CREATE_SUSPENDED, NULL);
    CHECK(thread != NULL && QueueUserAPC(note, thread, 3) && ResumeThread(thread) == 1);
    CHECK(WaitForSingleObject(shared.ready, 20000) == WAIT_OBJECT_0 && QueueUserAPC(note, thread, 4));
    CHECK(WaitForSingleObject(thread, 20000) == WAIT_OBJECT_0 && GetExitCodeThread(thread, &code) && code == 0);
    CHECK(order[0] == 3 && order[1] == 4 && !QueueUserAPC(note, thread, 5));
    CHECK(LAST(QueueUserAPC(note, NULL, 6), ERROR_INVALID_HANDLE));
    CHECK(CloseHandle(thread) && CloseHandle(shared.first) && CloseHandle(shared.ready));
    return 0;
}

static DWORD WINAPI answer_turns(LPVOID argument) {
    struct shared* shared = argument;
    int turn;
    if (WaitForSingleObject(shared->first, 20000) != WAIT_OBJECT_0) return 1;
    for (turn = 0; turn < 100; ++turn) {
        shared->turns = shared->turns + 1;
        if (SignalObjectAndWait(shared->second, shared->first, 20000, FALSE) != WAIT_OBJECT_0) return 2;
    }
    return 0;
}

/* SignalObjectAndWait: two threads take turns; what cannot be signaled is not waited for. */
static int signal_and_wait(void) {
    struct shared shared = {0};
    HANDLE mutex = CreateMutexW(NULL, FALSE, NULL), full = CreateSemaphoreW(NULL, 1, 1, NULL), thread;
    int turn;
    shared.first = CreateEventW(NULL, FALSE, FALSE, NULL);
    shared.second = CreateEventW(NULL, FALSE, FALSE, NULL);
    thread = CreateThread(NULL, 0, answer_turns, &shared, 0, NULL);
    for (turn = 1; turn <= 100; ++turn) {
        CHECK(SignalObjectAndWait(shared.first, shared.second, 20000, FALSE) == WAIT_OBJECT_0);
        CHECK(shared.turns == turn);
    }
    CHECK(SetEvent(shared.first) && WaitForSingleObject(thread, 20000) == WAIT_OBJECT_0);
    CHECK(SignalObjectAndWait(shared.first, shared.second, 10, FALSE) == WAIT_TIMEOUT);
    CHECK(WaitForSingleObject(shared.first, 0) == WAIT_OBJECT_0);
    CHECK(LAST(SignalObjectAndWait(mutex, shared.first, 0, FALSE), ERROR_NOT_OWNER));
    CHECK(LAST(SignalObjectAndWait(full, shared.first, 0, FALSE), ERROR_TOO_MANY_POSTS));
    CHECK(LAST(SignalObjectAndWait(shared.first, NULL, 0, FALSE), ERROR_INVALID_HANDLE));
    CHECK(WaitForSingleObject(shared.first, 0) == WAIT_TIMEOUT); /* left alone */
    CHECK(SignalObjectAndWait(shared.first, mutex, 0, FALSE) == WAIT_OBJECT_0);
    CHECK(SignalObjectAndWait(mutex, shared.first, 0, FALSE) == WAIT_OBJECT_0);
    ordered = 0;
    CHECK(QueueUserAPC(note, GetCurrentThread(), 7));
    CHECK(SignalObjectAndWait(shared.second, shared.first, 20000, TRUE) == WAIT_IO_COMPLETION && ordered == 1);
    CHECK(CloseHandle(thread) && CloseHandle(shared.first) && CloseHandle(shared.second));
    return CloseHandle(mutex) && CloseHandle(full) ? 0 : __LINE__;
}

int main(void) {
    int line = events();
    if (line == 0) line = mutexes();
    if (line == 0) line = semaphores();
    if (line == 0) line = several();
    if (line == 0) line = timers();
    if (line == 0) line = timer_routines();
    if (line == 0) line = queued_routines();
    if (line == 0) line = signal_and_wait();
    printf("%s\n", line == 0 ? "ok" : "wrong");
    return line == 0 ? 0 : 1;
}
