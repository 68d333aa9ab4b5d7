// What a key inherits that is created without a descriptor: below one descriptor, by one token, it is always the same,
// so that the first such key's security cell serves for the next. Working it out anew is a fifth of a key's creation.
#pragma once

#include <array>
#include <cstdint>

#include "hive/hive.h"

namespace regent::cm {

// Of one place for all questions with the same hash the last one stays. Guarded by the hive's exclusive lock.
class InheritedSecurity {
public:
    // Everything an answer depends on.
    struct Question {
        std::uint64_t descriptor = 0;  // the parent's: the generation of the hive's descriptors over its cell; 0: none
        std::uint64_t token = 0;       // Token::answer_id
        hive::StorageType type = hive::StorageType::stable;  // the new key's
        friend bool operator==(const Question&, const Question&) = default;
    };

    // The security cell; nil when it is not known.
    hive::CellIndex find(const Question& question) const {
        const Entry& entry = entries_[place_of(question)];
        return entry.question == question ? entry.cell : hive::nil_cell;
    }
    void remember(const Question& question, hive::CellIndex cell) { entries_[place_of(question)] = {question, cell}; }

private:
    struct Entry {
        Question question;
        hive::CellIndex cell = hive::nil_cell;
    };
    static constexpr std::size_t size = 16;
    static std::size_t place_of(const Question& question) {
        const std::uint64_t hash = question.descriptor * 0x9E3779B97F4A7C15 ^ question.token;
        return ((hash >> 32 ^ hash) + static_cast<std::size_t>(question.type)) % size;
    }

    std::array<Entry, size> entries_;
};

}  // namespace regent::cm
