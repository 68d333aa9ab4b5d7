// Short histories of threads that meet on three keys, each checked against every order in which the calls could have
// been made one after the other. Half of them on volatile keys.
#include <stdlib.h>

#include <atomic>
#include <barrier>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "history.h"
#include "nt/ntregapi.h"
#include "nt/ntservices.h"
#include "nt/ntstatus.h"
#include "regent/gate.h"
#include "rtl/utf16.h"

namespace regent::test {
namespace {

constexpr int histories = 10'000;
constexpr int calls_a_thread = 3;

struct Store {
    Store() {
        char name[] = "/tmp/linearizability_test.XXXXXX";
        folder = mkdtemp(name);
        auto chosen = select_gate({.store = folder + "/store", .socket = {}});
        if (!chosen) {
            std::fprintf(stderr, "%s\n", chosen.error().message.c_str());
            std::abort();
        }
    }
    ~Store() {
        close_gate();
        std::filesystem::remove_all(folder);
    }
    std::string folder;
};

class KeyName {
public:
    explicit KeyName(Utf16View text, HANDLE root = nullptr) : string_(rtl::unicode_string(text)) {
        InitializeObjectAttributes(&attributes_, &string_, OBJ_CASE_INSENSITIVE, root, nullptr);
    }
    KeyName(const KeyName&) = delete;
    KeyName& operator=(const KeyName&) = delete;
    operator POBJECT_ATTRIBUTES() { return &attributes_; }
    PUNICODE_STRING string() { return &string_; }

private:
    UNICODE_STRING string_;
    OBJECT_ATTRIBUTES attributes_{};
};

constexpr Utf16View key_names[name_count] = {u"A", u"B", u"C"};
constexpr Utf16View value_name = u"Value";

HANDLE create_root(Utf16View path, ULONG options) {
    KeyName name(path);
    HANDLE key = nullptr;
    EXPECT_EQ(NtCreateKey(&key, KEY_ALL_ACCESS, name, 0, nullptr, options, nullptr), STATUS_SUCCESS);
    return key;
}

int name_in(const KEY_BASIC_INFORMATION& info) {
    const Utf16View name(reinterpret_cast<const char16_t*>(info.Name), info.NameLength / sizeof(char16_t));
    for (int i = 0; i < name_count; ++i) {
        if (name == key_names[i]) return i;
    }
    return name_count;
}

NTSTATUS enumerate(HANDLE root, int index, int* name) {
    alignas(8) std::uint8_t buffer[64];
    ULONG size = 0;
    const NTSTATUS status =
        NtEnumerateKey(root, static_cast<ULONG>(index), KeyBasicInformation, buffer, sizeof(buffer), &size);
    *name = NT_SUCCESS(status) ? name_in(*reinterpret_cast<KEY_BASIC_INFORMATION*>(buffer)) : nothing;
    return status;
}

// One thread's part of the histories. Its handle is of the key it created or opened last.
class Actor {
public:
    explicit Actor(int thread) : thread_(thread), random_(static_cast<unsigned>(thread) + 1) {}

    std::vector<Call> act(HANDLE root, ULONG options, std::atomic<std::uint64_t>& clock) {
        std::vector<Call> calls;
        for (int i = 0; i < calls_a_thread; ++i) {
            Call call = choose(thread_ * calls_a_thread + i + 1);
            call.began = clock.fetch_add(1);
            // Calls meet also where threads outnumber processors: some let others go before they have really begun.
            if (random_() % 3 == 0) std::this_thread::yield();
            run(call, root, options);
            call.ended = clock.fetch_add(1);
            calls.push_back(call);
        }
        if (key_ != nullptr) NtClose(std::exchange(key_, nullptr));
        return calls;
    }

private:
    Call choose(int value) {
        Call call;
        call.thread = thread_;
        // Without a key there is not much to be done.
        call.verb = static_cast<Verb>(random_() % 8);
        if (key_ == nullptr && call.verb != Verb::enumerate) call.verb = random_() % 3 != 0 ? Verb::create : Verb::open;
        call.argument = call.verb == Verb::set ? value : static_cast<int>(random_() % name_count);
        return call;
    }

    void run(Call& call, HANDLE root, ULONG options) {
        KeyName name(key_names[call.verb == Verb::set ? 0 : call.argument], root);
        KeyName value(value_name);
        switch (call.verb) {
            case Verb::create:
            case Verb::open:
                return enter(call, name, options);
            case Verb::set: {
                ULONG data = static_cast<ULONG>(call.argument);
                call.status = NtSetValueKey(key_, value.string(), 0, REG_DWORD, &data, sizeof(data));
                return;
            }
            case Verb::query:
                return query(call, value);
            case Verb::delete_value:
                call.status = NtDeleteValueKey(key_, value.string());
                return;
            case Verb::delete_key:
                call.status = NtDeleteKey(key_);
                return;
            case Verb::enumerate:
                call.status = enumerate(root, call.argument, &call.answer);
                return;
            case Verb::rename:
                call.status = NtRenameKey(key_, name.string());
                return;
        }
    }

    void enter(Call& call, KeyName& name, ULONG options) {
        HANDLE opened = nullptr;
        ULONG disposition = 0;
        call.status = call.verb == Verb::create
                          ? NtCreateKey(&opened, KEY_ALL_ACCESS, name, 0, nullptr, options, &disposition)
                          : NtOpenKey(&opened, KEY_ALL_ACCESS, name);
        if (!NT_SUCCESS(call.status)) return;
        if (call.verb == Verb::create) call.answer = disposition == REG_CREATED_NEW_KEY ? 1 : 0;
        if (key_ != nullptr) NtClose(key_);
        key_ = opened;
    }

    void query(Call& call, KeyName& value) {
        alignas(8) std::uint8_t buffer[32];
        ULONG size = 0;
        call.status = NtQueryValueKey(key_, value.string(), KeyValuePartialInformation, buffer, sizeof(buffer), &size);
        if (!NT_SUCCESS(call.status)) return;
        ULONG data = 0;
        std::memcpy(&data, reinterpret_cast<KEY_VALUE_PARTIAL_INFORMATION*>(buffer)->Data, sizeof(data));
        call.answer = static_cast<int>(data);
    }

    const int thread_;
    std::minstd_rand random_;
    HANDLE key_ = nullptr;
};

void delete_children(HANDLE root) {
    int name = 0;
    while (NT_SUCCESS(enumerate(root, 0, &name))) {
        KeyName below(key_names[name], root);
        HANDLE key = nullptr;
        ASSERT_EQ(NtOpenKey(&key, KEY_ALL_ACCESS, below), STATUS_SUCCESS);
        ASSERT_EQ(NtDeleteKey(key), STATUS_SUCCESS);
        NtClose(key);
    }
}

bool calls_met(const std::vector<Call>& history) {
    for (const Call& a : history) {
        for (const Call& b : history) {
            if (a.thread != b.thread && a.began < b.began && b.began < a.ended) return true;
        }
    }
    return false;
}

TEST(Linearizability, EveryHistoryHasAnOrder) {
    const Store store;
    const HANDLE roots[2] = {create_root(u"\\Registry\\Machine\\Software\\Linear", REG_OPTION_NON_VOLATILE),
                             create_root(u"\\Registry\\Machine\\Software\\LinearVolatile", REG_OPTION_VOLATILE)};
    std::atomic<std::uint64_t> clock{0};
    std::vector<Call> parts[thread_count];
    std::atomic<bool> stop{false};
    std::atomic<int> number{0};
    std::atomic<int> awake{0};
    std::barrier meeting(thread_count + 1);
    std::vector<std::thread> threads;
    for (int t = 0; t < thread_count; ++t) {
        threads.emplace_back([&, t] {
            Actor actor(t);
            for (;;) {
                meeting.arrive_and_wait();
                if (stop.load()) return;
                const int kind = number.load() % 2;
                // Waking from the meeting takes longer than all calls of a thread: start only when all are awake.
                for (awake.fetch_add(1); awake.load() < thread_count;) std::this_thread::yield();
                parts[t] = actor.act(roots[kind], kind == 0 ? REG_OPTION_NON_VOLATILE : REG_OPTION_VOLATILE, clock);
                meeting.arrive_and_wait();
            }
        });
    }
    int met = 0;
    for (; number.load() < histories && !HasFailure(); number.fetch_add(1)) {
        clock.store(0);
        awake.store(0);
        meeting.arrive_and_wait();
        meeting.arrive_and_wait();
        std::vector<Call> history;
        for (const auto& part : parts) history.insert(history.end(), part.begin(), part.end());
        met += calls_met(history) ? 1 : 0;
        if (!is_linearizable(history)) {
            ADD_FAILURE() << "history " << number.load() << " has no order";
            for (const Call& call : history) std::fprintf(stderr, "%s\n", to_string(call).c_str());
        }
        delete_children(roots[number.load() % 2]);
    }
    stop.store(true);
    meeting.arrive_and_wait();
    for (auto& thread : threads) thread.join();
    RecordProperty("histories_with_overlapping_calls", met);
    std::printf("%d histories, %d with calls that overlap\n", number.load(), met);
    // Else nothing was shown.
    EXPECT_GT(met, histories / 10);
    for (const HANDLE root : roots) {
        NtDeleteKey(root);
        NtClose(root);
    }
}

Call call(int thread, Verb verb, int argument, std::uint64_t began, std::uint64_t ended, NTSTATUS status = 0,
          int answer = nothing) {
    return {thread, verb, argument, began, ended, status, answer};
}

TEST(LinearizabilitySearch, AcceptsBothOrdersOfWhatOverlaps) {
    for (const int seen : {1, 2}) {
        EXPECT_TRUE(is_linearizable({call(0, Verb::create, 0, 0, 1, 0, 1), call(1, Verb::open, 0, 2, 3),
                                     call(0, Verb::set, 1, 4, 7), call(1, Verb::set, 2, 5, 6),
                                     call(0, Verb::query, 0, 8, 9, 0, seen)}));
    }
}

TEST(LinearizabilitySearch, RefusesAStaleValue) {
    EXPECT_FALSE(is_linearizable({call(0, Verb::create, 0, 0, 1, 0, 1), call(0, Verb::set, 1, 2, 3),
                                  call(0, Verb::set, 2, 4, 5), call(0, Verb::query, 0, 6, 7, 0, 1)}));
}

TEST(LinearizabilitySearch, RefusesTwoThatBothMadeTheKey) {
    EXPECT_FALSE(is_linearizable({call(0, Verb::create, 0, 0, 3, 0, 1), call(1, Verb::create, 0, 1, 2, 0, 1)}));
}

TEST(LinearizabilitySearch, RefusesADeletedKeyInAnEnumeration) {
    EXPECT_FALSE(is_linearizable({call(0, Verb::create, 0, 0, 1, 0, 1), call(0, Verb::delete_key, 0, 2, 3),
                                  call(1, Verb::enumerate, 0, 4, 5, 0, 0)}));
}

TEST(LinearizabilitySearch, RefusesAnOldNameAfterARename) {
    EXPECT_FALSE(is_linearizable(
        {call(0, Verb::create, 0, 0, 1, 0, 1), call(0, Verb::rename, 1, 2, 3), call(1, Verb::open, 0, 4, 5)}));
}

}  // namespace
}  // namespace regent::test
