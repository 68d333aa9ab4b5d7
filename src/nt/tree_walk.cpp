#include "nt/tree_walk.h"

#include <algorithm>

#include "cm/tree_read.h"
#include "nt/reg_key.h"

namespace regent::nt {
namespace {

// How often something that changes meanwhile is read again.
constexpr int most_attempts = 32;

class Handle {
public:
    ~Handle() {
        if (handle != nullptr) service::NtClose(handle);
    }
    HANDLE handle = nullptr;
};

NTSTATUS open_child(HANDLE parent, Utf16View name, Handle& child) {
    UNICODE_STRING string = rtl::unicode_string(name);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE | OBJ_OPENLINK, parent, nullptr);
    return service::NtOpenKey(&child.handle, cm::tree_read_access, &attributes);
}

// What a key answers that is not there any more.
bool is_gone(NTSTATUS status) {
    return status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_KEY_DELETED || status == STATUS_HIVE_UNLOADED;
}
// What no other key would answer differently.
bool ends_walk(NTSTATUS status) {
    return status == STATUS_INSUFFICIENT_RESOURCES || status == STATUS_TRANSACTION_NOT_ACTIVE ||
           status == STATUS_RM_NOT_ACTIVE;
}

// `ask(buffer, length, needed)` with as much room as it takes; the answer's bytes are in `answer`.
template <typename Ask>
NTSTATUS ask_whole(std::vector<std::byte>& answer, Ask ask) {
    constexpr std::size_t usual_size = 1024;
    answer.resize(std::max(answer.size(), usual_size));
    for (;;) {
        ULONG needed = 0;
        const NTSTATUS status = ask(answer.data(), static_cast<ULONG>(answer.size()), &needed);
        if (status != STATUS_BUFFER_OVERFLOW && status != STATUS_BUFFER_TOO_SMALL) return status;
        if (needed <= answer.size()) return STATUS_INSUFFICIENT_RESOURCES;  // a callback's answer, which never fits
        answer.resize(needed);
    }
}

// What an answer says is in it; a callback may say anything.
Bytes part(const std::vector<std::byte>& answer, std::size_t offset, std::size_t size) {
    return rtl::slice(answer, offset, size).value_or(Bytes{});
}
Utf16 units_of(Bytes bytes) {
    Utf16 text(bytes.size() / sizeof(char16_t), u'\0');
    if (!text.empty()) std::memcpy(text.data(), bytes.data(), text.size() * sizeof(char16_t));
    return text;
}

// The name of the subkey at `index`.
NTSTATUS name_at(HANDLE key, ULONG index, std::vector<std::byte>& buffer, Utf16& name) {
    const NTSTATUS status = ask_whole(buffer, [&](PVOID out, ULONG length, PULONG needed) {
        return service::NtEnumerateKey(key, index, KeyBasicInformation, out, length, needed);
    });
    if (!NT_SUCCESS(status)) return status;
    const auto& info = *reinterpret_cast<const KEY_BASIC_INFORMATION*>(buffer.data());
    name = units_of(part(buffer, offsetof(KEY_BASIC_INFORMATION, Name), info.NameLength));
    return !name.empty() && name.size() <= hive::max_key_name ? status : STATUS_OBJECT_NAME_INVALID;
}

Result<cm::KeyMoment> moment_of(HANDLE key) {
    const auto body = RG_TRY(reference_key(key, 0));
    return cm::key_moment(*body);
}

hive::NameView wide(Utf16View name) { return {std::as_bytes(std::span(name)), false}; }

}  // namespace

Result<TreeWalk::End> TreeWalk::run(const Path* after) { return enter({root_, 0, 0}, {}, after); }

// The key and what is below it; with `after`, only what comes behind that. By the services, unless nobody can tell.
Result<TreeWalk::End> TreeWalk::enter(const Place& place, Utf16View name, const Path* after) {
    // With the rights, once more: another thread of the caller may have put another handle in this one's place.
    const auto body = RG_TRY(reference_key(place.key, cm::tree_read_access));
    if (!cm::may_read_subtree(*body)) return enter_by_services(place, name, after);
    auto progress = cm::read_subtree(*body, {place.depth, place.path_units, name, after}, answer_);
    if (!progress) {
        const NTSTATUS status = progress.error().code();
        if (place.depth != 0 && is_gone(status)) return End::tree;
        return fail(status);
    }
    if (progress->end != cm::TreeEnd::declined) return progress->end == cm::TreeEnd::tree ? End::tree : End::room;
    if (!progress->told) return enter_by_services(place, name, after);
    const std::vector<Utf16View> names(progress->place.begin(), progress->place.end());
    const Path path(names);
    return enter_by_services(place, name, &path);
}

Result<TreeWalk::End> TreeWalk::enter_by_services(const Place& place, Utf16View name, const Path* after) {
    Content content;
    const NTSTATUS status = after == nullptr ? read(place.key, content) : read_flags(place.key, content.flags);
    if (!NT_SUCCESS(status)) {
        if (place.depth == 0 || ends_walk(status)) return fail(status);
        return after == nullptr ? refuse(status, place.depth, name) : End::tree;
    }
    if (after == nullptr) {
        if (place.depth != 0) content.name = name;
        if (place.path_units > cm::max_tree_path) content.flags |= RG_TREE_CUT;
        if (!tell(place.depth, content)) return End::room;
    }
    if ((content.flags & RG_TREE_LINK) != 0 || place.path_units > cm::max_tree_path) return End::tree;
    const auto end = descend(place, after != nullptr ? *after : Path());
    if (!end && place.depth != 0 && is_gone(end.error().code())) return End::tree;
    return end;
}

Result<TreeWalk::End> TreeWalk::descend(const Place& place, Path after) {
    std::optional<Utf16> last;
    if (!after.empty()) {
        const Path below = after.subspan(1);
        if (RG_TRY(visit(place, after.front(), &below)) == End::room) return End::room;
        last = Utf16(after.front());
    }
    for (bool more = true; more;) {
        const std::vector<Utf16> names = RG_TRY(names_after(place.key, last, more));
        for (const Utf16& name : names) {
            if (RG_TRY(visit(place, name, nullptr)) == End::room) return End::room;
        }
        if (!names.empty()) last = names.back();
    }
    return End::tree;
}

Result<TreeWalk::End> TreeWalk::visit(const Place& parent, Utf16View name, const Path* after) {
    Handle child;
    const unsigned depth = parent.depth + 1;
    const NTSTATUS opened = open_child(parent.key, name, child);
    if (!NT_SUCCESS(opened)) {
        if (ends_walk(opened)) return fail(opened);
        return after == nullptr ? refuse(opened, depth, name) : End::tree;
    }
    return enter({child.handle, depth, parent.path_units + (parent.depth != 0 ? 1 : 0) + name.size()}, name, after);
}

TreeWalk::End TreeWalk::refuse(NTSTATUS status, unsigned depth, Utf16View name) {
    if (is_gone(status)) return End::tree;
    return answer_.refused(status, depth, wide(name)) ? End::tree : End::room;
}

bool TreeWalk::tell(unsigned depth, const Content& content) {
    answer_.begin({content.last_write_time, content.flags, depth, wide(content.name), content.class_name});
    for (const Value& value : content.values) {
        const MutableBytes room = answer_.value(value.type, wide(value.name), static_cast<ULONG>(value.data.size()));
        if (!room.empty()) std::memcpy(room.data(), value.data.data(), value.data.size());
    }
    return answer_.end();
}

NTSTATUS TreeWalk::read_flags(HANDLE key, ULONG& flags) {
    KEY_FLAGS_INFORMATION info{};
    ULONG needed = 0;
    const NTSTATUS status = service::NtQueryKey(key, KeyFlagsInformation, &info, sizeof(info), &needed);
    flags = info.KeyFlags & (RG_TREE_VOLATILE | RG_TREE_LINK);
    return status;
}

NTSTATUS TreeWalk::read(HANDLE key, Content& content) {
    for (int attempt = 1;; ++attempt) {
        const auto before = moment_of(key);
        if (!before) return before.error().code();
        content = {};
        const NTSTATUS status = read_once(key, content);
        if (!NT_SUCCESS(status)) return status;
        const auto after = moment_of(key);
        if (!after) return after.error().code();
        if (after->follows(*before)) return status;
        if (attempt == most_attempts) {
            content.flags |= RG_TREE_UNSETTLED;
            return status;
        }
    }
}

NTSTATUS TreeWalk::read_once(HANDLE key, Content& content) {
    NTSTATUS status = ask_whole(buffer_, [&](PVOID out, ULONG length, PULONG needed) {
        return service::NtQueryKey(key, KeyNodeInformation, out, length, needed);
    });
    if (!NT_SUCCESS(status)) return status;
    const auto& node = *reinterpret_cast<const KEY_NODE_INFORMATION*>(buffer_.data());
    content.last_write_time = node.LastWriteTime.QuadPart;
    content.name = units_of(part(buffer_, offsetof(KEY_NODE_INFORMATION, Name), node.NameLength));
    const Bytes class_name = part(buffer_, node.ClassOffset, node.ClassLength);
    content.class_name.assign(class_name.begin(), class_name.end());
    status = read_flags(key, content.flags);
    if (!NT_SUCCESS(status)) return status;
    // Whether it may be enumerated is known before it is told.
    Utf16 first;
    status = name_at(key, 0, buffer_, first);
    if (!NT_SUCCESS(status) && status != STATUS_NO_MORE_ENTRIES) return status;
    for (ULONG index = 0;; ++index) {
        status = ask_whole(buffer_, [&](PVOID out, ULONG length, PULONG needed) {
            return service::NtEnumerateValueKey(key, index, KeyValueFullInformation, out, length, needed);
        });
        if (status == STATUS_NO_MORE_ENTRIES) return STATUS_SUCCESS;
        if (!NT_SUCCESS(status)) return status;
        const auto& full = *reinterpret_cast<const KEY_VALUE_FULL_INFORMATION*>(buffer_.data());
        const Bytes data = part(buffer_, full.DataOffset, full.DataLength);
        content.values.push_back({full.Type,
                                  units_of(part(buffer_, offsetof(KEY_VALUE_FULL_INFORMATION, Name), full.NameLength)),
                                  {data.begin(), data.end()}});
    }
}

// The index of the first name behind `last`; names are in order.
Result<ULONG> TreeWalk::index_after(HANDLE key, Utf16View last) {
    KEY_FULL_INFORMATION info{};
    ULONG needed = 0;
    const NTSTATUS asked = service::NtQueryKey(key, KeyFullInformation, &info, sizeof(info), &needed);
    if (!NT_SUCCESS(asked) && asked != STATUS_BUFFER_OVERFLOW) return fail(asked);
    ULONG low = 0;
    ULONG high = info.SubKeys;
    while (low < high) {
        const ULONG middle = low + (high - low) / 2;
        Utf16 name;
        const NTSTATUS status = name_at(key, middle, buffer_, name);
        if (!NT_SUCCESS(status) && status != STATUS_NO_MORE_ENTRIES) return fail(status);
        const bool behind = status == STATUS_NO_MORE_ENTRIES || rtl::compare_folded(name, last) > 0;
        (behind ? high : low) = behind ? middle : middle + 1;
    }
    return low;
}

// Names of subkeys behind `last`, in order; `more`: there may be others behind them. They are of one moment, or, where
// subkeys come and go all the time, all that were seen in several looks, so that none is missed which was there.
Result<std::vector<Utf16>> TreeWalk::names_after(HANDLE key, const std::optional<Utf16>& last, bool& more) {
    constexpr std::size_t most_names = 4096;
    const std::size_t wanted = std::min(answer_.room() / RG_TREE_KEY_HEADER + 1, most_names);
    const auto in_order = [](const Utf16& a, const Utf16& b) { return rtl::compare_folded(a, b) < 0; };
    std::vector<Utf16> seen;
    std::optional<Utf16> limit;  // the looks all reached so far
    for (int attempt = 1; attempt <= most_attempts; ++attempt) {
        const cm::KeyMoment before = RG_TRY(moment_of(key));
        std::vector<Utf16> names;
        ULONG index = last ? RG_TRY(index_after(key, *last)) : 0;
        NTSTATUS status = STATUS_SUCCESS;
        for (Utf16 name; names.size() < wanted; ++index) {
            status = name_at(key, index, buffer_, name);
            if (!NT_SUCCESS(status)) break;
            if (!last || rtl::compare_folded(name, *last) > 0) names.push_back(name);
        }
        if (!NT_SUCCESS(status) && status != STATUS_NO_MORE_ENTRIES) return fail(status);
        const bool ended = status == STATUS_NO_MORE_ENTRIES;
        if (RG_TRY(moment_of(key)).follows(before)) {
            more = !ended;
            return names;
        }
        if (!ended && (!limit || in_order(names.back(), *limit))) limit = names.back();
        seen.insert(seen.end(), names.begin(), names.end());
    }
    std::sort(seen.begin(), seen.end(), in_order);
    const auto same = [](const Utf16& a, const Utf16& b) { return rtl::equal_folded(a, b); };
    seen.erase(std::unique(seen.begin(), seen.end(), same), seen.end());
    if (limit) seen.erase(std::upper_bound(seen.begin(), seen.end(), *limit, in_order), seen.end());
    more = limit.has_value();
    return seen;
}

}  // namespace regent::nt
