// Modules: names for the functions that Regent has. Which module has which function is generated from the headers that
// declare them (tools/gen_modules.py); where a function is, the host's linker knows.
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>

#include "win32/convert.h"
#include "win32/libloaderapi.h"
#include "win32/predefined.h"

using namespace regent;
using namespace regent::win32;

namespace {

struct Export {
    std::string_view module;
    std::string_view name;
};

// Sorted by module and name.
constexpr Export exports[] = {
#include "module_exports.inc"
};

// A module's handle is the address of its entry here; the executable's is the first.
constexpr std::string_view modules[] = {"",      "advapi32", "kernel32", "kernelbase", "ktmw32",
                                        "ntdll", "shell32",  "shlwapi",  "user32"};

HMODULE handle_of(const std::string_view* module) {
    return reinterpret_cast<HMODULE>(const_cast<std::string_view*>(module));
}

const std::string_view* module_of(HMODULE handle) {
    const auto* module = reinterpret_cast<const std::string_view*>(handle);
    if (handle == nullptr) return modules;
    return std::find_if(std::begin(modules), std::end(modules), [&](const auto& entry) { return &entry == module; });
}

std::string lower_base_name(Utf16View name) {
    std::string text = rtl::to_utf8(name);
    text.erase(0, text.find_last_of("\\/") + 1);
    for (char& unit : text) {
        if (unit >= 'A' && unit <= 'Z') unit = static_cast<char>(unit - 'A' + 'a');
    }
    if (text.ends_with(".dll")) text.resize(text.size() - 4);
    return text;
}

HMODULE find_module(LPCWSTR name) {
    if (name == nullptr) return handle_of(modules);
    const std::string base = lower_base_name(units_of(name));
    const auto* found = std::find(std::next(std::begin(modules)), std::end(modules), base);
    if (!base.empty() && found != std::end(modules)) return handle_of(found);
    SetLastError(ERROR_MOD_NOT_FOUND);
    return nullptr;
}

bool has_export(std::string_view module, std::string_view name) {
    const auto less = [](const Export& left, const Export& right) {
        return left.module != right.module ? left.module < right.module : left.name < right.name;
    };
    return std::binary_search(std::begin(exports), std::end(exports), Export{module, name}, less);
}

// The library whose code this is, or a program that has it built in; the shell's helpers are a library beside it.
void* address_of(std::string_view module, const char* name) {
    Dl_info self{};
    if (dladdr(reinterpret_cast<const void*>(&address_of), &self) == 0) return dlsym(RTLD_DEFAULT, name);
    std::string file = self.dli_fname;
    if (module == "shlwapi") file.replace(file.rfind('/') + 1, std::string::npos, "libregent_shlwapi.so");
    void* library = dlopen(file.c_str(), RTLD_NOW);
    void* found = library != nullptr ? dlsym(library, name) : nullptr;
    return found != nullptr ? found : dlsym(RTLD_DEFAULT, name);
}

std::string executable_path() {
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
    return length < 0 ? std::string() : std::string(path, static_cast<std::size_t>(length));
}

// Modules other than the executable are parts of the library.
std::string file_of(HMODULE module) {
    Dl_info self{};
    std::string path = executable_path();
    if (module_of(module) != modules && dladdr(reinterpret_cast<const void*>(&file_of), &self) != 0)
        path = self.dli_fname;
    std::ranges::replace(path, '/', '\\');  // programs look for the last backslash
    return path;
}

// Windows cuts and terminates what does not fit.
template <typename Text, typename Char>
DWORD deliver(const Text& text, Char* buffer, DWORD room) {
    if (room == 0 || text.empty()) return 0;
    const std::size_t count = std::min<std::size_t>(text.size(), room - 1);
    std::copy_n(text.begin(), count, buffer);
    buffer[count] = 0;
    SetLastError(count < text.size() ? ERROR_INSUFFICIENT_BUFFER : ERROR_SUCCESS);
    return count < text.size() ? room : static_cast<DWORD>(count);
}

}  // namespace

extern "C" {

HMODULE WINAPI GetModuleHandleW(LPCWSTR lpModuleName) { return find_module(lpModuleName); }
HMODULE WINAPI GetModuleHandleA(LPCSTR lpModuleName) { return find_module(WideArgument(lpModuleName).get()); }

HMODULE WINAPI LoadLibraryExW(LPCWSTR lpLibFileName, HANDLE, DWORD) {
    if (lpLibFileName != nullptr) return find_module(lpLibFileName);
    SetLastError(ERROR_INVALID_PARAMETER);
    return nullptr;
}
HMODULE WINAPI LoadLibraryW(LPCWSTR lpLibFileName) { return LoadLibraryExW(lpLibFileName, nullptr, 0); }
HMODULE WINAPI LoadLibraryExA(LPCSTR lpLibFileName, HANDLE hFile, DWORD dwFlags) {
    return LoadLibraryExW(WideArgument(lpLibFileName).get(), hFile, dwFlags);
}
HMODULE WINAPI LoadLibraryA(LPCSTR lpLibFileName) { return LoadLibraryExA(lpLibFileName, nullptr, 0); }

BOOL WINAPI FreeLibrary(HMODULE hLibModule) {
    if (hLibModule != nullptr && module_of(hLibModule) != std::end(modules)) return TRUE;
    SetLastError(ERROR_INVALID_HANDLE);
    return FALSE;
}

// By name only: there are no ordinals.
FARPROC WINAPI GetProcAddress(HMODULE hModule, LPCSTR lpProcName) {
    const std::string_view* module = module_of(hModule);
    if (module == std::end(modules)) {
        SetLastError(ERROR_MOD_NOT_FOUND);
        return nullptr;
    }
    void* address = nullptr;
    if (reinterpret_cast<ULONG_PTR>(lpProcName) > 0xFFFF && has_export(*module, lpProcName)) {
        address = address_of(*module, lpProcName);
    }
    if (address == nullptr) SetLastError(ERROR_PROC_NOT_FOUND);
    return reinterpret_cast<FARPROC>(address);
}

DWORD WINAPI GetModuleFileNameW(HMODULE hModule, LPWSTR lpFilename, DWORD nSize) {
    return deliver(rtl::from_utf8(file_of(hModule)), lpFilename, nSize);
}
DWORD WINAPI GetModuleFileNameA(HMODULE hModule, LPSTR lpFilename, DWORD nSize) {
    return deliver(file_of(hModule), lpFilename, nSize);
}
}
