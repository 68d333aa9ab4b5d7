// Real hives: counts as an independent walker counted them, recovery as two other recoverers agree, round trips, and no
// crash on the broken ones. The corpus is not part of the product: REGENT_HIVES names it, else ../shared/hives.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "hive/hive_test_support.h"
#include "hive/recovery.h"

namespace regent::hive {
namespace {

std::string corpus_directory() {
    if (const char* named = std::getenv("REGENT_HIVES")) return named;
    return std::string(RG_SOURCE_DIR) + "/../shared/hives";
}

using Row = std::vector<std::string>;
std::vector<Row> read_table(const std::string& file) {
    std::ifstream in(corpus_directory() + "/" + file);
    std::vector<Row> rows;
    std::string line;
    std::getline(in, line);  // captions
    while (std::getline(in, line)) {
        Row row;
        std::istringstream fields(line);
        for (std::string field; std::getline(fields, field, '\t');) row.push_back(field);
        rows.push_back(row);
    }
    return rows;
}

Result<std::unique_ptr<Hive>> load(const std::string& name, FindingList& findings) {
    OpenOptions options;
    options.read_only = true;
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

TEST_F(Corpus, CleanHivesSurviveARoundTrip) {
    for (const Row& row : manifest_) {
        if (row[4] == "log" || row[6] != "clean" || std::stoul(row[3]) > 4000000) continue;
        SCOPED_TRACE(row[0]);
        FindingList findings;
        const auto hive = load(row[0], findings);
        ASSERT_TRUE(hive);
        rtl::SimEnv env;
        const Format format = (*hive)->minor_version() == 3 ? Format::v1_3 : Format::v1_5;
        ASSERT_TRUE((*hive)->save_subtree((*hive)->root(), *env.open("f", rtl::OpenMode::create).value(), format));
        const std::string image = env.contents()["f"];
        OpenOptions options;
        options.findings = &findings;
        const auto copy = Hive::open_image(bytes_of(image), options);
        ASSERT_TRUE(copy);
        EXPECT_EQ(findings.count(), 0U);
        EXPECT_EQ(describe(**copy), describe(**hive));
        expect_sound(**copy);
        EXPECT_LE(image.size(), (*hive)->stable_size() + bins_start + 65536);
    }
}

}  // namespace
}  // namespace regent::hive
