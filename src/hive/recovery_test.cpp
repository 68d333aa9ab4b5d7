// Logs that are damaged, stale, out of order or made up: recovery gives a state after a complete flush, or refuses.
#include <cstring>
#include <functional>

#include "hive/hive_test_support.h"

namespace regent::hive {
namespace {

constexpr const char* path = "HIVE";

struct Found {
    NTSTATUS status;
    LoadState state = LoadState::clean;
    std::string content;
    std::size_t findings = 0;
};

Found open_on(const rtl::DiskImage& disk) {
    rtl::SimEnv env(disk);
    FindingList findings;
    OpenOptions options;
    options.findings = &findings;
    const auto hive = Hive::open(env, path, options);
    if (!hive) return {hive.error().code(), LoadState::clean, {}, 0};
    expect_sound(**hive);
    return {STATUS_SUCCESS, (*hive)->load_state(), describe(**hive), findings.count()};
}

// Four flushes after the primary was clean; the first two in LOG1, the others in LOG2.
struct Prepared {
    rtl::DiskImage disk;
    std::vector<std::string> states;  // [i]: after i flushes
};
Prepared prepare() {
    Prepared made;
    rtl::SimEnv env;
    HiveOptions options;
    options.path = path;
    options.time = 100;
    auto hive = std::move(Hive::create(env, options)).value();
    made.states.push_back(describe(*hive));
    for (int i = 0; i < 4; ++i) {
        if (i == 2) {
            env.fail_at(0, STATUS_DISK_FULL, false);
            EXPECT_FALSE(hive->write_back());  // seals LOG1 and gets no further
        }
        const std::string data(6000, static_cast<char>('a' + i));
        EXPECT_TRUE(hive->set_value(hive->root(), wide("v" + std::to_string(i)), 3, bytes_of(data), 9));
        EXPECT_TRUE(hive->flush());
        made.states.push_back(describe(*hive));
    }
    hive.reset();
    made.disk = env.contents();
    return made;
}

class Image {
public:
    explicit Image(std::string& bytes) : bytes_(bytes) {}
    template <typename Record>
    Record read(std::size_t at) const {
        Record record;
        std::memcpy(&record, bytes_.data() + at, sizeof(record));
        return record;
    }
    template <typename Record>
    void write(std::size_t at, const Record& record) {
        std::memcpy(bytes_.data() + at, &record, sizeof(record));
    }
    void seal_base() {
        auto base = read<BaseBlock>(0);
        base.checksum = checksum(base);
        write(0, base);
    }
    // The hashes over what the entry says it is, as far as the log reaches.
    void seal_entry(std::size_t at, std::size_t size) {
        auto entry = read<LogEntry>(at);
        const Bytes whole = bytes_of(bytes_).subspan(at, size);
        entry.hash_1 = marvin32(whole.subspan(sizeof(LogEntry)));
        write(at, entry);
        entry.hash_2 = marvin32(bytes_of(bytes_).subspan(at, offsetof(LogEntry, hash_2)));
        write(at, entry);
    }
    std::size_t second_entry() const { return sector_size + read<LogEntry>(sector_size).size; }

private:
    std::string& bytes_;
};

void change_base(std::string& file, const std::function<void(BaseBlock&)>& change) {
    Image image(file);
    auto base = image.read<BaseBlock>(0);
    change(base);
    image.write(0, base);
    image.seal_base();
}

TEST(Recovery, TwoLogsFollowEachOtherWhicheverIsCalledFirst) {
    Prepared made = prepare();
    EXPECT_EQ(open_on(made.disk).content, made.states[4]);
    std::swap(made.disk["HIVE.LOG1"], made.disk["HIVE.LOG2"]);
    const Found found = open_on(made.disk);
    EXPECT_EQ(found.content, made.states[4]);
    EXPECT_EQ(found.state, LoadState::recovered);
    EXPECT_EQ(found.findings, 0U);
}

TEST(Recovery, ALogCutAnywhereGivesTheEntriesBefore) {
    const Prepared made = prepare();
    for (const char* name : {"HIVE.LOG1", "HIVE.LOG2"}) {
        const bool first = std::string_view(name) == "HIVE.LOG1";
        std::string whole = made.disk.at(name);
        const std::size_t second = Image(whole).second_entry();
        const std::size_t end = second + Image(whole).read<LogEntry>(second).size;
        for (std::size_t size = sector_size; size <= end; size += sector_size) {
            rtl::DiskImage disk = made.disk;
            disk[name].resize(size);
            const std::size_t entries = size >= end ? 2 : size >= second ? 1 : 0;
            // A gap after the first log ends it all; without any of LOG1, the primary and LOG2 do not fit together.
            const std::size_t expected = !first ? 2 + entries : entries == 2 ? 4 : entries;
            if (first && entries == 0) continue;
            EXPECT_EQ(open_on(disk).content, made.states[expected]) << name << " cut at " << size;
        }
    }
}

struct BadField {
    const char* name;
    void (*spoil)(LogEntry& entry, LogPage& page);
};
const BadField bad_fields[] = {
    {"signature", [](LogEntry& entry, LogPage&) { entry.signature = 0; }},
    {"size 0", [](LogEntry& entry, LogPage&) { entry.size = 0; }},
    {"size below a sector", [](LogEntry& entry, LogPage&) { entry.size = 256; }},
    {"size not of sectors", [](LogEntry& entry, LogPage&) { entry.size = entry.size + 8; }},
    {"size past the end", [](LogEntry& entry, LogPage&) { entry.size = 0x7FFFFE00; }},
    {"size that wraps", [](LogEntry& entry, LogPage&) { entry.size = 0xFFFFFE00; }},
    {"an earlier sequence", [](LogEntry& entry, LogPage&) { entry.sequence = entry.sequence - 1; }},
    {"a later sequence", [](LogEntry& entry, LogPage&) { entry.sequence = entry.sequence + 1; }},
    {"bins of no whole page", [](LogEntry& entry, LogPage&) { entry.bins_size = entry.bins_size + 512; }},
    {"more pages than the entry holds", [](LogEntry& entry, LogPage&) { entry.page_count = 1000; }},
    {"a page count whose bytes wrap", [](LogEntry& entry, LogPage&) { entry.page_count = 0x20000001; }},
    {"the largest page count", [](LogEntry& entry, LogPage&) { entry.page_count = 0xFFFFFFFF; }},
    {"a page that wraps", [](LogEntry&, LogPage& page) { page.offset = 0xFFFFF000; }},
    {"a page past the bins", [](LogEntry& entry, LogPage& page) { page.offset = entry.bins_size; }},
    {"a page across the end of the bins",
     [](LogEntry& entry, LogPage& page) { page.offset = entry.bins_size - page.size + 8; }},
    {"a page longer than the entry", [](LogEntry&, LogPage& page) { page.size = 0x00100000; }},
    {"a page size that wraps", [](LogEntry&, LogPage& page) { page.size = 0xFFFFF000; }},
};

// With hashes that are right: only the field itself tells.
TEST(Recovery, AnEntryWithABadFieldEndsItsLog) {
    const Prepared made = prepare();
    for (const BadField& bad : bad_fields) {
        rtl::DiskImage disk = made.disk;
        Image log(disk["HIVE.LOG1"]);
        const std::size_t at = log.second_entry();
        auto entry = log.read<LogEntry>(at);
        auto page = log.read<LogPage>(at + sizeof(LogEntry));
        const std::size_t size = entry.size;
        bad.spoil(entry, page);
        log.write(at, entry);
        log.write(at + sizeof(LogEntry), page);
        const std::size_t hashed = entry.size >= sector_size && entry.size < 1 << 16 ? std::size_t{entry.size} : size;
        log.seal_entry(at, hashed);
        const Found found = open_on(disk);
        EXPECT_EQ(found.status, STATUS_SUCCESS) << bad.name;
        EXPECT_EQ(found.content, made.states[1]) << bad.name;
    }
}

// Each page that a log adds costs validation work; a short log must not claim more of them than it and the hive hold.
TEST(Recovery, ALogThatClaimsFarMoreThanThereIsIsRefused) {
    for (const std::uint32_t claimed : {8U << 20, 64U << 20, 1U << 30}) {
        rtl::DiskImage disk = prepare().disk;
        Image log(disk["HIVE.LOG1"]);
        auto entry = log.read<LogEntry>(sector_size);
        entry.bins_size = claimed;
        log.write(sector_size, entry);
        log.seal_entry(sector_size, entry.size);
        EXPECT_EQ(open_on(disk).status, STATUS_REGISTRY_CORRUPT) << claimed;
    }
}

TEST(Recovery, AnEntryWithAWrongHashEndsItsLog) {
    const Prepared made = prepare();
    for (const std::size_t field : {offsetof(LogEntry, hash_1), offsetof(LogEntry, hash_2), sizeof(LogEntry) + 100}) {
        rtl::DiskImage disk = made.disk;
        std::string& log = disk["HIVE.LOG1"];
        const std::size_t at = Image(log).second_entry() + field;
        log[at] = static_cast<char>(log[at] ^ 1);
        EXPECT_EQ(open_on(disk).content, made.states[1]) << "byte " << field;
    }
}

// Whole and well hashed, but no hive can be so large: nothing is guessed.
TEST(Recovery, AnEntryThatBlowsTheHiveUpIsRefused) {
    Prepared made = prepare();
    Image log(made.disk["HIVE.LOG1"]);
    const std::size_t at = log.second_entry();
    auto entry = log.read<LogEntry>(at);
    entry.bins_size = 0xFFFFF000;
    log.write(at, entry);
    log.seal_entry(at, entry.size);
    EXPECT_EQ(open_on(made.disk).status, STATUS_REGISTRY_CORRUPT);
}

TEST(Recovery, ACleanPrimaryIgnoresItsLogs) {
    Prepared made = prepare();
    change_base(made.disk["HIVE"], [](BaseBlock& base) { base.primary_sequence = base.secondary_sequence; });
    const Found found = open_on(made.disk);
    EXPECT_EQ(found.state, LoadState::clean);
    EXPECT_EQ(found.content, made.states[0]);
}

TEST(Recovery, ALogOlderThanThePrimaryIsStale) {
    Prepared made = prepare();
    change_base(made.disk["HIVE"], [](BaseBlock& base) {
        base.primary_sequence = base.primary_sequence + 1000;
        base.secondary_sequence = base.secondary_sequence + 1000;
        base.primary_sequence = base.secondary_sequence + 1;
    });
    const Found found = open_on(made.disk);
    EXPECT_EQ(found.state, LoadState::dirty);
    EXPECT_EQ(found.content, made.states[0]);
}

TEST(Recovery, ALogAfterAGapIsNotApplied) {
    Prepared made = prepare();
    Image log(made.disk["HIVE.LOG2"]);
    change_base(made.disk["HIVE.LOG2"], [](BaseBlock& base) {
        base.primary_sequence = base.primary_sequence + 1;
        base.secondary_sequence = base.secondary_sequence + 1;
    });
    for (std::size_t at = sector_size, i = 0; i < 2; ++i) {
        auto entry = log.read<LogEntry>(at);
        entry.sequence = entry.sequence + 1;
        log.write(at, entry);
        log.seal_entry(at, entry.size);
        at += entry.size;
    }
    EXPECT_EQ(open_on(made.disk).content, made.states[2]);
}

// What the primary lacks is then in one log, by the order in which they are written (ADR 0010): LOG1 alone here.
TEST(Recovery, ABadBaseBlockIsTakenFromTheLatestLog) {
    rtl::SimEnv env;
    std::string flushed;
    {
        HiveOptions options;
        options.path = path;
        options.time = 100;
        auto hive = std::move(Hive::create(env, options)).value();
        EXPECT_TRUE(hive->set_value(hive->root(), u"v", 3, bytes_of(std::string(9000, 'v')), 9));
        EXPECT_TRUE(hive->flush());
        flushed = describe(*hive);
    }
    for (const std::size_t size : {std::size_t{0}, std::size_t{4}, std::size_t{512}}) {
        rtl::DiskImage disk = env.contents();
        for (std::size_t i = 0; i < size; ++i) disk["HIVE"][i] = '\xEE';
        disk["HIVE"][100] = '\xEE';
        EXPECT_EQ(open_on(disk).content, flushed) << size << " bytes of the base block gone";
    }
}

TEST(Recovery, ABrokenHeaderOfTheOnlyLogRefusesTheLoad) {
    Prepared made = prepare();
    made.disk.erase("HIVE.LOG2");
    made.disk["HIVE.LOG1"][60] = '\xEE';
    const Found found = open_on(made.disk);
    EXPECT_EQ(found.status, STATUS_REGISTRY_CORRUPT);
}

TEST(Recovery, AHeaderOfUnequalSequencesIsNoLog) {
    Prepared made = prepare();
    change_base(made.disk["HIVE.LOG1"], [](BaseBlock& base) { base.secondary_sequence = base.secondary_sequence - 1; });
    made.disk.erase("HIVE.LOG2");
    EXPECT_EQ(open_on(made.disk).status, STATUS_REGISTRY_CORRUPT);
}

// The same hive twice: what a recovery leaves needs none.
TEST(Recovery, WhatWasRecoveredIsCleanAndLogsAreNotNeededAgain) {
    const Prepared made = prepare();
    rtl::SimEnv env(made.disk);
    ASSERT_TRUE(Hive::open(env, path, {}));
    rtl::DiskImage disk = env.contents();
    disk.erase("HIVE.LOG1");
    disk.erase("HIVE.LOG2");
    const Found found = open_on(disk);
    EXPECT_EQ(found.state, LoadState::clean);
    EXPECT_EQ(found.content, made.states[4]);
}

}  // namespace
}  // namespace regent::hive
