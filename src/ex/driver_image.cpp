#include "ex/driver_image.h"

#include <atomic>
#include <vector>

#include "rtl/lock.h"

namespace regent::ex {
namespace {

struct Image {
    DriverId id = 0;
    std::uintptr_t start = 0;
    std::uintptr_t end = 0;
};
using Table = std::vector<Image>;

// Readers (every pool allocation) take no lock: a change publishes a new table. Old tables are kept, for readers may
// still look at them; drivers come and go rarely.
struct Registry {
    Mutex<LockRank::leaf> lock;
    std::vector<std::string> names RG_GUARDED_BY(lock){"host"};
    std::vector<Table*> tables RG_GUARDED_BY(lock){new Table};
    std::atomic<const Table*> current{tables.back()};

    void publish_locked(Table table) RG_REQUIRES(lock) {
        tables.push_back(new Table(std::move(table)));
        current.store(tables.back(), std::memory_order_release);
    }
};

Registry& registry() {
    static Registry* instance = new Registry;
    return *instance;
}

}  // namespace

DriverId add_driver_image(std::string name, const void* start, std::size_t size) {
    Registry& images = registry();
    ExclusiveGuard guard(images.lock);
    const auto id = static_cast<DriverId>(images.names.size());
    images.names.push_back(std::move(name));
    Table table = *images.tables.back();
    const auto first = reinterpret_cast<std::uintptr_t>(start);
    table.push_back({id, first, first + size});
    images.publish_locked(std::move(table));
    return id;
}

void remove_driver_image(DriverId id) {
    Registry& images = registry();
    ExclusiveGuard guard(images.lock);
    Table table = *images.tables.back();
    std::erase_if(table, [id](const Image& image) { return image.id == id; });
    images.publish_locked(std::move(table));
}

DriverId driver_of(const void* address) {
    const auto where = reinterpret_cast<std::uintptr_t>(address);
    for (const Image& image : *registry().current.load(std::memory_order_acquire)) {
        if (where >= image.start && where < image.end) return image.id;
    }
    return 0;
}

std::string driver_name(DriverId id) {
    Registry& images = registry();
    ExclusiveGuard guard(images.lock);
    return id < images.names.size() ? images.names[id] : "unknown";
}

}  // namespace regent::ex
