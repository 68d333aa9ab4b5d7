#include "ob/handle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>

#include "ex/dispatcher.h"
#include "ob/lookup.h"
#include "ob/namespace.h"
#include "wdk/wdm.h"

namespace regent::ob {
namespace {

std::atomic<int> alive;
std::atomic<int> last_closes;

struct Counted {
    std::uint64_t canary = 0x600DF00D;
    Counted() { ++alive; }
    ~Counted() {
        canary = 0;
        --alive;
    }
};

ObjectType& counted_type() {
    static ObjectType& type = register_type(
        u"Counted", {1, 2, 4, 7}, 0xF0007,
        {.close = [](Process&, void*, ACCESS_MASK, std::int64_t, std::int64_t count) { last_closes += count == 1; },
         .destroy = destroy_body<Counted>});
    return type;
}

class Handles : public ::testing::Test {
protected:
    void SetUp() override {
        initialize();
        last_closes = 0;
    }
    void TearDown() override {
        shutdown();
        EXPECT_EQ(alive, 0);
    }
    static NTSTATUS use(HANDLE handle, ACCESS_MASK desired, const ObjectType* type, KPROCESSOR_MODE mode = user_mode) {
        return rtl::to_ntstatus(reference_by_handle(handle, desired, type, mode));
    }
    static ObjectRef<void> make() { return create_body<Counted>(counted_type()).value(); }
};

TEST_F(Handles, ErrorsComeInOrder) {
    HANDLE handle = insert_handle(make(), 1, 0).value();
    EXPECT_EQ(reinterpret_cast<ULONG_PTR>(handle) % 4, 0u);
    EXPECT_EQ(use(nullptr, 2, &types::event()), STATUS_INVALID_HANDLE);
    EXPECT_EQ(use(reinterpret_cast<HANDLE>(0x7ffffff0), 0, nullptr), STATUS_INVALID_HANDLE);
    EXPECT_EQ(use(reinterpret_cast<HANDLE>(0x1234500000000), 0, nullptr), STATUS_INVALID_HANDLE);
    EXPECT_EQ(use(handle, 2, &types::event()), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(use(handle, 2, &counted_type()), STATUS_ACCESS_DENIED);
    EXPECT_EQ(use(handle, 2, &counted_type(), kernel_mode), STATUS_SUCCESS);
    EXPECT_EQ(use(handle, 1, &counted_type()), STATUS_SUCCESS);
    EXPECT_EQ(use(static_cast<char*>(handle) + 3, 1, nullptr), STATUS_SUCCESS);  // the low bits are the program's
    ASSERT_TRUE(close_handle(handle, user_mode));
    EXPECT_EQ(rtl::to_ntstatus(close_handle(handle, user_mode)), STATUS_INVALID_HANDLE);
    EXPECT_EQ(last_closes, 1);
    EXPECT_EQ(use(NtCurrentProcess(), PROCESS_ALL_ACCESS, &types::process()), STATUS_SUCCESS);
    EXPECT_EQ(use(NtCurrentThread(), 0, &types::process()), STATUS_OBJECT_TYPE_MISMATCH);
}

TEST_F(Handles, KernelHandlesAreTheSystemsAlone) {
    HANDLE wished = insert_handle(make(), 1, OBJ_KERNEL_HANDLE).value();
    EXPECT_LT(reinterpret_cast<ULONG_PTR>(wished), 0x80000000u);  // a user's wish is ignored
    ASSERT_TRUE(close_handle(wished, user_mode));
    CallerScope kernel(kernel_mode);
    HANDLE handle = insert_handle(make(), 1, OBJ_KERNEL_HANDLE).value();
    EXPECT_GE(reinterpret_cast<ULONG_PTR>(handle), 0xFFFFFFFF80000000u);
    EXPECT_EQ(use(handle, 1, nullptr, kernel_mode), STATUS_SUCCESS);
    EXPECT_EQ(use(handle, 1, nullptr, user_mode), STATUS_INVALID_HANDLE);
    EXPECT_EQ(rtl::to_ntstatus(close_handle(handle, user_mode)), STATUS_INVALID_HANDLE);
    EXPECT_TRUE(close_handle(handle, kernel_mode));
}

TEST_F(Handles, DuplicatesNarrowAndCloseTheSource) {
    HANDLE source = insert_handle(make(), 3, 0).value();
    DuplicateRequest request{NtCurrentProcess(), source, NtCurrentProcess(), 1, 0, 0};
    HANDLE narrow = duplicate_handle(request, user_mode).value();
    EXPECT_EQ(use(narrow, 2, nullptr), STATUS_ACCESS_DENIED);
    request.options = DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE;
    HANDLE same = duplicate_handle(request, user_mode).value();
    EXPECT_EQ(use(same, 3, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(duplicate_handle(request, user_mode).error().code(), STATUS_INVALID_HANDLE);
    EXPECT_EQ(query_basic(same, user_mode)->HandleCount, 2u);
    EXPECT_EQ(query_basic(same, user_mode)->PointerCount, 2u);
    request = {NtCurrentProcess(), same, nullptr, 0, 0, DUPLICATE_CLOSE_SOURCE};
    EXPECT_TRUE(duplicate_handle(request, user_mode));
    EXPECT_EQ(last_closes, 0);
    ASSERT_TRUE(close_handle(narrow, user_mode));
    EXPECT_EQ(last_closes, 1);
}

TEST_F(Handles, ProtectedHandlesStay) {
    HANDLE handle = insert_handle(make(), 1, 0).value();
    auto value = static_cast<std::uint32_t>(reinterpret_cast<ULONG_PTR>(handle));
    ASSERT_TRUE(current().process->handles().set_attributes(value, handle_protect_close));
    EXPECT_EQ(close_handle(handle, user_mode).error().code(), STATUS_HANDLE_NOT_CLOSABLE);
    ASSERT_TRUE(current().process->handles().set_attributes(value, 0));
    EXPECT_TRUE(close_handle(handle, user_mode));
}

TEST_F(Handles, NameInformationFollowsTheBufferRules) {
    alignas(16) std::byte buffer[64];
    ULONG needed = 0;
    EXPECT_EQ(write_name_information(u"\\ab", buffer, 15, &needed), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(needed, 24u);
    EXPECT_EQ(write_name_information(u"\\ab", buffer, 23, &needed), STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(write_name_information(u"\\ab", buffer, 24, &needed), STATUS_SUCCESS);
    auto* info = reinterpret_cast<OBJECT_NAME_INFORMATION*>(buffer);
    EXPECT_EQ(rtl::view(info->Name), u"\\ab");
    EXPECT_EQ(info->Name.MaximumLength, 8);
    EXPECT_EQ(write_name_information(u"", buffer, 16, &needed), STATUS_SUCCESS);
    EXPECT_EQ(needed, 16u);
}

TEST_F(Handles, TablesGrowAndReuse) {
    HandleTable table;
    std::vector<std::uint32_t> values;
    auto object = make();
    for (int i = 0; i < 5000; ++i) {
        values.push_back(table.insert(ObjectRef<void>(object), static_cast<ACCESS_MASK>(i), 0).value());
    }
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(table.get(values[i])->granted, i);
    ASSERT_TRUE(table.remove(values[77]));
    EXPECT_FALSE(table.get(values[77]));
    EXPECT_EQ(table.insert(ObjectRef<void>(object), 1, 0).value(), values[77]);
    EXPECT_EQ(table.count(), 5000u);
}

// Threads have free entries of their own; those that only open get back what others close.
TEST_F(Handles, EntriesClosedByAnotherThreadComeBack) {
    HandleTable table;
    auto object = make();
    std::uint32_t highest = 0;
    for (int round = 0; round < 20; ++round) {
        std::vector<std::uint32_t> values;
        for (int i = 0; i < 100; ++i) {
            values.push_back(table.insert(ObjectRef<void>(object), 1, 0).value());
            highest = std::max(highest, values.back());
        }
        std::thread([&] {
            for (const std::uint32_t value : values) ASSERT_TRUE(table.remove(value));
        }).join();
    }
    EXPECT_LT(highest / 4, 200u);
    EXPECT_EQ(table.count(), 0u);
}

// Threads use and close one another's handles; every reference that is given meets a living object.
TEST_F(Handles, UseAndCloseRace) {
    constexpr int threads = 4, slots = 64, rounds = 20000;
    std::atomic<ULONG_PTR> shared[slots] = {};
    std::atomic<int> met{0};
    std::vector<std::thread> workers;
    Process& process = host_process();
    for (int t = 0; t < threads; ++t) {
        workers.emplace_back([&, t] {
            CallerScope scope(process, nullptr, user_mode);
            std::mt19937 random(static_cast<unsigned>(t));
            for (int i = 0; i < rounds; ++i) {
                auto& slot = shared[random() % slots];
                auto handle = reinterpret_cast<HANDLE>(slot.load());
                switch (random() % 4) {
                    case 0:
                        if (auto old =
                                slot.exchange(reinterpret_cast<ULONG_PTR>(insert_handle(make(), 1, 0).value()))) {
                            EXPECT_TRUE(close_handle(reinterpret_cast<HANDLE>(old), user_mode));
                        }
                        break;
                    default:
                        if (auto used = reference_as<Counted>(handle, 1, counted_type(), user_mode)) {
                            EXPECT_EQ((*used)->canary, 0x600DF00Du);
                            ++met;
                        }
                }
            }
        });
    }
    for (auto& worker : workers) worker.join();
    EXPECT_GT(met, rounds);
    process.close_all_handles();
}

HANDLE closed_by;
void note_closer(Process&, void*, ACCESS_MASK, std::int64_t, std::int64_t) { closed_by = PsGetCurrentProcessId(); }

// What is left open when a process ends is closed by that process, whichever thread clears up.
TEST_F(Handles, RundownIsTheProcesssOwnDoing) {
    auto process = Process::create({77002, u"client", se::Token::system()}).value();
    const auto usual = std::exchange(counted_type().procedures.close, note_closer);
    {
        CallerScope scope(*process, nullptr, user_mode);
        ASSERT_TRUE(insert_handle(make(), 1, 0));
    }
    process->terminate();
    counted_type().procedures.close = usual;
    EXPECT_EQ(closed_by, reinterpret_cast<HANDLE>(ULONG_PTR{77002}));
}

// A call may still run when its process ends: what it opens then would stay open for ever.
TEST_F(Handles, AnEndedProcessOpensNoMoreHandles) {
    auto process = Process::create({77003, u"client", se::Token::system()}).value();
    ObjectRef<void> object = make();
    std::atomic<bool> opening{false};
    std::thread call([&] {
        CallerScope scope(*process, nullptr, user_mode);
        for (;;) {
            const auto handle = insert_handle(object, 1, 0);
            if (handle) {
                opening = true;
                continue;
            }
            EXPECT_EQ(handle.error().code(), STATUS_PROCESS_IS_TERMINATING);
            return;
        }
    });
    while (!opening) std::this_thread::yield();
    process->terminate();
    call.join();
    EXPECT_EQ(process->handles().count(), 0u);
    EXPECT_EQ(header_of(object.get()).handle_count, 0);
    EXPECT_GE(last_closes, 1);
}

TEST_F(Handles, SystemThreadsRunInSystemAndSignal) {
    HANDLE handle = nullptr;
    CLIENT_ID id{};
    static std::atomic<HANDLE> seen_process, seen_thread;
    auto routine = [](PVOID) {
        seen_process = PsGetCurrentProcessId();
        seen_thread = PsGetCurrentThreadId();
        EXPECT_EQ(current().previous_mode, kernel_mode);
        PsTerminateSystemThread(STATUS_TIMEOUT);
        ADD_FAILURE() << "terminated threads do not return";
    };
    ASSERT_EQ(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, nullptr, nullptr, &id, routine, nullptr),
              STATUS_SUCCESS);
    PVOID thread = nullptr;
    ASSERT_EQ(ObReferenceObjectByHandle(handle, SYNCHRONIZE, *PsThreadType, KernelMode, &thread, nullptr),
              STATUS_SUCCESS);
    EXPECT_EQ(ex::wait(*static_cast<DISPATCHER_HEADER*>(thread)), STATUS_SUCCESS);
    EXPECT_EQ(seen_process.load(), reinterpret_cast<HANDLE>(ULONG_PTR{4}));
    EXPECT_EQ(seen_thread.load(), id.UniqueThread);
    EXPECT_EQ(static_cast<Thread*>(thread)->exit_status(), STATUS_TIMEOUT);
    EXPECT_EQ(PsTerminateSystemThread(STATUS_SUCCESS), STATUS_INVALID_PARAMETER);
    ObDereferenceObject(thread);
    EXPECT_TRUE(close_handle(handle, user_mode));
}

TEST_F(Handles, ProcessesAreFoundById) {
    auto process = Process::create({77001, u"/usr/bin/a-rather-long-name", se::Token::system()}).value();
    EXPECT_STREQ(process->image_file_name(), "a-rather-long-n");
    EXPECT_EQ(find_process(77001)->get(), process.get());
    process->terminate();
    EXPECT_EQ(find_process(77001).error().code(), STATUS_INVALID_CID);
    EXPECT_EQ(find_process(Process::system_pid)->get(), &system_process());
    EXPECT_EQ(&current().process->token(), &host_process().token());
}

}  // namespace
}  // namespace regent::ob
