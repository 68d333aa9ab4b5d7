#include "ex/stack_trace.h"

#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>

#include "ex/driver_image.h"
#include "rtl/bytes.h"
#include "rtl/foreign_call.h"

namespace regent::ex {
namespace {

constexpr std::size_t most_frames = 48;
std::atomic<ImageStackHook> image_stack_hook{nullptr};

// A file's bytes while this lives; empty when it cannot be read.
class MappedFile {
public:
    explicit MappedFile(const char* path) {
        const int file = ::open(path, O_RDONLY | O_CLOEXEC);
        struct stat status{};
        if (file >= 0 && ::fstat(file, &status) == 0 && status.st_size > 0) {
            void* const memory =
                ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
            if (memory != MAP_FAILED) bytes_ = rtl::as_bytes(memory, static_cast<std::size_t>(status.st_size));
        }
        if (file >= 0) ::close(file);
    }
    ~MappedFile() {
        if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
    }
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    Bytes bytes() const { return bytes_; }

private:
    Bytes bytes_;
};

struct Symbol {
    std::string name;
    std::size_t offset = 0;
};

// The function or variable of the table that holds `address` (an offset from the image's start); no name: none does.
Symbol find_in_table(Bytes file, const Elf64_Shdr& table, const Elf64_Shdr& strings, std::uint64_t address) {
    for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
        const auto symbol = rtl::load<Elf64_Sym>(file, table.sh_offset + at);
        if (!symbol) break;
        const auto type = ELF64_ST_TYPE(symbol->st_info);
        if ((type != STT_FUNC && type != STT_OBJECT) || address - symbol->st_value >= symbol->st_size) continue;
        const std::uint64_t name = strings.sh_offset + symbol->st_name;
        if (name >= file.size()) break;
        const Bytes rest = file.subspan(name);
        const auto* const text = reinterpret_cast<const char*>(rest.data());
        const std::string_view whole(text, ::strnlen(text, rest.size()));
        // The compiler's copies of a function ("Begin.constprop.0") are that function to a reader.
        return {std::string(whole.substr(0, whole.find('.'))), address - symbol->st_value};
    }
    return {};
}

Symbol find_in_file(const char* path, std::uint64_t address) {
    const MappedFile mapped(path);
    const Bytes file = mapped.bytes();
    const auto header = rtl::load<Elf64_Ehdr>(file, 0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return {};
    const auto section = [&](std::uint64_t index) {
        return rtl::load<Elf64_Shdr>(file, header->e_shoff + index * sizeof(Elf64_Shdr));
    };
    for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
        const auto table = section(i);
        if (!table || table->sh_type != SHT_SYMTAB) continue;
        const auto strings = section(table->sh_link);
        return strings ? find_in_table(file, *table, *strings, address) : Symbol{};
    }
    return {};
}

std::string hexadecimal(std::size_t offset) {
    char text[24];
    std::snprintf(text, sizeof text, "+0x%zx", offset);
    return text;
}

// `looked_up` is inside the instruction of interest, `address` what is shown.
std::string describe(const void* looked_up, const void* address) {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    Dl_info info{};
    const bool known = ::dladdr(looked_up, &info) != 0;
    const DriverId driver = driver_of(looked_up);
    if (known && driver != 0) {
        const auto inside =
            reinterpret_cast<std::uintptr_t>(looked_up) - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
        const auto before = at - reinterpret_cast<std::uintptr_t>(looked_up);
        if (const Symbol symbol = find_in_file(info.dli_fname, inside); !symbol.name.empty())
            return symbol.name + hexadecimal(symbol.offset + before) + " (" + driver_name(driver) + ")";
    }
    if (driver != 0) return driver_name(driver) + hexadecimal(at - driver_start(driver));
    if (!known) return "?";
    const char* const path = info.dli_fname != nullptr ? info.dli_fname : "?";
    const char* const slash = std::strrchr(path, '/');
    const std::string file = slash != nullptr ? slash + 1 : path;
    if (info.dli_sname == nullptr) return file + hexadecimal(at - reinterpret_cast<std::uintptr_t>(info.dli_fbase));
    return file + " " + info.dli_sname + hexadecimal(at - reinterpret_cast<std::uintptr_t>(info.dli_saddr));
}

}  // namespace

__attribute__((noinline)) StackTrace capture_stack() {
    std::array<void*, most_frames> addresses;
    const int count = ::backtrace(addresses.data(), static_cast<int>(addresses.size()));
    StackTrace stack(addresses.begin() + std::min(count, 1), addresses.begin() + count);
    // The C library's walk ends where an image's code begins: it has no tables of the kind that it reads.
    const auto image =
        std::find_if(stack.begin(), stack.end(), [](const void* frame) { return rtl::is_foreign(frame); });
    const ImageStackHook hook = image_stack_hook.load();
    if (image == stack.end() || hook == nullptr) return stack;
    stack.erase(image, stack.end());
    std::array<const void*, most_frames> frames;
    stack.insert(stack.end(), frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(hook(frames)));
    return stack;
}

std::string describe_code(const void* address) { return describe(address, address); }

std::string describe_call(const void* return_address) {
    return describe(static_cast<const char*>(return_address) - 1, return_address);
}

void set_image_stack_hook(ImageStackHook hook) { image_stack_hook.store(hook); }

}  // namespace regent::ex
