// The regmon driver: every operation recorded once, names right after a rename, the ledger exact also when it drops.
#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "host_fixture.h"
#include "regent/regmon_ioctl.h"
#include "wdk/regcallback.h"

namespace regent::test {
namespace {

struct Event {
    int operation;
    NTSTATUS status;
    std::string path;
    std::string name;
    ULONG detail[5];
};

class Regmon : public DriverHost {
protected:
    void start(ULONG ring_kilobytes = 1024, ULONG rings = 16) {
        set_parameter("regmon", "RingKilobytes", ring_kilobytes);
        set_parameter("regmon", "Rings", rings);
        ASSERT_EQ(load("regmon", "regmon.so"), STATUS_SUCCESS);
        ASSERT_EQ(open_file("\\??\\Regmon", &device_, FILE_SYNCHRONOUS_IO_NONALERT), STATUS_SUCCESS);
        REGMON_CONFIG config{~0ull, REGMON_DATA_DEFAULT, 5, REGMON_CONFIG_INCLUDE_SELF, 0};
        ASSERT_EQ(control(device_, IOCTL_REGMON_CONFIGURE, &config, sizeof config, nullptr, 0), STATUS_SUCCESS);
        ASSERT_EQ(control(device_, IOCTL_REGMON_START, nullptr, 0, nullptr, 0), STATUS_SUCCESS);
    }
    void stop() { EXPECT_EQ(control(device_, IOCTL_REGMON_STOP, nullptr, 0, nullptr, 0), STATUS_SUCCESS); }
    // Reads until there is no more; gaps are counted.
    void drain() {
        std::vector<ULONGLONG> buffer(8192);
        while (true) {
            REGMON_READ read{100, 0};
            ASSERT_EQ(control(device_, IOCTL_REGMON_READ, &read, sizeof read, buffer.data(), buffer.size() * 8),
                      STATUS_SUCCESS);
            const auto* batch = reinterpret_cast<const REGMON_BATCH*>(buffer.data());
            take(reinterpret_cast<const std::byte*>(batch), sizeof *batch, batch->Bytes);
            if (batch->Records == 0 && (batch->Flags & REGMON_BATCH_STOPPED) != 0) return;
        }
    }
    REGMON_STATS stats() {
        REGMON_STATS stats{};
        EXPECT_EQ(control(device_, IOCTL_REGMON_QUERY_STATS, nullptr, 0, &stats, sizeof stats), STATUS_SUCCESS);
        return stats;
    }
    static ULONGLONG dropped(const REGMON_STATS& stats) {
        ULONGLONG sum = 0;
        for (const ULONGLONG reason : stats.Dropped) sum += reason;
        return sum;
    }
    int count(int operation, NTSTATUS status) const {
        int found = 0;
        for (const Event& event : events_)
            if (event.operation == operation && event.status == status) ++found;
        return found;
    }
    const Event* find(int operation, const std::string& path) const {
        for (const Event& event : events_)
            if (event.operation == operation && event.path == path) return &event;
        return nullptr;
    }

    HANDLE device_ = nullptr;
    std::vector<Event> events_;
    ULONGLONG gaps_ = 0;
    bool self_named_ = false;

private:
    static std::string text(const std::byte* place, std::size_t bytes) {
        return rtl::to_utf8(Utf16View(reinterpret_cast<const char16_t*>(place), bytes / 2));
    }
    void take(const std::byte* batch, std::size_t at, std::size_t end) {
        for (const REGMON_HEADER* header; at < end; at += header->Size) {
            const std::byte* place = batch + at;
            header = reinterpret_cast<const REGMON_HEADER*>(place);
            ASSERT_NE(header->Size, 0);
            if (header->Kind == REGMON_KIND_NAME) {
                const auto* name = reinterpret_cast<const REGMON_NAME*>(place);
                names_[name->NameId] = text(place + sizeof *name, name->PathLength);
            } else if (header->Kind == REGMON_KIND_GAP) {
                gaps_ += reinterpret_cast<const REGMON_GAP*>(place)->Count;
            } else if (header->Kind == REGMON_KIND_PROCESS) {
                self_named_ = true;
            } else {
                take_event(place);
            }
        }
    }
    void take_event(const std::byte* place) {
        const auto* record = reinterpret_cast<const REGMON_EVENT*>(place);
        const std::byte* path = place + sizeof *record;
        Event event{record->Header.Operation,
                    static_cast<NTSTATUS>(record->Header.Status),
                    names_[record->NameId],
                    text(path + record->PathLength, record->NameLength),
                    {}};
        std::copy(std::begin(record->Detail), std::end(record->Detail), event.detail);
        const std::string tail = text(path, record->PathLength);
        if (!tail.empty()) event.path += (event.path.empty() ? "" : "\\") + tail;
        events_.push_back(event);
    }
    std::map<ULONG, std::string> names_;
};

TEST_F(Regmon, records_what_was_done_with_path_status_and_details) {
    start();
    HANDLE key = make_key("\\Registry\\Machine\\Software\\RegmonTest");
    Named value("Number");
    ULONG data = 7;
    ZwSetValueKey(key, &value.string, 0, REG_DWORD, &data, sizeof data);
    Named missing("\\Registry\\Machine\\Software\\NoSuchKey\\Below");
    HANDLE none = nullptr;
    EXPECT_FALSE(NT_SUCCESS(ZwCreateKey(&none, KEY_ALL_ACCESS, &missing.attributes, 0, nullptr, 0, nullptr)));
    ZwClose(key);
    stop();
    drain();
    const std::string path = "\\REGISTRY\\MACHINE\\SOFTWARE\\RegmonTest";
    const Event* create = find(RegNtPostCreateKeyEx, "\\Registry\\Machine\\Software\\RegmonTest");
    ASSERT_NE(create, nullptr);
    EXPECT_EQ(create->detail[REGMON_DETAIL_DESIRED_ACCESS], ULONG{KEY_ALL_ACCESS});
    EXPECT_EQ(create->detail[REGMON_DETAIL_DISPOSITION], ULONG{REG_CREATED_NEW_KEY});
    EXPECT_EQ(count(RegNtPostCreateKeyEx, STATUS_OBJECT_NAME_NOT_FOUND) +
                  count(RegNtPostCreateKeyEx, STATUS_OBJECT_PATH_NOT_FOUND),
              1);
    ASSERT_EQ(count(RegNtPostSetValueKey, STATUS_SUCCESS), 1);
    for (const Event& event : events_) {
        if (event.operation != RegNtPostSetValueKey) continue;
        EXPECT_TRUE(rtl::equal_folded(rtl::from_utf8(event.path), rtl::from_utf8(path))) << event.path;
        EXPECT_EQ(event.name, "Number");
        EXPECT_EQ(event.detail[REGMON_DETAIL_TYPE], ULONG{REG_DWORD});
        EXPECT_EQ(event.detail[REGMON_DETAIL_LENGTH], 4u);
    }
    EXPECT_EQ(count(RegNtPostKeyHandleClose, STATUS_SUCCESS), 1);
    EXPECT_TRUE(self_named_);
    const REGMON_STATS ledger = stats();
    EXPECT_EQ(ledger.Produced, events_.size());
    EXPECT_EQ(ledger.Produced, ledger.Delivered + dropped(ledger));
    EXPECT_EQ(ledger.Pending, 0u);
    ZwClose(device_);
    EXPECT_EQ(unload("regmon"), STATUS_SUCCESS);
    EXPECT_FALSE(printed("left behind"));
}

TEST_F(Regmon, names_are_right_before_and_after_a_rename) {
    start();
    HANDLE key = make_key("\\Registry\\Machine\\Software\\Before");
    ZwFlushKey(key);
    Named name("After");
    ASSERT_EQ(ZwRenameKey(key, &name.string), STATUS_SUCCESS);
    Named value("V");
    ZwSetValueKey(key, &value.string, 0, REG_SZ, nullptr, 0);
    ZwClose(key);
    stop();
    drain();
    for (const Event& event : events_) {
        const bool before = event.operation == RegNtPostFlushKey || event.operation == RegNtPostRenameKey;
        const bool after = event.operation == RegNtPostSetValueKey;
        EXPECT_TRUE(!before || event.path.ends_with("\\Before")) << event.path;
        EXPECT_TRUE(!after || event.path.ends_with("\\After")) << event.path;
        EXPECT_TRUE(event.operation != RegNtPostRenameKey || event.name == "After") << event.name;
    }
    EXPECT_EQ(count(RegNtPostRenameKey, STATUS_SUCCESS), 1);
    ZwClose(device_);
}

TEST_F(Regmon, overload_drops_are_counted_and_marked) {
    start(64, 1);  // one ring of 64 KB, and nobody reads
    HANDLE key = make_key("\\Registry\\Machine\\Software\\RegmonTest");
    Named value("Number");
    ULONG data = 0;
    for (int i = 0; i < 2000; ++i) ZwSetValueKey(key, &value.string, 0, REG_DWORD, &data, sizeof data);
    ZwClose(key);
    stop();
    drain();
    const REGMON_STATS ledger = stats();
    EXPECT_EQ(ledger.Produced, 2002u);
    EXPECT_EQ(ledger.Delivered, events_.size());
    EXPECT_GT(ledger.Dropped[REGMON_DROP_RING_FULL], 0u);
    EXPECT_EQ(ledger.Produced, ledger.Delivered + dropped(ledger));
    EXPECT_EQ(gaps_, dropped(ledger));
    ZwClose(device_);
}

TEST_F(Regmon, many_threads_and_a_live_consumer_agree_on_the_count) {
    start();
    std::atomic<ULONGLONG> done{0};
    std::thread consumer([this] { drain(); });
    std::vector<std::thread> workers;
    for (int t = 0; t < 4; ++t)
        workers.emplace_back([t, &done] {
            for (int i = 0; i < 500; ++i) {
                HANDLE key =
                    make_key("\\Registry\\Machine\\Software\\RegmonT" + std::to_string(t) + "K" + std::to_string(i));
                ZwClose(key);
                done += 2;
            }
        });
    for (std::thread& worker : workers) worker.join();
    stop();
    consumer.join();
    const REGMON_STATS ledger = stats();
    EXPECT_EQ(ledger.Produced, done.load());
    EXPECT_EQ(ledger.Produced, ledger.Delivered + dropped(ledger));
    EXPECT_EQ(ledger.Delivered, events_.size());
    ZwClose(device_);
    EXPECT_EQ(unload("regmon"), STATUS_SUCCESS);
}

TEST_F(Regmon, second_consumer_is_busy_and_unload_waits_for_the_first) {
    start();
    HANDLE second = nullptr;
    ASSERT_EQ(open_file("\\??\\Regmon", &second, FILE_SYNCHRONOUS_IO_NONALERT), STATUS_SUCCESS);
    EXPECT_EQ(control(second, IOCTL_REGMON_START, nullptr, 0, nullptr, 0), STATUS_DEVICE_BUSY);
    std::vector<ULONGLONG> buffer(8192);
    REGMON_READ read{0, 0};
    EXPECT_EQ(control(second, IOCTL_REGMON_READ, &read, sizeof read, buffer.data(), buffer.size() * 8),
              STATUS_INVALID_DEVICE_STATE);
    ZwClose(second);
    EXPECT_EQ(unload("regmon"), STATUS_SUCCESS);  // deferred
    ZwClose(make_key("\\Registry\\Machine\\Software\\StillRecorded"));
    stop();
    drain();
    EXPECT_NE(find(RegNtPostCreateKeyEx, "\\Registry\\Machine\\Software\\StillRecorded"), nullptr);
    ZwClose(device_);
}

TEST_F(Regmon, closing_with_records_unread_accounts_for_them) {
    start();
    ZwClose(make_key("\\Registry\\Machine\\Software\\Unread"));
    ZwClose(device_);
    ASSERT_EQ(open_file("\\??\\Regmon", &device_, FILE_SYNCHRONOUS_IO_NONALERT), STATUS_SUCCESS);
    const REGMON_STATS ledger = stats();
    EXPECT_EQ(ledger.Recording, 0u);
    EXPECT_EQ(ledger.Produced, 2u);
    EXPECT_EQ(ledger.Dropped[REGMON_DROP_CLOSED], 2u);
    ZwClose(device_);
}

}  // namespace
}  // namespace regent::test
