// What a suite measures: one store holding the tree. An operation returns false when it failed; a benchmark that fails
// is not a benchmark, so the suite stops on it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tree.h"

namespace regent::bench {

class Subject {
public:
    virtual ~Subject() = default;
    virtual std::string name() const = 0;
    virtual bool build(const Tree& tree) = 0;                        // W6: every key with its 3 values
    virtual bool open_close(std::uint32_t key) = 0;                  // W1: by full path
    virtual bool query_open(std::uint32_t repeat) = 0;               // W2: one value of one key held open
    virtual bool open_query_close(std::uint32_t key) = 0;            // W3
    virtual bool set_value(std::uint32_t key, std::uint32_t n) = 0;  // W4: not durable; n varies the data
    virtual std::uint64_t walk() = 0;                                // W7: all keys and values; bytes seen
    virtual std::uint64_t walk_in_bulk() { return walk(); }          // the same in few calls, where there is a way
    virtual bool concurrent() const { return false; }                // several threads may open and query
    virtual bool has(const char* workload) const { return workload != nullptr; }
};

// Each returns null, with the reason in `why`, when the peer is not there.
std::unique_ptr<Subject> make_floor();
std::unique_ptr<Subject> make_regent(std::string subject_name, std::string& why);
std::unique_ptr<Subject> make_lmdb(const std::string& directory, std::string& why);
std::unique_ptr<Subject> make_sqlite(const std::string& directory, std::string& why);
std::unique_ptr<Subject> make_hivex(const std::string& directory, std::string& why);

}  // namespace regent::bench
