#include "crash_run.h"

#include <string_view>

#include "hive/hive_impl.h"

namespace regent::hive::crash {

namespace {

class Hash {
public:
    void add(Bytes data) {
        add(data.size());
        for (const std::byte each : data) mix(std::to_integer<std::uint64_t>(each));
    }
    void add(std::uint64_t value) {
        for (int i = 0; i < 8; ++i) mix(value >> 8 * i & 0xFF);
    }
    void add(const NameView& name) {
        const Utf16 text = name.to_utf16();
        add(rtl::as_bytes(text.data(), text.size() * 2));
    }
    std::uint64_t value() const { return value_ | 2; }

private:
    void mix(std::uint64_t byte) { value_ = (value_ ^ byte) * 0x100000001B3ULL; }
    std::uint64_t value_ = 0xCBF29CE484222325ULL;
};

void add_key(const Hive& hive, CellIndex key, Hash& hash) {
    const KeyInfo info = hive.key_info(key);
    hash.add(info.name);
    hash.add(static_cast<std::uint64_t>(info.last_write_time));
    hash.add(info.flags);
    hash.add(info.class_name);
    hash.add(hive.security(key));
    hash.add(info.value_count);
    for (std::uint32_t i = 0; i < info.value_count; ++i) {
        const auto value = hive.value_at(key, i);
        if (!value) return hash.add(0xBAD);
        const ValueInfo value_info = hive.value_info(*value);
        hash.add(value_info.name);
        hash.add(value_info.type);
        std::vector<std::byte> data(value_info.data_size);
        hash.add(hive.read_value(*value, 0, data));
        hash.add(Bytes(data));
    }
    // Volatile keys are not what is asked for here.
    for (std::uint32_t i = 0; i < info.subkey_count; ++i) {
        const auto child = hive.subkey_at(key, i);
        if (!child) return hash.add(0xBAD);
        if (storage_of(*child) == StorageType::stable) add_key(hive, *child, hash);
    }
}

}  // namespace

std::uint64_t content_of(const Hive& hive) {
    Hash hash;
    add_key(hive, hive.root(), hash);
    return hash.value();
}

void Run::require(bool good, const char* what) {
    if (!good && failure_.empty()) failure_ = what;
}

std::size_t Run::begin(std::uint64_t content) {
    rtl::ExclusiveGuard guard(notes_);
    states_.push_back({content, env.event_count()});
    return states_.size() - 1;
}

void Run::acknowledge(std::size_t state) {
    rtl::ExclusiveGuard guard(notes_);
    states_[state].acknowledged = env.event_count();
}

void Run::became(std::uint64_t content, std::size_t begun) {
    rtl::ExclusiveGuard guard(notes_);
    states_.push_back({content, begun, env.event_count()});
}

void Run::create(Format format) {
    HiveOptions options;
    options.path = hive_path;
    options.time = 100;
    options.format = format;
    const std::size_t begun = env.event_count();
    auto made = Hive::create(env, options);
    require(made.has_value(), "create");
    if (!made) return;
    hive = std::move(*made);
    became(content_of(*hive), begun);
}

void Run::operation(const std::function<bool()>& change, const char* what) {
    const std::size_t begun = env.event_count();
    require(change(), what);
    became(content_of(*hive), begun);
}

void Run::open(FindingSink* findings, Durability durability) {
    hive.reset();
    OpenOptions options;
    options.durability = durability;
    options.findings = findings;
    auto opened = Hive::open(env, hive_path, options);
    require(opened.has_value(), "open");
    if (opened) hive = std::move(*opened);
}

void Run::try_flush() {
    const std::size_t state = begin(content_of(*hive));
    if (hive->flush()) acknowledge(state);
}

void Run::flush() {
    const std::size_t state = begin(content_of(*hive));
    const auto flushed = hive->flush();
    require(flushed.has_value(), "flush");
    if (flushed) acknowledge(state);
}

void Run::reconcile() {
    flush();
    require(hive->write_back().has_value(), "write_back");
}

void Run::compact() {
    const std::size_t state = begin(content_of(*hive));
    const bool compacted = hive->compact().has_value();
    require(compacted, "compact");
    if (compacted) acknowledge(state);
}

void Run::change_and_flush(const std::function<void()>& change) {
    std::size_t state = 0;
    FlushBatch batch;
    {
        rtl::ExclusiveGuard guard(lock_);
        change();
        state = begin(content_of(*hive));
        const auto prepared = hive->prepare_flush();
        require(prepared.has_value(), "prepare_flush");
        if (prepared) batch = *prepared;
    }
    const auto committed = hive->commit_flush(batch);
    require(committed.has_value(), "commit_flush");
    if (committed) acknowledge(state);
}

CellIndex Run::key(CellIndex parent, const std::string& name, StorageType type) {
    const auto made = hive->create_subkey(parent, rtl::from_utf8(name), {}, default_descriptor(), type, 200);
    require(made.has_value(), "create_subkey");
    return made.value_or(nil_cell);
}

void Run::set(CellIndex key, const std::string& name, std::size_t size, char fill) {
    const std::vector<std::byte> data(size, static_cast<std::byte>(fill));
    require(hive->set_value(key, rtl::from_utf8(name), 3, data, 1000).has_value(), "set_value");
}

}  // namespace regent::hive::crash
