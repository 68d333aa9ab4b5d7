// Reads a subtree of one hive from its cells.
#pragma once

#include <array>
#include <optional>

#include "cm/key_lock.h"
#include "cm/tree_read.h"
#include "hive/hive_scan.h"
#include "ob/lookup.h"

namespace regent::cm {

// For one call of read_subtree, one thread. Invariants: (1) cells in levels_ mean something while the hive's lock is
// held and its changes() are changes_; (2) after a change, place_ says where it goes on.
class SubtreeReader {
public:
    SubtreeReader(const KeyBody& body, const TreeStart& start, TreeAnswer& answer);
    Result<TreeProgress> run();

private:
    // A key whose subkeys are being told.
    struct Level {
        hive::CellIndex key = hive::nil_cell;
        std::size_t path_units = 0;
        std::uint32_t next = 0;  // the first subkey that is not in `cells`
        std::uint32_t at = 0;    // of `cells`, the one to be told
        std::uint32_t count = 0;
        bool all = false;    // there is no subkey behind them
        bool asked = false;  // for them, while those of the key before it were told
        std::array<hive::CellIndex, 32> cells;
    };
    // The key that comes behind the one whose subkeys are being told, and its own.
    struct Ahead {
        hive::CellIndex key = hive::nil_cell;
        std::uint32_t at = 0;  // those before it were asked for
        std::uint32_t count = 0;
        bool read = true;
        std::array<hive::CellIndex, 32> cells;
    };
    // What one hold of the lock ends with.
    enum class Step : std::uint8_t { more, tree, room, declined };

    Step hold(const ReadKey& key);
    Step start();
    Step step();
    void seek();
    void enter(hive::CellIndex key, std::size_t path_units);
    hive::CellIndex next_of(Level& level);
    void ask_ahead(const Level& level);
    NTSTATUS access_to(hive::CellIndex cell, hive::CellIndex security);
    NTSTATUS check_access(hive::CellIndex cell, bool& own);
    Step tell(hive::CellIndex cell, const hive::HiveScan::Key& key, unsigned depth, bool cut);
    void remember_place();
    unsigned depth_of_level(std::size_t level) const { return start_.depth + static_cast<unsigned>(level); }

    // An answer for all keys with one descriptor, of this hold of the lock.
    struct Known {
        hive::CellIndex security = hive::nil_cell;
        NTSTATUS status = 0;
    };

    const KeyBody& body_;
    const TreeStart& start_;
    TreeAnswer& answer_;
    const ob::AccessState access_;
    const hive::Hive* storage_ = nullptr;
    std::optional<hive::HiveScan> scan_;
    std::uint64_t changes_ = 0;
    bool placed_ = false;  // levels_ stand where the walk does, unless the hive changed
    bool begun_;           // the key itself was told, in this call or before
    bool told_ = false;
    std::vector<Level> levels_;  // the first live_ of them; the others are kept for later use
    std::size_t live_ = 0;
    std::vector<hive::CellIndex> chain_;  // from below the key itself to what was told last, as far as levels_ know it
    bool moved_ = false;                  // something was told in this hold of the lock: chain_ leads there
    Ahead ahead_;
    std::vector<Utf16> place_;
    std::array<Known, 8> known_;
};

}  // namespace regent::cm
