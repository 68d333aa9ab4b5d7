// Real hives: counts as an independent walker counted them, recovery as two other recoverers agree, round trips, and no
// crash on the broken ones. The corpus is not part of the product: REGENT_HIVES names it, else ../shared/hives.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "corpus.h"
#include "hive/deleted.h"
#include "hive/hive_test_support.h"
#include "hive/recovery.h"

namespace regent::hive {
namespace {

Result<std::unique_ptr<Hive>> load(const std::string& name, FindingList& findings) {
    OpenOptions options;
    options.durability = Durability::read_only;
    options.tolerate_bad_log = true;
    options.findings = &findings;
    return Hive::open(rtl::real_env(), corpus_directory() + "/" + name, options);
}

std::string counts_of(const Hive& hive) {
    const HiveCounts counts = hive.count();
    return std::to_string(counts.keys) + "/" + std::to_string(counts.values) + "/" + std::to_string(counts.security);
}

class Corpus : public ::testing::Test {
protected:
    void SetUp() override {
        manifest_ = read_table("MANIFEST.tsv");
        if (manifest_.empty()) GTEST_SKIP() << "skipped: no corpus at " << corpus_directory();
    }
    std::vector<Row> manifest_;
};

TEST_F(Corpus, CleanHivesCountAsTheIndependentWalkerCounted) {
    std::size_t hives = 0;
    std::uint64_t bytes = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const Row& row : manifest_) {
        if (row[4] == "log" || row[6] != "clean") continue;
        SCOPED_TRACE(row[0]);
        FindingList findings;
        const auto hive = load(row[0], findings);
        ASSERT_TRUE(hive);
        EXPECT_EQ(findings.count(), 0U);
        EXPECT_EQ(counts_of(**hive), row[9]);
        expect_sound(**hive);
        ++hives;
        bytes += (*hive)->stable_size();
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%zu clean hives, %.1f MB, %.2f s\n", hives, static_cast<double>(bytes) / 1e6, seconds);
}

TEST_F(Corpus, DamagedHivesAreReportedAndLeftSound) {
    for (const Row& row : manifest_) {
        if (row[4] == "log" || row[6] == "clean") continue;
        SCOPED_TRACE(row[0]);
        FindingList findings;
        const auto hive = load(row[0], findings);
        EXPECT_TRUE(row[6].find("corrupt") == std::string::npos || findings.count() != 0);
        if (hive) expect_sound(**hive);
    }
}

std::string output_of(const std::string& command) {
    std::string text;
    std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text.push_back(static_cast<char>(c));
    pclose(pipe);
    return text;
}

std::size_t occurrences(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

TEST_F(Corpus, HivetoolCheckListsAllFindingsAndInfoSomeAndTheirNumber) {
    std::size_t most = 0;
    for (const Row& row : manifest_) {
        if (row[4] == "log" || row[6].find("corrupt") == std::string::npos) continue;
        SCOPED_TRACE(row[0]);
        const std::string file = " --json '" + corpus_directory() + "/" + row[0] + "'";
        const std::string check = output_of(RG_HIVETOOL " check" + file);
        const std::string info = output_of(RG_HIVETOOL " info" + file);
        const std::size_t all = occurrences(check, "{\"kind\":");
        const std::string total = "\"findings_total\":" + std::to_string(all) + "}";
        EXPECT_NE(check.find(total), std::string::npos);
        EXPECT_NE(info.find(total), std::string::npos);
        EXPECT_EQ(occurrences(info, "{\"kind\":"), std::min<std::size_t>(all, 100));
        most = std::max(most, all);
    }
    std::printf("at most %zu findings in one hive\n", most);
}

TEST_F(Corpus, RecoveryAgreesWithTwoOtherRecoverers) {
    for (const Row& row : read_table("RECOVERED.tsv")) {
        SCOPED_TRACE(row[0]);
        FindingList findings;
        const auto hive = load(row[0], findings);
        ASSERT_TRUE(hive);
        EXPECT_EQ((*hive)->load_state(), LoadState::recovered);
        EXPECT_EQ(counts_of(**hive), row[6] + "/" + row[7] + "/" + row[8]);
        EXPECT_EQ(std::to_string((*hive)->stable_size()), row[5]);
        const auto file = recover_file(rtl::real_env(), corpus_directory() + "/" + row[0], findings);
        ASSERT_TRUE(file);
        const std::string bins = ::testing::TempDir() + "recovered.bins";
        std::ofstream(bins, std::ios::binary) << file->content.substr(4096);
        const int same = std::system(("echo '" + row[10] + "  " + bins + "' | sha256sum -c --quiet").c_str());
        EXPECT_EQ(std::remove(bins.c_str()), 0);
        EXPECT_EQ(same, 0) << "bytes after recovery";
    }
}

// What `deleted` finds stays what it is: deleted_counts.tsv holds what it found before.
TEST_F(Corpus, DeletedRecordsAreFoundAsBefore) {
    std::size_t keys = 0;
    std::size_t values = 0;
    for (const Row& row : read_table(std::string(RG_SOURCE_DIR) + "/tests/hives/deleted_counts.tsv")) {
        SCOPED_TRACE(row[0]);
        FindingList findings;
        const auto hive = load(row[0], findings);
        ASSERT_TRUE(hive);
        const DeletedRecords found = find_deleted(**hive);
        std::size_t all_values = found.values.size();
        for (const DeletedKey& key : found.keys) all_values += key.values.size();
        EXPECT_EQ(std::to_string(found.keys.size()), row[1]);
        EXPECT_EQ(std::to_string(all_values), row[2]);
        keys += found.keys.size();
        values += all_values;
    }
    std::printf("%zu deleted keys, %zu deleted values\n", keys, values);
}

// load -> save -> load, and what hivetool dumps of both hives but for the root, whose flags a save sets.
void round_trip(const Row& row, bool with_dump) {
    SCOPED_TRACE(row[0]);
    FindingList findings;
    const auto hive = load(row[0], findings);
    ASSERT_TRUE(hive);
    const std::string path = ::testing::TempDir() + "saved-" + std::to_string(::getpid()) + ".hive";
    const Format format = (*hive)->minor_version() == 3 ? Format::v1_3 : Format::v1_5;
    ASSERT_TRUE(
        (*hive)->save_subtree((*hive)->root(), *rtl::real_env().open(path, rtl::OpenMode::create).value(), format));
    OpenOptions options;
    options.durability = Durability::read_only;
    options.findings = &findings;
    {
        const auto copy = Hive::open(rtl::real_env(), path, options);
        ASSERT_TRUE(copy);
        EXPECT_EQ(findings.count(), 0U);
        EXPECT_TRUE(describe(**copy) == describe(**hive));
        expect_sound(**copy);
        EXPECT_LE((*copy)->stable_size(), (*hive)->stable_size() + 65536);
    }
    if (with_dump) {
        const std::string dump = std::string(RG_HIVETOOL) + " dump --json '";
        const std::string original = corpus_directory() + "/" + row[0];
        const std::string both =
            "bash -c \"cmp <(" + dump + original + "' | tail -n +2) <(" + dump + path + "' | tail -n +2)\"";
        EXPECT_EQ(std::system(both.c_str()), 0) << "hivetool dump differs";
    }
    EXPECT_EQ(std::remove(path.c_str()), 0);
}

TEST_F(Corpus, CleanHivesSurviveARoundTrip) {
    for (const Row& row : manifest_) {
        if (row[4] != "log" && row[6] == "clean" && std::stoul(row[3]) < 4000000) round_trip(row, false);
    }
}

// With those whose logs are lost: dirty, and sound all the same.
TEST_F(Corpus, LongEverySoundHiveIsDumpedAsItsSavedCopy) {
    std::size_t hives = 0;
    for (const Row& row : manifest_) {
        if (row[4] == "log" || (row[6] != "clean" && row[6] != "dirty")) continue;
        FindingList damage;
        if (row[6] == "dirty" && (!load(row[0], damage) || damage.count() != 0)) continue;
        round_trip(row, true);
        ++hives;
    }
    std::printf("%zu hives\n", hives);
}

}  // namespace
}  // namespace regent::hive
