// Callbacks over real keys: a store booted once for the program, filters with scripts, one line a call in a log.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cm/callback.h"
#include "nt/ntservices.h"
#include "rtl/status.h"
#include "rtl/utf16.h"

namespace regent::test {

using Log = std::vector<std::string>;

struct Call {
    REG_NOTIFY_CLASS notify_class;
    void* information;
    template <typename T>
    T* as() const {
        return static_cast<T*>(information);
    }
    REG_POST_OPERATION_INFORMATION* post() const { return as<REG_POST_OPERATION_INFORMATION>(); }
};

// A filter that logs "name.class" and asks its script. It sees only what this test's thread does.
class Filter {
public:
    using Script = std::function<NTSTATUS(const Call&)>;
    Filter(Log& log, std::string name, Utf16View altitude, Script script = {},
           cm::filter::Profile profile = cm::filter::Profile::windows7);
    ~Filter() { (void)remove(); }
    Filter(const Filter&) = delete;
    Filter& operator=(const Filter&) = delete;
    NTSTATUS remove();
    void script(Script script) { script_ = std::move(script); }
    LARGE_INTEGER cookie{};

private:
    static NTSTATUS entry(PVOID context, PVOID argument1, PVOID argument2);
    Log& log_;
    std::string name_;
    Script script_;
};

// Attributes over a literal that outlives them.
class Name {
public:
    explicit Name(Utf16View text, HANDLE root = nullptr, ULONG flags = OBJ_CASE_INSENSITIVE)
        : text_(text), string_(rtl::unicode_string(text_)) {
        InitializeObjectAttributes(&attributes_, &string_, flags, root, nullptr);
    }
    Name(const Name&) = delete;
    Name& operator=(const Name&) = delete;
    operator POBJECT_ATTRIBUTES() { return &attributes_; }
    PUNICODE_STRING string() { return &string_; }

private:
    Utf16 text_;
    UNICODE_STRING string_;
    OBJECT_ATTRIBUTES attributes_{};
};

inline const Utf16 test_key = u"\\Registry\\Machine\\Software\\CallbackTest";

class FilterTest : public ::testing::Test {
protected:
    static void SetUpTestSuite();
    void SetUp() override;
    void TearDown() override;

    HANDLE create(Utf16View name, HANDLE root = nullptr);
    NTSTATUS set(HANDLE key, Utf16View name, ULONG value);
    static std::string host_folder();

    Log log;
    HANDLE key = nullptr;  // test_key, open with all access
};

}  // namespace regent::test
