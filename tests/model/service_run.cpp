#include "service_run.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "input.h"
#include "nt/ntexapi.h"
#include "nt/ntseapi.h"
#include "nt/ntservices.h"
#include "rtl/status.h"
#include "service_call.h"

namespace regent::test {

namespace {

constexpr Utf16View place = u"\\Registry\\Machine\\Software\\ServiceModel";
constexpr std::byte canary{0xBD};
constexpr NTSTATUS untouched = 0x7777;

class Run {
public:
    Run(const ServiceWorld& world, std::span<const std::uint8_t> input)
        : world_(world), input_(input), model_(world.base(), world.caller()) {}
    ~Run() {
        for (HANDLE& handle : handles_) close_real(handle);
        for (Watch& watch : watches_) close_real(watch.event);
        if (base_ != nullptr) remove_tree(base_);
        close_real(base_);
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    std::string run() {
        if (!begin()) return "the sequence could not begin: " + difference_;
        for (unsigned calls = 0; input_.any() && calls < 400; ++calls) {
            step();
            if (difference_.empty()) check_watches();
            if (!difference_.empty()) return log_ + difference_;
        }
        log_ += "  what is left\n";
        compare_tree(base_, model_.root());
        return difference_.empty() ? std::string() : log_ + difference_;
    }

private:
    struct Watch {
        HANDLE event = nullptr;
        IO_STATUS_BLOCK block{};
        ModelWatch model;
    };

    bool begin() {
        ServiceName name{Utf16(place)};
        // The way of the store's own keys is not under test: the base is a fresh key whose descriptor is known.
        note(NtCreateKey(&base_, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, 0, nullptr), STATUS_SUCCESS);
        SecurityBytes security({false, true, {{true, true, KEY_ALL_ACCESS}}});
        note(NtSetSecurityObject(base_, DACL_SECURITY_INFORMATION, security.pointer()), STATUS_SUCCESS);
        for (Watch& watch : watches_) {
            note(NtCreateEvent(&watch.event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE), STATUS_SUCCESS);
        }
        return difference_.empty();
    }

    void log(const char* verb, int slot, const std::string& rest = {}) {
        char line[160];
        std::snprintf(line, sizeof(line), "  %s h%d %s\n", verb, slot, rest.c_str());
        log_ += line;
    }
    void differ(std::string what) {
        if (difference_.empty()) difference_ = std::move(what);
    }
    void note(NTSTATUS real, NTSTATUS expected) {
        if (real == expected) return;
        differ("service: " + std::string(rtl::status_name(real)) + ", model: " + rtl::status_name(expected));
    }

    int slot() { return static_cast<int>(input_.below(Model::slot_count)); }
    HANDLE handle(int slot) const { return handles_[slot]; }

    void step() {
        static constexpr void (Run::* verbs[])() = {
            &Run::create,     &Run::create,      &Run::create,          &Run::open,         &Run::open,
            &Run::close,      &Run::set_value,   &Run::set_value,       &Run::set_value,    &Run::query_value,
            &Run::enum_value, &Run::enum_key,    &Run::query_key,       &Run::query_key,    &Run::delete_value,
            &Run::delete_key, &Run::rename,      &Run::set_information, &Run::set_security, &Run::query_security,
            &Run::notify,     &Run::notify,      &Run::query_several,   &Run::duplicate,    &Run::object_name,
            &Run::link,       &Run::query_value, &Run::delete_key,      &Run::read_tree};
        const unsigned verb = input_.byte();
        // A flush waits for the disk.
        if (verb == 0xFF) return flush();
        (this->*verbs[verb % std::size(verbs)])();
    }

    // ---- opening
    void open_as(bool create) {
        Model::Opening opening;
        int to = slot();
        opening.from = static_cast<int>(input_.below(Model::slot_count + 2));
        if (opening.from >= Model::slot_count) opening.from = Model::absolute;
        if (opening.from == to) to = (to + 1) % Model::slot_count;
        opening.path = input_.path();
        const unsigned bits = input_.byte();
        opening.odd_length = bits == 0xFF;
        opening.attributes = (bits & 1) != 0 ? OBJ_CASE_INSENSITIVE | OBJ_OPENLINK : OBJ_CASE_INSENSITIVE;
        opening.desired = input_.access();
        opening.create = create;
        if (opening.from == Model::absolute) {
            // Its first separator is ours; the base itself stays out of reach.
            while (!opening.path.empty() && opening.path.front() == u'\\') opening.path.erase(0, 1);
            if (opening.path.empty()) opening.path = u"N0";
        }
        if (create) {
            static constexpr ULONG options[] = {0,
                                                0,
                                                0,
                                                0,
                                                0,
                                                REG_OPTION_VOLATILE,
                                                REG_OPTION_CREATE_LINK,
                                                REG_OPTION_VOLATILE | REG_OPTION_CREATE_LINK};
            opening.options = (bits >> 1) == 0x20 ? 0x20 : options[(bits >> 1) % 8];
            if ((bits & 0x80) != 0) opening.class_name = Utf16(bits & 0x3F, u'C');
        } else {
            static constexpr ULONG options[] = {0, 0, 0, REG_OPTION_OPEN_LINK};
            opening.options = (bits >> 1) == 0x20 ? REG_OPTION_VOLATILE : options[(bits >> 1) % 4];
        }
        if (model_.slot(to)) close_both(to);
        call_open(opening, to);
    }
    void call_open(Model::Opening& opening, int to) {
        log(opening.create ? "create" : "open", to,
            "from h" + std::to_string(opening.from) + " " + printable(opening.path) + " access " +
                hex(opening.desired) + " options " + hex(opening.options) + " attributes " + hex(opening.attributes));
        const bool whole = opening.from == Model::absolute;
        ServiceName name(whole ? Utf16(place) + u'\\' + opening.path : opening.path,
                         whole ? nullptr : handle_or_bad(opening.from), opening.attributes);
        if (opening.odd_length) name.string.Length = static_cast<USHORT>(name.string.Length | 1);
        Utf16 class_text = opening.class_name;
        UNICODE_STRING class_name = rtl::unicode_string(class_text);
        HANDLE made = bad_handle;
        ULONG disposition = 0;
        NTSTATUS status;
        if (opening.create) {
            status = NtCreateKey(&made, opening.desired, &name.attributes, 0,
                                 class_text.empty() ? nullptr : &class_name, opening.options, &disposition);
        } else {
            status = NtOpenKeyEx(&made, opening.desired, &name.attributes, opening.options);
        }
        note(status, model_.open(to, opening));
        if (!NT_SUCCESS(status)) return;
        handles_[to] = made;
        if (opening.create && disposition != opening.disposition) differ("another disposition");
        OBJECT_BASIC_INFORMATION about{};
        note(NtQueryObject(made, ObjectBasicInformation, &about, sizeof(about), nullptr), STATUS_SUCCESS);
        if (difference_.empty() && about.GrantedAccess != model_.slot(to)->granted)
            differ("granted " + hex(about.GrantedAccess) + ", model: " + hex(model_.slot(to)->granted));
    }
    void create() { open_as(true); }
    void open() { open_as(false); }
    void close_both(int which) {
        note(NtClose(handle_or_bad(which)), model_.close(which));
        handles_[which] = nullptr;
    }
    void close() {
        const int which = slot();
        log("close", which);
        close_both(which);
    }
    void duplicate() {
        const int from = slot();
        const int to = slot();
        if (from == to) return;
        if (model_.slot(to)) close_both(to);
        log("duplicate", from, "to h" + std::to_string(to));
        HANDLE made = nullptr;
        note(NtDuplicateObject(NtCurrentProcess(), handle_or_bad(from), NtCurrentProcess(), &made, 0, 0,
                               DUPLICATE_SAME_ACCESS),
             model_.duplicate(from, to));
        if (model_.slot(to)) handles_[to] = made;
    }

    // ---- queries
    // What the caller's buffer is: null, at the limits of what the answer needs, or anything.
    ULONG choose_length(const Answer& expected) {
        const unsigned which = input_.below(16);
        const std::size_t header = expected.image ? expected.image->header : 16;
        const std::size_t full = expected.image ? expected.image->bytes.size() : 64;
        const std::size_t lengths[] = {0, header - 1, header, header + 1, full - 1, full, full + 8};
        return static_cast<ULONG>(which < std::size(lengths) ? lengths[which] : full + which);
    }
    // `ask(buffer, length, needed)`.
    template <typename Ask>
    void check_query(const Answer& expected, const Ask& ask) {
        const ULONG length = choose_length(expected);
        std::vector<std::byte> buffer(length + 16, canary);
        ULONG needed = 0xFFFFFFFF;
        const NTSTATUS status = ask(length == 0 ? nullptr : buffer.data(), length, &needed);
        if (!expected.image) return note(status, expected.status);
        const Image& image = *expected.image;
        NTSTATUS right = STATUS_SUCCESS;
        if (length < image.bytes.size()) right = STATUS_BUFFER_OVERFLOW;
        if (length < image.header) right = STATUS_BUFFER_TOO_SMALL;
        note(status, right);
        if (needed != image.bytes.size())
            differ("needs " + std::to_string(needed) + ", model: " + std::to_string(image.bytes.size()));
        compare(image, buffer, length < image.header ? 0 : length, length);
    }
    void compare(const Image& image, std::vector<std::byte> buffer, std::size_t answered, std::size_t length) {
        if (image.time_at && *image.time_at + 8 <= answered) {
            std::int64_t time = 0;
            std::memcpy(&time, buffer.data() + *image.time_at, sizeof(time));
            if (!image.timed->accept_time(time)) differ("the last write time is wrong");
            std::memcpy(buffer.data() + *image.time_at, image.bytes.data() + *image.time_at, sizeof(time));
        }
        for (std::size_t i = 0; i < buffer.size(); ++i) {
            const bool written = i < std::min(answered, image.bytes.size()) && image.written[i];
            if (!written && i < length && world_.remote()) continue;
            if (buffer[i] == (written ? image.bytes[i] : canary)) continue;
            return differ("byte " + std::to_string(i) + " is " + hex(std::to_integer<unsigned>(buffer[i])) +
                          ", model: " + hex(std::to_integer<unsigned>(written ? image.bytes[i] : canary)));
        }
    }
    void query_key() {
        const int which = slot();
        const unsigned what = input_.below(MaxKeyInfoClass + 1);
        log("query key", which, "class " + std::to_string(what));
        check_query(model_.query_key(which, what), [&](void* buffer, ULONG length, ULONG* needed) {
            return NtQueryKey(handle_or_bad(which), KEY_INFORMATION_CLASS(what), buffer, length, needed);
        });
    }
    void enum_key() {
        const int which = slot();
        const ULONG index = input_.below(6);
        const unsigned what = input_.below(4);
        log("enumerate key", which, std::to_string(index) + " class " + std::to_string(what));
        check_query(model_.enumerate_key(which, index, what), [&](void* buffer, ULONG length, ULONG* needed) {
            return NtEnumerateKey(handle_or_bad(which), index, KEY_INFORMATION_CLASS(what), buffer, length, needed);
        });
    }
    void query_value() {
        const int which = slot();
        ServiceName name(input_.value_name());
        const auto what = KEY_VALUE_INFORMATION_CLASS(input_.below(MaxKeyValueInfoClass + 1));
        log("query value", which, printable(name.text) + " class " + std::to_string(what));
        check_query(model_.query_value(which, name.text, what), [&](void* buffer, ULONG length, ULONG* needed) {
            return NtQueryValueKey(handle_or_bad(which), &name.string, what, buffer, length, needed);
        });
    }
    void enum_value() {
        const int which = slot();
        const ULONG index = input_.below(6);
        const auto what = KEY_VALUE_INFORMATION_CLASS(input_.below(MaxKeyValueInfoClass + 1));
        log("enumerate value", which, std::to_string(index) + " class " + std::to_string(what));
        check_query(model_.enumerate_value(which, index, what), [&](void* buffer, ULONG length, ULONG* needed) {
            return NtEnumerateValueKey(handle_or_bad(which), index, what, buffer, length, needed);
        });
    }
    void query_several() {
        const int which = slot();
        const unsigned count = input_.below(4);
        std::vector<Utf16> names;
        for (unsigned i = 0; i < count; ++i) names.push_back(input_.value_name());
        log("query values", which, std::to_string(count));
        std::vector<const ModelValue*> values;
        const NTSTATUS expected = model_.query_values(which, names, values);
        if (const std::string wrong =
                check_several(handle_or_bad(which), names, expected, values, input_.byte(), world_.remote());
            !wrong.empty())
            differ(wrong);
    }
    void read_tree() {
        const int which = slot();
        log("read tree", which);
        std::vector<ModelTreeKey> keys;
        const NTSTATUS expected = model_.read_tree(which, keys);
        if (const std::string wrong = check_tree(handle_or_bad(which), expected, keys, input_.byte()); !wrong.empty())
            differ(wrong);
    }
    void object_name() {
        const int which = slot();
        log("object name", which);
        const Answer expected = model_.object_name(which);
        alignas(UNICODE_STRING) std::byte buffer[8192];
        ULONG needed = 0;
        note(NtQueryObject(handle_or_bad(which), ObjectNameInformation, buffer, sizeof(buffer), &needed),
             expected.status);
        if (!expected.image || !difference_.empty()) return;
        UNICODE_STRING name;
        std::memcpy(&name, buffer, sizeof(name));
        const Data& text = expected.image->bytes;
        if (name.Length != text.size() || std::memcmp(name.Buffer, text.data(), text.size()) != 0)
            differ("another name");
    }

    // ---- changes
    void set_value() {
        const int which = slot();
        ServiceName name(input_.value_name());
        const ULONG type = input_.type();
        Data data = input_.data();
        log("set value", which, printable(name.text) + " type " + hex(type) + " size " + std::to_string(data.size()));
        note(NtSetValueKey(handle_or_bad(which), &name.string, 0, type, data.empty() ? nullptr : data.data(),
                           static_cast<ULONG>(data.size())),
             model_.set_value(which, name.text, type, data));
    }
    void link() {
        const int which = slot();
        ServiceName name(u"SymbolicLinkValue");
        Data data = input_.target(Utf16(world_.base()));
        log("set link", which);
        note(NtSetValueKey(handle_or_bad(which), &name.string, 0, REG_LINK, data.data(),
                           static_cast<ULONG>(data.size())),
             model_.set_value(which, name.text, REG_LINK, data));
    }
    void delete_value() {
        const int which = slot();
        ServiceName name(input_.value_name());
        log("delete value", which, printable(name.text));
        note(NtDeleteValueKey(handle_or_bad(which), &name.string), model_.delete_value(which, name.text));
    }
    void delete_key() {
        const int which = slot();
        log("delete key", which);
        note(NtDeleteKey(handle_or_bad(which)), model_.delete_key(which));
    }
    void rename() {
        const int which = slot();
        ServiceName name(input_.component());
        log("rename", which, printable(name.text));
        note(NtRenameKey(handle_or_bad(which), &name.string), model_.rename_key(which, name.text));
    }
    void flush() {
        const int which = slot();
        log("flush", which);
        note(NtFlushKey(handle_or_bad(which)), model_.flush_key(which));
    }
    void set_information() {
        static constexpr std::size_t sizes[] = {4, 4, 4, 8, 8, 0, 12, 2};
        const int which = slot();
        const unsigned what = input_.below(MaxKeySetInfoClass + 1);
        Data data(sizes[input_.below(std::size(sizes))], std::byte{0});
        if (!data.empty()) data[0] = static_cast<std::byte>(input_.byte() % 32);
        // A time in this century, else the next change's would be later by chance only.
        if (data.size() == 8) data[6] = std::byte{1};
        log("set information", which, std::to_string(what) + " size " + std::to_string(data.size()));
        note(NtSetInformationKey(handle_or_bad(which), KEY_SET_INFORMATION_CLASS(what),
                                 data.empty() ? nullptr : data.data(), static_cast<ULONG>(data.size())),
             model_.set_information(which, what, data));
    }
    void set_security() {
        const int which = slot();
        const ModelDacl dacl = input_.dacl();
        SecurityBytes bytes(dacl);
        log("set security", which, std::to_string(dacl.entries.size()) + " entries");
        note(NtSetSecurityObject(handle_or_bad(which), DACL_SECURITY_INFORMATION, bytes.pointer()),
             model_.set_dacl(which, dacl));
    }
    void query_security() {
        const int which = slot();
        log("query security", which);
        ModelDacl dacl;
        const NTSTATUS expected = model_.query_dacl(which, dacl);
        std::byte buffer[1024];
        ULONG needed = 0;
        note(NtQuerySecurityObject(handle_or_bad(which), DACL_SECURITY_INFORMATION, buffer, sizeof(buffer), &needed),
             expected);
        if (expected == STATUS_SUCCESS && difference_.empty() && dacl.known && !is_dacl(buffer, needed, dacl))
            differ("another DACL");
    }

    // ---- notification
    void notify() {
        const int which = slot();
        Watch& watch = watches_[input_.below(std::size(watches_))];
        const unsigned filter = input_.byte();
        const bool tree = input_.below(2) != 0;
        if (watch.model.armed && !watch.model.told) return;
        log("notify", which, "filter " + hex(filter % 0x14) + (tree ? " tree" : ""));
        watch.model = {};
        watch.block.Status = untouched;
        const NTSTATUS expected = model_.notify(which, filter % 0x14, tree, watch.model);
        note(NtNotifyChangeKey(handle_or_bad(which), watch.event, nullptr, nullptr, &watch.block, filter % 0x14, tree,
                               nullptr, 0, TRUE),
             expected);
        if (expected != STATUS_PENDING) watch.model = {};
    }
    void check_watches() {
        for (Watch& watch : watches_) {
            if (!watch.model.armed) continue;
            const bool told = watch.model.told.has_value();
            LARGE_INTEGER timeout;
            // Units of 100 ns. A change is told before its service returns; behind the gate the telling travels.
            timeout.QuadPart = told && world_.remote() ? -100'000'000 : 0;
            const NTSTATUS waited = NtWaitForSingleObject(watch.event, FALSE, &timeout);
            note(waited, told ? STATUS_WAIT_0 : STATUS_TIMEOUT);
            if (!difference_.empty()) return;
            const NTSTATUS status = told ? completed_status(watch.block) : watch.block.Status;
            // Behind the gate a pending call's block is not written (docs/protocol.md).
            note(status, told ? *watch.model.told : world_.remote() ? untouched : STATUS_PENDING);
            if (told) watch.model = {};
        }
    }

    // ---- all of it, at the end
    void compare_tree(HANDLE key, ModelKey& model) {
        if (const std::string wrong = compare_key(key, model); !wrong.empty()) return differ(wrong);
        for (const auto& [folded, child] : model.children) {
            HANDLE handle = nullptr;
            note(open_to_clean(key, child->name, &handle), STATUS_SUCCESS);
            if (!difference_.empty()) return;
            compare_tree(handle, *child);
            NtClose(handle);
        }
    }

    HANDLE handle_or_bad(int slot) const { return handles_[slot] != nullptr ? handles_[slot] : bad_handle; }

    const ServiceWorld& world_;
    Input input_;
    Model model_;
    HANDLE base_ = nullptr;
    HANDLE handles_[Model::slot_count]{};
    Watch watches_[3];
    std::string log_;
    std::string difference_;
};

}  // namespace

bool ServiceWorld::prepare(bool remote) {
    remote_ = remote;
    HANDLE key = nullptr;
    ServiceName name{Utf16(place)};
    if (NtCreateKey(&key, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, 0, nullptr) != STATUS_SUCCESS) return false;
    struct {
        ULONG size;
        char16_t text[256];
    } path{};
    ULONG needed = 0;
    if (NtQueryKey(key, KeyNameInformation, &path, sizeof(path), &needed) != STATUS_SUCCESS) return false;
    base_.assign(path.text, path.size / sizeof(char16_t));
    // An empty list grants nothing: what can be opened now is the privileges' doing.
    SecurityBytes nobody(ModelDacl{});
    if (NtSetSecurityObject(key, DACL_SECURITY_INFORMATION, nobody.pointer()) != STATUS_SUCCESS) return false;
    const auto opens = [&](ACCESS_MASK desired) {
        HANDLE opened = nullptr;
        if (NtOpenKey(&opened, desired, &name.attributes) != STATUS_SUCCESS) return false;
        NtClose(opened);
        return true;
    };
    caller_.takes_ownership = opens(WRITE_OWNER);
    caller_.manages_audit = opens(ACCESS_SYSTEM_SECURITY);
    const bool owned = opens(READ_CONTROL | WRITE_DAC) && !opens(KEY_QUERY_VALUE);
    const bool removed = NtDeleteKey(key) == STATUS_SUCCESS;
    NtClose(key);
    return owned && removed;
}

std::string run_services(const ServiceWorld& world, std::span<const std::uint8_t> input) {
    return Run(world, input).run();
}

}  // namespace regent::test
