// The small filter drivers of drivers/: each is loaded, sees what a program does, and is unloaded without a trace. The
// same file tests them as ELF objects, as PE images by regent-cc and as PE images by mingw-w64.
#include <cstring>
#include <filesystem>

#include "host_fixture.h"
#include "nt/dispatch.h"
#include "ob/process.h"

namespace regent::test {
namespace {

const std::string area = "\\Registry\\Machine\\Software\\FilterArea";

class Filters : public DriverHost {
protected:
    void SetUp() override {
        DriverHost::SetUp();
        nt::set_gate(&nt::local_table());  // Nt* calls go to the executive that the fixture has started
        ZwClose(make_key(area));
    }
    void TearDown() override {
        nt::set_gate(nullptr);
        DriverHost::TearDown();
    }
    // Loads the driver with the area as its subtree.
    void start(const std::string& name) {
        set_parameter(name, "Subtree", "\\REGISTRY\\MACHINE\\SOFTWARE\\FilterArea");
        ASSERT_EQ(load(name, name + ".so"), STATUS_SUCCESS) << printed_after(name);
    }
    // Every driver leaves the host as it was; what it says at its end contains `last`.
    void stop(const std::string& name, const std::string& last = "") {
        EXPECT_EQ(unload(name), STATUS_SUCCESS);
        EXPECT_FALSE(printed("left behind")) << printed_after("left behind");
        EXPECT_TRUE(last.empty() || printed(last)) << printed_after(name + ": ");
    }
    // A user's calls, as a program makes them.
    static NTSTATUS open(const std::string& path, HANDLE* key, ACCESS_MASK access = KEY_ALL_ACCESS) {
        Named name(path);
        return NtOpenKey(key, access, &name.attributes);
    }
    static NTSTATUS create(const std::string& path, HANDLE* key) {
        Named name(path);
        return NtCreateKey(key, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, 0, nullptr);
    }
    static NTSTATUS set(HANDLE key, const std::string& name, ULONG number) {
        Named value(name);
        return NtSetValueKey(key, &value.string, 0, REG_DWORD, &number, sizeof number);
    }
    static NTSTATUS query(HANDLE key, const std::string& name, ULONG* number = nullptr) {
        alignas(8) std::byte buffer[64];
        ULONG needed = 0;
        Named value(name);
        const NTSTATUS status =
            NtQueryValueKey(key, &value.string, KeyValuePartialInformation, buffer, sizeof buffer, &needed);
        const auto* info = reinterpret_cast<const KEY_VALUE_PARTIAL_INFORMATION*>(buffer);
        if (NT_SUCCESS(status) && number != nullptr) std::memcpy(number, info->Data, sizeof *number);
        return status;
    }
    static NTSTATUS remove_value(HANDLE key, const std::string& name) {
        Named value(name);
        return NtDeleteValueKey(key, &value.string);
    }
};

TEST_F(Filters, audit_tells_successful_changes) {
    start("audit");
    HANDLE key = nullptr;
    HANDLE child = nullptr;
    ASSERT_EQ(open(area, &key), STATUS_SUCCESS);
    ASSERT_EQ(create(area + "\\Child", &child), STATUS_SUCCESS);
    EXPECT_EQ(set(child, "Size", 1), STATUS_SUCCESS);
    EXPECT_EQ(remove_value(child, "Size"), STATUS_SUCCESS);
    EXPECT_EQ(remove_value(child, "Size"), STATUS_OBJECT_NAME_NOT_FOUND);  // no change
    EXPECT_EQ(NtDeleteKey(child), STATUS_SUCCESS);
    NtClose(child);
    NtClose(key);
    ZwClose(make_key("\\Registry\\Machine\\Software\\Elsewhere"));
    EXPECT_TRUE(printed(" created \\REGISTRY\\MACHINE\\SOFTWARE\\FilterArea\\Child"));
    EXPECT_TRUE(printed(" set \\REGISTRY\\MACHINE\\SOFTWARE\\FilterArea\\Child Size"));
    EXPECT_FALSE(printed("Elsewhere"));
    stop("audit", "audit: 4 changes");
}

TEST_F(Filters, deny_refuses_users_only) {
    start("deny");
    HANDLE key = nullptr;
    ASSERT_EQ(open(area, &key), STATUS_SUCCESS);
    EXPECT_EQ(set(key, "Size", 1), STATUS_ACCESS_DENIED);
    EXPECT_EQ(NtDeleteKey(key), STATUS_ACCESS_DENIED);
    EXPECT_EQ(query(key, "Size"), STATUS_OBJECT_NAME_NOT_FOUND);  // reading is free, and nothing was written
    Named value("Size");
    ULONG number = 1;
    EXPECT_EQ(ZwSetValueKey(key, &value.string, 0, REG_DWORD, &number, sizeof number), STATUS_SUCCESS);
    NtClose(key);
    stop("deny", "deny: 2 changes refused");
}

TEST_F(Filters, redirect_gives_another_key) {
    const std::string target = "\\Registry\\Machine\\Software\\FilterTarget";
    HANDLE there = make_key(target);
    HANDLE inner = make_key(target + "\\Inner");
    EXPECT_EQ(set(there, "Where", 2), STATUS_SUCCESS);
    set_parameter("redirect", "To", target);
    start("redirect");
    HANDLE key = nullptr;
    ULONG number = 0;
    ASSERT_EQ(open(area, &key, KEY_READ), STATUS_SUCCESS);
    EXPECT_EQ(query(key, "Where", &number), STATUS_SUCCESS);
    EXPECT_EQ(number, 2U);
    EXPECT_EQ(set(key, "Where", 3), STATUS_ACCESS_DENIED);  // what was asked for, no more
    NtClose(key);
    ASSERT_EQ(open(area + "\\Inner", &key), STATUS_SUCCESS);
    EXPECT_EQ(set(key, "Written", 4), STATUS_SUCCESS);
    NtClose(key);
    EXPECT_EQ(query(inner, "Written", &number), STATUS_SUCCESS);
    EXPECT_EQ(number, 4U);
    EXPECT_EQ(open(area + "\\Missing", &key), STATUS_OBJECT_NAME_NOT_FOUND);
    ASSERT_EQ(create(area + "\\Made", &key), STATUS_SUCCESS);
    NtClose(key);
    stop("redirect");
    EXPECT_EQ(open(target + "\\Made", &key), STATUS_SUCCESS);
    NtClose(key);
    EXPECT_EQ(open(area + "\\Made", &key), STATUS_OBJECT_NAME_NOT_FOUND);
    ZwClose(inner);
    ZwClose(there);
}

TEST_F(Filters, emulate_answers_a_value_that_is_not_there) {
    start("emulate");
    HANDLE key = nullptr;
    ULONG number = 0;
    ASSERT_EQ(open(area, &key), STATUS_SUCCESS);
    EXPECT_EQ(query(key, "Queries", &number), STATUS_SUCCESS);
    EXPECT_EQ(number, 1U);
    EXPECT_EQ(query(key, "queries", &number), STATUS_SUCCESS);
    EXPECT_EQ(number, 2U);
    EXPECT_EQ(query(key, "Other"), STATUS_OBJECT_NAME_NOT_FOUND);
    alignas(8) std::byte small[14];
    ULONG needed = 0;
    Named value("Queries");
    EXPECT_EQ(NtQueryValueKey(key, &value.string, KeyValuePartialInformation, small, 14, &needed),
              STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(needed, 16U);
    EXPECT_EQ(NtQueryValueKey(key, &value.string, KeyValuePartialInformation, small, 4, &needed),
              STATUS_BUFFER_TOO_SMALL);
    ULONG index = 0;  // enumeration has the truth
    EXPECT_EQ(NtEnumerateValueKey(key, 0, KeyValueBasicInformation, small, sizeof small, &index),
              STATUS_NO_MORE_ENTRIES);
    NtClose(key);
    stop("emulate");
    EXPECT_EQ(open(area, &key), STATUS_SUCCESS);
    EXPECT_EQ(query(key, "Queries"), STATUS_OBJECT_NAME_NOT_FOUND);
    NtClose(key);
}

TEST_F(Filters, process_policy_restricts_one_program) {
    const std::string self = ob::current().process->image_file_name();
    for (const bool restricted : {false, true}) {
        set_parameter("process_policy", "Process", restricted ? self : std::string("somebody"));
        start("process_policy");
        HANDLE key = nullptr;
        HANDLE child = nullptr;
        ASSERT_EQ(open(area, &key), STATUS_SUCCESS);
        const NTSTATUS expected = restricted ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
        EXPECT_EQ(set(key, "Size", 1), expected);
        EXPECT_EQ(create(area + "\\Child", &child), expected);
        EXPECT_EQ(query(key, "Size"), STATUS_SUCCESS);  // of the first round
        if (child != nullptr) NtClose(child);
        NtClose(key);
        stop("process_policy", restricted ? "process_policy: 2 operations of " : "process_policy: 0 operations of ");
    }
}

TEST_F(Filters, rename_tracker_knows_both_names) {
    start("rename_tracker");
    HANDLE key = nullptr;
    ASSERT_EQ(create(area + "\\Old", &key), STATUS_SUCCESS);
    Named name("New");
    EXPECT_EQ(NtRenameKey(key, &name.string), STATUS_SUCCESS);
    EXPECT_TRUE(printed("rename_tracker: \\REGISTRY\\MACHINE\\SOFTWARE\\FilterArea\\Old is New now"));
    HANDLE other = nullptr;
    ASSERT_EQ(create(area + "\\Other", &other), STATUS_SUCCESS);
    EXPECT_FALSE(NT_SUCCESS(NtRenameKey(other, &name.string)));  // taken
    NtClose(other);
    NtClose(key);
    stop("rename_tracker", "rename_tracker: 1 renames, 0 open");
}

TEST_F(Filters, two_altitude_pairs_as_documented) {
    start("two_altitude");
    HANDLE key = nullptr;
    ASSERT_EQ(open(area, &key), STATUS_SUCCESS);
    EXPECT_EQ(set(key, "Allowed", 1), STATUS_SUCCESS);
    EXPECT_EQ(set(key, "Forbidden", 1), STATUS_ACCESS_DENIED);
    NtClose(key);
    stop("two_altitude", "two_altitude: upper 2/2 (1 failed), lower 2/1 (0 failed)");
}

TEST_F(Filters, status_override_changes_outcomes) {
    ZwClose(make_key(area + "\\Hidden"));
    start("status_override");
    HANDLE key = nullptr;
    HANDLE hidden = nullptr;
    ASSERT_EQ(open(area, &key), STATUS_SUCCESS);
    EXPECT_EQ(open(area + "\\Hidden", &hidden), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(create(area + "\\Hidden", &hidden), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(remove_value(key, "Missing"), STATUS_SUCCESS);
    NtClose(key);
    stop("status_override");
    EXPECT_EQ(open(area + "\\Hidden", &hidden), STATUS_SUCCESS);
    EXPECT_EQ(NtDeleteKey(hidden), STATUS_SUCCESS);
    EXPECT_EQ(remove_value(hidden, "Missing"), STATUS_KEY_DELETED);
    NtClose(hidden);
}

TEST_F(Filters, context_user_counts_by_opening) {
    start("context_user");
    HANDLE first = nullptr;
    HANDLE second = nullptr;
    ASSERT_EQ(open(area, &first), STATUS_SUCCESS);
    ASSERT_EQ(open(area, &second), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; ++i) EXPECT_EQ(set(first, "Size", i), STATUS_SUCCESS);
    EXPECT_EQ(set(second, "Size", 9), STATUS_SUCCESS);
    NtClose(first);
    EXPECT_TRUE(printed("context_user: 3 values written through one opening"));
    stop("context_user", "context_user: 2 openings ended, 0 open");  // one by its close, one by the unregistration
    EXPECT_TRUE(printed("context_user: 1 values written through one opening"));
    NtClose(second);
}

TEST_F(Filters, transaction_aware_tells_what_may_be_taken_back) {
    start("transaction_aware");
    HANDLE transaction = nullptr;
    HANDLE key = nullptr;
    HANDLE bound = nullptr;
    HANDLE child = nullptr;
    ASSERT_EQ(
        NtCreateTransaction(&transaction, TRANSACTION_ALL_ACCESS, nullptr, nullptr, nullptr, 0, 0, 0, nullptr, nullptr),
        STATUS_SUCCESS);
    ASSERT_EQ(open(area, &key), STATUS_SUCCESS);
    EXPECT_EQ(set(key, "Outside", 1), STATUS_SUCCESS);
    Named name(area);
    ASSERT_EQ(NtOpenKeyTransacted(&bound, KEY_ALL_ACCESS, &name.attributes, transaction), STATUS_SUCCESS);
    EXPECT_EQ(set(bound, "Inside", 2), STATUS_SUCCESS);
    EXPECT_EQ(set(bound, "Again", 3), STATUS_SUCCESS);
    Named relative("Child");  // a plain create, relative to an opening that has a transaction
    relative.attributes.RootDirectory = bound;
    EXPECT_EQ(NtCreateKey(&child, KEY_ALL_ACCESS, &relative.attributes, 0, nullptr, 0, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(NtRollbackTransaction(transaction, TRUE), STATUS_SUCCESS);
    for (HANDLE handle : {child, bound, key, transaction}) NtClose(handle);
    stop("transaction_aware", "transaction_aware: 2 writes in transactions, 1 outside, 2 transacted creates");
    EXPECT_EQ(open(area + "\\Child", &child), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Filters, legacy_xp_lives_in_its_time) {
    set_parameter("legacy_xp", "RegistryCallbackProfile", "XP");
    start("legacy_xp");
    HANDLE key = nullptr;
    ASSERT_EQ(create(area + "\\Child", &key), STATUS_SUCCESS);
    EXPECT_EQ(set(key, "Size", 1), STATUS_SUCCESS);
    NtClose(key);
    EXPECT_EQ(create(area + "\\Missing\\Child", &key), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_TRUE(printed("create of \\Registry\\Machine\\Software\\FilterArea\\Missing\\Child failed with 0xC0000034"));
    EXPECT_EQ(unload("legacy_xp"), STATUS_SUCCESS);
    EXPECT_TRUE(printed(" creates, ") && printed(", 0 of newer classes")) << printed_after("legacy_xp: ");

    // The same driver under a later Windows hears of no create, but of posts and classes that it does not know.
    set_parameter("legacy_xp", "RegistryCallbackProfile", "Vista");
    start("legacy_xp");
    ASSERT_EQ(create(area + "\\Child", &key), STATUS_SUCCESS);
    NtClose(key);
    stop("legacy_xp", "legacy_xp: 0 creates, 0 opens");
    EXPECT_FALSE(printed_after("legacy_xp: 0 creates").ends_with(" 0 of newer classes\n"));

    set_parameter("legacy_xp", "RegistryCallbackProfile", "Windows95");
    EXPECT_EQ(load("legacy_xp", "legacy_xp.so"), STATUS_INVALID_PARAMETER);
    EXPECT_TRUE(printed("no RegistryCallbackProfile is called Windows95"));
}

TEST_F(Filters, resource_manager_counts_what_is_committed) {
    if (!std::filesystem::exists(std::string(RG_DRIVERS) + "/resource_manager.so") &&
        !std::filesystem::exists(std::string(RG_DRIVERS) + "/resource_manager.sys"))
        GTEST_SKIP() << "mingw-w64's DDK headers do not declare a resource manager's notification routine";
    set_parameter("resource_manager", "Maximum", 2);
    start("resource_manager");
    Named name(area);
    HANDLE key = nullptr;
    ASSERT_EQ(open(area, &key), STATUS_SUCCESS);
    EXPECT_EQ(set(key, "Outside", 1), STATUS_SUCCESS);
    // Writes in a transaction, and how it ends.
    const auto write = [&](int count, HANDLE* transaction) {
        HANDLE bound = nullptr;
        ASSERT_EQ(NtCreateTransaction(transaction, TRANSACTION_ALL_ACCESS, nullptr, nullptr, nullptr, 0, 0, 0, nullptr,
                                      nullptr),
                  STATUS_SUCCESS);
        ASSERT_EQ(NtOpenKeyTransacted(&bound, KEY_ALL_ACCESS, &name.attributes, *transaction), STATUS_SUCCESS);
        for (int i = 0; i < count; ++i) EXPECT_EQ(set(bound, "Value" + std::to_string(i), 1), STATUS_SUCCESS);
        NtClose(bound);
    };
    HANDLE transaction = nullptr;
    write(3, &transaction);  // more than it takes: the registry's part is taken back too
    EXPECT_FALSE(NT_SUCCESS(NtCommitTransaction(transaction, TRUE)));
    NtClose(transaction);
    EXPECT_EQ(query(key, "Value0"), STATUS_OBJECT_NAME_NOT_FOUND);
    write(1, &transaction);
    EXPECT_EQ(NtRollbackTransaction(transaction, TRUE), STATUS_SUCCESS);
    NtClose(transaction);
    EXPECT_EQ(query(key, "Value0"), STATUS_OBJECT_NAME_NOT_FOUND);
    write(2, &transaction);
    EXPECT_EQ(NtCommitTransaction(transaction, TRUE), STATUS_SUCCESS);
    NtClose(transaction);
    EXPECT_EQ(query(key, "Value1"), STATUS_SUCCESS);
    write(1, &transaction);  // still active when the driver goes
    stop("resource_manager", "resource_manager: 2 writes committed, 5 forgotten, 1 outside, 1 transactions refused");
    EXPECT_FALSE(NT_SUCCESS(NtCommitTransaction(transaction, TRUE)));
    NtClose(transaction);
    NtClose(key);
}

}  // namespace
}  // namespace regent::test
