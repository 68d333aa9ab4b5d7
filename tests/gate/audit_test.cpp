// What the security audit records of keys and other objects: in this process, and by regentd about its clients.
#include <sys/stat.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "fixture.h"
#include "regent/audit_log.h"
#include "regent/gate.h"
#include "se/sddl.h"

namespace regent::test {
namespace {

using Json = nlohmann::json;

constexpr Utf16View work = u"\\Registry\\Machine\\Software\\AuditTest";
constexpr const char* work_name = "\\REGISTRY\\MACHINE\\SOFTWARE\\AuditTest";

// The way to the executive: one in this process, or regentd.
class AuditTest : public testing::TestWithParam<bool> {
protected:
    void SetUp() override { start("registry,kernel,handles,privileges,other"); }
    void TearDown() override {
        for (HANDLE handle : {key_, log_}) {
            if (handle != nullptr) NtClose(handle);
        }
        close_gate();
        if (daemon_) {
            daemon_->signal(SIGTERM);
            EXPECT_EQ(daemon_->wait(), 0);
        }
    }
    bool remote() const { return GetParam(); }

    void start(const std::string& policy) {
        GateChoice choice;
        if (remote()) {
            ASSERT_EQ(::chmod(folder_.path().c_str(), 0711), 0);  // so that other users come to the socket
            choice.socket = socket();
            daemon_ = std::make_unique<Child>(std::vector<std::string>{
                RG_BIN "/regentd", "--store", folder_.path() + "/store", "--socket", socket(), "--audit", policy});
            ASSERT_NE(daemon_->read_line().find("ready"), std::string::npos);
        } else {
            choice.store = folder_.path() + "/store";
            ::setenv("REGENT_AUDIT", policy.c_str(), 1);
        }
        const auto selected = select_gate(choice);
        ASSERT_TRUE(selected) << selected.error().message;
        ASSERT_EQ(open_log(), STATUS_SUCCESS);
        take();
    }
    std::string socket() const { return folder_.path() + "/socket"; }

    NTSTATUS open_log() {
        Named name(AUDIT_LINK_NAME);
        IO_STATUS_BLOCK status{};
        return NtCreateFile(&log_, FILE_GENERIC_READ, &name.attributes, &status, nullptr, 0, 0, FILE_OPEN, 0, nullptr,
                            0);
    }
    // The records since the last time.
    std::vector<Json> take() {
        std::vector<Json> records;
        std::vector<char> buffer(AUDIT_MINIMUM_BUFFER);
        for (;;) {
            AUDIT_READ read{last_, 0, 0};
            IO_STATUS_BLOCK status{};
            EXPECT_EQ(NtDeviceIoControlFile(log_, nullptr, nullptr, nullptr, &status, IOCTL_AUDIT_READ, &read,
                                            sizeof(read), buffer.data(), static_cast<ULONG>(buffer.size())),
                      STATUS_SUCCESS);
            std::memcpy(&batch_, buffer.data(), sizeof(batch_));
            EXPECT_EQ(batch_.Produced, batch_.Kept + batch_.Dropped);
            std::istringstream lines(std::string(buffer.data() + sizeof(batch_), batch_.TextBytes));
            for (std::string line; std::getline(lines, line);) records.push_back(Json::parse(line));
            last_ = batch_.Last;
            if (batch_.Count == 0) return records;
        }
    }
    std::vector<int> events(const std::vector<Json>& records) {
        std::vector<int> events;
        for (const Json& record : records) events.push_back(record["event"]);
        return events;
    }

    // A new key with that descriptor, opened for everything; nothing of it is recorded yet.
    void make(const char* sddl, Utf16View path = work) {
        const auto descriptor = se::parse_sddl(sddl);
        ASSERT_TRUE(descriptor) << sddl;
        Named name(path);
        name.attributes.SecurityDescriptor = const_cast<std::byte*>(descriptor->bytes().data());
        ASSERT_EQ(NtCreateKey(&key_, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, 0, nullptr), STATUS_SUCCESS);
        NtClose(key_);
        key_ = nullptr;
        take();
    }
    static std::string me() { return "S-1-22-1-" + std::to_string(::geteuid()); }

    TemporaryFolder folder_;
    std::unique_ptr<Child> daemon_;
    HANDLE log_ = nullptr;
    HANDLE key_ = nullptr;
    ULONGLONG last_ = 0;
    AUDIT_BATCH batch_{};
};

TEST_P(AuditTest, an_opening_its_uses_and_its_end) {
    make("O:LSG:LSD:(A;;KA;;;WD)S:(AU;SA;KA;;;WD)");
    ASSERT_EQ(open_key(work, &key_, KEY_QUERY_VALUE | KEY_SET_VALUE), STATUS_SUCCESS);
    EXPECT_EQ(set_dword(key_, u"v", 1), STATUS_SUCCESS);
    EXPECT_EQ(set_dword(key_, u"v", 2), STATUS_SUCCESS);
    Partial value{};
    EXPECT_EQ(query(key_, u"v", value), STATUS_SUCCESS);
    EXPECT_EQ(query(key_, u"v", value), STATUS_SUCCESS);
    const std::string handle = [&] {
        char text[24];
        std::snprintf(text, sizeof text, "0x%llx", reinterpret_cast<unsigned long long>(key_));
        return std::string(text);
    }();
    NtClose(key_);
    key_ = nullptr;
    const auto records = take();
    ASSERT_EQ(events(records), (std::vector{4656, 4663, 4657, 4657, 4663, 4658}));
    for (const Json& record : records) {
        EXPECT_EQ(record["subject"], me());
        EXPECT_EQ(record["process_id"], ::getpid());
        EXPECT_EQ(record["object_name"], work_name);
        EXPECT_EQ(record["object_type"], "Key");
        EXPECT_EQ(record["outcome"], "success");
        EXPECT_NE(record["process"].get<std::string>().find("audit_test"), std::string::npos);
        EXPECT_EQ(record["handle"], handle);
    }
    EXPECT_EQ(records[0]["access_mask"], "0x3");
    EXPECT_EQ(records[0]["accesses"], (Json{"Query key value", "Set key value"}));
    EXPECT_EQ(records[1]["access_mask"], "0x2");
    EXPECT_EQ(records[2]["operation"], "created");
    EXPECT_EQ(records[3]["operation"], "modified");
    EXPECT_EQ(records[3]["value"], "v");
    EXPECT_EQ(records[3]["old_data"], "01000000");
    EXPECT_EQ(records[3]["new_data"], "02000000");
    EXPECT_EQ(records[3]["new_type"], "REG_DWORD");
    EXPECT_EQ(records[4]["access_mask"], "0x1");
}

// A remembered answer would skip the record of the second opening.
TEST_P(AuditTest, every_opening_is_recorded) {
    make("O:LSG:LSD:(A;;KA;;;WD)S:(AU;SA;KA;;;WD)");
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(open_key(work, &key_), STATUS_SUCCESS);
        NtClose(key_);
    }
    key_ = nullptr;
    EXPECT_EQ(events(take()), (std::vector{4656, 4658, 4656, 4658, 4656, 4658, 4656, 4658, 4656, 4658}));
}

TEST_P(AuditTest, a_refusal) {
    make("O:LSG:LSD:P(A;;KR;;;WD)S:(AU;FA;SD;;;WD)(AU;FA;DC;;;WD)");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(open_key(work, &key_, KEY_SET_VALUE | KEY_NOTIFY), STATUS_ACCESS_DENIED);
    EXPECT_EQ(open_key(work, &key_, WRITE_DAC), STATUS_ACCESS_DENIED);  // of which no record is wanted
    ASSERT_EQ(open_key(work, &key_), STATUS_SUCCESS);                   // nor of successes
    NtClose(key_);
    key_ = nullptr;
    const auto records = take();
    ASSERT_EQ(events(records), (std::vector{4656, 4656}));
    EXPECT_EQ(records[0]["outcome"], "failure");
    EXPECT_EQ(records[0]["access_mask"], "0x12");
    EXPECT_EQ(records[0]["handle"], "0x0");
    EXPECT_EQ(records[0]["object_name"], work_name);
}

TEST_P(AuditTest, a_key_that_inherits_its_list_is_recorded_from_its_creation_to_its_end) {
    make("O:LSG:LSD:(A;CI;KA;;;WD)S:(AU;CIIOSA;KA;;;WD)");
    const Utf16 path = Utf16(work) + u"\\child";
    ASSERT_EQ(create_key(path, &key_), STATUS_SUCCESS);
    EXPECT_EQ(NtDeleteKey(key_), STATUS_SUCCESS);
    NtClose(key_);
    key_ = nullptr;
    const auto records = take();
    ASSERT_EQ(events(records), (std::vector{4656, 4663, 4660, 4658}));
    EXPECT_EQ(records[0]["object_name"], work_name + std::string("\\child"));
    EXPECT_EQ(records[1]["access_mask"], "0x10000");
    EXPECT_EQ(records[2]["object_name"], work_name + std::string("\\child"));
}

TEST_P(AuditTest, a_key_that_is_made_below_an_audited_one_uses_its_right) {
    make("O:LSG:LSD:(A;CI;KA;;;WD)S:(AU;SAFA;LC;;;WD)(AU;SA;CCDC;;;BA)(AU;SA;0x4;;;WD)");
    ASSERT_EQ(create_key(Utf16(work) + u"\\child", &key_), STATUS_SUCCESS);
    const auto records = take();
    ASSERT_EQ(events(records), std::vector{4663});
    EXPECT_EQ(records[0]["accesses"], Json{"Create sub-key"});
    EXPECT_EQ(records[0]["object_name"], work_name);
}

TEST_P(AuditTest, a_list_that_is_set_later_counts_from_the_next_opening) {
    make("O:LSG:LSD:(A;;KA;;;WD)");
    ASSERT_EQ(open_key(work, &key_, KEY_READ | ACCESS_SYSTEM_SECURITY), STATUS_SUCCESS);
    const auto list = se::parse_sddl("S:(AU;SA;KA;;;WD)");
    EXPECT_EQ(NtSetSecurityObject(key_, SACL_SECURITY_INFORMATION, const_cast<std::byte*>(list->bytes().data())),
              STATUS_SUCCESS);
    NtClose(key_);
    EXPECT_TRUE(take().empty());
    ASSERT_EQ(open_key(work, &key_, KEY_READ | ACCESS_SYSTEM_SECURITY), STATUS_SUCCESS);
    const auto records = take();
    ASSERT_EQ(events(records), std::vector{4656});
    EXPECT_EQ(records[0]["privileges"], Json{"SeSecurityPrivilege"});
}

TEST_P(AuditTest, a_transacted_opening_is_recorded_as_well) {
    make("O:LSG:LSD:(A;CI;KA;;;WD)S:(AU;CISA;KA;;;WD)");
    HANDLE transaction = nullptr;
    ASSERT_EQ(NtCreateRegistryTransaction(&transaction, TRANSACTION_ALL_ACCESS, nullptr, 0), STATUS_SUCCESS);
    Named name(Utf16(work) + u"\\child");
    ASSERT_EQ(NtCreateKeyTransacted(&key_, KEY_WRITE, &name.attributes, 0, nullptr, 0, transaction, nullptr),
              STATUS_SUCCESS);
    EXPECT_EQ(set_dword(key_, u"v", 1), STATUS_SUCCESS);
    NtClose(key_);
    key_ = nullptr;
    NtClose(transaction);
    EXPECT_EQ(events(take()), (std::vector{4663, 4656, 4663, 4657, 4658}));
}

TEST_P(AuditTest, keys_without_a_list_leave_nothing) {
    make("O:LSG:LSD:(A;;KA;;;WD)S:(ML;;NW;;;LW)");
    ASSERT_EQ(open_key(work, &key_, KEY_ALL_ACCESS), STATUS_SUCCESS);
    EXPECT_EQ(set_dword(key_, u"v", 1), STATUS_SUCCESS);
    EXPECT_TRUE(take().empty());
}

TEST_P(AuditTest, a_privileged_service_is_recorded) {
    EXPECT_EQ(NtUnloadKey(nullptr), STATUS_ACCESS_VIOLATION);
    HANDLE token = nullptr;
    ASSERT_EQ(NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY | TOKEN_ADJUST_DEFAULT, &token), STATUS_SUCCESS);
    se::Sid system_level(16, {SECURITY_MANDATORY_SYSTEM_RID + 0x100});
    TOKEN_MANDATORY_LABEL label{};
    label.Label.Sid = &system_level;
    EXPECT_EQ(NtSetInformationToken(token, TokenIntegrityLevel, &label, sizeof(label)), STATUS_SUCCESS);
    NtClose(token);
    const auto records = take();
    ASSERT_EQ(events(records), std::vector{4673});
    EXPECT_EQ(records[0]["privileges"], Json{"SeTcbPrivilege"});
}

// The process's token, and a copy of it to impersonate with.
void open_tokens(HANDLE* own, HANDLE* token) {
    ASSERT_EQ(NtOpenProcessToken(NtCurrentProcess(), MAXIMUM_ALLOWED, own), STATUS_SUCCESS);
    SECURITY_QUALITY_OF_SERVICE quality{sizeof(quality), SecurityImpersonation, 0, FALSE};
    OBJECT_ATTRIBUTES attributes{};
    InitializeObjectAttributes(&attributes, nullptr, 0, nullptr, nullptr);
    attributes.SecurityQualityOfService = &quality;
    ASSERT_EQ(NtDuplicateToken(*own, MAXIMUM_ALLOWED, &attributes, FALSE, TokenImpersonation, token), STATUS_SUCCESS);
}

// The services for programs with objects of their own.
TEST_P(AuditTest, other_programs_hand_in_what_they_decide) {
    HANDLE own = nullptr, token = nullptr;
    open_tokens(&own, &token);
    const auto descriptor = se::parse_sddl("O:LSG:LSD:(A;;CC;;;WD)S:(AU;SAFA;CCDC;;;WD)");
    auto* const bytes = const_cast<std::byte*>(descriptor->bytes().data());
    GENERIC_MAPPING mapping{1, 2, 4, 7};
    ACCESS_MASK granted = 0;
    NTSTATUS access = STATUS_SUCCESS;
    BOOLEAN close = FALSE;
    Named subsystem(u"Post Office"), type(u"Letter"), name(u"\xD800\"to\" \U0001F4EE");
    const HANDLE id = reinterpret_cast<HANDLE>(0x1234);
    const auto check = [&](ACCESS_MASK desired) {
        return NtAccessCheckAndAuditAlarm(&subsystem.string, id, &type.string, &name.string, bytes, desired, &mapping,
                                          FALSE, &granted, &access, &close);
    };
    EXPECT_EQ(check(1), STATUS_NO_IMPERSONATION_TOKEN);
    ASSERT_EQ(NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &token, sizeof(token)),
              STATUS_SUCCESS);
    EXPECT_EQ(check(GENERIC_READ), STATUS_GENERIC_NOT_MAPPED);
    EXPECT_EQ(check(1), STATUS_SUCCESS);
    EXPECT_EQ(access, STATUS_SUCCESS);
    EXPECT_EQ(granted, 1u);
    EXPECT_EQ(close, TRUE);
    EXPECT_EQ(NtCloseObjectAuditAlarm(&subsystem.string, id, close), STATUS_SUCCESS);
    EXPECT_EQ(check(2), STATUS_SUCCESS);
    EXPECT_EQ(access, STATUS_ACCESS_DENIED);
    EXPECT_EQ(close, FALSE);
    HANDLE none = nullptr;
    ASSERT_EQ(NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &none, sizeof(none)), STATUS_SUCCESS);
    PRIVILEGE_SET set{1, 0, {{{SE_TCB_PRIVILEGE, 0}, 0}}};
    EXPECT_EQ(NtOpenObjectAuditAlarm(&subsystem.string, id, &type.string, &name.string, bytes, token, 1, 1, &set, FALSE,
                                     TRUE, &close),
              STATUS_SUCCESS);
    EXPECT_EQ(close, TRUE);
    EXPECT_EQ(NtDeleteObjectAuditAlarm(&subsystem.string, id, TRUE), STATUS_SUCCESS);
    EXPECT_EQ(NtPrivilegeObjectAuditAlarm(&subsystem.string, id, token, 1, &set, FALSE), STATUS_SUCCESS);
    EXPECT_EQ(NtPrivilegedServiceAuditAlarm(&subsystem.string, &type.string, token, &set, TRUE), STATUS_SUCCESS);
    const auto records = take();
    ASSERT_EQ(events(records), (std::vector{4656, 4658, 4656, 4656, 4660, 4674, 4673}));
    EXPECT_EQ(records[0]["object_server"], "Post Office");
    EXPECT_EQ(records[0]["object_type"], "Letter");
    EXPECT_EQ(records[0]["object_name"], "\uFFFD\"to\" \U0001F4EE");
    EXPECT_EQ(records[0]["handle"], "0x1234");
    EXPECT_EQ(records[2]["outcome"], "failure");
    EXPECT_EQ(records[3]["privileges"], Json{"SeTcbPrivilege"});
    EXPECT_EQ(records[6]["service"], "Letter");
    // Without the privilege of the process nothing is taken in.
    TOKEN_PRIVILEGES off{1, {{{SE_AUDIT_PRIVILEGE, 0}, 0}}};
    ASSERT_EQ(NtAdjustPrivilegesToken(own, FALSE, &off, 0, nullptr, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(NtCloseObjectAuditAlarm(&subsystem.string, id, TRUE), STATUS_PRIVILEGE_NOT_HELD);
    EXPECT_EQ(NtPrivilegedServiceAuditAlarm(&subsystem.string, &type.string, token, &set, TRUE),
              STATUS_PRIVILEGE_NOT_HELD);
    EXPECT_TRUE(take().empty());
    off.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
    EXPECT_EQ(NtAdjustPrivilegesToken(own, FALSE, &off, 0, nullptr, nullptr), STATUS_SUCCESS);
    NtClose(own);
    NtClose(token);
}

// Other objects than keys keep their lists, too.
TEST_P(AuditTest, named_objects_are_recorded_as_keys_are) {
    const auto descriptor = se::parse_sddl("O:LSG:LSD:(A;;0x100002;;;WD)S:(AU;SAFA;0x3;;;WD)");
    Named name(u"\\BaseNamedObjects\\Audited");
    name.attributes.SecurityDescriptor = const_cast<std::byte*>(descriptor->bytes().data());
    HANDLE made = nullptr, event = nullptr, refused = nullptr;
    ASSERT_EQ(NtCreateEvent(&made, EVENT_MODIFY_STATE, &name.attributes, NotificationEvent, FALSE), STATUS_SUCCESS);
    name.attributes.SecurityDescriptor = nullptr;
    ASSERT_EQ(NtOpenEvent(&event, EVENT_MODIFY_STATE | SYNCHRONIZE, &name.attributes), STATUS_SUCCESS);
    EXPECT_EQ(NtOpenEvent(&refused, EVENT_QUERY_STATE, &name.attributes), STATUS_ACCESS_DENIED);
    EXPECT_EQ(NtSetEvent(event, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(NtResetEvent(event, nullptr), STATUS_SUCCESS);
    LARGE_INTEGER now{};
    EXPECT_EQ(NtWaitForSingleObject(event, FALSE, &now), STATUS_TIMEOUT);  // SYNCHRONIZE, which nobody asked for
    NtClose(event);
    NtClose(made);
    auto records = take();
    ASSERT_EQ(events(records), (std::vector{4656, 4656, 4656, 4663, 4658, 4658}));
    for (const Json& record : records) {
        EXPECT_EQ(record["object_type"], "Event");
        EXPECT_EQ(record["subject"], me());
    }
    EXPECT_EQ(records[1]["object_name"], "\\BaseNamedObjects\\Audited");
    EXPECT_EQ(records[1]["accesses"], (Json{"Modify event state", "SYNCHRONIZE"}));
    EXPECT_EQ(records[2]["outcome"], "failure");
    EXPECT_EQ(records[2]["accesses"], Json{"Query event state"});
    EXPECT_EQ(records[3]["accesses"], Json{"Modify event state"});

    // A directory's list, set later: objects that are made in it.
    Named place(u"\\BaseNamedObjects");
    HANDLE directory = nullptr;
    ASSERT_EQ(NtOpenDirectoryObject(&directory, ACCESS_SYSTEM_SECURITY, &place.attributes), STATUS_SUCCESS);
    const auto list = se::parse_sddl("S:(AU;SA;0x4;;;WD)");
    EXPECT_EQ(NtSetSecurityObject(directory, SACL_SECURITY_INFORMATION, const_cast<std::byte*>(list->bytes().data())),
              STATUS_SUCCESS);
    NtClose(directory);
    Named plain(u"\\BaseNamedObjects\\Plain");
    ASSERT_EQ(NtCreateEvent(&made, EVENT_MODIFY_STATE, &plain.attributes, NotificationEvent, FALSE), STATUS_SUCCESS);
    NtClose(made);
    records = take();
    ASSERT_EQ(events(records), std::vector{4663});
    EXPECT_EQ(records[0]["object_type"], "Directory");
    EXPECT_EQ(records[0]["object_name"], "\\BaseNamedObjects");
    EXPECT_EQ(records[0]["accesses"], Json{"Create object in directory"});
}

// Alarms by type: entries about parts of the object count with them.
TEST_P(AuditTest, parts_of_an_object_are_recorded_as_the_list_says) {
    HANDLE own = nullptr, token = nullptr;
    open_tokens(&own, &token);
    GUID guids[] = {{1, 0, 0, {}}, {2, 0, 0, {}}, {3, 0, 0, {}}};
    OBJECT_TYPE_LIST types[] = {{0, 0, &guids[0]}, {1, 0, &guids[1]}, {1, 0, &guids[2]}};
    GENERIC_MAPPING mapping{1, 2, 4, 7};
    ACCESS_MASK granted[3] = {};
    NTSTATUS access[3] = {};
    BOOLEAN close = FALSE;
    Named subsystem(u"Directory"), type(u"User"), name(u"cn=x");
    const HANDLE id = reinterpret_cast<HANDLE>(0x55);
    const auto describe = [](const char* audited) {
        return *se::parse_sddl(
            std::string("O:LSG:LSD:(OA;;CC;00000002-0000-0000-0000-000000000000;;WD)(A;;DC;;;WD)S:(OU;SAFA;CCDC;") +
            audited + "-0000-0000-0000-000000000000;;WD)");
    };
    const auto second = describe("00000002"), third = describe("00000003"), none = describe("00000009");
    const auto each = [&](const se::SecurityDescriptor& descriptor, ACCESS_MASK desired, HANDLE client) {
        return NtAccessCheckByTypeResultListAndAuditAlarmByHandle(
            &subsystem.string, id, client, &type.string, &name.string,
            const_cast<std::byte*>(descriptor.bytes().data()), nullptr, desired, AuditEventDirectoryServiceAccess, 0,
            types, 3, &mapping, FALSE, granted, access, &close);
    };
    EXPECT_EQ(each(second, 1, own), STATUS_NO_IMPERSONATION_TOKEN);
    EXPECT_EQ(each(second, 1, token), STATUS_SUCCESS);
    EXPECT_EQ(access[0], STATUS_ACCESS_DENIED);
    EXPECT_EQ(access[1], STATUS_SUCCESS);
    EXPECT_EQ(granted[1], 1u);
    EXPECT_EQ(close, TRUE);
    EXPECT_EQ(each(third, 1, token), STATUS_SUCCESS);
    EXPECT_EQ(close, FALSE);  // that part was refused
    EXPECT_EQ(each(none, 1, token), STATUS_SUCCESS);
    EXPECT_EQ(close, FALSE);
    auto records = take();
    ASSERT_EQ(events(records), (std::vector{4656, 4656}));
    EXPECT_EQ(records[0]["outcome"], "success");
    EXPECT_EQ(records[0]["access_mask"], "0x1");
    EXPECT_EQ(records[0]["object_type"], "User");
    EXPECT_EQ(records[1]["outcome"], "failure");

    const auto whole = [&](const se::SecurityDescriptor& descriptor, ACCESS_MASK desired, ULONG flags) {
        return NtAccessCheckByTypeAndAuditAlarm(
            &subsystem.string, id, &type.string, &name.string, const_cast<std::byte*>(descriptor.bytes().data()),
            nullptr, desired, AuditEventObjectAccess, flags, types, 3, &mapping, FALSE, granted, access, &close);
    };
    const auto of_thread = [&](const se::SecurityDescriptor& descriptor, ACCESS_MASK desired, AUDIT_EVENT_TYPE kind) {
        return NtAccessCheckByTypeResultListAndAuditAlarm(
            &subsystem.string, id, &type.string, &name.string, const_cast<std::byte*>(descriptor.bytes().data()),
            nullptr, desired, kind, 0, types, 3, &mapping, FALSE, granted, access, &close);
    };
    EXPECT_EQ(whole(second, 2, 0), STATUS_NO_IMPERSONATION_TOKEN);
    ASSERT_EQ(NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &token, sizeof(token)),
              STATUS_SUCCESS);
    EXPECT_EQ(whole(second, 2, 0), STATUS_SUCCESS);  // all parts, so also the one that is audited
    EXPECT_EQ(access[0], STATUS_SUCCESS);
    EXPECT_EQ(granted[0], 2u);
    EXPECT_EQ(close, TRUE);
    EXPECT_EQ(whole(none, 1, 0), STATUS_SUCCESS);
    EXPECT_EQ(access[0], STATUS_ACCESS_DENIED);
    EXPECT_EQ(granted[0], 0u);
    EXPECT_EQ(whole(third, 2, 2), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(of_thread(third, 2, static_cast<AUDIT_EVENT_TYPE>(2)), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(of_thread(third, 2, AuditEventObjectAccess), STATUS_SUCCESS);
    EXPECT_EQ(close, TRUE);
    records = take();
    ASSERT_EQ(events(records), (std::vector{4656, 4656}));

    // Without the privilege: refused, or checked and not recorded.
    TOKEN_PRIVILEGES off{1, {{{SE_AUDIT_PRIVILEGE, 0}, 0}}};
    ASSERT_EQ(NtAdjustPrivilegesToken(own, FALSE, &off, 0, nullptr, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(whole(second, 2, 0), STATUS_PRIVILEGE_NOT_HELD);
    EXPECT_EQ(whole(second, 2, AUDIT_ALLOW_NO_PRIVILEGE), STATUS_SUCCESS);
    EXPECT_EQ(access[0], STATUS_SUCCESS);
    EXPECT_EQ(close, FALSE);
    EXPECT_TRUE(take().empty());
    HANDLE nobody = nullptr;
    ASSERT_EQ(NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &nobody, sizeof(nobody)),
              STATUS_SUCCESS);
    off.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
    EXPECT_EQ(NtAdjustPrivilegesToken(own, FALSE, &off, 0, nullptr, nullptr), STATUS_SUCCESS);
    NtClose(own);
    NtClose(token);
}

TEST_P(AuditTest, reading_needs_the_security_privilege) {
    HANDLE token = nullptr;
    ASSERT_EQ(NtOpenProcessToken(NtCurrentProcess(), MAXIMUM_ALLOWED, &token), STATUS_SUCCESS);
    TOKEN_PRIVILEGES change{1, {{{SE_SECURITY_PRIVILEGE, 0}, 0}}};
    ASSERT_EQ(NtAdjustPrivilegesToken(token, FALSE, &change, 0, nullptr, nullptr), STATUS_SUCCESS);
    HANDLE kept = std::exchange(log_, nullptr);
    EXPECT_EQ(open_log(), STATUS_PRIVILEGE_NOT_HELD);
    log_ = kept;
    change.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
    EXPECT_EQ(NtAdjustPrivilegesToken(token, FALSE, &change, 0, nullptr, nullptr), STATUS_SUCCESS);
    NtClose(token);
}

// What makes sense with a daemon alone.
class RemoteAuditTest : public AuditTest {};

// The subject is whoever calls, not the daemon.
TEST_P(RemoteAuditTest, the_subject_is_the_client) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    make("O:LSG:LSD:(A;;KR;;;WD)S:(AU;SAFA;KA;;;S-1-22-1-12345)");
    ASSERT_EQ(open_key(work, &key_), STATUS_SUCCESS);  // not of the one whose records are wanted
    Child client({"/proc/self/exe", "--client", socket()});
    EXPECT_EQ(client.wait(), 0);
    const auto records = take();
    ASSERT_EQ(events(records), (std::vector{4656, 4656, 4658}));
    EXPECT_EQ(records[0]["outcome"], "failure");
    for (const Json& record : records) {
        EXPECT_EQ(record["subject"], "S-1-22-1-12345");
        EXPECT_NE(record["process_id"], ::getpid());
    }
}

// What an administrator sees.
TEST_P(RemoteAuditTest, the_program_prints_what_is_kept) {
    make("O:LSG:LSD:(A;;KA;;;WD)S:(AU;SA;KA;;;WD)");
    const std::string after = std::to_string(last_);
    ASSERT_EQ(open_key(work, &key_), STATUS_SUCCESS);
    NtClose(key_);
    key_ = nullptr;
    const auto records = take();
    ASSERT_EQ(records.size(), 2u);
    const std::vector<std::string> arguments = {RG_BIN "/regent", "audit", "--socket", socket(), "--after", after};
    Child printer(arguments);
    for (const Json& record : records) EXPECT_EQ(Json::parse(printer.read_line()), record);
    EXPECT_EQ(printer.read_all(), "");
    EXPECT_EQ(printer.wait(), 0);
    Child teller(arguments, STDERR_FILENO);
    const std::string produced = std::to_string(batch_.Produced);
    EXPECT_EQ(teller.read_line(), "ledger: produced=" + produced + " kept=" + produced + " dropped=0; shown=2 lost=0");
    EXPECT_EQ(teller.wait(), 0);
    // The one that goes on prints what comes, and ends when it is told to.
    Child follower({RG_BIN "/regent", "audit", "--socket", socket(), "--after", std::to_string(last_), "--follow"});
    ASSERT_EQ(open_key(work, &key_), STATUS_SUCCESS);
    EXPECT_EQ(Json::parse(follower.read_line())["event"], 4656);
    follower.signal(SIGTERM);
    EXPECT_EQ(follower.wait(), 0);
}

std::string name_of_way(const testing::TestParamInfo<bool>& way) { return way.param ? "remote" : "in_process"; }
INSTANTIATE_TEST_SUITE_P(Ways, AuditTest, testing::Bool(), name_of_way);
INSTANTIATE_TEST_SUITE_P(Way, RemoteAuditTest, testing::Values(true), name_of_way);

// Another user: asks for too much, then for what it may have, and ends without closing it.
int run_client(const char* socket) {
    if (::setgid(12345) != 0 || ::setuid(12345) != 0) return 2;
    GateChoice choice;
    choice.socket = socket;
    if (!select_gate(choice)) return 3;
    HANDLE key = nullptr, log = nullptr;
    if (open_key(work, &key, KEY_SET_VALUE) != STATUS_ACCESS_DENIED) return 4;
    if (open_key(work, &key, KEY_QUERY_VALUE) != STATUS_SUCCESS) return 5;
    Named name(AUDIT_LINK_NAME);
    IO_STATUS_BLOCK status{};
    const NTSTATUS opened =
        NtCreateFile(&log, FILE_GENERIC_READ, &name.attributes, &status, nullptr, 0, 0, FILE_OPEN, 0, nullptr, 0);
    return NT_SUCCESS(opened) ? 6 : 0;
}

}  // namespace
}  // namespace regent::test

int main(int argc, char** argv) {
    if (argc == 3 && std::string_view(argv[1]) == "--client") return regent::test::run_client(argv[2]);
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
