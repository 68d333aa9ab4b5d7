#include "notify.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <thread>

#include "nt/ntobapi.h"
#include "nt/ntregapi.h"
#include "nt/ntseapi.h"
#include "nt/ntservices.h"
#include "nt/ntstatus.h"

namespace regent::bench {
namespace {

constexpr int rounds = 1000;
constexpr int watches = 10'000;

void check(NTSTATUS status) {
    if (NT_SUCCESS(status)) return;
    std::fprintf(stderr, "bench: W11 failed with 0x%08x\n", static_cast<unsigned>(status));
    std::exit(1);
}

UNICODE_STRING unicode(std::u16string_view text) {
    UNICODE_STRING string{};
    string.Length = string.MaximumLength = static_cast<USHORT>(text.size() * 2);
    string.Buffer = const_cast<char16_t*>(text.data());
    return string;
}

HANDLE create(const std::u16string& path) {
    UNICODE_STRING name = unicode(path);
    OBJECT_ATTRIBUTES attributes{};
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    HANDLE key = nullptr;
    check(NtCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, nullptr, 0, nullptr));
    return key;
}

void set(HANDLE key, std::uint32_t value) {
    UNICODE_STRING name = unicode(u"Value");
    check(NtSetValueKey(key, &name, 0, REG_DWORD, &value, sizeof(value)));
}

// The median of the way from `wake` to the return of `wait` in another thread. `wait` sleeps until woken; the pause
// before each wake is there for it to be asleep.
double time_wakes(const std::function<void()>& wait, const std::function<void(std::uint32_t)>& wake) {
    std::atomic<int> ready{0};
    std::atomic<std::int64_t> woken{0};
    std::thread waiter([&] {
        for (int i = 1; i <= rounds; ++i) {
            ready.store(i);
            wait();
            woken.store(now_ns());
        }
        ready.store(rounds + 1);
    });
    std::vector<double> times;
    for (int i = 1; i <= rounds; ++i) {
        while (ready.load() < i) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::microseconds(60));
        woken.store(0);
        const std::int64_t began = now_ns();
        wake(static_cast<std::uint32_t>(i));
        // A second wake may have ended two waits: then the waiter is ahead, and this round is not counted.
        while (woken.load() == 0 && ready.load() == i) {
            std::this_thread::yield();
            // A waiter that was not there yet has missed it.
            if (now_ns() - began > 20'000'000) wake(static_cast<std::uint32_t>(i + rounds));
        }
        if (const std::int64_t ended = woken.load(); ended > began) times.push_back(static_cast<double>(ended - began));
    }
    waiter.join();
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return *middle;
}

double time_futex() {
    std::atomic<std::uint32_t> word{0};
    std::uint32_t seen = 0;
    return time_wakes(
        [&] {
            while (word.load() == seen) syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
            seen = word.load();
        },
        [&](std::uint32_t i) {
            word.store(i);
            syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
        });
}

double time_notified(HANDLE watched, HANDLE written, std::uint32_t& value) {
    return time_wakes(
        [&] {
            IO_STATUS_BLOCK io{};
            check(NtNotifyChangeKey(watched, nullptr, nullptr, nullptr, &io, REG_NOTIFY_CHANGE_LAST_SET, FALSE, nullptr,
                                    0, FALSE));
        },
        [&](std::uint32_t) { set(written, ++value); });
}

double time_sets(HANDLE key, std::uint32_t& value) {
    constexpr int sets = 20'000;
    const auto began = spent_ns();
    for (int i = 0; i < sets; ++i) set(key, ++value);
    return static_cast<double>(spent_ns() - began) / sets;
}

}  // namespace

void measure_notify(Report& report, int runs, const std::string& subject) {
    const std::u16string root = u"\\Registry\\Machine\\Software\\BenchNotify";
    const HANDLE top = create(root);
    const HANDLE watched = create(root + u"\\Watched");
    const HANDLE written = create(root + u"\\Watched");
    std::uint32_t value = static_cast<std::uint32_t>(now_ns());
    report.measure_paired(
        "W11", "woken", 1, "ns", runs,
        {{subject, [&] { return time_notified(watched, written, value); }}, {"futex", [] { return time_futex(); }}});

    report.measure("W11", "set", 0, subject, runs, [&] { return time_sets(written, value); });
    std::vector<HANDLE> handles;
    std::vector<IO_STATUS_BLOCK> io(watches);
    const HANDLE elsewhere = create(root + u"\\Elsewhere");
    for (int i = 0; i < watches; ++i) {
        std::u16string path = root + u"\\Elsewhere\\k";
        for (const char digit : std::to_string(i)) path.push_back(static_cast<char16_t>(digit));
        handles.push_back(create(path));
        check(NtNotifyChangeKey(handles.back(), nullptr, nullptr, nullptr, &io[static_cast<std::size_t>(i)],
                                REG_NOTIFY_CHANGE_LAST_SET, FALSE, nullptr, 0, TRUE));
    }
    report.measure("W11", "set", watches, subject, runs, [&] { return time_sets(written, value); });
    for (const HANDLE handle : handles) {
        NtDeleteKey(handle);
        NtClose(handle);
    }
    for (const HANDLE handle : {elsewhere, watched, top}) {
        NtDeleteKey(handle);
        NtClose(handle);
    }
    NtClose(written);
}

}  // namespace regent::bench
