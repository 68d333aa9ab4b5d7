// An executive on a temporary store, and short words for the calls of the driver tests.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "nt/ntioapi.h"
#include "nt/ntregapi.h"
#include "nt/ntseapi.h"
#include "nt/ntservices.h"
#include "nt/ntstatus.h"
#include "rtl/utf16.h"

namespace regent::test {

class DriverHost : public ::testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    // Makes the service key and loads the driver.
    NTSTATUS load(const std::string& name, const std::string& image);
    NTSTATUS unload(const std::string& name);
    void set_parameter(const std::string& name, const std::string& value, ULONG number);
    void set_parameter(const std::string& name, const std::string& value, const std::string& text);
    // Lines that the host or a driver printed since the test began contain `text`.
    bool printed(const std::string& text);
    // What follows `text` in the last such line; empty when there is none.
    std::string printed_after(const std::string& text);

    const std::string& directory() const { return directory_; }  // holds the store

private:
    std::string directory_;
    std::uint64_t first_line_ = 0;
};

struct Named {
    Utf16 text;
    UNICODE_STRING string;
    OBJECT_ATTRIBUTES attributes;
    explicit Named(const std::string& name) : text(rtl::from_utf8(name)), string(rtl::unicode_string(text)) {
        InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    }
    Named(const Named&) = delete;
    Named& operator=(const Named&) = delete;
};

NTSTATUS open_file(const std::string& path, HANDLE* file, ULONG options);
NTSTATUS control(HANDLE file, ULONG code, void* input, std::size_t input_size, void* output, std::size_t output_size);
HANDLE make_key(const std::string& path);

}  // namespace regent::test
