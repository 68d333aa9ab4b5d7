// A hive made by random operations from a seed, and a model beside it that knows what it must hold.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "hive/hive.h"

namespace regent::hive {

struct ModelValue {
    Utf16 name;
    std::uint32_t type;
    std::string data;
};

struct ModelKey {
    Utf16 name;
    Utf16 class_name;
    std::string security;
    bool is_volatile = false;
    bool is_link = false;
    std::vector<ModelValue> values;
    std::map<Utf16, std::unique_ptr<ModelKey>> children;  // by folded name
    ModelKey* parent = nullptr;
    CellIndex cell = nil_cell;
};

// The same for a seed on every machine: numbers come from the engine alone, which the standard defines.
class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : engine_() % limit; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }

private:
    std::mt19937_64 engine_;
};

class RandomHive {
public:
    // `strange`: also names that other readers cannot show (NUL, control characters, unpaired surrogates).
    // Every fifth seed gives a plain hive: ASCII names, no REG_QWORD, nothing big, so that Samba's reader can show it.
    RandomHive(std::uint64_t seed, bool strange)
        : random_(seed), strange_(strange), plain_(!strange && seed % 5 == 0) {}

    // Builds the file at `path` and closes it; what went wrong, or an empty text.
    std::string build(rtl::Env& env, const std::string& path);
    Format format() const { return format_; }
    // How `hive` differs from the model, volatile keys apart; empty when it does not.
    std::string compare_with(const Hive& hive) const;

private:
    using Step = void (RandomHive::*)();

    void choose_shape();
    void grow_wide();
    void grow_deep();
    void step();
    void create_key();
    void create_link();
    void set_value();
    void delete_value();
    void delete_key();
    void rename_key();
    void set_security();
    void write_out();

    bool check(bool good, const char* operation);
    ModelKey& any_key();
    ModelKey* add_key(ModelKey& parent, Utf16View name, bool is_volatile, std::uint16_t flags = 0);
    Utf16 text(std::size_t limit);
    Utf16 free_name(const ModelKey& parent, std::size_t limit);
    std::string data_for(std::uint32_t type);
    std::uint32_t any_type();
    std::size_t data_size();
    const std::string& any_descriptor();
    std::int64_t time() { return 130000000000000000 + static_cast<std::int64_t>(random_.below(40000000000000)) * 100; }

    Random random_;
    bool strange_;
    bool plain_;
    bool big_ = false;
    Format format_ = Format::v1_5;
    std::size_t steps_ = 0;
    std::unique_ptr<Hive> hive_;
    ModelKey root_;
    std::vector<ModelKey*> keys_;
    std::string error_;
};

}  // namespace regent::hive
