// Registration against operations from four threads. What must hold: no callback runs after its unregistration
// returned, every post had its pre in the same callback, every context is cleaned exactly once.
#include <cstdlib>
#include <thread>
#include <utility>

#include "cm/callback_fixture.h"

namespace regent::cm::filter::testing {
namespace {

struct Client {
    std::atomic<bool> gone{false};
    std::atomic<std::uint64_t> pres{0};
    std::atomic<std::uint64_t> posts{0};
    std::atomic<std::uint64_t> faults{0};
    std::atomic<std::uint64_t> set{0};
    std::atomic<std::uint64_t> cleaned{0};
    std::atomic<LONGLONG> cookie{0};
};

NTSTATUS client_callback(PVOID context, PVOID argument1, PVOID information) {
    auto* client = static_cast<Client*>(context);
    if (client->gone.load()) ++client->faults;
    switch (static_cast<REG_NOTIFY_CLASS>(reinterpret_cast<std::uintptr_t>(argument1))) {
        case RegNtPreSetValueKey: {
            auto* info = static_cast<REG_SET_VALUE_KEY_INFORMATION*>(information);
            ++client->pres;
            info->CallContext = client;
            LARGE_INTEGER cookie;
            cookie.QuadPart = client->cookie.load();
            if (info->ObjectContext == nullptr && cookie.QuadPart != 0 &&
                NT_SUCCESS(CmSetCallbackObjectContext(info->Object, &cookie, client, nullptr))) {
                ++client->set;
            }
            break;
        }
        case RegNtPostSetValueKey:
            ++client->posts;
            if (static_cast<REG_POST_OPERATION_INFORMATION*>(information)->CallContext != client) ++client->faults;
            break;
        case RegNtCallbackObjectContextCleanup:
            ++client->cleaned;
            if (static_cast<REG_CALLBACK_CONTEXT_CLEANUP_INFORMATION*>(information)->ObjectContext != client) {
                ++client->faults;
            }
            break;
        default:
            break;
    }
    return STATUS_SUCCESS;
}

void operate(const std::atomic<bool>& stop, std::atomic<std::uint64_t>& operations) {
    std::uint64_t done = 0;
    while (!stop.load(std::memory_order_relaxed)) {
        FakeKey key;
        for (int i = 0; i < 20; ++i) {
            if (!any_registered()) continue;
            REG_SET_VALUE_KEY_INFORMATION info{};
            info.Object = &key;
            Operation operation(RegNtPreSetValueKey, &key, &info);
            if (operation.run([] { return STATUS_SUCCESS; }) != STATUS_SUCCESS) std::abort();
            ++done;
        }
        close_key_object(&key, key.contexts, [](void*) {});
        operations.fetch_add(std::exchange(done, 0), std::memory_order_relaxed);
    }
}

// One life of a callback: register, be called, unregister. After that nothing may reach it.
void live_once(Utf16View altitude) {
    Client client;
    auto cookie = register_callback(client_callback, altitude, &client);
    ASSERT_TRUE(cookie.has_value());
    client.cookie = cookie->QuadPart;
    std::this_thread::yield();
    ASSERT_TRUE(unregister_callback(*cookie).has_value());
    client.gone = true;
    EXPECT_EQ(client.faults, 0U);
    EXPECT_LE(client.posts, client.pres);
    // Each set on an empty object is one context; a second thread never sets on the same object.
    EXPECT_EQ(client.cleaned, client.set);
}

// REGENT_STRESS_OPERATIONS says how many operations the four threads do (the long run: 10,000,000).
TEST(CallbackStress, RegisterAndUnregisterAgainstFourThreads) {
    const char* const text = std::getenv("REGENT_STRESS_OPERATIONS");
    const std::uint64_t target = text != nullptr ? std::strtoull(text, nullptr, 10) : 20000;
    set_key_object_hooks(fake_hooks);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> operations{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) threads.emplace_back([&] { operate(stop, operations); });
        std::vector<std::jthread> registrars;
        for (Utf16View altitude : {u"10", u"20.5"}) {
            registrars.emplace_back([altitude, target, &operations] {
                for (int life = 0; life < 300 || operations < target; ++life) live_once(altitude);
            });
        }
        registrars.clear();
        stop = true;
    }
    EXPECT_GE(operations, target);
    EXPECT_FALSE(any_registered());
}

}  // namespace
}  // namespace regent::cm::filter::testing
