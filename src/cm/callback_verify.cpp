// Callbacks of drivers that the verifier watches, and of drivers that were written for an older Windows: the calls that
// are not plain ones.
#include <string>

#include "cm/callback_classes.h"
#include "cm/callback_registry.h"
#include "ex/guarded_buffer.h"
#include "ex/verifier.h"
#include "rtl/time.h"

namespace regent::cm::filter {
namespace {

// One call of a watched driver's callback.
class WatchedCall {
public:
    WatchedCall(const Registration& registration, REG_NOTIFY_CLASS notify_class)
        : registration_(registration),
          class_(notify_class),
          locks_(ex::verifier::locks_held()),
          start_(rtl::monotonic_ns()) {}
    ~WatchedCall() {
        if (registration_.verified == 0) return;
        ex::verifier::report_locks_kept("registry callback", locks_);
        if (rtl::monotonic_ns() - start_ <= std::int64_t{registration_.budget_ms} * 1'000'000) return;
        report(ex::verifier::rules::callback_budget,
               "the callback took more than " + std::to_string(registration_.budget_ms) + " ms for notification " +
                   std::to_string(static_cast<int>(class_)));
    }
    WatchedCall(const WatchedCall&) = delete;
    WatchedCall& operator=(const WatchedCall&) = delete;
    void report(const ex::verifier::Rule& rule, const std::string& text) const {
        report_at(rule, text, reinterpret_cast<const void*>(registration_.function));
    }
    void report_at(const ex::verifier::Rule& rule, const std::string& text, const void* where) const {
        ex::verifier::report_at(registration_.verified, rule, text, where);
    }

private:
    const Registration& registration_;
    REG_NOTIFY_CLASS class_;
    std::size_t locks_;
    std::int64_t start_;
};

struct Output {
    void** buffer = nullptr;
    std::size_t size = 0;
};

template <typename Information>
Output key_output(void* information) {
    auto& info = *static_cast<Information*>(information);
    return {&info.KeyInformation, info.Length};
}
template <typename Information>
Output value_output(void* information) {
    auto& info = *static_cast<Information*>(information);
    return {&info.KeyValueInformation, info.Length};
}

// The user's buffer that a query answers into.
Output output_of(REG_NOTIFY_CLASS pre_class, void* information) {
    switch (pre_class) {
        case RegNtPreQueryKey:
            return key_output<REG_QUERY_KEY_INFORMATION>(information);
        case RegNtPreEnumerateKey:
            return key_output<REG_ENUMERATE_KEY_INFORMATION>(information);
        case RegNtPreQueryValueKey:
            return value_output<REG_QUERY_VALUE_KEY_INFORMATION>(information);
        case RegNtPreEnumerateValueKey:
            return value_output<REG_ENUMERATE_VALUE_KEY_INFORMATION>(information);
        default:
            return {};
    }
}

}  // namespace

// While it lives, the callback of a watched driver finds a guarded buffer where the user's is: the same one in pre and
// post of an operation, for drivers that remember it.
class GuardedOutput {
public:
    GuardedOutput(Operation& operation, const Registration& registration, const WatchedCall& watched)
        : watched_(watched) {
        if (registration.verified == 0 || ExGetPreviousMode() != UserMode) return;
        output_ = output_of(operation.class_, operation.information_);
        if (output_.buffer == nullptr || *output_.buffer == nullptr || output_.size == 0 ||
            output_.size > ex::GuardedBuffer::largest)
            return;
        Operation::Extra& extra = operation.extra();
        if (extra.output == nullptr) extra.output = ex::GuardedBuffer::claim();
        if (extra.output == nullptr) return;
        guard_ = extra.output;
        users_ = *output_.buffer;
        *output_.buffer = guard_->arm(users_, output_.size);
    }
    ~GuardedOutput() {
        if (guard_ == nullptr) return;
        *output_.buffer = users_;
        if (const void* const instruction = guard_->disarm())
            watched_.report_at(ex::verifier::rules::buffer_outside_seh,
                               "the caller's buffer, which may be bad at any moment, touched outside __try",
                               instruction);
    }
    GuardedOutput(const GuardedOutput&) = delete;
    GuardedOutput& operator=(const GuardedOutput&) = delete;

private:
    const WatchedCall& watched_;
    Output output_;
    void* users_ = nullptr;
    ex::GuardedBuffer* guard_ = nullptr;
};

Operation::Extra::~Extra() {
    if (output != nullptr) output->release();
}

std::optional<NTSTATUS> Operation::special_pre(const Registration& registration) {
    const WatchedCall watched(registration, class_);
    const GuardedOutput guarded(*this, registration, watched);
    return registration.profile == Profile::windows7 ? registration.call(class_, information_)
                                                     : older_pre(registration);
}

std::optional<NTSTATUS> Operation::special_post(const Registration& registration,
                                                REG_POST_OPERATION_INFORMATION& info) {
    const REG_NOTIFY_CLASS post = class_layouts[class_].post;
    const WatchedCall watched(registration, post);
    const GuardedOutput guarded(*this, registration, watched);
    if (registration.profile != Profile::windows7) return older_post(registration, info);
    const NTSTATUS status = info.Status;
    const NTSTATUS answer = registration.call(post, &info);
    if (registration.verified != 0 && info.Status != status)
        watched.report(ex::verifier::rules::post_status_written,
                       "a post-notification changed Status, which is not its to change: ReturnStatus is");
    return answer;
}

}  // namespace regent::cm::filter
