// A registry hive: keys, values, classes and security descriptors in regf cells, with transaction logs in the 8.1+
// form. Knows nothing of objects, handles or access: a security descriptor is an opaque, self-relative blob here.
// Implements docs/hive-format.md. The Configuration Manager is the only user besides hivetool.
//
// Thread rule: externally synchronised. The caller holds the hive's lock shared for const members, exclusive for the
// others; what makes changes durable says itself which lock it needs (see flush below).
// Views (NameView, Bytes) point into the hive and live until the next write to it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hive/durability.h"
#include "hive/finding.h"
#include "hive/name.h"
#include "hive/space.h"
#include "rtl/bytes.h"
#include "rtl/env.h"
#include "rtl/status.h"
#include "rtl/utf16.h"

namespace regent::hive {

// Byte offset of a cell from the start of the bins; bit 31: volatile storage, in memory only.
using CellIndex = std::uint32_t;
inline constexpr CellIndex nil_cell = 0xFFFFFFFF;
inline constexpr CellIndex volatile_bit = 0x80000000;

enum class StorageType : std::uint8_t { stable, volatile_ };
inline StorageType storage_of(CellIndex cell) {
    return (cell & volatile_bit) != 0 ? StorageType::volatile_ : StorageType::stable;
}

enum class Format : std::uint8_t { v1_3 = 3, v1_5 = 5 };  // REG_STANDARD_FORMAT, REG_LATEST_FORMAT

// Limits of the format and of NT (docs/hive-format.md §9).
inline constexpr std::size_t max_key_name = 255;      // UTF-16 units
inline constexpr std::size_t max_value_name = 16383;  // UTF-16 units
inline constexpr std::uint32_t max_key_depth = 512;
inline constexpr std::uint64_t max_value_data = 1071104040;  // 65535 segments of 16344 bytes

// Key node flags (KeyInfo::flags, create_subkey, set_flags).
inline constexpr std::uint16_t key_volatile = 0x0001;
inline constexpr std::uint16_t key_hive_exit = 0x0002;
inline constexpr std::uint16_t key_hive_entry = 0x0004;
inline constexpr std::uint16_t key_no_delete = 0x0008;
inline constexpr std::uint16_t key_sym_link = 0x0010;
inline constexpr std::uint16_t key_comp_name = 0x0020;  // kept by the hive itself
inline constexpr std::uint16_t key_predef_handle = 0x0040;
// Of virtualization, by set_flags alone: was replicated; is a replica; holds replicas.
inline constexpr std::uint16_t key_virtual_source = 0x0080;
inline constexpr std::uint16_t key_virtual_target = 0x0100;
inline constexpr std::uint16_t key_virtual_store = 0x0200;

struct HiveOptions {
    std::string path;       // empty: memory only
    Utf16 root_name;        // as NT names it, e.g. the machine's key name; empty: "ROOT"
    Bytes root_security;    // empty: O:BAG:BAD:(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KR;;;WD)(A;CI;KR;;;RC)
    std::int64_t time = 0;  // of the root key; 0: now
    Format format = Format::v1_5;
    bool replace_existing = false;  // else OBJECT_NAME_COLLISION when `path` exists
    Durability durability = Durability::lazy;
};

// When a hive's content is verified. A hive that is dirty, recovered or of a bad base block always is at load.
enum class Validation : std::uint8_t {
    full,         // at load, with NT's self-heal
    if_unproven,  // at load, unless the last to write it were we, and had it verified; else on touch
    on_touch,     // what is touched, when it is touched; nothing is repaired
};

struct OpenOptions {
    Durability durability = Durability::lazy;
    bool create_if_missing = false;  // with create.root_* below; not if read_only
    Validation validation = Validation::full;
    bool self_heal = true;          // false: any Finding fails the load with REGISTRY_CORRUPT
    bool tolerate_bad_log = false;  // tools: go on without a log that is needed but unusable (a Finding all the same)
    FindingSink* findings = nullptr;
    HiveOptions create;  // for create_if_missing; its path and durability are ignored
};

enum class LoadState : std::uint8_t {
    clean,      // sequence numbers agreed
    dirty,      // they did not, and there was no log to apply
    recovered,  // one or both logs were applied
};

struct KeyInfo {
    std::int64_t last_write_time;
    std::uint16_t flags;
    std::uint32_t subkey_count;  // stable and volatile together
    std::uint32_t stable_subkey_count;
    std::uint32_t value_count;
    std::uint32_t max_subkey_name_bytes;  // upper bounds, in bytes as UTF-16
    std::uint32_t max_subkey_class_bytes;
    std::uint32_t max_value_name_bytes;
    std::uint32_t max_value_data_bytes;
    std::uint8_t virtualization_flags;  // 0..15: what KeyFlagsInformation calls ControlFlags
    std::uint8_t user_flags;            // 0..15: 1 = 32-bit key
    CellIndex parent;                   // nil for the root
    CellIndex security;
    NameView name;
    Bytes class_name;  // UTF-16LE
};

// A value: its cell and its place in the key's list at the time of asking.
struct ValueRef {
    CellIndex cell;
    std::uint32_t index;
};

struct ValueInfo {
    std::uint32_t type;
    std::uint32_t data_size;
    bool tombstone;  // layered hives (1.6)
    NameView name;   // empty: the default value
    Bytes data;      // in place, all of it when it is in one piece; nothing of big data
};

struct HiveCounts {
    std::uint64_t keys;      // with the root
    std::uint64_t values;    // every value of every key
    std::uint64_t security;  // distinct security cells that keys point to
};

// What prepare_flush() took; commit_flush() makes it durable. Cheap to copy.
struct FlushBatch {
    std::uint64_t ticket = 0;
};

class HiveImpl;

class Hive {
public:
    // A new hive with a root key, complete on the disk when this returns.
    // ERRORS: INVALID_PARAMETER (read_only), OBJECT_NAME_COLLISION (`path` exists), OBJECT_NAME_INVALID (root_name),
    // INVALID_SECURITY_DESCR, INSUFFICIENT_RESOURCES, those of Env and File.
    static Result<std::unique_ptr<Hive>> create(rtl::Env& env, const HiveOptions& options);
    // Validates, recovers from .LOG / .LOG1 / .LOG2 beside it, heals. Read-write: locks the file (SHARING_VIOLATION).
    // ERRORS: those of Env::open, NOT_REGISTRY_FILE (no regf at all), REGISTRY_CORRUPT, REGISTRY_IO_FAILED.
    static Result<std::unique_ptr<Hive>> open(rtl::Env& env, const std::string& path, const OpenOptions& options);
    // A read-only hive over bytes in memory, without logs (fuzzers, tests). `image` is copied.
    // ERRORS: NOT_REGISTRY_FILE, REGISTRY_CORRUPT, INSUFFICIENT_RESOURCES.
    static Result<std::unique_ptr<Hive>> open_image(Bytes image, const OpenOptions& options);
    ~Hive();  // does not flush
    Hive(const Hive&) = delete;
    Hive& operator=(const Hive&) = delete;

    const std::string& path() const;  // empty: memory only
    Durability durability() const;
    bool read_only() const { return durability() == Durability::read_only; }
    LoadState load_state() const;
    // A hive validated on touch: damage was met. From then on changes and whole walks answer REGISTRY_CORRUPT, and what
    // is not found may only be out of reach. The next load validates in full. Thread-safe.
    bool suspect() const;
    // What a key or value that is not there answers: `absent`, or REGISTRY_CORRUPT in a suspect hive.
    NTSTATUS absence(NTSTATUS absent) const { return suspect() ? STATUS_REGISTRY_CORRUPT : absent; }
    bool trusted() const;  // all content was verified at load or since, or made here
    std::vector<Finding> suspicions() const;
    bool healed() const;  // loading repaired something; the repairs are dirty until flushed
    std::uint32_t minor_version() const;
    std::uint32_t sequence() const;
    std::uint64_t stable_size() const;  // bytes of bins
    std::uint64_t volatile_size() const;
    std::int64_t last_written() const;   // the base block's time
    Space space() const;                 // of the stable storage
    std::uint64_t copied_bytes() const;  // memory beyond the mapped file: pages that differ from it, or did
    // The bins as they are in memory, for tools that look at records and at what lies between them (hive/format.h).
    Bytes stable_bytes() const;

    // --- Reads: no allocation, no failure on a key index got from this hive and not deleted since; any other cell
    // reads as a key without name, subkeys and values. find_x and x_at give nothing when it is not there. Names are
    // found in any case.
    CellIndex root() const;
    bool is_key(CellIndex cell) const;
    KeyInfo key_info(CellIndex key) const;
    NameView key_name(CellIndex key) const;
    std::int64_t last_write_time(CellIndex key) const;
    CellIndex parent(CellIndex key) const;  // nil for the root
    std::uint16_t flags(CellIndex key) const;
    std::optional<CellIndex> find_subkey(CellIndex key, Utf16View name) const;
    // The index-th subkey in folded-name order over stable and volatile together.
    std::optional<CellIndex> subkey_at(CellIndex key, std::uint32_t index) const;
    std::optional<ValueRef> find_value(CellIndex key, Utf16View name) const;
    std::optional<ValueRef> value_at(CellIndex key, std::uint32_t index) const;  // in the order of creation
    ValueInfo value_info(ValueRef value) const;
    // Copies data from `offset` on; returns how many bytes. Handles inline and big data.
    std::size_t read_value(ValueRef value, std::uint64_t offset, MutableBytes out) const;
    // The data in place when it is in one piece (always, when data_size <= 16344); nothing for big data.
    std::optional<Bytes> value_bytes(ValueRef value) const;
    Bytes security(CellIndex key) const;  // self-relative descriptor
    CellIndex security_cell(CellIndex key) const;
    HiveCounts count() const;  // a full walk
    // The number of changes so far: while it is the same, so is everything that reads answer.
    std::uint64_t changes() const;

    // --- Writes: on failure nothing has changed. ERRORS common to all: MEDIA_WRITE_PROTECTED (read-only, or after a
    // failed sync), INVALID_PARAMETER (no key of this hive), INSUFFICIENT_RESOURCES, REGISTRY_QUOTA_LIMIT (2 GiB of a
    // storage), REGISTRY_CORRUPT. `time` is a FILETIME: the new last write time of the key, and of its parent when the
    // key comes, goes or is renamed; 0 changes none. Nothing is durable before a flush, unless every operation is: then
    // each of these ends with one, whose failure is told, but does not take the change back.
    // A new key below `parent`, of `class_name` (may be empty), with the self-relative descriptor `sd`.
    // ERRORS: OBJECT_NAME_INVALID (empty, > 255 units, '\'), OBJECT_NAME_COLLISION, CHILD_MUST_BE_VOLATILE,
    // INVALID_PARAMETER (deeper than 512, class > 65534 bytes, empty sd), INVALID_SECURITY_DESCR. `flags`:
    // key_sym_link, key_no_delete, key_predef_handle... only.
    Result<CellIndex> create_subkey(CellIndex parent, Utf16View name, Utf16View class_name, Bytes sd, StorageType type,
                                    std::int64_t time, std::uint16_t flags = 0);
    // The same with the descriptor of a security cell (KeyInfo::security of a key of this hive and storage).
    // ERRORS: INVALID_PARAMETER (it is none) instead of those of `sd`.
    Result<CellIndex> create_subkey_sharing(CellIndex parent, Utf16View name, Utf16View class_name, CellIndex security,
                                            StorageType type, std::int64_t time, std::uint16_t flags = 0);
    // ERRORS: KEY_HAS_CHILDREN, ACCESS_DENIED (the root). Updates the parent's time when `time` is not 0.
    Result<void> delete_key(CellIndex key, std::int64_t time = 0);
    // Creates or replaces. ERRORS: OBJECT_NAME_INVALID (> 16383 units), INVALID_PARAMETER (data too big for the
    // format).
    Result<void> set_value(CellIndex key, Utf16View name, std::uint32_t type, Bytes data, std::int64_t time);
    // The same for who knows what find_value(key, name) gives.
    Result<void> set_value(CellIndex key, std::optional<ValueRef> existing, Utf16View name, std::uint32_t type,
                           Bytes data, std::int64_t time);
    Result<void> delete_value(CellIndex key, Utf16View name, std::int64_t time);  // ERRORS: OBJECT_NAME_NOT_FOUND
    // ERRORS: INVALID_SECURITY_DESCR, INVALID_PARAMETER (empty).
    Result<void> set_security(CellIndex key, Bytes sd, std::int64_t time);
    // ERRORS: OBJECT_NAME_INVALID, OBJECT_NAME_COLLISION, ACCESS_DENIED (the root).
    // The key's cell may move: the returned index replaces `key`, and its children's parent fields follow.
    Result<CellIndex> rename_key(CellIndex key, Utf16View name, std::int64_t time);
    Result<void> set_last_write_time(CellIndex key, std::int64_t time);
    Result<void> set_flags(CellIndex key, std::uint16_t flags);  // the bits create_subkey takes, and key_virtual_x
    Result<void> set_user_flags(CellIndex key, std::uint8_t user_flags, std::uint8_t virtualization_flags);

    // --- Durability. A flush is two steps, so that the hive's lock is held only for the first:
    //     exclusive: batch = prepare_flush();    no lock: commit_flush(batch);
    // commit_flush appends what is prepared to the current log with one sync (concurrent committers share both) and
    // returns when `batch` is durable. A write that fails (full disk) may be retried by the next flush; a failed sync
    // is final: the hive is read-only from then on and every flush answers REGISTRY_IO_FAILED.
    // The primary file follows later: write_back() copies the log's pages to it, without the hive's lock and while
    // flushes go on in the other log. It too may be retried after a failed write.
    // From now on an operation may be several writes and ends with the caller's flush, whatever the durability: so that
    // it is not made under the hive's lock, and threads share its sync.
    void flush_by_caller();
    void set_read_only();  // exclusive lock; for good
    bool dirty() const;  // something was not prepared yet; then a flush needs prepare_flush, else last_flush is enough
    Result<FlushBatch> prepare_flush();
    FlushBatch last_flush() const;  // what the last prepare_flush took
    Result<void> commit_flush(FlushBatch batch);
    bool reconcile_due() const;  // no lock: the log has grown so large that write_back() is worth its price
    bool reconciled() const;     // no lock: the primary holds all that was committed
    Result<void> write_back();   // no lock: the primary holds what was committed before the call
    // Exclusive lock: free bins at the end go; the file is cut when it was written back. Returns how many bytes.
    std::uint32_t trim();
    // Exclusive lock: pages that the primary held a write-back ago are taken from it again: no second copy in memory.
    void drop_copies();
    Result<void> reconcile();  // exclusive lock: trims, flushes, writes back, drops copies
    Result<void> flush();      // exclusive lock: both steps, and write_back() when due

    // A compact copy of the tree at `key` without volatile keys. The file is written from its start and synced; when
    // this fails, the file's base block is zero, so that no loadable file is left.
    Result<void> save_subtree(CellIndex key, rtl::File& out, Format format) const;
    // The stable storage as it is in memory, cell for cell, as a clean primary without logs: what hivetool repair
    // writes. The file is written from its start and synced; what failed leaves no loadable file.
    Result<void> write_image(rtl::File& out) const;
    // Verifies every invariant of the stable storage as it is in memory; returns the number of findings.
    std::size_t check(FindingSink& sink) const;

    // Exclusive lock: the whole hive compact, in memory and, durably, in its file; all that is unflushed with it. Every
    // CellIndex got before means nothing any more. ERRORS: as HiveCompaction's (hive_compact.h), which does it in
    // steps.
    Result<void> compact();

private:
    friend class HiveSave;        // save_subtree in short steps (hive_save.h)
    friend class HiveCompaction;  // compact in short steps (hive_compact.h)
    friend class HiveScan;        // all of a key at once (hive_scan.h)
    explicit Hive(std::unique_ptr<HiveImpl> impl);
    Result<void> end_operation() { return flushes_itself() ? flush() : Result<void>(); }
    bool flushes_itself() const;
    std::unique_ptr<HiveImpl> impl_;
};

}  // namespace regent::hive
