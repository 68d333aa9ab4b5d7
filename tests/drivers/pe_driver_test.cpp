// Drivers as Windows images: what is refused and why. (That they do what their ELF twins do: device_test.cpp and
// regmon_driver_test.cpp run with these images too.)
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "host_fixture.h"

namespace regent::test {
namespace {

class PeDriver : public DriverHost {
protected:
    static std::vector<char> image(const std::string& name) {
        std::ifstream file(RG_DRIVERS "/" + name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }
    NTSTATUS load_bytes(const std::vector<char>& bytes) {
        const std::string path = RG_DRIVERS "/made_by_test.sys";
        std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        const NTSTATUS status = load("MadeByTest", path);
        std::remove(path.c_str());
        return status;
    }
    static std::size_t find(const std::vector<char>& bytes, const std::string& text) {
        return static_cast<std::size_t>(std::search(bytes.begin(), bytes.end(), text.begin(), text.end()) -
                                        bytes.begin());
    }
};

TEST_F(PeDriver, missing_import_is_named) {
    auto bytes = image("cancel.sys");
    const std::size_t at = find(bytes, "IoDeleteDevice");
    ASSERT_LT(at, bytes.size());
    bytes[at] = 'X';
    EXPECT_EQ(load_bytes(bytes), STATUS_DRIVER_ENTRYPOINT_NOT_FOUND);
    EXPECT_TRUE(printed("imports that this host lacks: ntoskrnl.exe!XoDeleteDevice"));
}

TEST_F(PeDriver, missing_import_may_wait_for_its_call) {
    auto bytes = image("cancel.sys");
    bytes[find(bytes, "IoDeleteDevice")] = 'X';
    HANDLE key = make_key("\\Registry\\Machine\\System\\CurrentControlSet\\Services\\MadeByTest");
    Named value("BindMissingImports");
    ULONG on = 1;
    ZwSetValueKey(key, &value.string, 0, REG_DWORD, &on, sizeof on);
    ZwClose(key);
    // Its unload routine deletes the device. All of it in the process that ends.
    const auto run = [&] {
        if (load_bytes(bytes) == STATUS_SUCCESS) unload("MadeByTest");
    };
    EXPECT_DEATH(run(), "KMODE_EXCEPTION_NOT_HANDLED[^*]*STATUS_ENTRYPOINT_NOT_FOUND[^*]*DriverUnload");
}

TEST_F(PeDriver, image_for_another_machine_is_refused) {
    auto bytes = image("cancel.sys");
    const std::size_t at = find(bytes, std::string("PE\0\0", 4)) + 4;
    bytes[at] = '\x4c';  // IMAGE_FILE_MACHINE_I386
    bytes[at + 1] = '\x01';
    EXPECT_EQ(load_bytes(bytes), STATUS_INVALID_IMAGE_FORMAT);
    EXPECT_TRUE(printed("another machine than x64"));
}

TEST_F(PeDriver, cut_image_is_refused) {
    auto bytes = image("cancel.sys");
    bytes.resize(0x500);  // after the headers
    EXPECT_EQ(load_bytes(bytes), STATUS_INVALID_IMAGE_FORMAT);
    EXPECT_TRUE(printed("is not all in the file"));
}

TEST_F(PeDriver, image_without_relocations_cannot_move) {
    auto bytes = image("cancel.sys");
    const std::size_t characteristics = find(bytes, std::string("PE\0\0", 4)) + 22;
    bytes[characteristics] = static_cast<char>(bytes[characteristics] | 1);
    EXPECT_EQ(load_bytes(bytes), STATUS_CONFLICTING_ADDRESSES);
}

// The driver checks itself (pe/machine.c).
TEST_F(PeDriver, machine_and_inline_functions_are_there) {
    EXPECT_EQ(load("machine", "machine.sys"), STATUS_SUCCESS) << printed_after("machine: line");
    EXPECT_TRUE(printed("machine: 0 failed"));
    EXPECT_TRUE(printed("machine: 1 2 3 4 5 6 7 8 name"));
    EXPECT_EQ(unload("machine"), STATUS_SUCCESS);
    EXPECT_FALSE(printed("left"));
}

TEST_F(PeDriver, loads_and_unloads_again_and_again) {
    for (int i = 0; i < 100; i++) {
        ASSERT_EQ(load("cancel", "cancel.sys"), STATUS_SUCCESS) << i;
        ASSERT_EQ(unload("cancel"), STATUS_SUCCESS) << i;
    }
    EXPECT_FALSE(printed("left"));
}

TEST_F(PeDriver, one_image_serves_one_service) {
    ASSERT_EQ(load("cancel", "cancel.sys"), STATUS_SUCCESS);
    EXPECT_EQ(load("Other", "cancel.sys"), STATUS_IMAGE_ALREADY_LOADED);
    EXPECT_EQ(unload("cancel"), STATUS_SUCCESS);
}

}  // namespace
}  // namespace regent::test
