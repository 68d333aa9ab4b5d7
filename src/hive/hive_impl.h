// What a Hive is made of. Only the hive_*.cpp files include this.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "hive/cells.h"
#include "hive/hive.h"
#include "hive/log_writer.h"
#include "hive/security_index.h"
#include "hive/subkey_list.h"
#include "hive/value_index.h"

namespace regent::hive {

struct NewKey {
    CellIndex parent;
    CellIndex security;
    Utf16View name;
    Utf16View class_name;
    std::int64_t time;
    std::uint16_t flags;
};

class HiveImpl {
public:
    Cells cells;
    SecurityIndex security;
    ValueIndex values;
    BaseBlock base = {};
    CellIndex root = nil_cell;
    std::string path;
    Durability durability = Durability::lazy;
    bool flushed_by_caller = false;
    bool healed = false;
    std::uint64_t changes = 0;  // how many; a save in steps looks whether there was one meanwhile
    bool verified = true;       // in this life, or by the proof it was loaded with
    LoadState load_state = LoadState::clean;
    std::unique_ptr<LogWriter> log;  // null: memory only, or read-only
    // What the primary held at the last two times that copies were dropped.
    std::uint64_t written = 0;
    std::uint64_t written_before = 0;

    const KeyNode& node(CellIndex key) const {  // zeros when `key` is no key
        static constexpr KeyNode none = {};
        const auto* record = cells.record<KeyNode>(key);
        return record != nullptr && record->signature == nk_signature ? *record : none;
    }
    bool is_node(CellIndex key) const { return node(key).signature == nk_signature; }
    bool is_key(CellIndex key) const { return is_node(key) && cells.is_allocated(key); }
    std::uint32_t subkey_count(CellIndex key) const;  // both storages together
    // In a hive that is validated on touch: what reading comes across is verified there; damage makes the hive suspect
    // and is not handed out.
    std::optional<CellIndex> sound_subkey(CellIndex key, std::optional<CellIndex> child) const {
        return cells.stable().trusted() ? child : verified_subkey(key, child);
    }
    // The list of subkeys is to be verified before it is used.
    bool doubtful_subkeys(CellIndex key) const {
        const Storage& stable = cells.stable();
        return !stable.trusted() && storage_of(key) == StorageType::stable && !stable.is_verified(key);
    }
    bool sound_subkeys(CellIndex key) const { return !doubtful_subkeys(key) || verified_subkeys(key); }
    std::optional<ValueRef> sound_value(CellIndex key, std::optional<ValueRef> value) const {
        return cells.stable().trusted() ? value : verified_value(key, value);
    }
    std::optional<CellIndex> verified_subkey(CellIndex key, std::optional<CellIndex> child) const;
    // REQUIRES: doubtful_subkeys(key). Those that are sound so far go to `subkeys`, if there is one.
    bool verified_subkeys(CellIndex key, std::vector<CellIndex>* subkeys = nullptr) const;
    std::optional<ValueRef> verified_value(CellIndex key, std::optional<ValueRef> value) const;
    // Walks all there is, once; afterwards nothing needs verifying any more. ERRORS: REGISTRY_CORRUPT.
    Result<void> require_sound() const;
    // The checks before every change. ERRORS: MEDIA_WRITE_PROTECTED, REGISTRY_CORRUPT (suspect), INVALID_PARAMETER
    // (`key` is no key).
    Result<void> require_writable(CellIndex key) const;
    // The same of a key in which something was just found: the bit map of cells, which may be in no cache, is not
    // asked.
    Result<void> require_writable_node(CellIndex key) const;
    std::uint32_t depth_of(CellIndex key) const;
    // The list's place for a new subkey. ERRORS: OBJECT_NAME_COLLISION, REGISTRY_CORRUPT.
    Result<ListPlace> place_for_subkey(CellIndex parent, Utf16View name, StorageType type) const;
    // key.security is what get_security(edit) gives, with a reference for the new key. ERRORS: Hive::create_subkey's.
    template <typename GetSecurity>
    Result<CellIndex> create_subkey(const NewKey& key, StorageType type, GetSecurity get_security);
    void commit(Edit& edit) {
        security.commit(edit);
        ++changes;
    }
};

// Every rule of the stable storage as it is in memory, each violation a Finding.
void check_all(const HiveImpl& impl, FindingSink& sink);
// Fills a new, empty hive: root key with its security cell.
Result<void> format_hive(HiveImpl& impl, const HiveOptions& options);
BaseBlock new_base_block(const std::string& path, std::uint32_t minor, std::uint64_t time);
// O:BAG:BAD:(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KR;;;WD)(A;CI;KR;;;RC), self-relative.
Bytes default_descriptor();
// A sane value name, key name: statuses as in hive.h.
Result<void> check_key_name(Utf16View name);
// nk with name and class, not linked anywhere; counts zero.
Result<CellIndex> new_key_node(Edit& edit, StorageType type, const NewKey& key);

// Writes a complete primary (base block, bins) from memory: base block last, so that a half-written file is no hive.
Result<void> write_primary(rtl::File& file, const BaseBlock& base, Bytes bins);

}  // namespace regent::hive
