#include "ex/hooks.h"

#include <atomic>

namespace regent::ex {
namespace {
constinit Hooks no_hooks;
constinit std::atomic<const Hooks*> installed{&no_hooks};
}  // namespace

void set_hooks(const Hooks* hooks) { installed.store(hooks != nullptr ? hooks : &no_hooks, std::memory_order_release); }

const Hooks& hooks() { return *installed.load(std::memory_order_acquire); }

void run_as_system(void (*body)(void*), void* argument) {
    if (hooks().run_as_system != nullptr) {
        hooks().run_as_system(body, argument);
    } else {
        body(argument);
    }
}

}  // namespace regent::ex
