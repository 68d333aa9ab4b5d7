// Drivers come and go without a trace: memory, mappings, descriptors, handles, bytes on disk. The same for ELF and PE
// images. REGENT_LOADS says how often (the long run: 10,000).
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "ex/debug_sink.h"
#include "host_fixture.h"
#include "nt/ntexapi.h"

namespace regent::test {
namespace {

enum Kind { heap, mappings, descriptors, handles, disk, kinds };
constexpr std::array<const char*, kinds> kind_names = {"heap bytes", "mappings", "descriptors", "handles",
                                                       "disk bytes"};
using Usage = std::array<std::int64_t, kinds>;

class Growth : public DriverHost {
protected:
    static std::int64_t lines_of(const char* file) {
        std::ifstream stream(file);
        return std::count(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>(), '\n');
    }
    // A new handle stands where the lowest free entry is: more open handles, a higher number.
    static std::int64_t next_handle() {
        HANDLE key = make_key("\\Registry\\Machine\\Software");
        ZwClose(key);
        return reinterpret_cast<std::intptr_t>(key);
    }
    // The lazy writer opens a hive's logs at its first write: here, not in between.
    static void flush() {
        for (const char* hive :
             {"Machine\\Software", "Machine\\System", "Machine\\SAM", "Machine\\Security", "User\\.Default"}) {
            HANDLE key = make_key(std::string("\\Registry\\") + hive);
            ZwFlushKey(key);
            ZwClose(key);
        }
    }
    std::int64_t bytes_on_disk() const {
        std::int64_t bytes = 0;
        for (const auto& file : std::filesystem::recursive_directory_iterator(directory()))
            if (file.is_regular_file()) bytes += static_cast<std::int64_t>(file.file_size());
        return bytes;
    }
    Usage usage() const {
        flush();
        Usage now{};
        const struct mallinfo2 info = mallinfo2();
        now[heap] = static_cast<std::int64_t>(info.uordblks + info.hblkhd);
        now[mappings] = lines_of("/proc/self/maps");
        const std::filesystem::directory_iterator open("/proc/self/fd");
        now[descriptors] = std::distance(begin(open), end(open));
        now[handles] = next_handle();
        now[disk] = bytes_on_disk();
        return now;
    }
    void cycle(int count) {
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(load("audit", "audit.so"), STATUS_SUCCESS);
            ZwClose(make_key("\\Registry\\Machine\\Software\\Growth"));
            ASSERT_EQ(unload("audit"), STATUS_SUCCESS);
        }
    }
    // The debugger's lines are kept up to a number: with those of one load, until that is reached.
    void fill_debugger() {
        ex::DebugSink& sink = ex::DebugSink::instance();
        cycle(1);  // the first creates the key
        const std::uint64_t before = sink.last_sequence();
        cycle(1);
        const auto lines = sink.read(before);
        ASSERT_FALSE(lines.empty());
        for (std::size_t i = 0; i < ex::DebugSink::capacity; ++i)
            sink.print(lines[0].component, lines[0].level, lines[i % lines.size()].text + "\n");
    }
};

// Whatever a load leaves grows in every window; what others do meanwhile (the lazy writer, the allocator) in few.
TEST_F(Growth, loading_and_unloading_leaves_nothing) {
    constexpr std::size_t windows = 8;
    const char* const text = std::getenv("REGENT_LOADS");
    const int loads = std::max(text != nullptr ? std::atoi(text) : 160, static_cast<int>(windows));
    fill_debugger();
    cycle(300);  // so are caches, and the names of drivers that are gone, of which 256 are remembered
    std::array<Usage, windows + 1> seen{usage()};
    for (std::size_t i = 1; i <= windows; ++i) {
        cycle(loads / static_cast<int>(windows));
        seen[i] = usage();
    }
    constexpr Usage once = {65536, 16, 4, 0, 262144};  // in all, however many loads
    for (int kind = 0; kind < kinds; ++kind) {
        std::array<std::int64_t, windows> growth{};
        std::string values = std::to_string(seen[0][kind]);
        for (std::size_t i = 0; i < windows; ++i) {
            growth[i] = seen[i + 1][kind] - seen[i][kind];
            values += " " + std::to_string(seen[i + 1][kind]);
        }
        std::ranges::nth_element(growth, growth.begin() + windows / 2);
        const char* const name = kind_names[static_cast<std::size_t>(kind)];
        EXPECT_LE(growth[windows / 2], 0) << name << " grow with every load: " << values;
        EXPECT_LE(seen[windows][kind] - seen[0][kind], once[kind]) << name << " in " << loads << " loads: " << values;
    }
}

}  // namespace
}  // namespace regent::test
