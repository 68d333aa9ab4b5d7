// Structured exceptions of drivers: in PE images with tables and handlers as the compilers of Windows make them, in ELF
// objects as regent-cc rewrites them. One source.
#include "host_fixture.h"

namespace regent::test {
namespace {

class SehDriver : public DriverHost {
protected:
    static NTSTATUS set_value() {
        HANDLE key = make_key("\\Registry\\Machine\\Software\\SehTest");
        Named name("Value");
        ULONG number = 1;
        const NTSTATUS status = ZwSetValueKey(key, &name.string, 0, REG_DWORD, &number, sizeof number);
        ZwClose(key);
        return status;
    }
};

// The driver checks itself (seh.c): filters, handlers and __finally blocks in NT's order.
TEST_F(SehDriver, handlers_run_as_on_windows) {
    EXPECT_EQ(load("seh", "seh.sys"), STATUS_SUCCESS);
    EXPECT_TRUE(printed("20 cases, 0 failed")) << printed_after("seh: case");
    EXPECT_EQ(unload("seh"), STATUS_SUCCESS);
    EXPECT_FALSE(printed("left"));
}

TEST_F(SehDriver, nobody_handles_a_callbacks_exception) {
    const auto run = [this] {
        if (load("seh", "seh.sys") == STATUS_SUCCESS) set_value();
    };
    EXPECT_DEATH(run(),
                 "REGISTRY_FILTER_DRIVER_EXCEPTION \\(0x00000000C0000005[^*]*registry callback of driver seh"
                 "[^*]*unhandled exception STATUS_ACCESS_VIOLATION at [^*]*writing 8");
}

// Version 1.0 of the callbacks, and what was before: the exception is the callback's answer, and everything goes on.
TEST_F(SehDriver, older_windows_swallows_a_callbacks_exception) {
    for (const char* profile : {"XP", "Server2003", "Vista"}) {
        set_parameter("seh", "RegistryCallbackProfile", profile);
        ASSERT_EQ(load("seh", "seh.sys"), STATUS_SUCCESS) << profile;
        for (int i = 0; i < 3; ++i) EXPECT_EQ(set_value(), STATUS_ACCESS_VIOLATION) << profile;
        EXPECT_EQ(unload("seh"), STATUS_SUCCESS) << profile;
        EXPECT_EQ(set_value(), STATUS_SUCCESS) << profile;
    }
    EXPECT_FALSE(printed("left"));
}

}  // namespace
}  // namespace regent::test
