// Communication ports of filters. Programs' side through a daemon, by fltuser.h: tests/e2e/port_test.py.
#include <cstring>
#include <thread>

#include "host_fixture.h"
#include "regent/fltport.h"

namespace regent::test {
namespace {

class FilterPort : public DriverHost {
protected:
    static NTSTATUS connect(HANDLE* port, const std::string& name, const std::string& context) {
        EXPECT_EQ(open_file("\\??\\FltMgr", port, 0), STATUS_SUCCESS);
        const Utf16 wide = rtl::from_utf8(name);
        const FLTPORT_CONNECT head{static_cast<USHORT>(wide.size() * 2), static_cast<USHORT>(context.size())};
        std::string request(reinterpret_cast<const char*>(&head), sizeof head);
        request.append(reinterpret_cast<const char*>(wide.data()), head.NameBytes);
        request += context;
        return control(*port, IOCTL_FLTPORT_CONNECT, request.data(), request.size(), nullptr, 0);
    }
    static NTSTATUS send(HANDLE port, std::string text, std::string* answer) {
        char output[64];
        IO_STATUS_BLOCK iosb{};
        const NTSTATUS status =
            ZwDeviceIoControlFile(port, nullptr, nullptr, nullptr, &iosb, IOCTL_FLTPORT_SEND, text.data(),
                                  static_cast<ULONG>(text.size()), output, sizeof output);
        answer->assign(output, NT_SUCCESS(status) ? iosb.Information : 0);
        return status;
    }
};

struct Received {
    FLTPORT_MESSAGE head;
    char text[32];
};

NTSTATUS answer_with(HANDLE port, std::uint64_t id, const char* text) {
    const FLTPORT_REPLY head{STATUS_SUCCESS, id};
    std::string reply(reinterpret_cast<const char*>(&head), sizeof head);
    reply += text;
    return control(port, IOCTL_FLTPORT_REPLY, reply.data(), reply.size(), nullptr, 0);
}

void take_and_answer(HANDLE port) {
    Received message{};
    EXPECT_EQ(control(port, IOCTL_FLTPORT_GET, nullptr, 0, &message, sizeof message), STATUS_SUCCESS);
    EXPECT_EQ(message.head.ReplyLength, 64 + sizeof(FLTPORT_REPLY));
    EXPECT_STREQ(message.text, "ask me");
    EXPECT_EQ(answer_with(port, message.head.MessageId, "yes"), STATUS_SUCCESS);
    EXPECT_EQ(answer_with(port, message.head.MessageId, "no"), NTSTATUS(0xC01C0020));  // nobody waits any more
    EXPECT_EQ(control(port, IOCTL_FLTPORT_GET, nullptr, 0, &message, sizeof message), STATUS_SUCCESS);
    EXPECT_EQ(message.head.ReplyLength, 0u);
}

TEST_F(FilterPort, both_sides_talk) {
    ASSERT_EQ(load("port", "port.sys"), STATUS_SUCCESS);
    HANDLE port = nullptr;
    EXPECT_EQ(connect(&port, "\\NoSuchPort", "open"), STATUS_OBJECT_NAME_NOT_FOUND);
    ZwClose(port);
    EXPECT_EQ(connect(&port, "\\WatchPort", "wrong"), STATUS_INVALID_PARAMETER);
    ZwClose(port);
    std::string answer;
    ASSERT_EQ(connect(&port, "\\watchport", "open"), STATUS_SUCCESS);
    HANDLE second = nullptr;
    EXPECT_EQ(connect(&second, "\\WatchPort", "open"), NTSTATUS(0xC0000246));  // one connection was asked for
    ZwClose(second);
    EXPECT_EQ(send(port, "echo this", &answer), STATUS_SUCCESS);
    EXPECT_EQ(answer, "echo this");
    EXPECT_EQ(send(port, "late", &answer), STATUS_IO_TIMEOUT);
    ZwClose(port);
    EXPECT_TRUE(printed("port: disconnected 1"));
    EXPECT_EQ(unload("port"), STATUS_SUCCESS);
    EXPECT_TRUE(printed("port: unloaded"));
    EXPECT_FALSE(printed("left")) << printed_after("left");
}

TEST_F(FilterPort, a_question_waits_for_its_answer) {
    ASSERT_EQ(load("port", "port.sys"), STATUS_SUCCESS);
    HANDLE port = nullptr;
    ASSERT_EQ(connect(&port, "\\WatchPort", "open"), STATUS_SUCCESS);
    std::thread answering([port] { take_and_answer(port); });
    std::string answer;
    EXPECT_EQ(send(port, "ask me", &answer), STATUS_SUCCESS);
    EXPECT_EQ(answer, "yes");
    EXPECT_EQ(send(port, "tell", &answer), STATUS_SUCCESS);
    answering.join();
    ZwClose(port);
    EXPECT_EQ(unload("port"), STATUS_SUCCESS);
    EXPECT_FALSE(printed("left")) << printed_after("left");
}

}  // namespace
}  // namespace regent::test
