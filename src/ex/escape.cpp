#include "ex/escape.h"

namespace regent::ex {
namespace {
thread_local Escape* innermost = nullptr;
}

Escape::Escape()
    : thread_(thread_state()),
      outer_(innermost),
      frame_(thread_.frame),
      exceptions_(thread_.exceptions),
      irql_(thread_.irql),
      critical_regions_(thread_.critical_regions),
      guarded_regions_(thread_.guarded_regions) {
    innermost = this;
}

Escape::~Escape() { innermost = outer_; }

Escape* Escape::current() {
    const DriverFrame* const frame = thread_state().frame;
    return innermost != nullptr && frame != nullptr && frame->previous == innermost->frame_ ? innermost : nullptr;
}

void Escape::leave(NTSTATUS code) {
    status = code;
    thread_.frame = frame_;
    thread_.exceptions = exceptions_;
    thread_.irql = irql_;
    thread_.critical_regions = critical_regions_;
    thread_.guarded_regions = guarded_regions_;
    std::longjmp(back, 1);
}

}  // namespace regent::ex
