// What survives: reopening, crashes at every write of several workloads, full disks, failed syncs, single-bit damage.
#include "hive/hive_test_support.h"

namespace regent::hive {
namespace {

constexpr const char* path = "store/HIVE";

Result<std::unique_ptr<Hive>> open_hive(rtl::Env& env, FindingSink* findings = nullptr) {
    OpenOptions options;
    options.create_if_missing = true;
    options.create.time = 100;
    options.findings = findings;
    return Hive::open(env, path, options);
}

// A workload is a sequence of steps; after each step the hive is flushed, and its content noted.
using Step = std::function<void(Hive&, int)>;
struct Workload {
    const char* name;
    int steps;
    Step step;
};

void set_text(Hive& hive, CellIndex key, const std::string& name, const std::string& data) {
    ASSERT_TRUE(hive.set_value(key, wide(name), 3, bytes_of(data), 1000));
}

const Workload workloads[] = {
    {"values", 12,
     [](Hive& hive, int i) {
         set_text(hive, hive.root(), "v" + std::to_string(i % 4), std::string(40 + static_cast<std::size_t>(i), 'x'));
     }},
    {"keys", 12,
     [](Hive& hive, int i) {
         const CellIndex key = make_key(hive, hive.root(), wide("k" + std::to_string(i))).value();
         for (int v = 0; v < 5; ++v) set_text(hive, key, "v" + std::to_string(v), std::string(300, 'y'));
     }},
    {"big data", 6,
     [](Hive& hive, int i) {
         set_text(hive, hive.root(), "big", std::string(20000 + 9000 * static_cast<std::size_t>(i), 'z'));
     }},
    {"come and go", 12,
     [](Hive& hive, int i) {
         if (i % 2 == 0) {
             ASSERT_TRUE(make_key(hive, hive.root(), u"transient"));
         } else {
             ASSERT_TRUE(hive.delete_key(*hive.find_subkey(hive.root(), u"transient"), 1000));
         }
     }},
    {"reconcile", 9,
     [](Hive& hive, int i) {
         set_text(hive, hive.root(), "r" + std::to_string(i), std::string(5000, 'r'));
         if (i % 2 == 1) {
             ASSERT_TRUE(hive.reconcile());
         }
     }},
    {"rename and security", 8,
     [](Hive& hive, int i) {
         if (i == 0) {
             ASSERT_TRUE(make_key(hive, hive.root(), u"start"));
         }
         const CellIndex key = *hive.subkey_at(hive.root(), 0);
         ASSERT_TRUE(hive.rename_key(key, wide(std::string(static_cast<std::size_t>(i) * 9 + 1, 'n')), 1000));
     }},
};

struct Trace {
    rtl::SimEnv env;
    std::vector<std::pair<std::size_t, std::string>> flushed;  // events made when the content became durable
};

void run_workload(const Workload& workload, Trace& run) {
    auto hive = open_hive(run.env).value();
    run.flushed.push_back({run.env.event_count(), describe(*hive)});
    for (int i = 0; i < workload.steps; ++i) {
        workload.step(*hive, i);
        ASSERT_TRUE(hive->flush());
        run.flushed.push_back({run.env.event_count(), describe(*hive)});
    }
    ASSERT_TRUE(hive->reconcile());
}

// The content must be that of the last flush completed before the crash, or of the one under way.
void verify(const Trace& run, std::size_t events, const rtl::DiskImage& disk, bool* lost) {
    rtl::SimEnv env(disk);
    FindingList findings;
    const auto opened = open_hive(env, &findings);
    ASSERT_TRUE(opened) << rtl::status_name(opened.error().code());
    EXPECT_EQ(findings.count(), 0U);
    expect_sound(**opened);
    const std::string content = describe(**opened);
    std::size_t done = 0;
    while (done + 1 < run.flushed.size() && run.flushed[done + 1].first <= events) ++done;
    const bool is_done = content == run.flushed[done].second;
    const bool is_next = done + 1 < run.flushed.size() && content == run.flushed[done + 1].second;
    *lost = !is_done && !is_next;
    EXPECT_FALSE(*lost) << "event " << events;
}

TEST(HiveDurability, EveryCrashPointRecoversToAFlush) {
    std::size_t points = 0;
    std::size_t recoveries = 0;
    std::size_t lost = 0;
    for (const Workload& workload : workloads) {
        SCOPED_TRACE(workload.name);
        Trace run;
        run_workload(workload, run);
        for (std::size_t events = run.flushed.front().first; events <= run.env.event_count(); ++events) {
            ++points;
            for (const auto model :
                 {rtl::LossModel::none, rtl::LossModel::all, rtl::LossModel::torn, rtl::LossModel::prefix}) {
                const bool random = model == rtl::LossModel::torn || model == rtl::LossModel::prefix;
                for (std::uint64_t seed = 1; seed <= (random ? 4U : 1U); ++seed) {
                    bool this_lost = false;
                    verify(run, events, run.env.after_crash(events, model, seed), &this_lost);
                    ++recoveries;
                    lost += this_lost ? 1 : 0;
                    ASSERT_FALSE(HasFailure()) << "events " << events << " model " << static_cast<int>(model);
                }
            }
        }
    }
    std::printf("%zu crash points, %zu recoveries, %zu lost, 0 torn, 0 violations\n", points, recoveries, lost);
}

// A crash during the recovery of a crash.
TEST(HiveDurability, RecoveryInterruptedAtAnyWriteRecoversAgain) {
    Trace run;
    run_workload(workloads[1], run);
    std::size_t recoveries = 0;
    for (std::size_t events = run.flushed.front().first; events <= run.env.event_count(); events += 3) {
        rtl::SimEnv first(run.env.after_crash(events, rtl::LossModel::torn, events));
        {
            ASSERT_TRUE(open_hive(first));
        }
        for (std::size_t inner = 0; inner <= first.event_count(); ++inner) {
            bool lost = false;
            verify(run, events, first.after_crash(inner, rtl::LossModel::torn, inner + 1), &lost);
            ++recoveries;
            ASSERT_FALSE(HasFailure()) << events << "/" << inner;
        }
    }
    std::printf("%zu second crashes\n", recoveries);
}

TEST(HiveDurability, CreationIsWholeOrAbsent) {
    rtl::SimEnv env;
    {
        ASSERT_TRUE(open_hive(env));
    }
    for (std::size_t events = 0; events <= env.event_count(); ++events) {
        for (std::uint64_t seed = 0; seed < 8; ++seed) {
            rtl::SimEnv after(env.after_crash(events, rtl::LossModel::torn, seed));
            ASSERT_TRUE(open_hive(after)) << events;
        }
    }
}

std::uint32_t log_start(const rtl::DiskImage& disk, const char* suffix) {
    const auto found = disk.find(std::string(path) + suffix);
    if (found == disk.end()) return 0;
    const auto* header = rtl::record_at<BaseBlock>(bytes_of(found->second));
    return header == nullptr ? 0 : std::uint32_t{header->primary_sequence};
}

// The entry of a flush that was cut off before the primary was marked stays in its log, unseen. It carries the number
// that the next life would give to its first entry, and may stand in the other log; who then recovers must not have to
// guess which of the two counts.
TEST(HiveDurability, AFlushCutOffBeforeTheMarkIsNeverTakenForALaterOne) {
    rtl::SimEnv env;
    auto hive = open_hive(env).value();
    set_text(*hive, hive->root(), "first", "in LOG1");
    ASSERT_TRUE(hive->reconcile());  // from now on LOG2
    const std::size_t clean = env.event_count();
    set_text(*hive, hive->root(), "cut", "in LOG2");
    ASSERT_TRUE(hive->flush());
    for (std::size_t events = clean; events <= env.event_count(); ++events) {
        rtl::SimEnv second(env.after_crash(events, rtl::LossModel::none, 0));
        auto again = open_hive(second).value();
        set_text(*again, again->root(), "second", "life");
        ASSERT_TRUE(again->flush());
        const rtl::DiskImage disk = second.after_crash(second.event_count(), rtl::LossModel::all, 0);
        EXPECT_NE(log_start(disk, ".LOG1"), log_start(disk, ".LOG2")) << "cut after event " << events - clean;
        rtl::SimEnv third(disk);
        const std::string flushed = describe(*again);
        EXPECT_EQ(describe(*open_hive(third).value()), flushed) << "cut after event " << events - clean;
    }
}

TEST(HiveDurability, AFlushWithNothingNewWritesNothing) {
    rtl::SimEnv env;
    auto hive = open_hive(env).value();
    set_text(*hive, hive->root(), "a", "aaaaaaaa");
    ASSERT_TRUE(hive->flush());
    const std::size_t events = env.event_count();
    EXPECT_FALSE(hive->dirty());
    ASSERT_TRUE(hive->flush());
    EXPECT_EQ(env.event_count(), events);
    ASSERT_TRUE(hive->reconcile());
    EXPECT_TRUE(hive->reconciled());
    const std::size_t reconciled = env.event_count();
    ASSERT_TRUE(hive->reconcile());
    EXPECT_EQ(env.event_count(), reconciled);
}

TEST(HiveDurability, AFullDiskFailsTheFlushAndTheNextOneSucceeds) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{2}, std::size_t{3}}) {  // making, reserving, appending
        rtl::SimEnv env;
        auto hive = open_hive(env).value();
        set_text(*hive, hive->root(), "a", std::string(9000, 'a'));
        env.fail_at(at, STATUS_DISK_FULL, false);
        const auto first = hive->flush();
        EXPECT_EQ(first.has_value() ? STATUS_DISK_FULL : first.error().code(), STATUS_DISK_FULL);
        ASSERT_TRUE(hive->flush());
        hive.reset();
        rtl::SimEnv after(env.after_crash(env.event_count(), rtl::LossModel::all, 0));
        auto reopened = open_hive(after);
        ASSERT_TRUE(reopened);
        EXPECT_TRUE((*reopened)->find_value((*reopened)->root(), u"a"));
        expect_sound(**reopened);
    }
}

TEST(HiveDurability, AFailedSyncIsFinal) {
    rtl::SimEnv env;
    auto hive = open_hive(env).value();
    set_text(*hive, hive->root(), "a", "aaaaaaaa");
    env.fail_at(4, STATUS_REGISTRY_IO_FAILED, false);  // after: link, directory sync, reserve, write
    EXPECT_EQ(hive->flush().error().code(), STATUS_REGISTRY_IO_FAILED);
    EXPECT_EQ(hive->flush().error().code(), STATUS_REGISTRY_IO_FAILED);
    EXPECT_EQ(hive->set_value(hive->root(), u"b", 3, {}, 1).error().code(), STATUS_MEDIA_WRITE_PROTECTED);
}

TEST(HiveDurability, TwoOwnersExclude) {
    rtl::SimEnv env;
    auto hive = open_hive(env).value();
    EXPECT_EQ(open_hive(env).error().code(), STATUS_SHARING_VIOLATION);
    OpenOptions options;
    options.read_only = true;
    EXPECT_TRUE(Hive::open(env, path, options));
}

// Each bit of a small hive: no crash, no hang; what loads is sound after repair.
TEST(HiveDurability, EverySingleBitFlipIsDetectedOrHarmless) {
    auto hive = std::move(memory_hive()).value();
    for (int i = 0; i < 4; ++i) {
        const CellIndex key = make_key(*hive, hive->root(), wide("key" + std::to_string(i))).value();
        set_text(*hive, key, "value", "some data");
        set_text(*hive, key, "", "abc");
    }
    rtl::SimEnv env;
    ASSERT_TRUE(hive->save_subtree(hive->root(), *env.open("out", rtl::OpenMode::create).value(), Format::v1_5));
    std::string image = env.contents()["out"];
    std::size_t loaded = 0;
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < image.size() * 8; ++bit) {
        if (bit >= 512 * 8 && bit < bins_start * 8) continue;  // unused
        image[bit / 8] = static_cast<char>(image[bit / 8] ^ (1 << bit % 8));
        const auto opened = Hive::open_image(bytes_of(image), {});
        image[bit / 8] = static_cast<char>(image[bit / 8] ^ (1 << bit % 8));
        if (!opened) {
            ++refused;
            continue;
        }
        ++loaded;
        expect_sound(**opened);
        describe(**opened);
        ASSERT_FALSE(HasFailure()) << "bit " << bit;
    }
    std::printf("%zu flips loaded (repaired or harmless), %zu refused\n", loaded, refused);
}

}  // namespace
}  // namespace regent::hive
