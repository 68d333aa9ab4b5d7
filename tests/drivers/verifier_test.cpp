// Each faulty driver of drivers/faulty, in the formats that the test is built for, is caught at its fault and at
// nothing else; drivers without fault are not.
#include <filesystem>
#include <ostream>

#include "ex/debug_sink.h"
#include "ex/verifier.h"
#include "host_fixture.h"
#include "nt/dispatch.h"

extern "C" {
__attribute__((weak)) void __lsan_disable();
__attribute__((weak)) void __lsan_enable();
}

namespace regent::test {
namespace {

using ex::verifier::Finding;

// What these drivers leave for ever is their fault and meant.
class LeaksAreMeant {
public:
    LeaksAreMeant() {
        if (__lsan_disable != nullptr) __lsan_disable();
    }
    ~LeaksAreMeant() {
        if (__lsan_enable != nullptr) __lsan_enable();
    }
    LeaksAreMeant(const LeaksAreMeant&) = delete;
    LeaksAreMeant& operator=(const LeaksAreMeant&) = delete;
};

class Verifier : public DriverHost {
    const LeaksAreMeant meant_;

protected:
    NTSTATUS load_verified(const std::string& driver, ULONG how = 1, ULONG budget = 0) {
        HANDLE key = make_key("\\Registry\\Machine\\System\\CurrentControlSet\\Services\\" + driver);
        Named verify("Verify");
        ZwSetValueKey(key, &verify.string, 0, REG_DWORD, &how, sizeof how);
        Named limit("VerifyBudget");
        if (budget != 0) ZwSetValueKey(key, &limit.string, 0, REG_DWORD, &budget, sizeof budget);
        ZwClose(key);
        return load(driver, driver + ".so");
    }
    static bool exists(const std::string& driver) {
        return is_elf(driver) || std::filesystem::exists(std::string(RG_DRIVERS) + "/" + driver + ".sys");
    }
    // As a program does, with a buffer of its own.
    static void query_fault() {
        nt::set_gate(&nt::local_table());
        Named name("\\Registry\\Machine\\Software\\Faulty");
        Named value("Fault");
        HANDLE key = nullptr;
        ASSERT_EQ(NtOpenKey(&key, KEY_READ, &name.attributes), STATUS_SUCCESS);
        alignas(8) std::byte buffer[64]{};
        ULONG length = 0;
        EXPECT_EQ(NtQueryValueKey(key, &value.string, KeyValuePartialInformation, buffer, sizeof buffer, &length),
                  STATUS_SUCCESS);
        EXPECT_EQ(reinterpret_cast<KEY_VALUE_PARTIAL_INFORMATION*>(buffer)->Data[0], 1);
        NtClose(key);
        nt::set_gate(nullptr);
    }
    // The value that faulty drivers wait for.
    static void set_fault() {
        HANDLE key = make_key("\\Registry\\Machine\\Software\\Faulty");
        Named fault("Fault");
        ULONG data = 1;
        EXPECT_EQ(ZwSetValueKey(key, &fault.string, 0, REG_DWORD, &data, sizeof data), STATUS_SUCCESS);
        ZwClose(key);
    }
    // Where a driver's functions have names.
    static bool is_elf(const std::string& driver) {
        return std::filesystem::exists(std::string(RG_DRIVERS) + "/" + driver + ".so");
    }
};

struct Fault {
    const char* driver;
    const char* rule;
    const char* function;  // of the driver
    const char* text;      // a part of it
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.driver; }

class FaultyDriver : public Verifier, public ::testing::WithParamInterface<Fault> {};

TEST_P(FaultyDriver, is_caught) {
    const Fault& fault = GetParam();
    const std::string driver = std::string("faulty_") + fault.driver;
    if (!exists(driver)) GTEST_SKIP() << "needs structured exceptions";
    ASSERT_EQ(load_verified(driver), STATUS_SUCCESS);
    set_fault();
    set_fault();
    query_fault();
    ASSERT_EQ(unload(driver), STATUS_SUCCESS);
    std::vector<Finding> found = ex::verifier::findings(driver);
    // On a busy machine any of them may lose its processor for longer than the budget.
    const std::string_view budget = ex::verifier::rules::callback_budget.name;
    if (fault.rule != budget) std::erase_if(found, [&](const Finding& finding) { return finding.rule == budget; });
    ASSERT_EQ(found.size(), 1U) << (found.size() > 1 ? found[1].line() : "");
    EXPECT_EQ(found[0].driver, driver);
    EXPECT_EQ(found[0].rule, fault.rule);
    EXPECT_NE(found[0].text.find(fault.text), std::string::npos) << found[0].text;
    ASSERT_FALSE(found[0].stack.empty());
    EXPECT_EQ(found[0].function, found[0].stack[0]);
    const std::string function = is_elf(driver) ? std::string(fault.function) + "+0x" : driver + "+0x";
    EXPECT_TRUE(found[0].function.starts_with(function)) << found[0].function;
    EXPECT_TRUE(printed("verifier: " + found[0].line()));
}

constexpr Fault faults[] = {
    {"pool_leak", "pool-leak", "Fault", "2 blocks of together 200 bytes, tag Fult"},
    {"pool_double_free", "pool-double-free", "Fault", "24 bytes, tag Fult, was freed before in "},
    {"pool_wrong_tag", "pool-wrong-tag", "Fault", "tag Fult was freed with tag Oher"},
    {"pool_write_after_free", "pool-write-after-free", "Fault", "24 bytes, tag Fult, was written after it was freed"},
    {"pool_zero_size", "pool-zero-size", "Fault", "no bytes"},
    {"callback_left", "callback-left", "Begin", "callback, not unregistered"},
    {"device_left", "device-left", "Begin", "device \\Device\\FaultyDeviceLeft, not deleted"},
    {"link_left", "link-left", "Begin", "link \\DosDevices\\FaultyLinkLeft, not deleted"},
    {"work_item_left", "work-item-left", "Begin", "work item, not freed"},
    {"notify_left", "notify-left", "Begin", "notify routine, not removed"},
    {"worker_running", "worker-running", "Work", "work item without a device"},
    {"thread_running", "worker-running", "Work", "system thread runs"},
    {"irql", "irql", "Fault", "ZwOpenKey called at DISPATCH_LEVEL, allowed up to PASSIVE_LEVEL"},
    {"irql_pool", "irql", "Fault", "paged pool called at DISPATCH_LEVEL, allowed up to APC_LEVEL"},
    {"irql_kept", "irql-kept", "Callback", "registry callback returned at IRQL 1 instead of 0"},
    {"region_kept", "region-kept", "Callback", "unbalanced critical"},
    {"region_not_entered", "region-not-entered", "Fault", "KeLeaveCriticalRegion without its enter"},
    {"apcs_enabled", "apcs-enabled", "Fault", "outside a critical region"},
    {"lock_order", "lock-order", "Fault", " is held; the other way round in "},
    {"lock_held_at_return", "lock-held-at-return", "Fault", "registry callback returned while it held guarded mutex "},
    {"lock_across_service", "lock-across-service", "Fault", "ZwOpenKey called while guarded mutex "},
    {"callback_budget", "callback-budget", "Callback", "more than 100 ms for notification 1"},
    {"callback_unregisters_itself", "callback-unregisters-itself", "Fault", "from inside the callback"},
    {"post_status_written", "post-status-written", "WatchPost", "changed Status"},
    {"object_resurrected", "object-resurrected", "WatchClose", "referenced a key object"},
    {"buffer_outside_seh", "buffer-outside-seh", "Look", "touched outside __try"},
    {"captured_pointer_probed", "captured-pointer-probed", "Probe", "captured"},
    {"timer_left", "timer-left", "Tick", "timer"},
};
INSTANTIATE_TEST_SUITE_P(Rules, FaultyDriver, ::testing::ValuesIn(faults),
                         [](const auto& fault) { return std::string(fault.param.driver); });

TEST_F(Verifier, finds_nothing_in_drivers_without_fault) {
    for (const char* driver : {"seh_guard", "deny", "audit", "context_user", "cancel", "regmon"}) {
        if (!exists(driver)) continue;  // seh_guard needs clang
        ASSERT_EQ(load_verified(driver), STATUS_SUCCESS) << driver;
        set_fault();
        query_fault();
        ASSERT_EQ(unload(driver), STATUS_SUCCESS) << driver;
        const auto found = ex::verifier::findings(driver);
        EXPECT_TRUE(found.empty()) << found[0].line();
    }
}

// The callback sleeps for 120 ms: over the usual budget and over a smaller one, not over an hour.
TEST_F(Verifier, takes_the_callbacks_budget_from_the_service_key) {
    const auto texts = [this](ULONG budget) {
        EXPECT_EQ(load_verified("faulty_callback_budget", 1, budget), STATUS_SUCCESS);
        set_fault();
        EXPECT_EQ(unload("faulty_callback_budget"), STATUS_SUCCESS);
        std::string all;
        for (const Finding& finding : ex::verifier::findings("faulty_callback_budget")) all += finding.text + "\n";
        return all;
    };
    EXPECT_NE(texts(110).find("more than 110 ms for notification 1\n"), std::string::npos);
    EXPECT_EQ(texts(3'600'000), "");
}

TEST_F(Verifier, watches_only_who_asked) {
    ASSERT_EQ(load("faulty_pool_leak", "faulty_pool_leak.so"), STATUS_SUCCESS);
    EXPECT_FALSE(ex::verifier::active());
    set_fault();
    ASSERT_EQ(unload("faulty_pool_leak"), STATUS_SUCCESS);
    EXPECT_TRUE(printed("1 pool blocks of 100 bytes"));  // the host's own look stays
    EXPECT_TRUE(ex::verifier::findings("faulty_pool_leak").empty());
}

TEST_F(Verifier, forgets_the_findings_of_an_earlier_load) {
    ASSERT_EQ(load_verified("faulty_pool_zero_size"), STATUS_SUCCESS);
    set_fault();
    ASSERT_EQ(unload("faulty_pool_zero_size"), STATUS_SUCCESS);
    EXPECT_EQ(ex::verifier::findings("faulty_pool_zero_size").size(), 1U);
    ASSERT_EQ(load_verified("faulty_pool_zero_size"), STATUS_SUCCESS);
    EXPECT_TRUE(ex::verifier::findings("faulty_pool_zero_size").empty());
    ASSERT_EQ(unload("faulty_pool_zero_size"), STATUS_SUCCESS);
}

// What cannot go on is said before the host stops.
TEST_F(Verifier, says_what_the_host_stops_for) {
    constexpr struct {
        const char* driver;
        const char* pattern;
    } fatal[] = {
        {"faulty_pool_overrun",
         "verifier: faulty_pool_overrun: pool-overrun in .*24 bytes, tag Fult,.*\n(.*\n)*.*0x000000C4.*0000000051"},
        {"faulty_wait_at_dispatch",
         "verifier: faulty_wait_at_dispatch: wait-at-dispatch in .*DISPATCH_LEVEL.*\n(.*\n)*.*0x000000B8"},
        {"faulty_lock_recursion",
         "verifier: faulty_lock_recursion: lock-recursion in .*fast mutex.*\n(.*\n)*.*0x000000C4.*0000001000"},
    };
    for (const auto& fault : fatal) {
        ASSERT_EQ(load_verified(fault.driver), STATUS_SUCCESS);
        EXPECT_DEATH(
            {
                ex::DebugSink::instance().echo_to_stderr(true);
                set_fault();
            },
            fault.pattern);
        ASSERT_EQ(unload(fault.driver), STATUS_SUCCESS);
    }
}

TEST_F(Verifier, stops_the_host_when_asked_to) {
    ASSERT_EQ(load_verified("faulty_pool_wrong_tag", 2), STATUS_SUCCESS);
    EXPECT_DEATH(set_fault(),
                 "0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION \\(0x0000000000000016.*\n(.*\n)*"
                 ".*verifier: faulty_pool_wrong_tag: pool-wrong-tag in ");
    ASSERT_EQ(unload("faulty_pool_wrong_tag"), STATUS_SUCCESS);
}

}  // namespace
}  // namespace regent::test
