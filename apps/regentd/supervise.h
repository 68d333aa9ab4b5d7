// Keeps a daemon running, where no init system does: it starts this program once more, without --supervise, and again
// whenever it ends by a signal (a bug check, a fault). An end by itself is the supervisor's end, with the same code.
#pragma once

#include <string>
#include <vector>

// `arguments`: the daemon's, its name first. SIGTERM and SIGINT are passed on. Gives up, with exit code 1, when five
// daemons in a row crash within ten seconds of their start.
int supervise(const std::vector<std::string>& arguments);
