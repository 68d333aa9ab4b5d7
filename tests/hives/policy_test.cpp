// One policy for damage: what hivetool check reports and repair writes is what a registry finds and heals when it loads
// the same files.
#include <gtest/gtest.h>

#include "corpus.h"
#include "hive/diff.h"
#include "hive/hive_test_support.h"
#include "random_hive.h"

namespace regent::hive {
namespace {

std::string text_of(const FindingList& findings) {
    std::string text;
    for (const Finding& finding : findings.findings()) {
        text += std::string(to_string(finding.kind)) + " " + std::to_string(finding.file_offset) + " " +
                finding.expected + " " + finding.actual + " " + finding.repair + "\n";
    }
    return text;
}

struct Loading {
    FindingList findings;
    NTSTATUS status = STATUS_SUCCESS;
    std::unique_ptr<Hive> hive;
};

void load(rtl::Env& env, const std::string& path, bool read_only, bool self_heal, Loading& loading) {
    OpenOptions options;
    if (read_only) options.durability = Durability::read_only;
    options.self_heal = self_heal;
    options.findings = &loading.findings;
    auto opened = Hive::open(env, path, options);
    loading.status = to_ntstatus(opened);
    if (opened) loading.hive = std::move(opened).value();
}

class Count : public DiffSink {
public:
    void report(const Difference&) override { ++count; }
    std::size_t count = 0;
};

void expect_same_content(const Hive& a, const Hive& b) {
    Count differences;
    compare(a, b, {true}, differences);
    EXPECT_EQ(differences.count, 0U);
}

// What repair writes of `disk`'s "hive", loaded again: clean and with the content of the repaired hive.
void expect_repaired_is_clean(rtl::SimEnv& env, const Hive& healed) {
    {
        const auto out = env.open("repaired", rtl::OpenMode::create_new).value();
        ASSERT_TRUE(healed.write_image(*out));
    }
    Loading repaired;
    load(env, "repaired", true, false, repaired);
    ASSERT_EQ(repaired.status, STATUS_SUCCESS) << text_of(repaired.findings);
    EXPECT_EQ(repaired.hive->load_state(), LoadState::clean);
    expect_same_content(*repaired.hive, healed);
}

// Returns how many findings there were.
std::size_t expect_one_policy(const rtl::DiskImage& disk) {
    rtl::SimEnv env(disk);
    Loading tool;
    load(env, "hive", true, true, tool);
    Loading strict;
    load(env, "hive", true, false, strict);
    EXPECT_TRUE(strict.hive == nullptr || tool.findings.count() == 0);
    EXPECT_EQ(env.contents().at("hive"), disk.at("hive")) << "read-only loads write nothing";

    Loading registry;
    load(env, "hive", false, true, registry);
    EXPECT_EQ(registry.status, tool.status);
    EXPECT_EQ(text_of(registry.findings), text_of(tool.findings));
    if (!tool.hive || !registry.hive) return tool.findings.count();
    EXPECT_EQ(registry.hive->healed(), tool.hive->healed());
    expect_same_content(*tool.hive, *registry.hive);
    expect_repaired_is_clean(env, *tool.hive);
    EXPECT_EQ(env.contents().contains("hive.corrupt"), tool.findings.count() != 0) << text_of(tool.findings);

    EXPECT_TRUE(registry.hive->reconcile());
    registry.hive.reset();
    Loading again;
    load(env, "hive", true, false, again);
    EXPECT_EQ(again.status, STATUS_SUCCESS) << text_of(again.findings);
    if (again.hive) expect_same_content(*again.hive, *tool.hive);
    return tool.findings.count();
}

TEST(Policy, RepairAndTheRegistrysLoadAgreeOverRandomDamage) {
    std::size_t damaged = 0;
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        rtl::SimEnv env;
        RandomHive model(seed, false);
        ASSERT_EQ(model.build(env, "hive"), "");
        rtl::DiskImage disk = {{"hive", env.contents().at("hive")}};
        std::string& content = disk["hive"];
        Random random(seed);
        for (std::uint64_t i = 2 + random.below(8); i > 0; --i) {
            content[4096 + random.below(content.size() - 4096)] ^= static_cast<char>(1 << random.below(8));
        }
        if (random.one_in(10)) content.resize(content.size() - 4096);
        if (expect_one_policy(disk) != 0) ++damaged;
    }
    EXPECT_GT(damaged, 75U);
}

std::string content_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

TEST(Policy, RepairAndTheRegistrysLoadAgreeOverRealDamage) {
    const std::vector<Row> manifest = read_table("MANIFEST.tsv");
    if (manifest.empty()) GTEST_SKIP() << "skipped: no corpus at " << corpus_directory();
    std::size_t damaged = 0;
    for (const Row& row : manifest) {
        if (row[4] == "log" || row[6] == "clean" || std::stoul(row[3]) > 4000000) continue;
        SCOPED_TRACE(row[0]);
        rtl::DiskImage disk;
        for (const char* suffix : {"", ".LOG", ".LOG1", ".LOG2"}) {
            const std::string content = content_of(corpus_directory() + "/" + row[0] + suffix);
            if (!content.empty()) disk[std::string("hive") + suffix] = content;
        }
        if (expect_one_policy(disk) != 0) ++damaged;
    }
    EXPECT_GT(damaged, 5U);
}

}  // namespace
}  // namespace regent::hive
