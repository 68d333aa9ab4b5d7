#include "filter_test.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "regent/gate.h"

namespace regent::test {
namespace {

// Boots once; the folder goes with the program.
struct Store {
    Store() {
        char name[] = "/tmp/callbacks_test.XXXXXX";
        folder = mkdtemp(name);
        mkdir((folder + "/files").c_str(), 0777);
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
Store& store() {
    static Store booted;
    return booted;
}

thread_local bool watched = false;

}  // namespace

Filter::Filter(Log& log, std::string name, Utf16View altitude, Script script, cm::filter::Profile profile)
    : log_(log), name_(std::move(name)), script_(std::move(script)) {
    auto made = cm::filter::register_callback(&entry, altitude, this, profile);
    EXPECT_TRUE(made.has_value()) << name_;
    if (made) cookie = *made;
}

NTSTATUS Filter::remove() {
    const NTSTATUS status = CmUnRegisterCallback(cookie);
    if (NT_SUCCESS(status)) cookie.QuadPart = 0;
    return status;
}

NTSTATUS Filter::entry(PVOID context, PVOID argument1, PVOID argument2) {
    if (!watched) return STATUS_SUCCESS;  // the lazy flusher and its kind
    auto* self = static_cast<Filter*>(context);
    const auto notify_class = static_cast<REG_NOTIFY_CLASS>(reinterpret_cast<std::uintptr_t>(argument1));
    self->log_.push_back(self->name_ + "." + std::to_string(notify_class));
    return self->script_ ? self->script_({notify_class, argument2}) : STATUS_SUCCESS;
}

void FilterTest::SetUpTestSuite() { (void)store(); }

void FilterTest::SetUp() {
    watched = true;
    key = create(test_key);
}

void FilterTest::TearDown() {
    EXPECT_FALSE(cm::filter::any_registered());
    NtDeleteKey(key);
    NtClose(key);
}

HANDLE FilterTest::create(Utf16View name, HANDLE root) {
    HANDLE handle = nullptr;
    Name attributes(name, root);
    EXPECT_EQ(NtCreateKey(&handle, KEY_ALL_ACCESS, attributes, 0, nullptr, 0, nullptr), STATUS_SUCCESS);
    return handle;
}

NTSTATUS FilterTest::set(HANDLE handle, Utf16View name, ULONG value) {
    UNICODE_STRING string = rtl::unicode_string(name);
    return NtSetValueKey(handle, &string, 0, REG_DWORD, &value, sizeof value);
}

std::string FilterTest::host_folder() { return store().folder + "/files"; }

}  // namespace regent::test
