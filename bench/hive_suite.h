// The parts of suite `hive`: the hive library beside regf libraries and embedded stores, in this process. Every store
// holds the tree of tree.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hive/hive.h"
#include "report.h"
#include "tree.h"

namespace regent::bench {

struct HiveSuite {
    Report& report;
    const Tree& tree;
    std::string directory;           // an empty folder on the disk that is measured
    std::vector<std::string> hives;  // real hives for `walk`
    std::string hivetool;            // the program, for text against text
    int runs = 5;

    std::string saved_hive() const { return directory + "/compact.hiv"; }
    std::string minimal_hive() const { return directory + "/minimal.hiv"; }  // hivex cannot make one
};

// The tree in a hive: in memory when `path` is empty. Cell indexes of its keys in `keys`. Null when it failed.
std::unique_ptr<hive::Hive> build_hive(const Tree& tree, const std::string& path, std::vector<hive::CellIndex>& keys);
// Of the whole file: what was written is on the disk, and no page of it is in memory any more.
bool drop_from_cache(const std::string& path);

void measure_durable(HiveSuite& suite);  // W5
void measure_save(HiveSuite& suite);     // W9, W12; leaves the compact hive for the next two
void measure_waits(HiveSuite& suite);    // W9: what a reader waits meanwhile
void measure_open(HiveSuite& suite);     // W8
void measure_walk(HiveSuite& suite);     // load, touch, walk, text
void measure_memory(HiveSuite& suite);   // bytes beyond the mapped file a key touched

// What a process that does nothing else needs to walk the hive, beyond the file's size: printed. Its exit code.
int print_memory_of_walk(const std::string& path);

// A store that makes sets of the tree's values durable.
class DurableStore {
public:
    virtual ~DurableStore() = default;
    virtual std::string name() const = 0;
    // Sets value 1 of each of the keys, and returns when all are durable together. `thread` is 0 or 1: whose call it
    // is.
    virtual bool commit(const std::uint32_t* keys, std::size_t count, std::uint32_t n, int thread) = 0;
    virtual bool two_threads() const { return true; }  // both may call at once
};
// A store of which one thread writes a compact copy while another reads.
class CopyingStore {
public:
    virtual ~CopyingStore() = default;
    virtual std::string name() const = 0;
    virtual bool read(std::uint32_t key) = 0;  // value 1 of the key
    virtual bool copy_to(const std::string& path) = 0;
};
// Each returns null, with the reason in `why`, when the peer is not there.
std::unique_ptr<DurableStore> make_durable_sqlite(const Tree& tree, const std::string& directory, std::string& why);
std::unique_ptr<DurableStore> make_durable_lmdb(const Tree& tree, const std::string& directory, std::string& why);
std::unique_ptr<DurableStore> make_durable_tdb(const Tree& tree, const std::string& directory, std::string& why);
std::unique_ptr<CopyingStore> make_copying_sqlite(const Tree& tree, const std::string& directory, std::string& why);
std::unique_ptr<CopyingStore> make_copying_lmdb(const Tree& tree, const std::string& directory, std::string& why);

// Opens the store anew, finds value 1 of `key`, and closes. Nanoseconds of the first two; negative when it failed.
using FirstAnswer = std::function<double(std::uint32_t key)>;
struct Opener {
    std::string subject;
    std::string file;  // dropped from the cache for the cold variant
    FirstAnswer first_answer;
};
// Those of the peers that are there; the others are reported as skipped.
std::vector<Opener> make_peer_openers(HiveSuite& suite);

// Walks every key and value of a hive file through the peer's library, opened anew. Bytes of data; 0 when it failed.
std::uint64_t walk_by_hivex(const std::string& path);
std::uint64_t walk_by_libregf(const std::string& path);
inline constexpr std::uint64_t peer_missing = ~std::uint64_t{0};

}  // namespace regent::bench
