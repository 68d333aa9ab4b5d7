// Evidence of damage in a hive: what, where in the file, what was expected and what was there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace regent::hive {

enum class FindingKind : std::uint8_t {
    base_block,    // header field
    log,           // a transaction log that is needed and cannot be used
    bin,           // bin header
    cell,          // cell size, cell tiling
    key,           // key node
    subkey_list,   // li, lf, lh, ri
    subkey_order,  // sorted, unique
    value_list,
    value,
    big_data,
    security,
    class_name,
    symbolic_link,
};
const char* to_string(FindingKind kind);

struct Finding {
    FindingKind kind;
    std::uint64_t file_offset;  // in the primary file (or in the log for FindingKind::log)
    std::string expected;
    std::string actual;
    std::string repair;  // what loading did about it in memory; empty when nothing was (or could be) done
};

class FindingSink {
public:
    virtual ~FindingSink() = default;
    virtual void report(Finding finding) = 0;
};

// Keeps the first `limit` findings and counts all.
class FindingList : public FindingSink {
public:
    explicit FindingList(std::size_t limit = 1000) : limit_(limit) {}
    void report(Finding finding) override {
        ++count_;
        if (findings_.size() < limit_) findings_.push_back(std::move(finding));
    }
    const std::vector<Finding>& findings() const { return findings_; }
    std::size_t count() const { return count_; }

private:
    std::size_t limit_;
    std::size_t count_ = 0;
    std::vector<Finding> findings_;
};

}  // namespace regent::hive
