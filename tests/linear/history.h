// What several threads did to a few keys, and whether one after the other could have given the same answers.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "nt/ntdef.h"

namespace regent::test {

inline constexpr int thread_count = 4;
inline constexpr int name_count = 3;  // the keys "A", "B" and "C" below one parent
inline constexpr int nothing = -1;

enum class Verb { create, open, set, query, delete_value, delete_key, enumerate, rename };

// One call and its answer. `began` and `ended` are moments: a call that ended before another began came before it.
struct Call {
    int thread = 0;
    Verb verb = Verb::open;
    int argument = 0;  // a name; of set the value, of enumerate the index
    std::uint64_t began = 0;
    std::uint64_t ended = 0;
    NTSTATUS status = 0;
    int answer = nothing;  // of create 1 when it made the key, of query the value, of enumerate the name
};
std::string to_string(const Call& call);

// The sequential model. A key is known by its number; a thread has one key open, or none.
struct Model {
    std::uint16_t deleted = 0;                                     // one bit a key
    std::array<std::int8_t, name_count> named{-1, -1, -1};         // the key of a name
    std::array<std::int8_t, thread_count> opened{-1, -1, -1, -1};  // by thread
    std::array<std::int8_t, 16> value{};                           // by key; -1: none
    std::int8_t keys = 0;                                          // so many were ever made

    // Does the call, and tells whether it would have had this answer.
    bool apply(const Call& call);

private:
    bool enter(const Call& call, bool may_create);
    bool change_value(const Call& call, bool present, int value);
    bool rename(const Call& call);
    int name_at(int index) const;
};

// Is there an order of the calls that keeps to their moments and in which the model gives every answer?
bool is_linearizable(const std::vector<Call>& history);

}  // namespace regent::test
