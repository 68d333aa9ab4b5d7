// hivetool dump: every key and value of a hive as text or as JSON Lines.
#pragma once

#include "hive/hive.h"

namespace regent::hivetool {

enum class DumpFormat { text, json };
// Writes to standard output; false when that failed.
bool dump(const hive::Hive& hive, DumpFormat format);

}  // namespace regent::hivetool
