#include "ex/driver_image.h"

#include <array>
#include <atomic>
#include <deque>
#include <map>

#include "rtl/lock.h"

namespace regent::ex {
namespace {

constexpr std::size_t most_images = 1024;
constexpr std::size_t remembered_names = 256;

// Readers (every pool allocation) take no lock: they read a slot under its version, which is odd while it is written.
// Slots are used again, so that drivers may come and go for ever.
struct Slot {
    std::atomic<std::uint32_t> version{0};
    std::atomic<DriverId> id{0};
    std::atomic<std::uintptr_t> start{0};
    std::atomic<std::uintptr_t> end{0};
    std::array<std::atomic<char>, sizeof(DriverImage::name)> name{};

    void write(DriverId new_id, std::uintptr_t first, std::uintptr_t behind, std::string_view text) {
        version.fetch_add(1, std::memory_order_acq_rel);
        for (std::size_t i = 0; i < name.size(); ++i)
            name[i].store(i < text.size() && i + 1 < name.size() ? text[i] : 0, std::memory_order_release);
        id.store(new_id, std::memory_order_release);
        start.store(first, std::memory_order_release);
        end.store(behind, std::memory_order_release);
        version.fetch_add(1, std::memory_order_release);
    }
    // False: being written, or nobody's.
    bool read(DriverImage& image) const {
        const std::uint32_t before = version.load(std::memory_order_acquire);
        image.start = start.load(std::memory_order_acquire);
        image.end = end.load(std::memory_order_acquire);
        for (std::size_t i = 0; i < name.size(); ++i) image.name[i] = name[i].load(std::memory_order_acquire);
        return id.load(std::memory_order_acquire) != 0 && before % 2 == 0 &&
               version.load(std::memory_order_relaxed) == before;
    }
    // The id when the image holds the address, else 0.
    DriverId find(std::uintptr_t where) const {
        for (;;) {
            const std::uint32_t before = version.load(std::memory_order_acquire);
            const bool inside =
                where >= start.load(std::memory_order_acquire) && where < end.load(std::memory_order_acquire);
            const DriverId found = id.load(std::memory_order_acquire);
            if (before % 2 == 0 && version.load(std::memory_order_relaxed) == before) return inside ? found : 0;
        }
    }
};

struct Registry {
    Mutex<LockRank::leaf> lock;
    DriverId last_id RG_GUARDED_BY(lock) = 0;
    std::map<DriverId, std::string> names RG_GUARDED_BY(lock){{0, "host"}};
    std::deque<DriverId> removed RG_GUARDED_BY(lock);  // those whose names are still known, oldest first
    std::array<Slot, most_images> slots;               // written under the lock
    std::atomic<std::size_t> used{0};                  // slots from here on were never written

    Slot* slot_of_locked(DriverId id) RG_REQUIRES(lock) {
        for (Slot& slot : slots)
            if (slot.id.load(std::memory_order_relaxed) == id) return &slot;
        return nullptr;
    }
};

Registry& registry() {
    static Registry* instance = new Registry;
    return *instance;
}

}  // namespace

DriverId add_driver_image(std::string name, const void* start, std::size_t size, Verify verify) {
    Registry& images = registry();
    ExclusiveGuard guard(images.lock);
    DriverId id = ++images.last_id;
    if (verify != Verify::off) id |= verified_bit;
    if (verify == Verify::stop) id |= stop_bit;
    images.names.emplace(id, std::move(name));
    if (Slot* const slot = images.slot_of_locked(0)) {
        const auto first = reinterpret_cast<std::uintptr_t>(start);
        slot->write(id, first, first + size, images.names[id]);
        const auto behind = static_cast<std::size_t>(slot - images.slots.data()) + 1;
        if (behind > images.used.load(std::memory_order_relaxed)) images.used.store(behind, std::memory_order_release);
    }
    return id;
}

void remove_driver_image(DriverId id) {
    Registry& images = registry();
    ExclusiveGuard guard(images.lock);
    if (Slot* const slot = id != 0 ? images.slot_of_locked(id) : nullptr) slot->write(0, 0, 0, {});
    images.removed.push_back(id);
    if (images.removed.size() <= remembered_names) return;
    images.names.erase(images.removed.front());
    images.removed.pop_front();
}

DriverId driver_of(const void* address) {
    const Registry& images = registry();
    const auto where = reinterpret_cast<std::uintptr_t>(address);
    const std::size_t used = images.used.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < used; ++i)
        if (const DriverId found = images.slots[i].find(where)) return found;
    return 0;
}

void for_each_driver_image(void (*visit)(void* argument, const DriverImage& image), void* argument) {
    const Registry& images = registry();
    DriverImage image;
    for (const Slot& slot : images.slots)
        if (slot.read(image)) visit(argument, image);
}

std::uintptr_t driver_start(DriverId id) {
    Registry& images = registry();
    ExclusiveGuard guard(images.lock);
    const Slot* const slot = id != 0 ? images.slot_of_locked(id) : nullptr;
    return slot != nullptr ? slot->start.load(std::memory_order_relaxed) : 0;
}

std::string driver_name(DriverId id) {
    Registry& images = registry();
    ExclusiveGuard guard(images.lock);
    const auto found = images.names.find(id);
    return found != images.names.end() ? found->second : "unknown";
}

}  // namespace regent::ex
