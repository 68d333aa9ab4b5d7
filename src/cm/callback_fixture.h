// Fake key objects and scripted callbacks: what the engine does can be shown without a registry.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cm/callback.h"

namespace regent::cm::filter::testing {

struct FakeKey {
    ObjectContexts contexts;
    ULONG_PTR id = 1;
    Utf16 name = u"\\REGISTRY\\MACHINE\\Fake";
    Utf16 old_name = u"\\REGISTRY\\MACHINE\\Old";
    UNICODE_STRING cached = rtl::unicode_string(old_name);
};

inline const KeyObjectHooks fake_hooks{
    [](void* object) { return &static_cast<FakeKey*>(object)->contexts; },
    [](void* object) { return static_cast<FakeKey*>(object)->id; },
    [](void* object) -> PCUNICODE_STRING { return &static_cast<FakeKey*>(object)->cached; },
    [](void* object) -> Result<Utf16> { return static_cast<FakeKey*>(object)->name; }};

// A registered callback that runs a script and writes one line a call into a shared log: "high.1" (class 1 = pre-set).
class Listener {
public:
    using Script = std::function<NTSTATUS(REG_NOTIFY_CLASS, void*)>;
    Listener(std::vector<std::string>& log, std::string name, Utf16View altitude, Script script = {})
        : log_(log), name_(std::move(name)), script_(std::move(script)) {
        auto made = register_callback(&entry, altitude, this);
        EXPECT_TRUE(made.has_value()) << name_;
        if (made) cookie = *made;
    }
    ~Listener() { (void)remove(); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    NTSTATUS remove() {
        const NTSTATUS status = CmUnRegisterCallback(cookie);
        if (NT_SUCCESS(status)) cookie.QuadPart = 0;
        return status;
    }
    void script(Script script) { script_ = std::move(script); }

    LARGE_INTEGER cookie{};

private:
    static NTSTATUS entry(PVOID context, PVOID argument1, PVOID argument2) {
        auto* self = static_cast<Listener*>(context);
        const auto notify_class = static_cast<REG_NOTIFY_CLASS>(reinterpret_cast<std::uintptr_t>(argument1));
        self->log_.push_back(self->name_ + "." + std::to_string(notify_class));
        return self->script_ ? self->script_(notify_class, argument2) : STATUS_SUCCESS;
    }
    std::vector<std::string>& log_;
    std::string name_;
    Script script_;
};

class CallbackTest : public ::testing::Test {
protected:
    void SetUp() override { set_key_object_hooks(fake_hooks); }
    void TearDown() override { EXPECT_FALSE(any_registered()); }

    // What a service does: NtSetValueKey on `key`, whose own work returns `outcome`.
    NTSTATUS set_value(FakeKey& key, NTSTATUS outcome = STATUS_SUCCESS) {
        REG_SET_VALUE_KEY_INFORMATION info{};
        info.Object = &key;
        Operation operation(RegNtPreSetValueKey, &key, &info);
        return operation.run([&] {
            log.push_back("set");
            return outcome;
        });
    }
    void close(FakeKey& key) {
        closing = this;
        close_key_object(&key, key.contexts, [](void*) { closing->log.push_back("close"); });
    }
    using Log = std::vector<std::string>;
    Log log;
    static inline CallbackTest* closing = nullptr;
};

}  // namespace regent::cm::filter::testing
