// What the load of a hive has to tell people: NTSTATUS has no room for a file, an offset and what was done about it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "hive/hive.h"

namespace regent::nt {

// What a load found: how much, and the ends of it. The last finding of a refused load is the one that refused it.
class LoadFindings final : public hive::FindingSink {
public:
    void report(hive::Finding finding) override {
        if (count_++ == 0) first_ = finding;
        last_ = std::move(finding);
    }
    std::size_t count() const { return count_; }
    const hive::Finding& first() const { return first_; }
    const hive::Finding& last() const { return last_; }

private:
    hive::Finding first_{};
    hive::Finding last_{};
    std::size_t count_ = 0;
};

// One line when a load was refused for the file's content, recovered or found damage; nothing else is worth a word.
// The line goes to the debugger's log as well.
std::optional<std::string> report_load(const std::string& path, const Result<std::unique_ptr<hive::Hive>>& opened,
                                       const LoadFindings& findings);

}  // namespace regent::nt
