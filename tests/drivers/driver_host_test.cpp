// What is no driver, and drivers that break the rules: a status, a line that says why, and a host that goes on.
#include <fstream>

#include "host_fixture.h"
#include "wdk/wdm.h"

namespace regent::test {
namespace {

const std::string bad = "\\??\\UNIX" RG_BAD_DRIVERS "/";

std::string bad_image(const std::string& name) {
    std::string path = bad + name + ".so";
    for (char& c : path)
        if (c == '/') c = '\\';
    return path;
}

TEST_F(DriverHost, missing_file_is_not_found) {
    EXPECT_EQ(load("Missing", "no_such_driver.so"), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_TRUE(printed("no_such_driver.so: no such file"));
}

TEST_F(DriverHost, text_file_is_no_image) {
    std::ofstream(RG_BAD_DRIVERS "/text.so")
        << "this is not a driver, however long it may be, and never will be one at all";
    EXPECT_EQ(load("Text", bad_image("text")), STATUS_INVALID_IMAGE_FORMAT);
    EXPECT_TRUE(printed("no ELF header"));
}

TEST_F(DriverHost, image_without_entry_point) {
    EXPECT_EQ(load("NoEntry", bad_image("no_entry")), STATUS_DRIVER_ENTRYPOINT_NOT_FOUND);
    EXPECT_TRUE(printed("no DriverEntry"));
}

TEST_F(DriverHost, unresolved_import_is_named) {
    EXPECT_EQ(load("Unresolved", bad_image("unresolved")), STATUS_DRIVER_ENTRYPOINT_NOT_FOUND);
    EXPECT_TRUE(printed("KeRoutineThatNobodyHas"));
}

TEST_F(DriverHost, failure_of_the_entry_is_passed_through_and_leftovers_go) {
    const NTSTATUS failure = static_cast<NTSTATUS>(0xC0000011);
    EXPECT_EQ(load("EntryFails", bad_image("entry_fails")), failure);
    EXPECT_TRUE(printed("1 registry callbacks left"));
    EXPECT_TRUE(printed("1 devices left"));
    HANDLE file = nullptr;
    EXPECT_EQ(open_file("\\Device\\EntryFails", &file, 0), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(load("EntryFails", bad_image("entry_fails")), failure);  // it may be tried again
}

TEST_F(DriverHost, driver_without_unload_routine_stays) {
    ASSERT_EQ(load("NoUnload", bad_image("no_unload")), STATUS_SUCCESS);
    EXPECT_EQ(load("NoUnload", bad_image("no_unload")), STATUS_IMAGE_ALREADY_LOADED);
    EXPECT_EQ(load("SameImage", bad_image("no_unload")), STATUS_IMAGE_ALREADY_LOADED);
    EXPECT_EQ(unload("NoUnload"), STATUS_INVALID_DEVICE_REQUEST);
}

TEST_F(DriverHost, unload_with_leftovers_is_reported_and_survived) {
    // Pool outlives the driver, for others may have been given it: the host counts it and leaves it alone.
    const auto free_left_block = [this] {
        const std::string address = printed_after("LeavesCallback: block ");
        ASSERT_FALSE(address.empty());
        ExFreePoolWithTag(reinterpret_cast<PVOID>(std::stoull(address, nullptr, 16)), 0x6B61654C);  // 'kaeL'
    };
    ASSERT_EQ(load("LeavesCallback", bad_image("leaves_callback")), STATUS_SUCCESS);
    EXPECT_EQ(unload("LeavesCallback"), STATUS_SUCCESS);
    free_left_block();
    EXPECT_TRUE(printed("1 registry callbacks left"));
    EXPECT_TRUE(printed("1 devices left"));
    EXPECT_TRUE(printed("1 pool blocks of 100 bytes"));
    ZwClose(make_key("\\Registry\\Machine\\Software\\AfterTheUnload"));
    EXPECT_EQ(load("LeavesCallback", bad_image("leaves_callback")), STATUS_SUCCESS);
    EXPECT_EQ(unload("LeavesCallback"), STATUS_SUCCESS);
    free_left_block();
}

TEST_F(DriverHost, service_of_another_type_is_refused) {
    EXPECT_EQ(unload("NeverLoaded"), STATUS_OBJECT_NAME_NOT_FOUND);
}

}  // namespace
}  // namespace regent::test
