// What the tests of stores and daemons share: a folder of their own, names for Nt calls, child processes.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "nt/ntservices.h"
#include "nt/ntstatus.h"
#include "rtl/status.h"
#include "rtl/utf16.h"

namespace regent::test {

// A folder that is removed with everything in it.
class TemporaryFolder {
public:
    TemporaryFolder() {
        char path[] = "/tmp/regent-test.XXXXXX";
        path_ = ::mkdtemp(path);
    }
    ~TemporaryFolder() { [[maybe_unused]] const int done = std::system(("rm -rf " + path_).c_str()); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

// OBJECT_ATTRIBUTES over a name that lives with it.
struct Named {
    Utf16 text;
    UNICODE_STRING string;
    OBJECT_ATTRIBUTES attributes;
    explicit Named(Utf16View name, HANDLE root = nullptr, ULONG flags = OBJ_CASE_INSENSITIVE)
        : text(name), string(rtl::unicode_string(text)) {
        InitializeObjectAttributes(&attributes, &string, flags, root, nullptr);
    }
    Named(const Named&) = delete;
    Named& operator=(const Named&) = delete;
};

inline NTSTATUS open_key(Utf16View path, HANDLE* key, ACCESS_MASK access = KEY_READ, ULONG flags = 0) {
    Named name(path, nullptr, OBJ_CASE_INSENSITIVE | flags);
    return NtOpenKey(key, access, &name.attributes);
}

inline NTSTATUS create_key(Utf16View path, HANDLE* key, ULONG options = 0) {
    Named name(path);
    return NtCreateKey(key, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, options, nullptr);
}

inline NTSTATUS set_dword(HANDLE key, Utf16View value, ULONG data) {
    Named name(value);
    return NtSetValueKey(key, &name.string, 0, REG_DWORD, &data, sizeof(data));
}

struct Partial {
    KEY_VALUE_PARTIAL_INFORMATION info;
    char16_t rest[2048];
};
inline NTSTATUS query(HANDLE key, Utf16View value, Partial& out) {
    Named name(value);
    ULONG needed = 0;
    return NtQueryValueKey(key, &name.string, KeyValuePartialInformation, &out, sizeof(out), &needed);
}
inline Utf16 string_of(const Partial& value) {
    Utf16 text(reinterpret_cast<const char16_t*>(value.info.Data), value.info.DataLength / sizeof(char16_t));
    while (!text.empty() && text.back() == u'\0') text.pop_back();
    return text;
}

// A program that is killed when the test forgets it. Its stdout (or stderr) can be read.
class Child {
public:
    explicit Child(std::vector<std::string> arguments, int captured = STDOUT_FILENO) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return;
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], captured);
        std::vector<char*> argv;
        for (std::string& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        if (::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) != 0) pid_ = -1;
        posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        output_ = ends[0];
    }
    ~Child() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            wait();
        }
        if (output_ >= 0) ::close(output_);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }
    std::string read_line() {
        std::string line;
        for (char c = 0; ::read(output_, &c, 1) == 1 && c != '\n';) line += c;
        return line;
    }
    std::string read_all() {
        std::string text;
        char buffer[512];
        for (ssize_t size = 0; (size = ::read(output_, buffer, sizeof(buffer))) > 0;)
            text.append(buffer, static_cast<std::size_t>(size));
        return text;
    }
    void signal(int number) const { ::kill(pid_, number); }
    // The exit code, or 128 + the signal.
    int wait() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    pid_t pid_ = -1;
    int output_ = -1;
};

}  // namespace regent::test
