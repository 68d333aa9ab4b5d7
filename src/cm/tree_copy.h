// Subtrees from one hive's storage to another's: what restore and merged save are made of. Functions over storages: the
// caller holds the locks.
#pragma once

#include "hive/hive.h"

namespace regent::cm {

// Puts the values and subkeys of `source` into `target`, with their descriptors, classes, flags and times; what is
// there already stays, where both have a value the source's wins. Volatile keys are left out. The keys made are
// volatile when `target` is. ERRORS: the target storage's; keys copied before stay.
Result<void> copy_tree(const hive::Hive& from, hive::CellIndex source, hive::Hive& to, hive::CellIndex target);

// Takes every value and subkey away. ERRORS: the storage's; what was deleted before is gone.
Result<void> empty_tree(hive::Hive& storage, hive::CellIndex key);

}  // namespace regent::cm
