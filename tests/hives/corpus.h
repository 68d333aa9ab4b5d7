// The real hives, when they are at hand: REGENT_HIVES names their folder, else ../shared/hives.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace regent::hive {

inline std::string corpus_directory() {
    if (const char* named = std::getenv("REGENT_HIVES")) return named;
    return std::string(RG_SOURCE_DIR) + "/../shared/hives";
}

using Row = std::vector<std::string>;
// `file` is one of the corpus, or a path.
inline std::vector<Row> read_table(const std::string& file) {
    std::ifstream in(file.starts_with('/') ? file : corpus_directory() + "/" + file);
    std::vector<Row> rows;
    std::string line;
    std::getline(in, line);  // captions
    while (std::getline(in, line)) {
        Row row;
        std::istringstream fields(line);
        for (std::string field; std::getline(fields, field, '\t');) row.push_back(field);
        rows.push_back(row);
    }
    return rows;
}

}  // namespace regent::hive
