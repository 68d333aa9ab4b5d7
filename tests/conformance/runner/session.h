// What one .regtest case works with: named handles, files, and the verbs that make system calls.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "nt/ntservices.h"
#include "rtl/status.h"
#include "script.h"

namespace regent::regtest {

// What a call gave: its status and named facts ("needed" -> "24") that the line may expect.
struct Outcome {
    NTSTATUS status = STATUS_SUCCESS;
    std::map<std::string, std::string> facts;
    std::string fault;    // a rule that holds for every call was broken, whatever the line expects
    bool misuse = false;  // the line itself is wrong; the text is in fault
    bool win32 = false;   // the answer is a Win32 error, in `error`
    std::uint32_t error = 0;
};
inline Outcome misuse(const std::string& text) { return {STATUS_SUCCESS, {}, text, true}; }

// OBJECT_ATTRIBUTES and what they point to.
class ObjectName {
public:
    OBJECT_ATTRIBUTES attributes{};

private:
    friend class Session;
    Utf16 name_;
    UNICODE_STRING string_{};
    std::vector<std::byte> descriptor_;
};

class Session {
public:
    explicit Session(std::string files) : files_(std::move(files)) {}
    ~Session() { end_case(); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Each case starts with an empty $T and no handles.
    NTSTATUS begin_case();
    void end_case();
    Outcome run(const Line& line);

    // For the verbs.
    HANDLE handle(const std::string& name) const;
    void keep(const std::string& name, HANDLE handle);
    void forget(const std::string& name) { handles_.erase(name); }
    // Of keys that were opened in a transaction.
    void mark_transacted(const std::string& name) { transacted_.insert(name); }
    bool is_transacted(const std::string& name) const { return transacted_.contains(name); }
    std::string expand(const std::string& text) const;
    // The bytes of SDDL in which $U stands for this process's user; empty when it is malformed.
    std::vector<std::byte> descriptor(const std::string& sddl) const;
    // Null with a message in `error` when the line's words are wrong.
    std::unique_ptr<ObjectName> object_name(const Line& line, std::size_t index, std::string* error) const;
    std::uint64_t number(const Line& line, const std::string& option, std::uint64_t otherwise) const;
    // Null when no such request was made through Nt.
    IO_STATUS_BLOCK* status_block(const std::string& name) { return blocks_[name].get(); }
    IO_STATUS_BLOCK& new_status_block(const std::string& name);

private:
    std::string files_;  // host directory behind $F
    std::map<std::string, HANDLE> handles_;
    std::set<std::string> transacted_;
    std::map<std::string, std::shared_ptr<IO_STATUS_BLOCK>> blocks_;
    std::vector<std::shared_ptr<IO_STATUS_BLOCK>> retired_;  // a late completion may still write into one
};

// The line in Win32's words; nothing when Reg* cannot say it.
std::optional<Outcome> run_win32(Session& session, const Line& line);

using Verb = Outcome (*)(Session&, const Line&);
void add_key_verbs(std::map<std::string, Verb>& verbs);
void add_value_verbs(std::map<std::string, Verb>& verbs);
void add_object_verbs(std::map<std::string, Verb>& verbs);
void add_hive_verbs(std::map<std::string, Verb>& verbs);
void add_multiple_verbs(std::map<std::string, Verb>& verbs);
void add_token_verbs(std::map<std::string, Verb>& verbs);
void add_transaction_verbs(std::map<std::string, Verb>& verbs);

// A buffer filled with 0xBD whose bytes past the length must stay so.
class Canary {
public:
    explicit Canary(std::size_t length) : bytes_(length + 64, filler), length_(length) {}
    void* data() { return bytes_.data(); }
    Bytes bytes() const { return Bytes(bytes_).first(length_); }
    bool intact() const;
    bool untouched() const;

private:
    static constexpr std::byte filler{0xBD};
    std::vector<std::byte> bytes_;
    std::size_t length_;
};

// The answer to every query: `needed`, `untouched`, `tail` (what stands behind the fixed header) and the canary.
Outcome describe_buffer(NTSTATUS status, const Canary& canary, ULONG needed, std::size_t header);

// The names that `enumerate(index)` tells in its fact `name`, until it says NO_MORE_ENTRIES, as one fact `fact`.
Outcome list_names(const char* fact, const std::function<Outcome(ULONG)>& enumerate);

}  // namespace regent::regtest
