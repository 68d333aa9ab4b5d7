// Structured exceptions of drivers: in PE images with tables and handlers as the compilers of Windows make them, in ELF
// objects as regent-cc rewrites them. One source.
#include "host_fixture.h"

namespace regent::test {
namespace {

class SehDriver : public DriverHost {
protected:
    static void set_value() {
        HANDLE key = make_key("\\Registry\\Machine\\Software\\SehTest");
        Named name("Value");
        ULONG number = 1;
        ZwSetValueKey(key, &name.string, 0, REG_DWORD, &number, sizeof number);
        ZwClose(key);
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

}  // namespace
}  // namespace regent::test
