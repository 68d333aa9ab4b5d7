#include "nt/crash_history.h"

#include "nt/minidump.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>

namespace regent::nt {
namespace {

constexpr unsigned too_often = 2;

// A line for each driver: its count, a space, its name.
std::map<std::string, unsigned> read_counts(const std::string& file) {
    std::map<std::string, unsigned> counts;
    std::ifstream in(file);
    unsigned count = 0;
    std::string name;
    while (in >> count && in.get() == ' ' && std::getline(in, name)) counts[name] = count;
    return counts;
}

// Synced before it replaces the old one: the machine may be about to go down as well.
void write_synced(const std::string& file, const std::string& text) {
    const std::string made = file + ".new";
    std::FILE* const out = std::fopen(made.c_str(), "we");
    if (out == nullptr) return;
    const bool written = std::fwrite(text.data(), 1, text.size(), out) == text.size() && std::fflush(out) == 0 &&
                         ::fdatasync(::fileno(out)) == 0;
    std::fclose(out);
    if (written) std::rename(made.c_str(), file.c_str());
}

std::string time_stamp() {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc)};
}

}  // namespace

void CrashHistory::record(const ex::BugCheck& check) const {
    ::mkdir(folder_.c_str(), 0700);
    const std::string file = folder_ + "/" + time_stamp() + "-" + std::to_string(::getpid());
    write_synced(file + ".txt", check.text);
    write_minidump((file + ".dmp").c_str(), check);
    if (check.driver.empty()) return;
    auto counts = read_counts(counts_file());
    ++counts[check.driver];
    std::string text;
    for (const auto& [name, count] : counts) text += std::to_string(count) + " " + name + "\n";
    write_synced(counts_file(), text);
}

std::vector<std::string> CrashHistory::repeat_offenders() const {
    std::vector<std::string> drivers;
    for (const auto& [name, count] : read_counts(counts_file())) {
        if (count >= too_often) drivers.push_back(name);
    }
    return drivers;
}

void CrashHistory::forget() const { ::unlink(counts_file().c_str()); }

}  // namespace regent::nt
