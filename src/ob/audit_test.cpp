#include "ob/audit.h"

#include <gtest/gtest.h>

#include <thread>

#include "ob/handle.h"
#include "ob/namespace.h"

namespace regent::ob {
namespace {

TEST(AuditPolicy, IsReadFromWords) {
    EXPECT_EQ(AuditPolicy::parse("none"), AuditPolicy());
    EXPECT_EQ(AuditPolicy::parse("registry"), (AuditPolicy{1, 1}));
    EXPECT_EQ(AuditPolicy::parse("registry:success"), (AuditPolicy{1, 0}));
    EXPECT_EQ(AuditPolicy::parse("handles,registry:failure,privileges"), (AuditPolicy{6, 7}));
    EXPECT_EQ(AuditPolicy::parse("other:failure,other:success"), (AuditPolicy{8, 8}));
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
        set_audit_policy(*AuditPolicy::parse("registry,handles"));
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
    set_audit_policy(*AuditPolicy::parse("registry:failure"));
    const HANDLE handle = open(7, 7);
    EXPECT_EQ(use(handle, 7), STATUS_SUCCESS);
    EXPECT_TRUE(close_handle(handle, user_mode));
    EXPECT_TRUE(records().empty());
    record_check(u"Watched", u"\\name", 1, false);
    EXPECT_EQ(records().size(), 1u);
}

}  // namespace
}  // namespace regent::ob
