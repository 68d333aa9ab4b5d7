#include "session.h"

#include <unistd.h>

#include "se/sddl.h"

namespace regent::regtest {
namespace {

const char test_root[] = "\\Registry\\Machine\\Software\\RegTest";

const std::map<std::string, Verb>& all_verbs() {
    static const std::map<std::string, Verb> verbs = [] {
        std::map<std::string, Verb> made;
        add_key_verbs(made);
        add_value_verbs(made);
        add_object_verbs(made);
        add_hive_verbs(made);
        add_multiple_verbs(made);
        add_token_verbs(made);
        add_transaction_verbs(made);
        return made;
    }();
    return verbs;
}

NTSTATUS open_path(const std::string& path, HANDLE* handle, bool create) {
    Utf16 name = rtl::from_utf8(path);
    UNICODE_STRING string = rtl::unicode_string(name);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE | OBJ_OPENLINK, nullptr, nullptr);
    if (!create) return NtOpenKey(handle, KEY_ALL_ACCESS, &attributes);
    return NtCreateKey(handle, KEY_ALL_ACCESS, &attributes, 0, nullptr, 0, nullptr);
}

// Whom this process works for.
std::string own_user() { return se::from_uid(static_cast<std::uint32_t>(geteuid())).to_string(); }

void delete_tree(HANDLE key) {
    alignas(8) std::byte buffer[1024];
    for (ULONG length = 0; NT_SUCCESS(NtEnumerateKey(key, 0, KeyBasicInformation, buffer, sizeof buffer, &length));) {
        auto* info = reinterpret_cast<KEY_BASIC_INFORMATION*>(buffer);
        UNICODE_STRING name{static_cast<USHORT>(info->NameLength), static_cast<USHORT>(info->NameLength), info->Name};
        OBJECT_ATTRIBUTES attributes;
        InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_OPENLINK, key, nullptr);
        HANDLE child = nullptr;
        if (!NT_SUCCESS(NtOpenKey(&child, KEY_ALL_ACCESS, &attributes)) &&
            !NT_SUCCESS(NtCreateKey(&child, 0, &attributes, 0, nullptr, REG_OPTION_BACKUP_RESTORE, nullptr))) {
            break;
        }
        delete_tree(child);
        const NTSTATUS deleted = NtDeleteKey(child);
        NtClose(child);
        if (!NT_SUCCESS(deleted)) break;
    }
}

}  // namespace

bool Canary::intact() const {
    for (std::size_t i = length_; i < bytes_.size(); ++i) {
        if (bytes_[i] != filler) return false;
    }
    return true;
}

bool Canary::untouched() const {
    for (std::byte byte : bytes_) {
        if (byte != filler) return false;
    }
    return true;
}

Outcome describe_buffer(NTSTATUS status, const Canary& canary, ULONG needed, std::size_t header) {
    Outcome outcome;
    outcome.status = status;
    outcome.facts["needed"] = std::to_string(needed);
    outcome.facts["untouched"] = canary.untouched() ? "yes" : "no";
    const std::size_t filled = std::min<std::size_t>(canary.bytes().size(), needed);
    if (filled >= header) outcome.facts["tail"] = to_hex(canary.bytes().subspan(header, filled - header));
    if (!canary.intact()) outcome.fault = "bytes past the buffer's length were written";
    return outcome;
}

Outcome list_names(const char* fact, const std::function<Outcome(ULONG)>& enumerate) {
    Outcome outcome;
    std::string names;
    for (ULONG index = 0;; ++index) {
        Outcome one = enumerate(index);
        outcome.status = one.status;
        if (!NT_SUCCESS(one.status)) break;
        names += (index == 0 ? "" : ",") + one.facts["name"];
    }
    if (outcome.status == STATUS_NO_MORE_ENTRIES) outcome.status = STATUS_SUCCESS;
    outcome.facts[fact] = names;
    return outcome;
}

NTSTATUS Session::begin_case() {
    HANDLE root = nullptr;
    const NTSTATUS status = open_path(test_root, &root, true);
    if (NT_SUCCESS(status)) NtClose(root);
    return status;
}

void Session::end_case() {
    HANDLE nobody = nullptr;
    NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &nobody, sizeof(nobody));
    for (auto& [name, handle] : handles_) NtClose(handle);
    handles_.clear();
    for (auto& [name, block] : blocks_) retired_.push_back(block);
    blocks_.clear();
    HANDLE root = nullptr;
    if (!NT_SUCCESS(open_path(test_root, &root, false))) return;
    delete_tree(root);
    NtDeleteKey(root);
    NtClose(root);
}

Outcome Session::run(const Line& line) {
    auto verb = all_verbs().find(line.verb);
    if (verb == all_verbs().end()) return misuse("no such verb: " + line.verb);
    return verb->second(*this, line);
}

HANDLE Session::handle(const std::string& name) const {
    if (name == "null") return nullptr;
    if (name == "bad") return reinterpret_cast<HANDLE>(std::uintptr_t{0x7FF4});
    if (name == "process") return NtCurrentProcess();
    auto found = handles_.find(name);
    // A name that never got a handle stands for one that nobody has.
    return found != handles_.end() ? found->second : reinterpret_cast<HANDLE>(std::uintptr_t{0x7FF8});
}

void Session::keep(const std::string& name, HANDLE handle) {
    if (auto old = handles_.find(name); old != handles_.end()) NtClose(old->second);
    handles_[name] = handle;
    transacted_.erase(name);
}

std::string Session::expand(const std::string& text) const {
    std::string result = text;
    for (const auto& [mark, value] :
         {std::pair<std::string, std::string>{"$T", test_root}, std::pair<std::string, std::string>{"$U", own_user()},
          std::pair<std::string, std::string>{"$F", "\\??\\UNIX" + files_}}) {
        for (std::size_t at = result.find(mark); at != std::string::npos; at = result.find(mark, at + value.size())) {
            result.replace(at, mark.size(), value);
        }
    }
    if (const std::size_t at = result.find("\\??\\UNIX"); at != std::string::npos) {
        for (char& letter : result) letter = letter == '/' ? '\\' : letter;
    }
    return result;
}

std::vector<std::byte> Session::descriptor(const std::string& sddl) const {
    const auto made = se::parse_sddl(expand(sddl));
    if (!made) return {};
    return {made->bytes().begin(), made->bytes().end()};
}

std::uint64_t Session::number(const Line& line, const std::string& option, std::uint64_t otherwise) const {
    if (!line.has(option)) return otherwise;
    return to_number(line.options.at(option).text).value_or(otherwise);
}

IO_STATUS_BLOCK& Session::new_status_block(const std::string& name) {
    if (blocks_.contains(name)) retired_.push_back(blocks_[name]);
    blocks_[name] = std::make_shared<IO_STATUS_BLOCK>();
    blocks_[name]->Status = static_cast<NTSTATUS>(0x7EADBEEF);
    return *blocks_[name];
}

std::unique_ptr<ObjectName> Session::object_name(const Line& line, std::size_t index, std::string* error) const {
    auto made = std::make_unique<ObjectName>();
    if (index >= line.words.size()) {
        *error = "a name is missing";
        return nullptr;
    }
    auto units = to_units(expand(line.words[index].text));
    if (!units) {
        *error = "a {unit} is malformed";
        return nullptr;
    }
    made->name_ = *std::move(units);
    made->string_ = rtl::unicode_string(made->name_);
    const auto flags = static_cast<ULONG>(number(line, "attributes", 0));
    InitializeObjectAttributes(&made->attributes, &made->string_, flags, nullptr, nullptr);
    if (line.has("root")) made->attributes.RootDirectory = handle(line.options.at("root").text);
    made->attributes.Length = static_cast<ULONG>(number(line, "oalength", sizeof(OBJECT_ATTRIBUTES)));
    if (line.has("sd")) {
        made->descriptor_ = descriptor(line.options.at("sd").text);
        if (made->descriptor_.empty()) {
            *error = "the SDDL is malformed";
            return nullptr;
        }
        made->attributes.SecurityDescriptor = made->descriptor_.data();
    }
    return made;
}

}  // namespace regent::regtest
