// Random registry operations against a filter driver: REGENT_FUZZ_DRIVER names the file (.so or .sys),
// REGENT_FUZZ_NAMES (comma between) what keys and values are called beside N0 to N7: words that the driver looks for.
// Keys, values, sizes and buffers come from the input; what must hold is that the driver never faults, and breaks no
// rule of the verifier, which stops the run at its first finding, also when the driver is unloaded at the end. Without
// the variable only the host is exercised. Of a driver with regmon's device everything is recorded, and the records and
// the ledger are checked.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "nt/ntregapi.h"
#include "nt/ntseapi.h"
#include "nt/ntservices.h"
#include "recording.h"
#include "regent/gate.h"
#include "rtl/status.h"
#include "rtl/utf16.h"

namespace {

using namespace regent;

constexpr const char16_t* area = u"\\Registry\\Machine\\Software\\Fuzz";

[[noreturn]] void stop(const std::string& why) {
    std::fprintf(stderr, "fuzz_driver: %s\n", why.c_str());
    std::abort();
}

// Attributes over a name that lives with them.
struct Named {
    explicit Named(Utf16 name, HANDLE root = nullptr) : text(std::move(name)), string(rtl::unicode_string(text)) {
        InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE, root, nullptr);
    }
    Named(const Named&) = delete;
    Named& operator=(const Named&) = delete;
    Utf16 text;
    UNICODE_STRING string;
    OBJECT_ATTRIBUTES attributes{};
};

HANDLE create(const Utf16& path) {
    Named name(path);
    HANDLE key = nullptr;
    if (!NT_SUCCESS(NtCreateKey(&key, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, 0, nullptr))) stop("no key");
    return key;
}

void set_text(HANDLE key, const char16_t* value, Utf16 text, ULONG type) {
    Named name(value);
    if (!NT_SUCCESS(NtSetValueKey(key, &name.string, 0, type, text.data(), static_cast<ULONG>(text.size() * 2 + 2)))) {
        stop("no value");
    }
}

void set_number(HANDLE key, const char16_t* value, ULONG number) {
    Named name(value);
    if (!NT_SUCCESS(NtSetValueKey(key, &name.string, 0, REG_DWORD, &number, sizeof number))) stop("no value");
}

constexpr const char16_t* service = u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\FuzzedDriver";
constexpr ULONG stop_at_first_finding = 2;
constexpr ULONG hour = 3'600'000;  // of a callback, in milliseconds: sanitizers and a busy machine are not its fault

// Service key with Parameters\Subtree = the area, then the load.
void load_driver(const std::string& file) {
    Utf16 image = u"\\??\\UNIX" + rtl::from_utf8(std::filesystem::absolute(file).string());
    for (char16_t& unit : image)
        if (unit == u'/') unit = u'\\';
    const HANDLE key = create(service);
    set_text(key, u"ImagePath", image, REG_EXPAND_SZ);
    set_number(key, u"Verify", stop_at_first_finding);
    set_number(key, u"VerifyBudget", hour);
    const HANDLE parameters = create(Utf16(service) + u"\\Parameters");
    set_text(parameters, u"Subtree", area, REG_SZ);
    set_text(parameters, u"To", Utf16(area) + u"Target", REG_SZ);
    set_text(parameters, u"Process", u"nobody", REG_SZ);
    NtClose(parameters);
    NtClose(key);
    Named name(service);
    const NTSTATUS status = NtLoadDriver(&name.string);
    if (!NT_SUCCESS(status)) stop(file + ": " + rtl::status_name(status));
}

std::vector<Utf16> names = {u"N0", u"N1", u"N2", u"N3", u"N4", u"N5", u"N6", u"N7"};
fuzz::Recording recording;

void add_names() {
    const char* const more = std::getenv("REGENT_FUZZ_NAMES");
    std::istringstream words(more != nullptr ? more : "");
    for (std::string word; std::getline(words, word, ',');) names.push_back(rtl::from_utf8(word));
}

void unload_driver() {
    recording.stop();
    Named name(service);
    const NTSTATUS status = NtUnloadDriver(&name.string);
    if (!NT_SUCCESS(status)) stop(std::string("the driver does not unload: ") + rtl::status_name(status));
}

void boot() {
    std::string directory = (std::filesystem::temp_directory_path() / "fuzz_driver.XXXXXX").string();
    if (mkdtemp(directory.data()) == nullptr) stop("no folder");
    static const std::string store = directory;
    if (!select_gate({.store = store + "/store", .socket = {}})) stop("no store");
    std::atexit([] {
        if (std::getenv("REGENT_FUZZ_DRIVER") != nullptr) unload_driver();
        close_gate();
        std::filesystem::remove_all(store);
    });
    NtClose(create(area));
    NtClose(create(Utf16(area) + u"Target"));
    add_names();
    const char* const file = std::getenv("REGENT_FUZZ_DRIVER");
    if (file == nullptr) return;
    load_driver(file);
    recording.start();
}

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
    bool any() const { return left_ != 0; }
    std::uint8_t byte() {
        if (left_ == 0) return 0;
        --left_;
        return *data_++;
    }
    // A name of the few that operations share, so that they meet.
    Utf16 name() {
        const std::uint8_t which = byte();
        if (which == 0xFF) return Utf16(byte(), static_cast<char16_t>(byte() + 1));
        return names[which % names.size()];
    }

private:
    const std::uint8_t* data_;
    std::size_t left_;
};

// One operation on one of four handles; every answer is right, but none may leave the process.
void operate(Input& input, HANDLE (&keys)[4]) {
    static std::byte buffer[4096];
    const std::uint8_t what = input.byte();
    HANDLE& key = keys[what >> 6];
    Named name(input.name());
    const ULONG size = input.byte() * 3u;
    ULONG needed = 0;
    HANDLE opened = nullptr;
    Named child(name.text, key);
    switch (what % 12) {
        case 0:
            if (NT_SUCCESS(NtCreateKey(&opened, KEY_ALL_ACCESS, &child.attributes, 0, nullptr, size % 2, nullptr))) {
                NtClose(std::exchange(key, opened));
            }
            break;
        case 1:
            if (NT_SUCCESS(NtOpenKey(&opened, KEY_READ | KEY_WRITE | DELETE, &child.attributes))) {
                NtClose(std::exchange(key, opened));
            }
            break;
        case 2:
            NtSetValueKey(key, &name.string, 0, size % 12, buffer, size);
            break;
        case 3:
            NtDeleteValueKey(key, &name.string);
            break;
        case 4:
            NtQueryValueKey(key, &name.string, KEY_VALUE_INFORMATION_CLASS(what % 5), buffer, size, &needed);
            break;
        case 5:
            NtEnumerateKey(key, size % 8, KEY_INFORMATION_CLASS(what % 3), buffer, size, &needed);
            break;
        case 6:
            NtEnumerateValueKey(key, size % 8, KEY_VALUE_INFORMATION_CLASS(what % 5), buffer, size, &needed);
            break;
        case 7:
            NtQueryKey(key, KEY_INFORMATION_CLASS(size % 9), buffer, size, &needed);
            break;
        case 8:
            NtRenameKey(key, &name.string);
            break;
        case 9:
            NtDeleteKey(key);
            break;
        case 10:
            NtQueryObject(key, ObjectNameInformation, buffer, size, &needed);
            break;
        default:
            NtClose(std::exchange(key, create(area)));
            break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    boot();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    HANDLE keys[4];
    for (HANDLE& key : keys) key = create(area);
    while (input.any()) operate(input, keys);
    for (HANDLE key : keys) NtClose(key);
    recording.check();
    return 0;
}
