// A program beside the test driver `port`: talks to it by fltuser.h, through whichever registry the environment names.
// Prints what it saw; the exit code is 0 when all of it was right.
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "win32/fltuser.h"

namespace {

int wrong = 0;
void expect(bool right, const char* what) {
    if (right) return;
    std::printf("wrong: %s\n", what);
    wrong++;
}

std::string send(HANDLE port, std::string text, HRESULT* result) {
    char answer[64];
    DWORD size = 0;
    *result = FilterSendMessage(port, text.data(), static_cast<DWORD>(text.size()), answer, sizeof answer, &size);
    return {answer, size};
}

struct Received {
    FILTER_MESSAGE_HEADER head;
    char text[32];
};
struct Reply {
    FILTER_REPLY_HEADER head;
    char text[8];
};

void answer_one(HANDLE port) {
    Received message{};
    expect(FilterGetMessage(port, &message.head, sizeof message, nullptr) == S_OK, "get");
    expect(std::strcmp(message.text, "ask me") == 0, "the message");
    Reply reply{{0, message.head.MessageId}, "yes"};
    expect(FilterReplyMessage(port, &reply.head, sizeof reply.head + 3) == S_OK, "reply");
}

}  // namespace

int main() {
    HANDLE port = nullptr;
    HRESULT result = 0;
    expect(FilterConnectCommunicationPort(u"\\NoSuchPort", 0, nullptr, 0, nullptr, &port) ==
               HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND),
           "a port that is not there");
    if (FilterConnectCommunicationPort(u"\\WatchPort", 0, "open", 4, nullptr, &port) != S_OK) {
        std::puts("wrong: connect");
        return 1;
    }
    expect(send(port, "echo this", &result) == "echo this" && result == S_OK, "echo");
    std::thread answering([port] { answer_one(port); });
    expect(send(port, "ask me", &result) == "yes" && result == S_OK, "ask");
    answering.join();
    std::thread waiting([port] {  // until the port is closed
        Received message{};
        FilterGetMessage(port, &message.head, sizeof message, nullptr);
    });
    waiting.detach();
    std::puts("talked");
    std::fflush(stdout);
    std::_Exit(wrong == 0 ? 0 : 1);  // with the connection open and a request waiting
}
