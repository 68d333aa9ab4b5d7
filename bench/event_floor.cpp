#include "event_floor.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "report.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace regent::bench {
namespace {

// Its lines travel between cores.
class LiveRing {
public:
    LiveRing() : reader_([this] { read(); }) {}
    ~LiveRing() {
        stop_.store(true, std::memory_order_relaxed);
        reader_.join();
    }
    LiveRing(const LiveRing&) = delete;
    LiveRing& operator=(const LiveRing&) = delete;

    static constexpr std::size_t slots = 1 << 14;

    // REQUIRES: room.
    void put(const EventRecord& event) {
        const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - known_head_ == slots) known_head_ = head_.load(std::memory_order_acquire);
        if (tail - known_head_ == slots) std::abort();
        std::memcpy(&ring_[tail % slots], &event, sizeof event);
        tail_.store(tail + 1, std::memory_order_release);
    }
    void wait_for_room(std::size_t events) const {
        while (tail_.load(std::memory_order_relaxed) + events - head_.load(std::memory_order_acquire) > slots)
            std::this_thread::yield();
    }

private:
    // As a consumer that is woken: one that asks for each event would fight the writer for the position's line.
    static constexpr std::size_t least_batch = slots / 16;
    void read() {
        std::vector<EventRecord> batch(slots);
        std::uint64_t head = 0;
        while (!stop_.load(std::memory_order_relaxed)) {
            const std::uint64_t tail = tail_.load(std::memory_order_acquire);
            if (tail - head < least_batch) {
                std::this_thread::yield();
                continue;
            }
            for (; head != tail; ++head) batch[head % slots] = ring_[head % slots];
            asm volatile("" : : "r"(batch.data()) : "memory");
            head_.store(head, std::memory_order_release);
        }
    }

    std::vector<EventRecord> ring_ = std::vector<EventRecord>(slots);
    std::uint64_t known_head_ = 0;
    alignas(64) std::atomic<std::uint64_t> tail_{0};
    alignas(64) std::atomic<std::uint64_t> head_{0};
    std::atomic<bool> stop_{false};
    std::thread reader_;  // last: it uses the others
};

}  // namespace

EventRecord sample_event() {
    EventRecord event{};
    event.operation = 23;
    event.name_id = 7;
    std::memcpy(event.name, u"Value", sizeof event.name);
    for (std::size_t i = 0; i < sizeof event.data; ++i) event.data[i] = static_cast<std::uint8_t>(i);
    return event;
}

double floor_event(std::size_t count) {
    constexpr std::size_t slots = 1 << 14;
    static std::vector<EventRecord> ring(slots);
    EventRecord event = sample_event();
    return time_per_operation(count, [&](std::size_t i) {
#if defined(__x86_64__)
        event.time = __rdtsc();
#endif
        event.thread = static_cast<std::uint32_t>(i);
        std::memcpy(&ring[i % slots], &event, sizeof event);
        asm volatile("" ::: "memory");
    });
}

double floor_live_event(std::size_t count) {
    constexpr std::size_t burst = LiveRing::slots / 4;
    LiveRing ring;
    EventRecord event = sample_event();
    double ns = 0;
    for (std::size_t done = 0; done < count; done += burst) {
        ring.wait_for_room(burst);
        ns += time_per_operation(burst, [&](std::size_t i) {
#if defined(__x86_64__)
            event.time = __rdtsc();
#endif
            event.thread = static_cast<std::uint32_t>(i);
            ring.put(event);
        });
    }
    return ns / static_cast<double>((count + burst - 1) / burst);
}

}  // namespace regent::bench
