// RgReadTree: a service of Regent's own (include/regent/tree.h, docs/adr/0013-read-tree.md).
#include "cm/tree_read.h"
#include "nt/reg_key.h"
#include "nt/service.h"
#include "nt/tree_walk.h"

namespace regent::nt {
namespace {

// The names that a path is made of. ERRORS: OBJECT_NAME_INVALID (one that no key has; too many).
Result<std::vector<Utf16View>> components_of(Utf16View path) {
    std::vector<Utf16View> names;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find(u'\\'), path.size());
        if (end == 0 || end > hive::max_key_name || end + 1 == path.size()) return fail(STATUS_OBJECT_NAME_INVALID);
        if (names.size() == hive::max_key_depth) return fail(STATUS_OBJECT_NAME_INVALID);
        names.push_back(path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return names;
}

}  // namespace
}  // namespace regent::nt

namespace regent::nt::service {

// ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER (flags), OBJECT_NAME_INVALID (After), the handle's, for
// its key those of NtQueryKey, NtEnumerateKey and NtEnumerateValueKey, BUFFER_TOO_SMALL, INSUFFICIENT_RESOURCES (a key
// of 4 GiB and more), NO_MORE_ENTRIES.
NTSTATUS RgReadTree(HANDLE KeyHandle, PUNICODE_STRING After, ULONG Flags, PVOID Buffer, ULONG Length,
                    PULONG ResultLength) {
    if (ResultLength == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto out = output_buffer(Buffer, Length);
    if (!out) return out.error().code();
    if (Flags != 0) return STATUS_INVALID_PARAMETER;
    CapturedString path;
    std::vector<Utf16View> names;
    if (After != nullptr) {
        if (const auto captured = path.capture(After); !captured) return captured.error().code();
        auto split = components_of(path.view());
        if (!split) return split.error().code();
        names = std::move(*split);
    }
    const auto key = reference_key(KeyHandle, cm::tree_read_access);
    if (!key) return key.error().code();
    cm::TreeAnswer answer(*out);
    const TreeWalk::Path after(names);
    const auto end = TreeWalk(KeyHandle, answer).run(After != nullptr ? &after : nullptr);
    // What stands in the way of the rest is told by the call that begins there.
    if (!end && answer.used() == 0) return end.error().code();
    const bool room = !end || *end == TreeWalk::End::room;
    if (room && answer.used() == 0) {
        if (answer.needed() > UINT32_MAX) return STATUS_INSUFFICIENT_RESOURCES;
        *ResultLength = static_cast<ULONG>(answer.needed());
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (answer.used() == 0) return STATUS_NO_MORE_ENTRIES;
    *ResultLength = static_cast<ULONG>(answer.used());
    return room ? STATUS_MORE_ENTRIES : STATUS_SUCCESS;
}

}  // namespace regent::nt::service
