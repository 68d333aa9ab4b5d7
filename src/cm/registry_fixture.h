// A registry in memory for the tests of this floor: \Registry with a volatile hive at \Registry\Machine\Test.
#pragma once

#include <gtest/gtest.h>

#include "cm/registry.h"
#include "ob/handle.h"
#include "ob/namespace.h"
#include "ob/process.h"

namespace regent::cm {

class RegistryTest : public testing::Test {
protected:
    void SetUp() override {
        ob::initialize();
        Registry::Options options;
        options.lazy_flush_seconds = 0;
        auto started = Registry::start(options);
        ASSERT_TRUE(started) << rtl::status_name(started.error().code());
        registry_ = std::move(*started);
        ASSERT_TRUE(mount(u"\\Registry\\Machine\\Test"));
    }
    void TearDown() override { registry_.reset(); }

    static Result<void> mount(Utf16View path, const MountOptions& how = {}) {
        auto storage = hive::Hive::create(rtl::real_env(), {});
        if (!storage) return std::unexpected(storage.error());
        return registry().mount(path, std::move(*storage), how);
    }

    struct Ask {
        Utf16View name;
        HANDLE root = nullptr;
        ULONG options = 0;
        ULONG attributes = 0;
        ACCESS_MASK desired = KEY_ALL_ACCESS;
        Utf16View class_name = {};
    };
    static Result<OpenedKey> call(const Ask& ask, bool create) {
        const ob::CallerScope kernel(ob::kernel_mode);
        OpenRequest request;
        request.name = ask.name;
        request.root = ask.root;
        request.options = ask.options;
        request.attributes = ask.attributes;
        request.desired = ask.desired;
        request.class_name = ask.class_name;
        request.create = create;
        return open_key(request);
    }
    // The status of an opening, and the key when there is one.
    static NTSTATUS open(const Ask& ask, KeyRef* key = nullptr) { return keep(call(ask, false), key); }
    static NTSTATUS create(const Ask& ask, KeyRef* key = nullptr) { return keep(call(ask, true), key); }
    static KeyRef made(Utf16View name, ULONG options = 0) {
        KeyRef key;
        Ask ask{name};
        ask.options = options;
        EXPECT_EQ(create(ask, &key), STATUS_SUCCESS) << rtl::to_utf8(name);
        return key;
    }
    static std::string path_of(const KeyRef& key) { return rtl::to_utf8(key->block().path()); }
    static Result<void> set(const KeyRef& key, Utf16View name, std::uint32_t number) {
        return set_value(*key, name, REG_DWORD, rtl::as_bytes(&number, sizeof(number)));
    }
    static NTSTATUS set_link(const KeyRef& key, Utf16View target) {
        return rtl::to_ntstatus(set_value(*key, u"SymbolicLinkValue", REG_LINK, std::as_bytes(std::span(target))));
    }
    static std::optional<std::uint32_t> get(const KeyRef& key, Utf16View name) {
        struct {
            std::uint32_t type, size, value;
        } answer{};
        const auto outcome =
            query_value(*key, name, KeyValuePartialInformationAlign64, std::as_writable_bytes(std::span(&answer, 1)));
        if (outcome.status() != STATUS_SUCCESS) return std::nullopt;
        return answer.value;
    }
    // The names that enumeration gives, joined by commas.
    static std::string subkeys(const KeyRef& key) {
        std::string names;
        for (ULONG i = 0;; ++i) {
            alignas(8) std::array<std::byte, 1024> buffer;
            const auto outcome = enumerate_key(*key, i, KeyBasicInformation, buffer);
            if (outcome.needed() == 0) return names;
            const auto length = *rtl::load<std::uint32_t>(buffer, offsetof(KEY_BASIC_INFORMATION, NameLength));
            if (i != 0) names += ',';
            names += rtl::to_utf8(Utf16View(reinterpret_cast<const char16_t*>(buffer.data() + 16), length / 2));
        }
    }

    std::unique_ptr<Registry> registry_;

private:
    static NTSTATUS keep(Result<OpenedKey> opened, KeyRef* key) {
        if (!opened) return opened.error().code();
        if (key != nullptr) *key = std::move(opened->body);
        return STATUS_SUCCESS;
    }
};

}  // namespace regent::cm
