// Findings: kept by driver, each printed once.
#include "ex/verifier.h"

#include <algorithm>
#include <deque>
#include <map>

#include "ex/bugcheck.h"
#include "ex/call_driver.h"
#include "ex/debug_sink.h"
#include "rtl/lock.h"

namespace regent::ex::verifier {

constinit std::atomic<std::uint32_t> verified_drivers{0};

namespace {

constexpr std::size_t most_findings = 512;  // of all drivers; the oldest go
constexpr std::size_t most_frames_shown = 12;

struct Store {
    Mutex<LockRank::leaf> lock;
    std::deque<Finding> findings RG_GUARDED_BY(lock);
    std::map<DriverId, ULONG> callback_budgets RG_GUARDED_BY(lock);  // of the drivers loaded now
};

Store& store() {
    static Store* instance = new Store;
    return *instance;
}

// True when it is new.
bool add(const Finding& finding) {
    Store& all = store();
    ExclusiveGuard guard(all.lock);
    const auto known = std::ranges::find_if(all.findings, [&](const Finding& other) {
        return other.driver == finding.driver && other.rule == finding.rule && other.function == finding.function &&
               other.text == finding.text;
    });
    if (known != all.findings.end()) {
        ++known->count;
        return false;
    }
    if (all.findings.size() == most_findings) all.findings.pop_front();
    all.findings.push_back(finding);
    return true;
}

void publish(DriverId driver, const Rule& rule, const Finding& finding, const void* innermost) {
    if (add(finding)) {
        std::string lines = "verifier: " + finding.line() + "\n";
        for (const std::string& frame : finding.stack) lines += "verifier:     " + frame + "\n";
        DebugSink::instance().print(DPFLTR_SYSTEM_ID, DPFLTR_ERROR_LEVEL, lines);
    }
    if ((driver & stop_bit) == 0) return;
    stop_host(0xC4, {rule.code, reinterpret_cast<ULONG_PTR>(innermost), 0, 0}, "verifier: " + finding.line());
}

void describe(DriverId driver, const StackTrace& stack, Finding& finding) {
    for (const void* frame : stack)
        if (finding.stack.size() < most_frames_shown) finding.stack.push_back(describe_call(frame));
    if (!finding.stack.empty()) {
        finding.function = finding.stack.front();
        return;
    }
    const DriverFrame* const frame = current_driver_frame();
    const bool inside = frame != nullptr && driver_of(frame->routine) == driver;
    finding.function = inside ? describe_code(frame->routine) : "no routine of it";
}

}  // namespace

void start(DriverId driver, ULONG callback_budget) {
    const std::string name = driver_name(driver);
    verified_drivers.fetch_add(1, std::memory_order_relaxed);
    {
        Store& all = store();
        ExclusiveGuard guard(all.lock);
        std::erase_if(all.findings, [&](const Finding& finding) { return finding.driver == name; });
        all.callback_budgets[driver] = callback_budget;
    }
    DebugSink::instance().print(DPFLTR_SYSTEM_ID, DPFLTR_INFO_LEVEL, "verifier: " + name + ": watched from here on\n");
}

void end(DriverId driver) {
    forget_locks_of(driver);
    {
        Store& all = store();
        ExclusiveGuard guard(all.lock);
        all.callback_budgets.erase(driver);
    }
    verified_drivers.fetch_sub(1, std::memory_order_relaxed);
    DebugSink::instance().print(DPFLTR_SYSTEM_ID, DPFLTR_INFO_LEVEL,
                                "verifier: " + driver_name(driver) + ": no longer watched\n");
}

void report(DriverId driver, const Rule& rule, const std::string& text, const StackTrace& stack) {
    Finding finding;
    finding.driver = driver_name(driver);
    finding.rule = rule.name;
    finding.text = text;
    describe(driver, stack, finding);
    publish(driver, rule, finding, stack.empty() ? nullptr : stack.front());
}

void report_at(DriverId driver, const Rule& rule, const std::string& text, const void* routine) {
    Finding finding;
    finding.driver = driver_name(driver);
    finding.rule = rule.name;
    finding.text = text;
    finding.function = describe_code(routine);
    finding.stack = {finding.function};
    publish(driver, rule, finding, routine);
}

void report(DriverId driver, const Rule& rule, const std::string& text) {
    report(driver, rule, text, stack_in(driver));
}

StackTrace stack_in(DriverId driver) {
    StackTrace stack = capture_stack();
    const auto is_its = [driver](const void* frame) { return driver_of(frame) == driver; };
    stack.erase(std::find_if(stack.rbegin(), stack.rend(), is_its).base(), stack.end());
    stack.erase(stack.begin(), std::ranges::find_if(stack, is_its));
    return stack;
}

ULONG callback_budget(DriverId driver) {
    Store& all = store();
    ExclusiveGuard guard(all.lock);
    const auto known = all.callback_budgets.find(driver);
    return known != all.callback_budgets.end() ? known->second : usual_callback_budget;
}

std::vector<Finding> findings(std::string_view driver) {
    Store& all = store();
    ExclusiveGuard guard(all.lock);
    std::vector<Finding> result;
    std::ranges::copy_if(all.findings, std::back_inserter(result),
                         [&](const Finding& finding) { return finding.driver == driver; });
    return result;
}

DriverId verified_caller() {
    const DriverFrame* const frame = current_driver_frame();
    if (frame == nullptr) return 0;
    const DriverId driver = driver_of(frame->routine);
    return is_verified(driver) ? driver : 0;
}

}  // namespace regent::ex::verifier
