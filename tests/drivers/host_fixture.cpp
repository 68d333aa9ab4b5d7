#include "host_fixture.h"

#include <filesystem>

#include "ex/debug_sink.h"
#include "nt/system.h"

namespace regent::test {

namespace {
const std::string services = "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\";
}

void DriverHost::SetUp() {
    std::string name = (std::filesystem::temp_directory_path() / "regent-driver.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    ::setenv("REGENT_DRIVERS", RG_DRIVERS, 1);
    const auto started = nt::start_system({.directory = directory_ + "/store"});
    ASSERT_TRUE(started) << started.error().message;
    first_line_ = ex::DebugSink::instance().last_sequence();
}

void DriverHost::TearDown() {
    nt::stop_system();
    std::filesystem::remove_all(directory_);
}

HANDLE make_key(const std::string& path) {
    Named name(path);
    HANDLE key = nullptr;
    EXPECT_EQ(ZwCreateKey(&key, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, 0, nullptr), STATUS_SUCCESS) << path;
    return key;
}

NTSTATUS DriverHost::load(const std::string& name, const std::string& image) {
    HANDLE key = make_key(services + name);
    Named type("Type");
    Named path("ImagePath");
    ULONG kernel_driver = 1;
    const Utf16 wide = rtl::from_utf8(image);
    ZwSetValueKey(key, &type.string, 0, REG_DWORD, &kernel_driver, sizeof kernel_driver);
    ZwSetValueKey(key, &path.string, 0, REG_EXPAND_SZ, const_cast<char16_t*>(wide.c_str()),
                  static_cast<ULONG>((wide.size() + 1) * 2));
    ZwClose(key);
    Named service(services + name);
    return ZwLoadDriver(&service.string);
}

NTSTATUS DriverHost::unload(const std::string& name) {
    Named service(services + name);
    return ZwUnloadDriver(&service.string);
}

void DriverHost::set_parameter(const std::string& name, const std::string& value, ULONG number) {
    ZwClose(make_key(services + name));
    HANDLE key = make_key(services + name + "\\Parameters");
    Named value_name(value);
    ZwSetValueKey(key, &value_name.string, 0, REG_DWORD, &number, sizeof number);
    ZwClose(key);
}

void DriverHost::set_parameter(const std::string& name, const std::string& value, const std::string& text) {
    ZwClose(make_key(services + name));
    HANDLE key = make_key(services + name + "\\Parameters");
    Named value_name(value);
    Utf16 wide = rtl::from_utf8(text);
    ZwSetValueKey(key, &value_name.string, 0, REG_SZ, wide.data(), static_cast<ULONG>((wide.size() + 1) * 2));
    ZwClose(key);
}

bool DriverHost::printed(const std::string& text) {
    for (const ex::DebugLine& line : ex::DebugSink::instance().read(first_line_))
        if (line.text.find(text) != std::string::npos) return true;
    return false;
}

std::string DriverHost::printed_after(const std::string& text) {
    std::string rest;
    for (const ex::DebugLine& line : ex::DebugSink::instance().read(first_line_))
        if (const auto at = line.text.find(text); at != std::string::npos) rest = line.text.substr(at + text.size());
    return rest;
}

NTSTATUS open_file(const std::string& path, HANDLE* file, ULONG options) {
    Named name(path);
    IO_STATUS_BLOCK iosb{};
    return ZwCreateFile(file, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &name.attributes, &iosb, nullptr, 0, 0, FILE_OPEN,
                        options, nullptr, 0);
}

NTSTATUS control(HANDLE file, ULONG code, void* input, std::size_t input_size, void* output, std::size_t output_size) {
    IO_STATUS_BLOCK iosb{};
    return ZwDeviceIoControlFile(file, nullptr, nullptr, nullptr, &iosb, code, input, static_cast<ULONG>(input_size),
                                 output, static_cast<ULONG>(output_size));
}

}  // namespace regent::test
