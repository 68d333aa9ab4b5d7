// Makes a detached host thread that runs as a thread of the System process.
#pragma once

namespace regent::ex {
void spawn_system_thread(const char* name, void (*body)(void*), void* argument);
}
