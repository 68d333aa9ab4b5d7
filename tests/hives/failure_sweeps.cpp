// Every operation of a hive with its N-th allocation failing, N = 1 and up until it succeeds; and what touches the disk
// with its N-th call failing, in four ways. After a failure the hive is as before or as after, sound, and goes on
// working; or, after a failed sync, it says so at every turn. What the disk holds is one of the two contents, always.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <new>
#include <utility>

#include "crash_run.h"
#include "fault_env.h"
#include "hive/finding.h"
#include "hive/hive_impl.h"

namespace {
thread_local std::size_t allocations_left = 0;
thread_local bool thrown = false;

void* allocate(std::size_t size) {
    if (allocations_left != 0 && --allocations_left == 0) {
        thrown = true;
        throw std::bad_alloc();
    }
    void* memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

// Out of line: inlined next to an operator new, free() looks like the wrong partner to the compiler.
[[gnu::noinline]] void release(void* memory) { std::free(memory); }
}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    try {
        return allocate(size);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }

namespace regent::hive {

void fail_allocation(std::size_t number) {
    allocations_left = number;
    thrown = false;
}
bool allocation_failed() { return thrown; }
NoAllocationFails::NoAllocationFails() : left_(std::exchange(allocations_left, 0)) {}
NoAllocationFails::~NoAllocationFails() { allocations_left = left_; }

namespace {

using crash::content_of;
constexpr const char* path = crash::hive_path;
const Bytes small_data = rtl::as_bytes("some bytes of data", 18);
const std::vector<std::byte> big_data(50000, std::byte{'b'});
const Bytes whole_cell = Bytes(big_data).first(16000);

CellIndex subkey(const Hive& hive, Utf16View name) { return hive.find_subkey(hive.root(), name).value_or(nil_cell); }

Result<void> without_value(const Result<CellIndex>& result) {
    if (!result) return std::unexpected(result.error());
    return {};
}

Result<void> without_hive(const Result<std::unique_ptr<Hive>>& result) {
    if (!result) return std::unexpected(result.error());
    return {};
}

struct Operation {
    const char* name;
    std::function<Result<void>(Hive&)> run;
};

const std::vector<Operation>& changes() {
    static const std::vector<Operation> all = {
        {"create a key",
         [](Hive& hive) {
             return without_value(hive.create_subkey(subkey(hive, u"parent"), u"new", u"class", default_descriptor(),
                                                     StorageType::stable, 5));
         }},
        {"create a key with a new descriptor",
         [](Hive& hive) {
             std::vector<std::byte> other(default_descriptor().begin(), default_descriptor().end());
             other.resize(other.size() + 16);
             return without_value(hive.create_subkey(hive.root(), u"secured", {}, other, StorageType::stable, 5));
         }},
        {"create a volatile key",
         [](Hive& hive) {
             return without_value(
                 hive.create_subkey(hive.root(), u"passing", {}, default_descriptor(), StorageType::volatile_, 5));
         }},
        {"create a key where the list splits",
         [](Hive& hive) {
             return without_value(hive.create_subkey(subkey(hive, u"wide"), u"one more", {}, default_descriptor(),
                                                     StorageType::stable, 5));
         }},
        {"delete a key", [](Hive& hive) { return hive.delete_key(subkey(hive, u"leaf"), 5); }},
        {"rename in place",
         [](Hive& hive) { return without_value(hive.rename_key(subkey(hive, u"leaf"), u"fael", 5)); }},
        {"rename by moving",
         [](Hive& hive) { return without_value(hive.rename_key(subkey(hive, u"parent"), Utf16(200, u'n'), 5)); }},
        {"set a new value", [](Hive& hive) { return hive.set_value(subkey(hive, u"leaf"), u"new", 3, small_data, 5); }},
        {"set the first value",
         [](Hive& hive) { return hive.set_value(subkey(hive, u"parent"), u"first", 3, small_data, 5); }},
        {"overwrite a value",
         [](Hive& hive) { return hive.set_value(subkey(hive, u"leaf"), u"v3", 3, small_data, 5); }},
        {"grow data in place",
         [](Hive& hive) { return hive.set_value(subkey(hive, u"grown"), u"last", 3, whole_cell.first(900), 5); }},
        {"shrink data in place",
         [](Hive& hive) { return hive.set_value(subkey(hive, u"grown"), u"last", 3, whole_cell.first(100), 5); }},
        {"set big data", [](Hive& hive) { return hive.set_value(subkey(hive, u"leaf"), u"v3", 3, big_data, 5); }},
        {"replace big data", [](Hive& hive) { return hive.set_value(hive.root(), u"big", 3, small_data, 5); }},
        {"delete a value", [](Hive& hive) { return hive.delete_value(subkey(hive, u"leaf"), u"v1", 5); }},
        {"delete big data", [](Hive& hive) { return hive.delete_value(hive.root(), u"big", 5); }},
        {"set a descriptor",
         [](Hive& hive) {
             std::vector<std::byte> other(default_descriptor().begin(), default_descriptor().end());
             other.resize(other.size() + 24);
             return hive.set_security(subkey(hive, u"leaf"), other, 5);
         }},
        {"set flags", [](Hive& hive) { return hive.set_user_flags(subkey(hive, u"leaf"), 3, 2); }},
        {"set the time", [](Hive& hive) { return hive.set_last_write_time(subkey(hive, u"leaf"), 77); }},
    };
    return all;
}

const std::vector<Operation>& durable_steps() {
    static const std::vector<Operation> all = {
        {"flush", [](Hive& hive) { return hive.flush(); }},
        {"reconcile", [](Hive& hive) { return hive.reconcile(); }},
        {"trim and reconcile",
         [](Hive& hive) {
             hive.trim();
             return hive.reconcile();
         }},
        {"compact", [](Hive& hive) { return hive.compact(); }},
    };
    return all;
}

// A hive with something of everything; `clean`, or with its last changes in a log.
rtl::DiskImage prepared(bool clean) {
    rtl::SimEnv env;
    HiveOptions options;
    options.path = path;
    options.time = 100;
    auto hive = std::move(Hive::create(env, options)).value();
    const auto make = [&](CellIndex parent, Utf16View name) {
        return hive->create_subkey(parent, name, {}, default_descriptor(), StorageType::stable, 5).value();
    };
    make(make(hive->root(), u"parent"), u"child");
    const CellIndex leaf = make(hive->root(), u"leaf");
    for (char16_t i = u'0'; i < u'4'; ++i) {
        EXPECT_TRUE(
            hive->set_value(leaf, Utf16{u'v', i}, 3, small_data.first(static_cast<std::size_t>(i - u'0') * 4), 5));
    }
    EXPECT_TRUE(hive->set_value(hive->root(), u"big", 3, big_data, 5));
    const CellIndex wide = make(hive->root(), u"wide");
    for (int i = 0; i < 1012; ++i) make(wide, rtl::from_utf8("k" + std::to_string(i)));
    EXPECT_TRUE(hive->set_value(make(hive->root(), u"grown"), u"last", 3, whole_cell.first(500), 5));
    EXPECT_TRUE(hive->reconcile());
    if (!clean) {
        EXPECT_TRUE(hive->set_value(leaf, u"in the log", 3, small_data, 5));
        EXPECT_TRUE(hive->flush());
    }
    return env.contents();
}
const rtl::DiskImage& clean_disk() {
    static const rtl::DiskImage disk = prepared(true);
    return disk;
}
const rtl::DiskImage& dirty_disk() {
    static const rtl::DiskImage disk = prepared(false);
    return disk;
}

void expect_sound(const Hive& hive) {
    FindingList findings;
    EXPECT_EQ(hive.check(findings), 0U);
}

std::uint64_t content_on(const rtl::DiskImage& disk) {
    rtl::SimEnv env(disk);
    FindingList findings;
    OpenOptions options;
    options.findings = &findings;
    const auto hive = Hive::open(env, path, options);
    if (!hive) return hive.error().code() == STATUS_OBJECT_NAME_NOT_FOUND ? crash::absent : crash::unloadable;
    EXPECT_EQ(findings.count(), 0U);
    return content_of(**hive);
}

// Runs it with the allocation `number` failing. STATUS_NO_MEMORY stands for the exception.
NTSTATUS with_failing_allocation(std::size_t number, const std::function<Result<void>()>& run) {
    fail_allocation(number);
    NTSTATUS status = STATUS_NO_MEMORY;
    try {
        const auto result = run();
        allocations_left = 0;
        status = rtl::to_ntstatus(result);
    } catch (const std::bad_alloc&) {
        allocations_left = 0;
    }
    return status;
}

TEST(FailureSweep, AnAllocationThatFailsChangesNothing) {
    std::size_t failures = 0;
    for (const Operation& change : changes()) {
        SCOPED_TRACE(change.name);
        std::uint64_t after = 0;
        {
            rtl::SimEnv env(clean_disk());
            auto hive = std::move(Hive::open(env, path, {})).value();
            ASSERT_TRUE(change.run(*hive));
            after = content_of(*hive);
        }
        for (std::size_t number = 1;; ++number) {
            FaultEnv env(clean_disk());
            auto hive = std::move(Hive::open(env, path, {})).value();
            const std::uint64_t before = content_of(*hive);
            const NTSTATUS status = with_failing_allocation(number, [&] { return change.run(*hive); });
            const bool failed = allocation_failed();
            expect_sound(*hive);
            EXPECT_EQ(content_of(*hive), NT_SUCCESS(status) ? after : before) << "allocation " << number;
            if (!NT_SUCCESS(status)) {
                ASSERT_TRUE(failed);
                ASSERT_TRUE(change.run(*hive)) << "again, after allocation " << number;
            }
            EXPECT_EQ(content_of(*hive), after);
            ASSERT_TRUE(hive->flush());
            hive.reset();
            EXPECT_EQ(content_on(env.disk().after_crash(SIZE_MAX, rtl::LossModel::all, 0)), after);
            ASSERT_FALSE(HasFailure()) << "allocation " << number;
            if (!failed) break;
            ++failures;
        }
    }
    std::printf("%zu allocations failed in %zu changes\n", failures, changes().size());
}

TEST(FailureSweep, AnAllocationThatFailsLosesNoFlush) {
    std::size_t failures = 0;
    for (const Operation& step : durable_steps()) {
        SCOPED_TRACE(step.name);
        for (std::size_t number = 1;; ++number) {
            FaultEnv env(clean_disk());
            auto hive = std::move(Hive::open(env, path, {})).value();
            ASSERT_TRUE(hive->set_value(hive->root(), u"flushed", 3, big_data, 5));
            const std::uint64_t content = content_of(*hive);
            with_failing_allocation(number, [&] { return step.run(*hive); });
            const bool failed = allocation_failed();
            EXPECT_EQ(content_of(*hive), content);
            const auto again = step.run(*hive);
            ASSERT_TRUE(again) << "again, after allocation " << number;
            hive.reset();
            EXPECT_EQ(content_on(env.disk().after_crash(SIZE_MAX, rtl::LossModel::all, 0)), content);
            ASSERT_FALSE(HasFailure()) << "allocation " << number;
            if (!failed) break;
            ++failures;
        }
    }
    std::printf("%zu allocations failed in %zu flushes and write-backs\n", failures, durable_steps().size());
}

TEST(FailureSweep, AnAllocationThatFailsLeavesALoadToBeTriedAgain) {
    std::size_t failures = 0;
    for (const rtl::DiskImage* disk : {&clean_disk(), &dirty_disk()}) {
        const std::uint64_t content = content_on(*disk);
        for (std::size_t number = 1;; ++number) {
            FaultEnv env(*disk);
            with_failing_allocation(number, [&] { return without_hive(Hive::open(env, path, {})); });
            const bool failed = allocation_failed();
            EXPECT_EQ(content_on(env.disk().contents()), content);
            ASSERT_TRUE(Hive::open(env, path, {})) << "again, after allocation " << number;
            ASSERT_FALSE(HasFailure()) << "allocation " << number;
            if (!failed) break;
            ++failures;
        }
    }
    std::printf("%zu allocations failed in 2 loads\n", failures);
}

// An append that failed half-way leaves its bytes behind the end; what is appended next may be shorter.
TEST(FailureSweep, WhatAFailedAppendLeftIsGoneBeforeAShorterOneCounts) {
    FaultEnv env(clean_disk());
    auto hive = std::move(Hive::open(env, path, {})).value();
    ASSERT_TRUE(hive->set_value(hive->root(), u"first", 3, small_data, 5));
    ASSERT_TRUE(hive->flush());
    const std::vector<std::byte> long_data(400000, std::byte{'l'});
    for (std::size_t number = 1; number < 4; ++number) {
        ASSERT_TRUE(hive->set_value(hive->root(), u"long", 3, long_data, 5));
        env.arm(number, Fault::short_write);
        const bool flushed = hive->flush().has_value();
        env.disarm();
        if (flushed) continue;
        ASSERT_TRUE(hive->delete_value(hive->root(), u"long", 5));
        EXPECT_NE(hive->trim(), 0U);
        ASSERT_TRUE(hive->flush());
        const std::string log = env.disk().contents().at(std::string(path) + ".LOG1");
        const Bytes bytes = rtl::as_bytes(log.data(), log.size());
        std::size_t end = sector_size;
        for (const auto* entry = rtl::record_at<LogEntry>(bytes, end);
             entry != nullptr && entry->signature == log_entry_signature;
             entry = rtl::record_at<LogEntry>(bytes, end)) {
            end += entry->size;
        }
        EXPECT_EQ(log.find_first_not_of('\0', end), std::string::npos) << "call " << number;
    }
}

constexpr Fault faults[] = {Fault::io_error, Fault::disk_full, Fault::short_write, Fault::failed_sync};

// After a call failed: the hive works, or it is read-only and says so.
void expect_works_or_says_so(Hive& hive, const Operation& step) {
    const bool works = step.run(hive).has_value();
    if (works) return;
    EXPECT_EQ(hive.flush().error().code(), STATUS_REGISTRY_IO_FAILED);
    EXPECT_EQ(hive.set_value(hive.root(), u"more", 3, {}, 5).error().code(), STATUS_MEDIA_WRITE_PROTECTED);
}

TEST(FailureSweep, ACallThatFailsLeavesTheHiveBeforeOrAfter) {
    std::size_t failures = 0;
    for (const Operation& step : durable_steps()) {
        for (const Fault fault : faults) {
            SCOPED_TRACE(std::string(step.name) + ", fault " + std::to_string(static_cast<int>(fault)));
            for (std::size_t number = 1;; ++number) {
                FaultEnv env(clean_disk());
                auto hive = std::move(Hive::open(env, path, {})).value();
                const std::uint64_t before = content_of(*hive);
                ASSERT_TRUE(hive->set_value(hive->root(), u"flushed", 3, big_data, 5));
                const std::uint64_t after = content_of(*hive);
                env.arm(number, fault);
                const bool done = step.run(*hive).has_value();
                const bool reached = env.reached();
                env.disarm();
                failures += env.hit() ? 1 : 0;
                for (const auto loss : {rtl::LossModel::none, rtl::LossModel::all, rtl::LossModel::torn}) {
                    const std::uint64_t found = content_on(env.disk().after_crash(SIZE_MAX, loss, number));
                    EXPECT_TRUE(found == after || (!done && found == before)) << "loss " << static_cast<int>(loss);
                }
                EXPECT_EQ(content_of(*hive), after);
                expect_works_or_says_so(*hive, step);
                ASSERT_FALSE(HasFailure()) << "call " << number;
                if (!reached) break;
            }
        }
    }
    std::printf("%zu calls failed in flushes and write-backs\n", failures);
}

TEST(FailureSweep, ACallThatFailsLeavesALoadOrACreationToBeTriedAgain) {
    std::size_t failures = 0;
    HiveOptions create;
    create.path = path;
    create.time = 100;
    const rtl::DiskImage nothing;
    for (const rtl::DiskImage* disk : {&clean_disk(), &dirty_disk(), &nothing}) {
        const std::uint64_t before = content_on(*disk);
        for (const Fault fault : faults) {
            for (std::size_t number = 1;; ++number) {
                FaultEnv env(*disk);
                const auto run = [&] {
                    return disk == &nothing ? Hive::create(env, create) : Hive::open(env, path, {});
                };
                env.arm(number, fault);
                const bool done = run().has_value();
                const bool reached = env.reached();
                env.disarm();
                failures += env.hit() ? 1 : 0;
                const std::uint64_t found = content_on(env.disk().contents());
                if (disk != &nothing) {
                    EXPECT_EQ(found, before);
                    EXPECT_TRUE(run());
                } else {
                    EXPECT_NE(found, crash::unloadable);
                    EXPECT_TRUE(!done || found != crash::absent);
                    EXPECT_TRUE(found != crash::absent || run());
                }
                ASSERT_FALSE(HasFailure()) << "fault " << static_cast<int>(fault) << ", call " << number;
                if (!reached) break;
            }
        }
    }
    std::printf("%zu calls failed in loads and creations\n", failures);
}

}  // namespace
}  // namespace regent::hive
