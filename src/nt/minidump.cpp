#include "nt/minidump.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "ex/driver_image.h"
#include "nt/minidump_format.h"

#if defined(__x86_64__)

namespace regent::nt {
namespace {

using namespace minidump;

constexpr std::size_t most_modules = 256;
constexpr std::uint64_t most_stack = 256 * 1024;
constexpr std::uint64_t code_around = 256;

class File {
public:
    explicit File(const char* path) : file_(::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {}
    ~File() {
        if (file_ >= 0) ::close(file_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    // At a multiple of 8; where it went.
    Location append(const void* data, std::size_t size) {
        const Location place = append_readable(data, size);
        whole_ &= place.size == size;
        return place;
    }
    // As much of it as there is memory. Not pwrite: AddressSanitizer's would look whether all of it may be read.
    Location append_readable(const void* data, std::size_t size) {
        end_ = (end_ + 7) & ~std::uint32_t{7};
        const long got = file_ >= 0 ? ::syscall(SYS_pwrite64, file_, data, size, static_cast<off_t>(end_)) : 0;
        const Location place{static_cast<std::uint32_t>(std::max(got, 0L)), end_};
        end_ += place.size;
        return place;
    }
    // Room at the start, which is written last: a file without it is none.
    void reserve(std::size_t size) { end_ = static_cast<std::uint32_t>(size); }
    bool finish(const void* start, std::size_t size) {
        return whole_ && file_ >= 0 && ::pwrite(file_, start, size, 0) == static_cast<ssize_t>(size) &&
               ::fsync(file_) == 0;
    }

private:
    int file_;
    std::uint32_t end_ = 0;
    bool whole_ = true;
};

// The format's string: length in bytes, UTF-16, a zero. What is not UTF-8 becomes a question mark.
std::uint32_t append_string(File& out, const char* text) {
    struct {
        std::uint32_t size = 0;
        char16_t text[260] = {};
    } string;
    std::size_t length = 0;
    for (const auto* at = reinterpret_cast<const unsigned char*>(text); *at != 0 && length < 257;) {
        const unsigned more = *at < 0x80 ? 0 : (*at & 0xE0) == 0xC0 ? 1 : (*at & 0xF0) == 0xE0 ? 2 : 3;
        std::uint32_t code = more == 0 ? *at : *at & (0x3Fu >> more);
        ++at;
        for (unsigned i = 0; i < more; ++i, ++at) {
            if ((*at & 0xC0) != 0x80) {
                code = U'?';
                break;
            }
            code = code << 6 | (*at & 0x3Fu);
        }
        if (code >= 0x10000) {
            string.text[length++] = static_cast<char16_t>(0xD7C0 + (code >> 10));
            code = 0xDC00 | (code & 0x3FF);
        }
        string.text[length++] = static_cast<char16_t>(code);
    }
    string.size = static_cast<std::uint32_t>(length * 2);
    return out.append(&string, 4 + length * 2 + 2).rva;
}

// Lines of /proc/self/maps, one at a time.
class Mappings {
public:
    Mappings() : file_(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC)) {}
    ~Mappings() {
        if (file_ >= 0) ::close(file_);
    }
    Mappings(const Mappings&) = delete;
    Mappings& operator=(const Mappings&) = delete;

    std::uint64_t start = 0;
    std::uint64_t end = 0;
    bool executable = false;
    const char* path = "";  // until the next line

    bool next() {
        std::size_t length = 0;
        for (char c; (c = read()) != 0 && c != '\n';)
            if (length + 1 < line_.size()) line_[length++] = c;
        line_[length] = 0;
        if (length == 0) return false;
        const char* at = line_.data();
        start = number(at);
        end = *at == '-' ? number(++at) : start;
        executable = std::strncmp(at, " r-xp", 5) == 0;
        const char* const slash = std::strchr(at, '/');
        path = slash != nullptr ? slash : "";
        return true;
    }

private:
    char read() {
        if (at_ == filled_) {
            const ssize_t got = file_ >= 0 ? ::read(file_, buffer_.data(), buffer_.size()) : 0;
            filled_ = got > 0 ? static_cast<std::size_t>(got) : 0;
            at_ = 0;
            if (filled_ == 0) return 0;
        }
        return buffer_[at_++];
    }
    static std::uint64_t number(const char*& at) {
        std::uint64_t value = 0;
        for (;; ++at) {
            if (*at >= '0' && *at <= '9')
                value = value << 4 | static_cast<std::uint64_t>(*at - '0');
            else if (*at >= 'a' && *at <= 'f')
                value = value << 4 | static_cast<std::uint64_t>(*at - 'a' + 10);
            else
                return value;
        }
    }

    int file_;
    std::array<char, 4096> buffer_;
    std::array<char, 1024> line_;
    std::size_t filled_ = 0;
    std::size_t at_ = 0;
};

// Where the thread's stack ends above `stack`.
std::uint64_t stack_end(std::uint64_t stack) {
    for (Mappings mappings; mappings.next();)
        if (stack >= mappings.start && stack < mappings.end) return std::min(mappings.end, stack + most_stack);
    return stack;
}

struct Modules {
    Le32 count{0};
    Module all[most_modules];

    void add(File& out, std::uint64_t start, std::uint64_t end, const char* name) {
        if (count == most_modules) return;
        Module& module = all[count];
        module = {};
        module.base = start;
        module.size = static_cast<std::uint32_t>(end - start);
        module.name = append_string(out, name);
        count = count + 1;
    }
    bool hold(std::uint64_t address) const {
        return std::any_of(all, all + count, [address](const Module& module) {
            return address >= module.base && address - module.base < module.size;
        });
    }
};

// Neighbouring mappings of one file; a module if one of them is code, which the store's mapped hives are not.
struct MappedFile {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    bool executable = false;
    std::array<char, 1024> path{};

    bool goes_on(const Mappings& next) const { return next.path[0] != 0 && std::strcmp(path.data(), next.path) == 0; }
    void begin(const Mappings& mapping) {
        start = mapping.start;
        executable = false;
        const std::size_t length = std::min(std::strlen(mapping.path), path.size() - 1);
        std::memcpy(path.data(), mapping.path, length);
        path[length] = 0;
    }
    void add_to(Modules& modules, File& out) const {
        if (executable && path[0] != 0) modules.add(out, start, end, path.data());
    }
};

// Files by their mappings; drivers in PE images, which are no mapping of a file, by the executive's own table.
Location append_modules(File& out) {
    static Modules modules;  // too large for a stack that may be nearly used up; there is one crash a process
    MappedFile file;
    for (Mappings mappings; mappings.next();) {
        if (!file.goes_on(mappings)) {
            file.add_to(modules, out);
            file.begin(mappings);
        }
        file.end = mappings.end;
        file.executable |= mappings.executable;
    }
    file.add_to(modules, out);
    ex::for_each_driver_image(
        [](void* argument, const ex::DriverImage& image) {
            if (!modules.hold(image.start))
                modules.add(*static_cast<File*>(argument), image.start, image.end, image.name);
        },
        &out);
    return out.append(&modules, 4 + modules.count * sizeof(Module));
}

// The registers that a function keeps, here: a bug check that is no exception stops where it is called.
[[gnu::always_inline]] inline void own_context(CONTEXT& context) {
    __asm__ volatile(
        "leaq 1f(%%rip), %%rax\n"
        "1: movq %%rax, %c[rip](%[to])\n"
        "movq %%rsp, %c[rsp](%[to])\n"
        "movq %%rbp, %c[rbp](%[to])\n"
        "movq %%rbx, %c[rbx](%[to])\n"
        "movq %%r12, %c[r12](%[to])\n"
        "movq %%r13, %c[r13](%[to])\n"
        "movq %%r14, %c[r14](%[to])\n"
        "movq %%r15, %c[r15](%[to])\n"
        :
        : [to] "r"(&context), [rip] "i"(offsetof(CONTEXT, Rip)), [rsp] "i"(offsetof(CONTEXT, Rsp)),
          [rbp] "i"(offsetof(CONTEXT, Rbp)), [rbx] "i"(offsetof(CONTEXT, Rbx)), [r12] "i"(offsetof(CONTEXT, R12)),
          [r13] "i"(offsetof(CONTEXT, R13)), [r14] "i"(offsetof(CONTEXT, R14)), [r15] "i"(offsetof(CONTEXT, R15))
        : "rax", "memory");
}

Location append_system(File& out) {
    SystemInfo info{};
    info.architecture = amd64;
    cpu_set_t processors;
    if (::sched_getaffinity(0, sizeof processors, &processors) == 0)
        info.processors = static_cast<std::uint8_t>(std::min(CPU_COUNT(&processors), 255));
    info.product = 1;
    info.platform = platform_linux;
    info.service_pack = append_string(out, "Regent");
    return out.append(&info, sizeof info);
}

Location append_exception(File& out, const ex::BugCheck& check, const CONTEXT& context, Location registers) {
    Exception stream{};
    stream.thread = static_cast<std::uint32_t>(::syscall(SYS_gettid));
    stream.code = check.code;  // without an exception the bug check is one, with its parameters
    stream.address = context.Rip;
    stream.parameter_count = 4;
    for (int i = 0; i < 4; ++i) stream.parameters[i] = std::uint64_t{check.parameters[i]};
    if (const EXCEPTION_RECORD* const record = check.record) {
        stream.code = static_cast<std::uint32_t>(record->ExceptionCode);
        stream.flags = record->ExceptionFlags;
        stream.address = reinterpret_cast<std::uint64_t>(record->ExceptionAddress);
        stream.parameter_count = std::min<std::uint32_t>(record->NumberParameters, EXCEPTION_MAXIMUM_PARAMETERS);
        for (std::uint32_t i = 0; i < EXCEPTION_MAXIMUM_PARAMETERS; ++i)
            stream.parameters[i] = std::uint64_t{i < record->NumberParameters ? record->ExceptionInformation[i] : 0};
    }
    stream.context = registers;
    return out.append(&stream, sizeof stream);
}

struct MemoryRanges {
    Le32 count{0};
    Memory all[2];

    // What of it can be read.
    Memory add(File& out, std::uint64_t from, std::uint64_t to) {
        const Memory memory{from, out.append_readable(reinterpret_cast<const void*>(from), to - from)};
        if (memory.data.size == 0) return memory;
        all[count] = memory;
        count = count + 1;
        return memory;
    }
};

struct ThreadList {
    Le32 count{1};
    Thread thread{};
};

struct Start {
    Header header{};
    DirectoryEntry streams[5]{};
};
static_assert(sizeof(Start) == sizeof(Header) + 5 * sizeof(DirectoryEntry));

bool write(File& out, const ex::BugCheck& check, const CONTEXT& context) {
    Start start;
    out.reserve(sizeof start);
    const Location registers = out.append(&context, sizeof context);
    MemoryRanges memory;
    ThreadList threads;
    threads.thread.id = static_cast<std::uint32_t>(::syscall(SYS_gettid));
    threads.thread.stack = memory.add(out, context.Rsp, stack_end(context.Rsp));
    threads.thread.context = registers;
    // The page before may be missing.
    if (memory.add(out, context.Rip - code_around, context.Rip + code_around).data.size == 0)
        memory.add(out, context.Rip, context.Rip + code_around);

    start.streams[0] = {system_info, append_system(out)};
    start.streams[1] = {thread_list, out.append(&threads, sizeof threads)};
    start.streams[2] = {module_list, append_modules(out)};
    start.streams[3] = {memory_list, out.append(&memory, 4 + memory.count * sizeof(Memory))};
    start.streams[4] = {exception, append_exception(out, check, context, registers)};
    start.header.signature = signature;
    start.header.version = version;
    start.header.stream_count = static_cast<std::uint32_t>(std::size(start.streams));
    start.header.directory = static_cast<std::uint32_t>(sizeof(Header));
    start.header.time = static_cast<std::uint32_t>(::time(nullptr));
    return out.finish(&start, sizeof start);
}

}  // namespace

bool write_minidump(const char* file, const ex::BugCheck& check) {
    alignas(16) CONTEXT context{};
    if (check.context != nullptr)
        context = *check.context;
    else
        own_context(context);
    context.ContextFlags = context_parts;
    File out(file);
    if (write(out, check, context)) return true;
    ::unlink(file);
    return false;
}

}  // namespace regent::nt

#else

bool regent::nt::write_minidump(const char*, const ex::BugCheck&) { return false; }

#endif
