// The C++ client in one screen: make a key, store typed values, read them, list them, wait for a change.
//   g++ -std=c++23 client_tour.cpp -lregent && REGENT_STORE=$HOME/registry ./a.out
#include <cstdio>

#include "regent/registry.h"

namespace reg = regent::client;

static int fail(const reg::Error& error) {
    std::fprintf(stderr, "client_tour: %s\n", error.message().c_str());
    return 1;
}

int main() {
    auto key = reg::create_key("HKCU\\Software\\ClientTour");
    if (!key) return fail(key.error());

    // Every call answers with a result; here the first failure of three ends the program.
    auto stored = key->set("Width", 640);
    if (stored) stored = key->set("Title", "Überschrift");
    if (stored) stored = key->set("Recent", reg::Strings{"one.txt", "two.txt"});
    if (!stored) return fail(stored.error());

    const auto width = key->get<std::uint32_t>("Width");
    const auto depth = key->get_or<std::uint32_t>("Depth", 24);
    if (!width || !depth) return fail(width ? depth.error() : width.error());
    std::printf("%u wide, %u deep\n", *width, *depth);

    for (const auto& value : key->values()) {
        if (!value) return fail(value.error());
        std::printf("  %s: type %u, %zu bytes\n", reg::to_utf8(value->name).c_str(), value->type, value->data.size());
    }

    auto watcher = reg::Watcher::create(*key);
    if (!watcher) return fail(watcher.error());
    if (auto changed = key->set("Width", 800); !changed) return fail(changed.error());
    if (watcher->wait(std::chrono::seconds(10))) std::printf("the watcher saw it\n");
    return 0;
}
