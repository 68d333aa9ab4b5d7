// Drivers come and go without a trace: memory, mappings, descriptors, handles. The same for ELF and PE images.
// REGENT_LOADS says how often (the long run: 10,000).
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "host_fixture.h"
#include "nt/ntexapi.h"

namespace regent::test {
namespace {

struct Usage {
    std::size_t heap = 0;
    std::size_t mappings = 0;
    std::size_t descriptors = 0;
    std::size_t handles = 0;
};

class Growth : public DriverHost {
protected:
    static std::size_t lines_of(const char* file) {
        std::ifstream stream(file);
        return static_cast<std::size_t>(
            std::count(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>(), '\n'));
    }
    // A new handle stands where the lowest free entry is: more open handles, a higher number.
    static std::size_t next_handle() {
        HANDLE key = make_key("\\Registry\\Machine\\Software");
        ZwClose(key);
        return reinterpret_cast<std::size_t>(key);
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
    static Usage usage() {
        flush();
        Usage now;
        const struct mallinfo2 info = mallinfo2();
        now.heap = info.uordblks + info.hblkhd;
        now.mappings = lines_of("/proc/self/maps");
        const std::filesystem::directory_iterator open("/proc/self/fd");
        now.descriptors = static_cast<std::size_t>(std::distance(begin(open), end(open)));
        now.handles = next_handle();
        return now;
    }
    void cycle(int count) {
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(load("audit", "audit.so"), STATUS_SUCCESS);
            ZwClose(make_key("\\Registry\\Machine\\Software\\Growth"));
            ASSERT_EQ(unload("audit"), STATUS_SUCCESS);
        }
    }
};

TEST_F(Growth, loading_and_unloading_leaves_nothing) {
    const char* const text = std::getenv("REGENT_LOADS");
    const int loads = text != nullptr ? std::atoi(text) : 60;
    cycle(loads / 2);  // caches, and the debugger's lines, are full now
    const Usage before = usage();
    cycle(loads);
    const Usage after = usage();
    // Slack for what the lazy writer and the allocator do meanwhile; whatever a load left would be there once a load.
    EXPECT_LE(after.heap, before.heap + 131072) << loads << " loads";
    EXPECT_LE(after.mappings, before.mappings + 16);
    EXPECT_LE(after.descriptors, before.descriptors + 4);
    EXPECT_EQ(after.handles, before.handles);
}

}  // namespace
}  // namespace regent::test
