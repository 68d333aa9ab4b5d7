// Reads regf 1.0 and 1.1 (NT 3.1 to 3.5) by copying the tree into a hive of format 1.3 in memory. docs/hive-format.md
// §2. What differs: cells have a second word (the cell before) and lie on 16 bytes, names are UTF-16 alone, lists are
// li, a title index stands where nk and vk have other fields today. No genuine file of these versions is public:
// nothing of this was held against one.
#pragma once

#include "hive/finding.h"
#include "hive/hive.h"

namespace regent::hive {

inline constexpr std::uint32_t first_minor_of_today = 2;

// The name of the key at `root`; empty when it has none that can be one.
Utf16 old_key_name(Bytes bins, CellIndex root);
// `to` is a new hive with nothing but its root, of which `bins` have `root`. What is damaged is left out, each a
// Finding. ERRORS: REGISTRY_CORRUPT (no root), those of Hive's changes.
Result<void> copy_old_tree(Bytes bins, CellIndex root, Hive& to, FindingSink& sink);

}  // namespace regent::hive
