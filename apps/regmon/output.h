// Events as lines: for a terminal, CSV with Process Monitor's column names, JSON Lines.
#pragma once

#include <optional>
#include <string>

#include "columns.h"

namespace regent::regmon {

enum class Format { text, csv, json };

std::optional<Format> format_named(const std::string& name);  // "text", "csv", "jsonl"
Format format_of_file(const std::string& path);               // by its ending; JSON Lines for an unknown one

// What comes before the first event; empty for JSON Lines.
std::string heading(Format format);
// One line with its end.
std::string line(Format format, const Event& event);
// Events that are missing, where they are missing; empty in CSV, which has no place for it.
std::string gap_line(Format format, const Gap& gap);

const char* drop_reason(unsigned reason);

}  // namespace regent::regmon
