#include "ob/audit.h"

#include <gtest/gtest.h>

#include <thread>

#include "ob/handle.h"
#include "ob/lookup.h"
#include "ob/namespace.h"
#include "ob/security.h"
#include "se/sddl.h"

namespace regent::ob {
namespace {

TEST(AuditPolicy, IsReadFromWords) {
    EXPECT_EQ(AuditPolicy::parse("none"), AuditPolicy());
    EXPECT_EQ(AuditPolicy::parse("registry"), (AuditPolicy{1, 1}));
    EXPECT_EQ(AuditPolicy::parse("registry:success"), (AuditPolicy{1, 0}));
    EXPECT_EQ(AuditPolicy::parse("handles,registry:failure,privileges"), (AuditPolicy{6, 7}));
    EXPECT_EQ(AuditPolicy::parse("other:failure,other:success"), (AuditPolicy{8, 8}));
    EXPECT_EQ(AuditPolicy::parse("kernel"), (AuditPolicy{16, 16}));
    for (const char* wrong : {"", "all", "registry,", ",registry", "none,registry", "registry:", "registry:both"})
        EXPECT_FALSE(AuditPolicy::parse(wrong)) << wrong;
}

TEST(AuditMarks, SurviveAnEntrysAttributes) {
    EXPECT_EQ(pack_audit(0), 0u);
    const ACCESS_MASK all = 0x001FFFFF | ACCESS_SYSTEM_SECURITY;
    EXPECT_EQ(unpack_audit(pack_audit(all)), all);
    EXPECT_EQ(pack_audit(all) & ~handle_audit_bits, 0u);
    EXPECT_EQ(pack_audit(all) & (OBJ_INHERIT | handle_protect_close), 0u);
    for (unsigned bit = 0; bit <= 24; ++bit) {
        const ACCESS_MASK right = ACCESS_MASK{1} << bit & all;
        EXPECT_EQ(unpack_audit(pack_audit(right)), right);
    }
}

class Audit : public ::testing::Test {
protected:
    void SetUp() override {
        initialize();
        set_audit_policy(*AuditPolicy::parse("kernel,handles"));
        start_ = AuditLog::instance().ledger().produced;
    }
    void TearDown() override {
        set_audit_policy({});
        shutdown();
    }
    std::vector<AuditRecord> records() { return AuditLog::instance().read(start_, 100'000); }
    std::vector<AuditEvent> events() {
        std::vector<AuditEvent> events;
        for (const AuditRecord& record : records()) events.push_back(record.event);
        return events;
    }
    static ObjectType& type() {
        static ObjectType& type = register_type(u"Watched", {1, 2, 4, 7}, 0xF0007, {});
        return type;
    }
    static HANDLE open(ACCESS_MASK granted, ACCESS_MASK rights) {
        return insert_audited_handle(create_object(type(), 8).value(), granted, 0, OpenReason::open, {rights, 0})
            .value();
    }
    static NTSTATUS use(HANDLE handle, ACCESS_MASK desired, KPROCESSOR_MODE mode = user_mode) {
        return rtl::to_ntstatus(reference_by_handle(handle, desired, nullptr, mode));
    }
    std::uint64_t start_ = 0;
};

TEST_F(Audit, EachRightIsRecordedAtItsFirstUse) {
    const HANDLE handle = open(7, 3);
    EXPECT_EQ(use(handle, 0), STATUS_SUCCESS);
    EXPECT_EQ(use(handle, 1, kernel_mode), STATUS_SUCCESS);  // not a user's use
    EXPECT_EQ(use(handle, 8), STATUS_ACCESS_DENIED);
    EXPECT_EQ(use(handle, 4), STATUS_SUCCESS);  // not asked for
    EXPECT_EQ(use(handle, 5), STATUS_SUCCESS);
    EXPECT_EQ(use(handle, 7), STATUS_SUCCESS);
    EXPECT_EQ(use(handle, 7), STATUS_SUCCESS);
    EXPECT_EQ(reference_by_handle(handle, 0, nullptr, user_mode)->attributes, 0u);
    EXPECT_TRUE(close_handle(handle, user_mode));
    const auto made = records();
    ASSERT_EQ(events(), (std::vector{AuditEvent::handle_requested, AuditEvent::object_accessed,
                                     AuditEvent::object_accessed, AuditEvent::handle_closed}));
    EXPECT_EQ(made[0].access, 7u);
    EXPECT_EQ(made[1].access, 1u);
    EXPECT_EQ(made[2].access, 2u);
    for (const AuditRecord& record : made) {
        EXPECT_EQ(record.handle, reinterpret_cast<std::uintptr_t>(handle));
        EXPECT_EQ(record.type, u"Watched");
        EXPECT_EQ(record.subject, current().token().user());
        EXPECT_EQ(record.pid, current().process->pid());
    }
}

TEST_F(Audit, AHandleWithoutMarksIsNotRecorded) {
    const HANDLE handle = insert_handle(create_object(type(), 8).value(), 7, ULONG{handle_audit_bits}).value();
    EXPECT_EQ(use(handle, 7), STATUS_SUCCESS);
    EXPECT_TRUE(close_handle(handle, user_mode));
    EXPECT_TRUE(records().empty());
}

TEST_F(Audit, ACopyIsRecordedAsItsSource) {
    const HANDLE handle = open(7, 3);
    DuplicateRequest request{NtCurrentProcess(), handle, NtCurrentProcess(), 1, 0, DUPLICATE_CLOSE_SOURCE};
    const HANDLE copy = duplicate_handle(request, user_mode).value();
    EXPECT_EQ(use(copy, 1), STATUS_SUCCESS);
    EXPECT_TRUE(close_handle(copy, user_mode));
    ASSERT_EQ(events(),
              (std::vector{AuditEvent::handle_requested, AuditEvent::handle_duplicated, AuditEvent::handle_closed,
                           AuditEvent::object_accessed, AuditEvent::handle_closed}));
    EXPECT_EQ(records()[1].target_handle, reinterpret_cast<std::uintptr_t>(copy));
}

TEST_F(Audit, OfManyThreadsOneRecordsARight) {
    const HANDLE handle = open(7, 7);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 1000; ++n) ASSERT_EQ(use(handle, 1u << (n % 3)), STATUS_SUCCESS);
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(close_handle(handle, user_mode));
    EXPECT_EQ(records().size(), 5u);
}

TEST_F(Audit, TheLedgerAddsUpWhenTheOldestGo) {
    for (std::size_t i = 0; i < AuditLog::max_records + 10; ++i) record_check(u"Watched", u"\\name", 1, false);
    AuditLog::instance().drop();
    const auto ledger = AuditLog::instance().ledger();
    EXPECT_EQ(ledger.produced, start_ + AuditLog::max_records + 11);
    EXPECT_EQ(ledger.produced, ledger.kept + ledger.dropped);
    EXPECT_EQ(ledger.kept, AuditLog::max_records);
    const auto kept = records();
    ASSERT_EQ(kept.size(), AuditLog::max_records);
    EXPECT_EQ(kept.front().sequence, ledger.produced - AuditLog::max_records);
    // By their size as well.
    const Utf16 long_name(AuditRecord::max_name + 100, u'x');
    for (int i = 0; i < 1000; ++i) record_check(u"Watched", long_name, 1, false);
    const auto after = AuditLog::instance().ledger();
    EXPECT_EQ(after.produced, after.kept + after.dropped);
    EXPECT_LT(after.kept, AuditLog::max_bytes / (AuditRecord::max_name * sizeof(char16_t)) + 1);
    EXPECT_EQ(AuditLog::instance().read(0, 1'000'000).back().name.size(), AuditRecord::max_name);
}

TEST_F(Audit, WhatThePolicyLeavesOutIsNotRecorded) {
    set_audit_policy(*AuditPolicy::parse("kernel:failure"));
    const HANDLE handle = open(7, 7);
    EXPECT_EQ(use(handle, 7), STATUS_SUCCESS);
    EXPECT_TRUE(close_handle(handle, user_mode));
    EXPECT_TRUE(records().empty());
    record_check(u"Watched", u"\\name", 1, false);
    EXPECT_EQ(records().size(), 1u);
    record_check(u"Key", u"\\name", 1, false);  // of keys another word
    EXPECT_EQ(records().size(), 1u);
}

class AuditNamed : public Audit {
protected:
    static AccessState access(ACCESS_MASK desired, KPROCESSOR_MODE mode) {
        return {&current().token(), mode, desired, std::nullopt};
    }
    static Result<HANDLE> create(Utf16View name, const char* sddl, ACCESS_MASK desired, ULONG attributes = 0) {
        const auto descriptor = se::parse_sddl(sddl);
        AccessState state = access(desired, user_mode);
        const auto made =
            insert_object(create_object(type(), 8).value(), {nullptr, name, attributes, &*descriptor}, state);
        if (!made) return std::unexpected(made.error());
        return made->handle;
    }
    static Result<HANDLE> open(Utf16View name, ACCESS_MASK desired, KPROCESSOR_MODE mode = user_mode) {
        AccessState state = access(desired, mode);
        return open_by_name({nullptr, name, 0, nullptr}, type(), state);
    }
};

constexpr const char* watched = "O:LSG:LSD:(A;;0x100003;;;WD)S:(AU;SAFA;0x5;;;WD)";

TEST_F(AuditNamed, TheListOfANamedObjectAsksForRecords) {
    const HANDLE made = create(u"\\watched", watched, 7).value();
    const HANDLE opened = open(u"\\watched", 3).value();
    EXPECT_EQ(use(opened, 3), STATUS_SUCCESS);
    EXPECT_EQ(rtl::to_ntstatus(open(u"\\watched", 4)), STATUS_ACCESS_DENIED);
    EXPECT_EQ(rtl::to_ntstatus(open(u"\\watched", 8)), STATUS_ACCESS_DENIED);  // not asked for
    const HANDLE by_kernel = open(u"\\watched", 7, kernel_mode).value();
    const HANDLE existing = create(u"\\watched", "D:", 1, OBJ_OPENIF).value();
    for (const HANDLE handle : {opened, existing, by_kernel, made}) EXPECT_TRUE(close_handle(handle, user_mode));
    using enum AuditEvent;
    ASSERT_EQ(events(), (std::vector{handle_requested, handle_requested, object_accessed, handle_requested,
                                     handle_requested, handle_closed, handle_closed, handle_closed}));
    const auto told = records();
    for (const AuditRecord& record : told) {
        EXPECT_EQ(record.type, u"Watched");
        EXPECT_EQ(record.server, u"Security");
    }
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(told[i].name, u"\\watched");
    EXPECT_EQ(told[0].access, 7u);
    EXPECT_EQ(told[1].access, 3u);
    EXPECT_EQ(told[2].access, 1u);
    EXPECT_FALSE(told[3].success);
    EXPECT_EQ(told[3].access, 4u);
    EXPECT_EQ(told[3].handle, 0u);
    EXPECT_EQ(told[4].access, 1u);
}

TEST_F(AuditNamed, ADirectoryIsUsedByWhoMakesAnObjectInIt) {
    const auto directory = create_body<Directory>(types::directory()).value();
    const auto descriptor = se::parse_sddl("O:LSG:LSD:(A;;0x4;;;WD)S:(AU;SAFA;0xC;;;WD)");
    set_default_security(directory.get(), *descriptor);
    ASSERT_TRUE(insert_named(u"\\below", directory.get(), true));
    const HANDLE made = create(u"\\below\\x", "O:LSG:LSD:(A;;0x7;;;WD)", 1).value();
    EXPECT_TRUE(close_handle(made, user_mode));
    ASSERT_EQ(events(), std::vector{AuditEvent::object_accessed});
    EXPECT_EQ(records()[0].type, u"Directory");
    EXPECT_EQ(records()[0].name, u"\\below");
    EXPECT_EQ(records()[0].access, ACCESS_MASK{DIRECTORY_CREATE_OBJECT});
    make_temporary(directory.get());
}

TEST_F(AuditNamed, WithoutAPolicyNothingIsAskedFor) {
    set_audit_policy({});
    const HANDLE made = create(u"\\watched", watched, 7).value();
    EXPECT_EQ(rtl::to_ntstatus(open(u"\\watched", 4)), STATUS_ACCESS_DENIED);
    EXPECT_EQ(use(made, 7), STATUS_SUCCESS);
    EXPECT_TRUE(close_handle(made, user_mode));
    EXPECT_TRUE(records().empty());
}

}  // namespace
}  // namespace regent::ob
