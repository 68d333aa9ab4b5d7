// Batches to lines, without an executive: what the driver would send is made here.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "filter.h"
#include "nt/ntregapi.h"
#include "nt/ntstatus.h"
#include "output.h"
#include "report.h"
#include "wdk/regcallback.h"

namespace regent::regmon {
namespace {

constexpr std::int64_t noon = 133'500'000'000'000'000;  // 2024-01-17T21:20:00Z

// Puts records together as the driver does.
class BatchBuilder {
public:
    template <typename T>
    void record(T head, const std::vector<std::string>& parts) {
        std::string body(sizeof(T), '\0');
        for (const std::string& part : parts) body += part;
        body.resize((body.size() + 7) / 8 * 8);
        head.Header.Size = static_cast<USHORT>(body.size());
        std::memcpy(body.data(), &head, sizeof head);
        bytes_ += body;
        ++records_;
    }
    void name(ULONG id, Utf16View path) {
        REGMON_NAME name{};
        name.Header.Kind = REGMON_KIND_NAME;
        name.NameId = id;
        name.PathLength = static_cast<ULONG>(path.size() * 2);
        record(name, {raw(path)});
    }
    void process(ULONG id, const std::string& image) {
        REGMON_PROCESS process{};
        process.Header.Kind = REGMON_KIND_PROCESS;
        process.ProcessId = id;
        process.NameLength = static_cast<ULONG>(image.size());
        record(process, {image});
    }
    void event(REGMON_EVENT event, Utf16View path, Utf16View name, const std::string& data = {}) {
        event.Header.Kind = REGMON_KIND_EVENT;
        event.ProcessId = 42;
        event.ThreadId = 43;
        event.PathLength = static_cast<USHORT>(path.size() * 2);
        event.NameLength = static_cast<USHORT>(name.size() * 2);
        event.DataLength = static_cast<USHORT>(data.size());
        record(event, {raw(path), raw(name), data});
    }
    std::string finish(ULONG flags = 0) const {
        REGMON_BATCH batch{};
        batch.Bytes = static_cast<ULONG>(sizeof batch + bytes_.size());
        batch.Records = records_;
        batch.Flags = flags;
        batch.RawFrequency = 1'000'000'000;
        batch.RawBase = 1'000;
        batch.TimeBase = noon;
        return std::string(reinterpret_cast<const char*>(&batch), sizeof batch) + bytes_;
    }
    static std::string raw(Utf16View text) { return {reinterpret_cast<const char*>(text.data()), text.size() * 2}; }

private:
    std::string bytes_;
    ULONG records_ = 0;
};

rtl::Bytes bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

struct Decoded {
    std::vector<Event> events;
    std::vector<Gap> gaps;
    bool whole = false;
};

Decoded decode(const std::string& batch) {
    Decoded result;
    Decoder decoder({[&](Event&& event) { result.events.push_back(std::move(event)); },
                     [&](const Gap& gap) { result.gaps.push_back(gap); }},
                    [](std::uint32_t) { return std::string("S-1-22-1-1000"); });
    result.whole = decoder.decode(bytes(batch));
    return result;
}

REGMON_EVENT raw_event(unsigned operation, NTSTATUS status, ULONG name_id, std::initializer_list<ULONG> detail = {}) {
    REGMON_EVENT event{};
    event.Header.Operation = static_cast<UCHAR>(operation);
    event.Header.Status = static_cast<ULONG>(status);
    event.NameId = name_id;
    event.Time = 1'000 + 5'000;  // 5 us after the base
    event.Duration = 12'345;
    std::copy(detail.begin(), detail.end(), event.Detail);
    return event;
}

Event make(unsigned operation, NTSTATUS status, Utf16View path, Utf16View name,
           std::initializer_list<ULONG> detail = {}, const std::string& data = {}) {
    Event event;
    event.operation = operation;
    event.status = status;
    event.path = path;
    event.name = name;
    event.process = "reg";
    event.process_id = 42;
    event.user_sid = "S-1-22-1-1000";
    std::copy(detail.begin(), detail.end(), event.detail);
    for (char c : data) event.data.push_back(static_cast<std::byte>(c));
    return event;
}

TEST(RegmonDecoder, resolves_names_processes_and_times) {
    BatchBuilder batch;
    batch.name(7, u"\\REGISTRY\\MACHINE\\SOFTWARE");
    batch.process(42, "reg");
    batch.event(raw_event(RegNtPostOpenKeyEx, STATUS_OBJECT_NAME_NOT_FOUND, 7, {0x20019}), u"No\\Such\\", u"");
    batch.event(raw_event(RegNtPostSetValueKey, STATUS_SUCCESS, 7, {REG_DWORD, 4}), u"", u"v",
                std::string("\x05\0\0\0", 4));
    batch.event(raw_event(RegNtPostCreateKeyEx, STATUS_ACCESS_DENIED, 0), u"\\Registry\\Machine\\X", u"");
    const Decoded decoded = decode(batch.finish());
    ASSERT_TRUE(decoded.whole);
    ASSERT_EQ(decoded.events.size(), 3u);
    EXPECT_EQ(decoded.events[0].path, u"\\REGISTRY\\MACHINE\\SOFTWARE\\No\\Such");
    EXPECT_EQ(decoded.events[0].process, "reg");
    EXPECT_EQ(decoded.events[0].time, noon + 50);
    EXPECT_EQ(decoded.events[0].duration_ns, 12'345u);
    EXPECT_EQ(display_path(decoded.events[1]), "HKLM\\SOFTWARE\\v");
    EXPECT_EQ(display_path(decoded.events[2]), "HKLM\\X");
}

TEST(RegmonDecoder, delivers_gaps) {
    BatchBuilder batch;
    REGMON_GAP gap{};
    gap.Header.Kind = REGMON_KIND_GAP;
    gap.Header.Operation = REGMON_DROP_RING_FULL;
    gap.Count = 17;
    batch.record(gap, {});
    const Decoded decoded = decode(batch.finish());
    ASSERT_EQ(decoded.gaps.size(), 1u);
    EXPECT_EQ(gap_line(Format::text, decoded.gaps[0]), "... 17 events missing here (ring full)\n");
}

TEST(RegmonDecoder, refuses_damaged_batches_and_keeps_what_was_whole) {
    BatchBuilder batch;
    batch.event(raw_event(RegNtPostFlushKey, STATUS_SUCCESS, 0), u"", u"");
    batch.event(raw_event(RegNtPostFlushKey, STATUS_SUCCESS, 0), u"", u"abc");
    const std::string good = batch.finish();
    for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(decode(good.substr(0, size)).whole) << size;
    std::string bad = good;
    const USHORT huge = 0xFFF0;  // the second event's name would reach past its record
    const std::size_t second = sizeof(REGMON_BATCH) + sizeof(REGMON_EVENT);
    std::memcpy(bad.data() + second + offsetof(REGMON_EVENT, NameLength), &huge, sizeof huge);
    const Decoded decoded = decode(bad);
    EXPECT_FALSE(decoded.whole);
    EXPECT_EQ(decoded.events.size(), 1u);
}

TEST(RegmonColumns, access_in_words) {
    EXPECT_EQ(access_text(0xF003F), "All Access");
    EXPECT_EQ(access_text(0x2001F), "Read/Write");
    EXPECT_EQ(access_text(0x20019), "Read");
    EXPECT_EQ(access_text(0x80000000), "Read");
    EXPECT_EQ(access_text(0x3), "Query Value, Set Value");
    EXPECT_EQ(access_text(0x20119), "Read, WOW64_64Key");
    EXPECT_EQ(access_text(0x2000000), "Maximum Allowed");
    EXPECT_EQ(access_text(0), "None 0x0");
}

TEST(RegmonColumns, results_in_words) {
    EXPECT_EQ(result_name(STATUS_SUCCESS), "SUCCESS");
    EXPECT_EQ(result_name(STATUS_OBJECT_NAME_NOT_FOUND), "NAME NOT FOUND");
    EXPECT_EQ(result_name(STATUS_BUFFER_OVERFLOW), "BUFFER OVERFLOW");
    EXPECT_EQ(result_name(static_cast<NTSTATUS>(0xC0FFEE00)), "0xC0FFEE00");
}

TEST(RegmonColumns, paths) {
    const auto path = [](Utf16View nt) { return display_path(make(RegNtPostOpenKeyEx, 0, nt, u"")); };
    EXPECT_EQ(path(u"\\REGISTRY\\USER\\S-1-22-1-1000\\Software"), "HKCU\\Software");
    EXPECT_EQ(path(u"\\REGISTRY\\USER\\S-1-22-1-10001"), "HKU\\S-1-22-1-10001");
    EXPECT_EQ(path(u"\\Registry\\Machine"), "HKLM");
    EXPECT_EQ(path(u"\\REGISTRY\\MACHINE\\SOFTWARE\\Classes\\.txt"), "HKCR\\.txt");
    EXPECT_EQ(path(u"\\REGISTRY\\A\\{x}"), "\\REGISTRY\\A\\{x}");
    EXPECT_EQ(path(Utf16View(u"\\REGISTRY\\MACHINE\\a\0b", 21)), "HKLM\\a\\x00b");
    EXPECT_EQ(display_path(make(RegNtPostQueryValueKey, 0, u"\\REGISTRY\\MACHINE\\K", u"")), "HKLM\\K\\(Default)");
}

TEST(RegmonColumns, details_in_process_monitors_words) {
    const std::string hi("h\0i\0\0\0", 6);
    EXPECT_EQ(detail_text(make(RegNtPostOpenKeyEx, 0, u"", u"", {0x2000000, 0xF003F})),
              "Desired Access: Maximum Allowed, Granted Access: All Access");
    EXPECT_EQ(detail_text(make(RegNtPostOpenKeyEx, STATUS_ACCESS_DENIED, u"", u"", {0x20019})), "Desired Access: Read");
    EXPECT_EQ(detail_text(make(RegNtPostCreateKeyEx, 0, u"", u"", {0x20006, 0x20006, REG_CREATED_NEW_KEY})),
              "Desired Access: Write, Disposition: REG_CREATED_NEW_KEY");
    EXPECT_EQ(detail_text(make(RegNtPostSetValueKey, 0, u"", u"v", {REG_SZ, 6}, hi)),
              "Type: REG_SZ, Length: 6, Data: hi");
    EXPECT_EQ(detail_text(make(RegNtPostSetValueKey, 0, u"", u"v", {REG_BINARY, 0})), "Type: REG_BINARY, Length: 0");
    EXPECT_EQ(detail_text(make(RegNtPostQueryValueKey, 0, u"", u"v", {REG_DWORD, 4, KeyValuePartialInformation, 16},
                               std::string("\xD2\x04\0\0", 4))),
              "Type: REG_DWORD, Length: 4, Data: 1234");
    EXPECT_EQ(detail_text(make(RegNtPostQueryValueKey, STATUS_BUFFER_OVERFLOW, u"", u"v",
                               {REG_SZ, 0, KeyValuePartialInformation, 1024})),
              "Length: 1,024");
    EXPECT_EQ(detail_text(make(RegNtPostQueryValueKey, 0, u"", u"v", {REG_SZ, 6, KeyValueBasicInformation, 16})),
              "Type: REG_SZ");
    EXPECT_EQ(
        detail_text(make(RegNtPostEnumerateValueKey, 0, u"", u"v",
                         {REG_MULTI_SZ, 10, KeyValueFullInformation, 64, 1000}, std::string("a\0\0\0b\0\0\0\0\0", 10))),
        "Index: 1,000, Name: v, Type: REG_MULTI_SZ, Length: 10, Data: a, b");
    EXPECT_EQ(detail_text(make(RegNtPostEnumerateKey, STATUS_NO_MORE_ENTRIES, u"", u"", {3, 0, 288})),
              "Index: 3, Length: 288");
    EXPECT_EQ(detail_text(make(RegNtPostEnumerateKey, 0, u"", u"Sub", {3, 0, 288})), "Index: 3, Name: Sub");
    EXPECT_EQ(detail_text(make(RegNtPostQueryKey, 0, u"", u"", {KeyFullInformation, 100, 1500, 2})),
              "Query: Full, SubKeys: 1,500, Values: 2");
    EXPECT_EQ(detail_text(make(RegNtPostQueryKey, 0, u"", u"", {KeyNameInformation, 100})), "Query: Name");
    EXPECT_EQ(detail_text(make(RegNtPostQueryKey, STATUS_BUFFER_TOO_SMALL, u"", u"", {KeyCachedInformation, 4})),
              "Query: Cached, Length: 4");
    EXPECT_EQ(detail_text(make(RegNtPostQueryValueKey, 0, u"", u"v", {1001, 20, KeyValuePartialInformation, 99},
                               std::string(20, '\xAB'))),
              "Type: <Unknown: 1001>, Length: 20, Data: AB AB AB AB AB AB AB AB AB AB AB AB AB AB AB AB");
    EXPECT_EQ(detail_text(make(RegNtPostLoadKey, 0, u"", u"\\??\\UNIX\\tmp\\x.hiv")),
              "Hive Path: \\??\\UNIX\\tmp\\x.hiv");
    EXPECT_EQ(detail_text(make(RegNtPostRenameKey, 0, u"", u"New")), "New Name: New");
    EXPECT_EQ(detail_text(make(RegNtPostKeyHandleClose, 0, u"", u"")), "");
}

TEST(RegmonColumns, categories) {
    EXPECT_STREQ(category(make(RegNtPostCreateKeyEx, 0, u"", u"", {0, 0, REG_CREATED_NEW_KEY})), "Write");
    EXPECT_STREQ(category(make(RegNtPostCreateKeyEx, 0, u"", u"", {0, 0, REG_OPENED_EXISTING_KEY})), "Read");
    EXPECT_STREQ(category(make(RegNtPostKeyHandleClose, 0, u"", u"")), "");
    EXPECT_STREQ(operation_name(63), "<Unknown>");
}

TEST(RegmonOutput, golden_lines) {
    setenv("TZ", "UTC", 1);
    Event event = make(RegNtPostSetValueKey, STATUS_ACCESS_DENIED, u"\\REGISTRY\\MACHINE\\K", u"q\"\n", {REG_DWORD, 4},
                       std::string("\1\0\0\0", 4));
    event.time = noon + 1234567;
    event.duration_ns = 12'345;
    event.thread_id = 43;
    EXPECT_EQ(line(Format::text, event),
              "21:20:00.123456  reg:42            RegSetValue     ACCESS DENIED         12.3 us  "
              "HKLM\\K\\q\"\\x0A  [Type: REG_DWORD, Length: 4, Data: 1]\n");
    EXPECT_EQ(line(Format::csv, event),
              "\"9:20:00.1234567 PM\",\"reg\",\"42\",\"RegSetValue\",\"HKLM\\K\\q\"\"\\x0A\",\"ACCESS DENIED\","
              "\"Type: REG_DWORD, Length: 4, Data: 1\",\"43\",\"0.0000123\"\r\n");
    EXPECT_EQ(
        line(Format::json, event),
        "{\"time\":\"2024-01-17T21:20:00.1234567Z\",\"process\":\"reg\",\"pid\":42,\"tid\":43,"
        "\"operation\":\"RegSetValue\",\"category\":\"Write\",\"path\":\"HKLM\\\\K\\\\q\\\"\\\\x0A\","
        "\"result\":\"ACCESS DENIED\",\"status\":\"0xc0000022\",\"detail\":\"Type: REG_DWORD, Length: 4, Data: 1\","
        "\"duration_ns\":12345,\"mode\":\"user\",\"ring\":0,\"sequence\":0}\n");
    EXPECT_EQ(format_of_file("x.csv"), Format::csv);
    EXPECT_EQ(format_of_file("x.jsonl"), Format::json);
}

TEST(RegmonFilter, columns_and_excludes) {
    const Event denied =
        make(RegNtPostCreateKeyEx, STATUS_ACCESS_DENIED, u"\\REGISTRY\\MACHINE\\SOFTWARE\\Classes\\x", u"");
    const auto shows = [&](Column column, const std::string& text, bool exclude = false) {
        Filter filter;
        EXPECT_TRUE(filter.add(column, text, exclude)) << text;
        return filter.shows(denied);
    };
    EXPECT_TRUE(Filter().shows(denied));
    for (const char* key : {"HKLM\\Software", "hklm\\software\\classes\\x", "HKCR", "HKEY_LOCAL_MACHINE\\SOFTWARE\\Cl*",
                            "\\registry\\machine\\software\\classes", "!HKCU"}) {
        EXPECT_TRUE(shows(Column::key, key)) << key;
    }
    EXPECT_FALSE(shows(Column::key, "HKLM\\Soft"));
    EXPECT_FALSE(shows(Column::key, "HKCR", true));
    EXPECT_TRUE(shows(Column::operation, "RegSetValue,regcreatekey"));
    EXPECT_TRUE(shows(Column::operation, "CreateKey"));
    EXPECT_FALSE(shows(Column::operation, "!RegCreateKey"));
    EXPECT_FALSE(Filter().add(Column::operation, "RegNoSuch"));
    for (const char* result : {"ACCESS DENIED", "access_denied", "STATUS_ACCESS_DENIED", "0xC0000022", "!=SUCCESS"}) {
        EXPECT_TRUE(shows(Column::result, result)) << result;
    }
    EXPECT_FALSE(shows(Column::result, "SUCCESS"));
    EXPECT_TRUE(shows(Column::process, "reg"));
    EXPECT_TRUE(shows(Column::process, "41,42"));
    EXPECT_FALSE(shows(Column::process, "4"));
}

TEST(RegmonFilter, different_columns_must_all_hold) {
    const Event event = make(RegNtPostSetValueKey, STATUS_SUCCESS, u"\\REGISTRY\\MACHINE\\K", u"v");
    Filter filter;
    filter.add(Column::operation, "RegSetValue");
    filter.add(Column::operation, "RegDeleteValue");
    EXPECT_TRUE(filter.shows(event));
    filter.add(Column::result, "ACCESS DENIED");
    EXPECT_FALSE(filter.shows(event));
    EXPECT_EQ(parse_duration("1ms"), 1'000'000u);
    EXPECT_EQ(parse_duration("x"), std::nullopt);
    Filter slow;
    slow.set_minimum_duration(1);
    EXPECT_FALSE(slow.shows(event));
}

TEST(RegmonReport, counts_what_the_end_says) {
    Report report;
    for (int n = 0; n < 3; ++n)
        report.count(make(RegNtPostSetValueKey, STATUS_SUCCESS, u"\\REGISTRY\\MACHINE\\Hot", u"v"));
    report.count(make(RegNtPostSetValueKey, STATUS_ACCESS_DENIED, u"\\REGISTRY\\MACHINE\\hot", u"v"));
    report.count(make(RegNtPostCreateKeyEx, STATUS_ACCESS_DENIED, u"\\REGISTRY\\MACHINE\\No", u""));
    report.count(make(RegNtPostCreateKeyEx, STATUS_REPARSE, u"\\REGISTRY\\MACHINE\\Link", u""));
    REGMON_STATS stats{};
    stats.Produced = 6;
    stats.Delivered = 5;
    stats.Dropped[REGMON_DROP_RING_FULL] = 1;
    EXPECT_EQ(report.text(stats),
              "hottest keys:\n        4  HKLM\\Hot\n        1  HKLM\\Link\n        1  HKLM\\No\n"
              "failed create: HKLM\\No  ACCESS DENIED  reg  0.0 us\ndropped, ring full: 1\ncaptured 6, shown 0\n"
              "ledger: produced=6 delivered=5 dropped=1\nfailed creates: 1\nvalues written: 3\n");
}

}  // namespace
}  // namespace regent::regmon
