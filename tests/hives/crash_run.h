// One run of a workload on a simulated disk, and what may be found on that disk after a crash at any of its events.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hive/hive.h"
#include "rtl/lock.h"
#include "rtl/sim_env.h"

namespace regent::hive::crash {

inline constexpr const char* hive_path = "store/HIVE";
inline constexpr std::uint64_t absent = 0;      // no file
inline constexpr std::uint64_t unloadable = 1;  // a file that is no hive

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
    std::uint64_t next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_ * 0x9E3779B97F4A7C15ULL >> 11;
    }
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(next() % limit); }

private:
    std::uint64_t state_;
};

// Every name, type, byte, class, descriptor and time of the tree in one number; not 0 or 1.
std::uint64_t content_of(const Hive& hive);

// A content that became, or was on its way to become, durable.
struct State {
    std::uint64_t content;
    std::size_t begun;                                        // events made when its flush began
    std::size_t acknowledged = static_cast<std::size_t>(-1);  // and when it returned
};

class Run {
public:
    explicit Run(std::uint64_t seed) : random(seed) {}

    rtl::SimEnv env;
    std::unique_ptr<Hive> hive;
    Random random;

    void require(bool good, const char* what);  // a workload that fails is no workload
    void create(Format format = Format::v1_5);
    void open(FindingSink* findings = nullptr, Durability durability = Durability::lazy);
    // Where every operation is durable: one that is when it has succeeded.
    void operation(const std::function<bool()>& change, const char* what);
    void flush();      // and notes the state
    void try_flush();  // the same, where the disk may fail it
    void reconcile();  // with a flush
    void compact();    // makes all durable, as a flush does
    // For threads: `change` under the lock, then a flush that may be shared.
    void change_and_flush(const std::function<void()>& change);
    // A state that something else than a flush makes durable. Returns its number, for acknowledge().
    std::size_t begin(std::uint64_t content);
    void acknowledge(std::size_t state);
    void became(std::uint64_t content, std::size_t begun);  // durable by now

    bool findings_expected = false;

    CellIndex key(CellIndex parent, const std::string& name, StorageType type = StorageType::stable);
    void set(CellIndex key, const std::string& name, std::size_t size, char fill);

    const std::vector<State>& states() const { return states_; }
    const std::string& failure() const { return failure_; }

private:
    rtl::Mutex<rtl::LockRank::hive> lock_;
    rtl::Mutex<rtl::LockRank::trace> notes_;
    std::vector<State> states_ = {{absent, 0, 0}};
    std::string failure_;
};

struct Workload {
    const char* name;
    void (*run)(Run&);
};
const std::vector<Workload>& workloads();

}  // namespace regent::hive::crash
