// The client stubs against the server stubs over a real socket, with a table of fakes in place of the executive.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <random>
#include <thread>

#include "nt/ntstatus.h"
#include "rpc/client.h"
#include "rpc/server_call.h"
#include "rtl/io_status.h"
#include "rtl/utf16.h"
#include "se/sddl.h"

namespace regent::rpc {
namespace {

HANDLE handle_of(std::uint64_t value) { return reinterpret_cast<HANDLE>(value); }

std::string temporary_folder() {
    char path[] = "/tmp/regent-rpc.XXXXXX";
    return ::mkdtemp(path);
}

// What the fakes saw, copied while the call's memory was valid.
struct Seen {
    HANDLE handle;
    ULONG values[4];
    Utf16 name;
    Utf16 other_name;
    std::string bytes;
    bool null_pointer;
    OBJECT_ATTRIBUTES attributes;
    se::SecurityDescriptor security;
    PIO_STATUS_BLOCK block;
    PVOID buffer;
};
Seen seen;

NTSTATUS fake_create_key(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes, ULONG,
                         PUNICODE_STRING class_name, ULONG options, PULONG disposition) {
    seen = {};
    seen.null_pointer = handle == nullptr;
    seen.values[0] = access;
    seen.values[1] = options;
    seen.other_name = class_name == nullptr ? u"(null)" : rtl::view(class_name);
    if (attributes != nullptr) {
        seen.attributes = *attributes;
        if (attributes->ObjectName != nullptr) seen.name = rtl::view(attributes->ObjectName);
        if (attributes->SecurityDescriptor != nullptr)
            seen.security = se::capture_descriptor(attributes->SecurityDescriptor).value();
    }
    if (handle != nullptr) *handle = handle_of(0x44);
    if (disposition != nullptr) *disposition = REG_CREATED_NEW_KEY;
    return STATUS_SUCCESS;
}

NTSTATUS fake_set_value(HANDLE handle, PUNICODE_STRING name, ULONG, ULONG type, PVOID data, ULONG size) {
    seen = {};
    seen.handle = handle;
    seen.null_pointer = data == nullptr;
    seen.values[0] = type;
    seen.values[1] = size;
    seen.name = rtl::view(name);
    if (data != nullptr) seen.bytes.assign(static_cast<const char*>(data), size);
    return STATUS_OBJECT_NAME_EXISTS;
}

// Writes bytes 2 and 3 of the buffer, one of them a zero, and nothing else.
NTSTATUS fake_query_value(HANDLE, PUNICODE_STRING, KEY_VALUE_INFORMATION_CLASS, PVOID buffer, ULONG length,
                          PULONG needed) {
    if (length < 4 || buffer == nullptr || needed == nullptr) return STATUS_BUFFER_TOO_SMALL;
    static_cast<char*>(buffer)[2] = 'x';
    static_cast<char*>(buffer)[3] = 0;
    *needed = 4;
    return STATUS_SUCCESS;
}

NTSTATUS fake_query_object(HANDLE, OBJECT_INFORMATION_CLASS, PVOID buffer, ULONG, PULONG) {
    auto* info = static_cast<OBJECT_NAME_INFORMATION*>(buffer);
    info->Name.Length = info->Name.MaximumLength = 4;
    info->Name.Buffer = reinterpret_cast<PWSTR>(info + 1);
    std::memcpy(info + 1, u"ok", 4);
    return STATUS_SUCCESS;
}

NTSTATUS fake_wait_many(ULONG count, const HANDLE* handles, WAIT_TYPE, BOOLEAN, PLARGE_INTEGER timeout) {
    seen = {};
    seen.values[0] = count;
    seen.null_pointer = timeout == nullptr;
    for (ULONG i = 0; handles != nullptr && i < count && count <= MAXIMUM_WAIT_OBJECTS; ++i) seen.handle = handles[i];
    return count <= MAXIMUM_WAIT_OBJECTS ? NTSTATUS(count - 1) : STATUS_INVALID_PARAMETER_1;
}

NTSTATUS fake_read(HANDLE, HANDLE, PIO_APC_ROUTINE, PVOID, PIO_STATUS_BLOCK block, PVOID buffer, ULONG, PLARGE_INTEGER,
                   PULONG) {
    seen = {};
    seen.block = block;
    seen.buffer = buffer;
    return STATUS_PENDING;
}

NTSTATUS fake_set_event(HANDLE, PLONG previous) {
    if (previous != nullptr) *previous = 1;
    // Completes the read that is pending: bytes first, then the block.
    if (seen.block != nullptr) {
        std::memcpy(seen.buffer, "data", 4);
        rtl::complete_io_status(seen.block, STATUS_SUCCESS, 4);
        seen.block = nullptr;  // the call that it belongs to goes now
    }
    return STATUS_SUCCESS;
}

nt::ServiceTable fakes() {
    nt::ServiceTable table{};
    table.NtCreateKey = fake_create_key;
    table.NtSetValueKey = fake_set_value;
    table.NtQueryValueKey = fake_query_value;
    table.NtQueryObject = fake_query_object;
    table.NtWaitForMultipleObjects = fake_wait_many;
    table.NtReadFile = fake_read;
    table.NtSetEvent = fake_set_event;
    return table;
}

// A server of one connection: what Server does, without an executive.
class FakeServer {
public:
    FakeServer() : folder_(temporary_folder()), path_(folder_ + "/socket"), listener_(listen_socket(path_).value()) {
        thread_ = std::thread([this] { run(); });
    }
    ~FakeServer() {
        RemoteGate::instance().close();
        thread_.join();
        ::unlink(path_.c_str());
        ::rmdir(folder_.c_str());
    }
    const std::string& path() const { return path_; }

private:
    void run() {
        Socket socket(::accept(listener_.fd(), nullptr, nullptr));
        std::vector<std::byte> frame;
        if (!receive_frame(socket, frame)) return;
        const auto* hello = rtl::record_at<HelloRecord>(Bytes(frame), sizeof(FrameHeader));
        WelcomeRecord welcome{};
        welcome.version = protocol_version;
        welcome.fingerprint = hello->fingerprint;
        Writer reply;
        reply.begin_frame(FrameKind::welcome);
        reply.put(welcome);
        reply.end_frame(0);
        const nt::ServiceTable table = fakes();
        std::unique_ptr<ServerCall> pending;
        std::uint64_t completions = 0;
        while (send_frame(socket, reply.bytes()) && receive_frame(socket, frame)) {
            const auto* record = rtl::record_at<RecordHeader>(Bytes(frame), sizeof(FrameHeader));
            reply.begin_frame(FrameKind::replies);
            auto call = std::make_unique<ServerCall>(Bytes(frame).subspan(sizeof(FrameHeader) + sizeof(RecordHeader)),
                                                     reply, record->service);
            if (!serve_call(record->service, *call, table)) return;
            reply.end_record();
            if (call->pending()) pending = std::move(call);
            if (pending && pending->completed()) {
                pending->write_completion(reply, ++completions);
                pending.reset();
            }
            reply.end_frame(completions);
        }
    }

    std::string folder_;
    std::string path_;
    Socket listener_;
    std::thread thread_;
};

class RpcTest : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(RemoteGate::instance().open(server_.path())); }
    const nt::ServiceTable& remote_ = remote_table();
    FakeServer server_;
};

TEST_F(RpcTest, create_key_carries_attributes_names_and_security) {
    const auto security = se::parse_sddl("O:BAG:BAD:(A;CI;KA;;;SY)").value();
    UNICODE_STRING name = rtl::unicode_string(u"\\Registry\\Machine\\x");
    UNICODE_STRING class_name = rtl::unicode_string(u"class");
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, handle_of(8),
                               const_cast<std::byte*>(security.bytes().data()));
    HANDLE handle = nullptr;
    ULONG disposition = 0;
    EXPECT_EQ(remote_.NtCreateKey(&handle, KEY_READ, &attributes, 0, &class_name, 1, &disposition), STATUS_SUCCESS);
    EXPECT_EQ(handle, handle_of(0x44));
    EXPECT_EQ(disposition, ULONG(REG_CREATED_NEW_KEY));
    EXPECT_EQ(seen.name, u"\\Registry\\Machine\\x");
    EXPECT_EQ(seen.other_name, u"class");
    EXPECT_EQ(seen.attributes.RootDirectory, handle_of(8));
    EXPECT_EQ(seen.attributes.Attributes, ULONG(OBJ_CASE_INSENSITIVE));
    EXPECT_TRUE(seen.security == security);
}

TEST_F(RpcTest, null_pointers_arrive_as_null) {
    EXPECT_EQ(remote_.NtCreateKey(nullptr, 0, nullptr, 0, nullptr, 0, nullptr), STATUS_SUCCESS);
    EXPECT_TRUE(seen.null_pointer);
    EXPECT_EQ(seen.other_name, u"(null)");
    UNICODE_STRING name = rtl::unicode_string(u"v");
    EXPECT_EQ(remote_.NtSetValueKey(handle_of(4), &name, 0, REG_SZ, nullptr, 12), STATUS_OBJECT_NAME_EXISTS);
    EXPECT_TRUE(seen.null_pointer);
    EXPECT_EQ(seen.values[1], 12u);
}

TEST_F(RpcTest, a_wrong_attributes_length_arrives_wrong) {
    OBJECT_ATTRIBUTES attributes{};
    attributes.Length = 7;
    HANDLE handle = nullptr;
    EXPECT_EQ(remote_.NtCreateKey(&handle, 0, &attributes, 0, nullptr, 0, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(seen.attributes.Length, 7u);
}

TEST_F(RpcTest, large_values_arrive_whole) {
    std::string data(3'000'000, 'v');
    data[1'234'567] = 'w';
    UNICODE_STRING name = rtl::unicode_string(u"big");
    EXPECT_EQ(remote_.NtSetValueKey(handle_of(4), &name, 0, 0xff00ff00, data.data(), ULONG(data.size())),
              STATUS_OBJECT_NAME_EXISTS);
    EXPECT_EQ(seen.values[0], 0xff00ff00u);
    EXPECT_EQ(seen.bytes, data);
}

TEST_F(RpcTest, bytes_that_the_service_leaves_alone_keep_their_contents) {
    UNICODE_STRING name = rtl::unicode_string(u"v");
    char buffer[8];
    std::memset(buffer, 0x5A, sizeof(buffer));
    ULONG needed = 99;
    EXPECT_EQ(remote_.NtQueryValueKey(handle_of(4), &name, KeyValueBasicInformation, buffer, 3, &needed),
              STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(needed, 99u);
    EXPECT_EQ(std::string(buffer, 8), "ZZZZZZZZ");
    EXPECT_EQ(remote_.NtQueryValueKey(handle_of(4), &name, KeyValueBasicInformation, buffer, 8, &needed),
              STATUS_SUCCESS);
    EXPECT_EQ(needed, 4u);
    EXPECT_EQ(std::string(buffer, 8), std::string("ZZx\0ZZZZ", 8));
}

TEST_F(RpcTest, names_point_into_the_callers_buffer) {
    alignas(8) std::byte buffer[64] = {};
    EXPECT_EQ(remote_.NtQueryObject(handle_of(4), ObjectNameInformation, buffer, sizeof(buffer), nullptr),
              STATUS_SUCCESS);
    const auto* info = reinterpret_cast<const OBJECT_NAME_INFORMATION*>(buffer);
    EXPECT_EQ(reinterpret_cast<const std::byte*>(info->Name.Buffer), buffer + sizeof(*info));
    EXPECT_EQ(rtl::view(info->Name), u"ok");
}

TEST_F(RpcTest, handle_arrays_up_to_the_limit_and_beyond) {
    std::vector<HANDLE> handles(MAXIMUM_WAIT_OBJECTS + 1, handle_of(4));
    handles[MAXIMUM_WAIT_OBJECTS - 1] = handle_of(0x40);
    EXPECT_EQ(remote_.NtWaitForMultipleObjects(64, handles.data(), WaitAny, FALSE, nullptr), 63);
    EXPECT_EQ(seen.handle, handle_of(0x40));
    EXPECT_TRUE(seen.null_pointer);
    EXPECT_EQ(remote_.NtWaitForMultipleObjects(1000, handles.data(), WaitAny, FALSE, nullptr),
              STATUS_INVALID_PARAMETER_1);
}

TEST_F(RpcTest, a_pending_call_completes_before_the_call_that_shows_it_returns) {
    char buffer[8] = {'-', '-', '-', '-', '-', '-', '-', '-'};
    IO_STATUS_BLOCK block{};
    block.Status = STATUS_PENDING;
    EXPECT_EQ(remote_.NtReadFile(handle_of(4), nullptr, nullptr, nullptr, &block, buffer, 8, nullptr, nullptr),
              STATUS_PENDING);
    EXPECT_EQ(std::string(buffer, 8), "--------");
    LONG previous = 0;
    EXPECT_EQ(remote_.NtSetEvent(handle_of(4), &previous), STATUS_SUCCESS);
    EXPECT_EQ(previous, 1);
    EXPECT_EQ(block.Status, STATUS_SUCCESS);
    EXPECT_EQ(block.Information, 4u);
    EXPECT_EQ(std::string(buffer, 8), "data----");
}

TEST_F(RpcTest, apcs_are_refused_and_the_connection_lives_on) {
    IO_STATUS_BLOCK block{};
    const auto apc = [](PVOID, PIO_STATUS_BLOCK, ULONG) {};
    EXPECT_EQ(remote_.NtReadFile(handle_of(4), nullptr, apc, nullptr, &block, nullptr, 0, nullptr, nullptr),
              STATUS_NOT_SUPPORTED);
    EXPECT_EQ(remote_.NtSetEvent(handle_of(4), nullptr), STATUS_SUCCESS);
}

TEST(RpcClientTest, calls_after_the_server_is_gone_fail_and_stay_failed) {
    {
        FakeServer server;
        ASSERT_TRUE(RemoteGate::instance().open(server.path()));
    }
    EXPECT_EQ(remote_table().NtSetEvent(handle_of(4), nullptr), STATUS_PORT_DISCONNECTED);
}

TEST(RpcSocketTest, a_path_that_is_too_long_is_named_with_its_length) {
    const auto listener = listen_socket("/tmp/" + std::string(200, 'x'));
    ASSERT_FALSE(listener);
    EXPECT_NE(listener.error().find("205 bytes"), std::string::npos) << listener.error();
}

TEST(RpcSocketTest, a_live_socket_is_refused_and_a_stale_one_replaced) {
    const std::string folder = temporary_folder();
    const std::string path = folder + "/socket";
    {
        const auto first = listen_socket(path);
        ASSERT_TRUE(first);
        const auto second = listen_socket(path);
        ASSERT_FALSE(second);
        EXPECT_NE(second.error().find("another server"), std::string::npos);
    }
    EXPECT_TRUE(listen_socket(path));  // the file is still there, nobody listens
    ::unlink(path.c_str());
    ::rmdir(folder.c_str());
}

// Random frames and damaged true ones: nothing but good() false or a call of a fake may come of them.
TEST(RpcServerCallTest, no_frame_harms_the_decoder) {
    const nt::ServiceTable table = [] {
        nt::ServiceTable all = fakes();
        return all;
    }();
    std::mt19937 random(20061);
    constexpr nt::ServiceNumber faked[] = {nt::ServiceNumber::NtCreateKey, nt::ServiceNumber::NtQueryValueKey,
                                           nt::ServiceNumber::NtSetValueKey,
                                           nt::ServiceNumber::NtWaitForMultipleObjects};
    for (int round = 0; round < 20000; ++round) {
        std::vector<std::byte> frame(random() % 160);
        for (std::byte& byte : frame) byte = std::byte(random() % (round % 2 == 0 ? 256u : 4u));
        Writer reply;
        reply.begin_frame(FrameKind::replies);
        const auto number = static_cast<std::uint16_t>(faked[random() % std::size(faked)]);
        ServerCall call(frame, reply, number);
        seen.block = nullptr;
        serve_call(number, call, table);
    }
    Writer reply;
    ServerCall call({}, reply, 0xFFFF);
    EXPECT_FALSE(serve_call(0xFFFF, call, table));
}

// A call of NtAccessCheckByTypeResultList as a client writes it, but with lengths that need not fit.
struct TypesFrame {
    std::uint32_t told = 2;       // by the argument
    std::uint32_t types = 2;      // by the list
    std::uint32_t statuses = 8;   // bytes of the last array
    std::uint32_t sid_size = 12;  // bytes that follow
    std::vector<std::byte> bytes() const {
        Writer frame;
        frame.put<std::uint8_t>(0);  // no descriptor
        frame.put<std::uint8_t>(1);
        frame.put(sid_size);
        frame.put_bytes(&se::well_known::world(), 12);
        frame.put<std::uint64_t>(4);
        frame.put<std::uint32_t>(1);
        frame.put<std::uint8_t>(1);
        frame.put(types);
        for (std::uint16_t i = 0; i < 2; ++i) {
            frame.put(i);
            frame.put<std::uint8_t>(1);
            frame.put(GUID{i, 0, 0, {}});
        }
        frame.put(told);
        frame.put<std::uint8_t>(0);  // no mapping
        frame.put<std::uint8_t>(0);  // no buffer, no length
        frame.put<std::uint8_t>(0);
        for (const std::uint32_t size : {8u, statuses}) {
            frame.put<std::uint8_t>(1);
            frame.put(size);
            frame.put<std::uint32_t>(0);
        }
        return {frame.bytes().begin(), frame.bytes().end()};
    }
};

// Whether the frame was a call; the service touches all that it is given.
bool serve_types(const std::vector<std::byte>& frame) {
    nt::ServiceTable table{};
    table.NtAccessCheckByTypeResultList = [](PSECURITY_DESCRIPTOR, PSID self, HANDLE, ACCESS_MASK,
                                             POBJECT_TYPE_LIST types, ULONG count, GENERIC_MAPPING*, PVOID, PULONG,
                                             ACCESS_MASK* granted, NTSTATUS* status) {
        // The server lets only a whole SID through.
        if (self != nullptr) {
            EXPECT_TRUE(se::Sid::from_bytes(rtl::as_bytes(self, 8 + 4 * std::size_t{static_cast<UCHAR*>(self)[1]})));
        }
        for (ULONG i = 0; i < count; ++i) {
            if (types != nullptr && types[i].ObjectType != nullptr) seen.values[0] = types[i].ObjectType->Data1;
            if (granted != nullptr) granted[i] = i;
            if (status != nullptr) status[i] = static_cast<NTSTATUS>(i);
        }
        return STATUS_SUCCESS;
    };
    Writer reply;
    reply.begin_frame(FrameKind::replies);
    const auto number = static_cast<std::uint16_t>(nt::ServiceNumber::NtAccessCheckByTypeResultList);
    ServerCall call(frame, reply, number);
    return serve_call(number, call, table);
}

TEST(RpcServerCallTest, types_that_do_not_fit_are_no_call) {
    EXPECT_TRUE(serve_types(TypesFrame{}.bytes()));
    EXPECT_EQ(seen.values[0], 1u);
    EXPECT_FALSE(serve_types(TypesFrame{.told = 3}.bytes()));
    EXPECT_FALSE(serve_types(TypesFrame{.types = 1}.bytes()));
    EXPECT_FALSE(serve_types(TypesFrame{.told = 4097, .types = 4097}.bytes()));
    EXPECT_FALSE(serve_types(TypesFrame{.statuses = 4}.bytes()));
    EXPECT_FALSE(serve_types(TypesFrame{.sid_size = 8}.bytes()));
    const auto whole = TypesFrame{}.bytes();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(serve_types({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)})) << size;
    }
    std::mt19937 random(4663);
    for (int round = 0; round < 5000; ++round) {
        auto damaged = whole;
        damaged[random() % damaged.size()] ^= std::byte(1u << random() % 8);
        serve_types(damaged);
    }
}

}  // namespace
}  // namespace regent::rpc
