// NtQueryKey's and NtEnumerateKey's information classes.
#include "cm/transacted_key.h"

namespace regent::cm {

namespace {

constexpr std::uint32_t no_class = 0xFFFFFFFF;
constexpr std::uint32_t flag_volatile = 1;  // KEY_FLAGS_INFORMATION.KeyFlags
constexpr std::uint32_t flag_link = 2;

std::size_t align4(std::size_t offset) { return (offset + 3) & ~std::size_t{3}; }

std::uint32_t u32(std::size_t size) { return static_cast<std::uint32_t>(size); }

// `name` stands apart from `info`, since a mount point shows its own name over the mounted root's content.
QueryOutcome write_basic(std::int64_t last_write_time, const hive::NameView& name, MutableBytes out) {
    InfoWriter writer(out, offsetof(KEY_BASIC_INFORMATION, Name));
    writer.field(offsetof(KEY_BASIC_INFORMATION, LastWriteTime), last_write_time);
    writer.field(offsetof(KEY_BASIC_INFORMATION, TitleIndex), std::uint32_t{0});
    writer.field(offsetof(KEY_BASIC_INFORMATION, NameLength), u32(name.byte_size()));
    writer.name(offsetof(KEY_BASIC_INFORMATION, Name), name);
    return writer.finish();
}

QueryOutcome write_node(const hive::KeyInfo& info, const hive::NameView& name, MutableBytes out) {
    constexpr std::size_t header = offsetof(KEY_NODE_INFORMATION, Name);
    const std::size_t class_at = align4(header + name.byte_size());
    const bool has_class = !info.class_name.empty();
    InfoWriter writer(out, header);
    writer.field(offsetof(KEY_NODE_INFORMATION, LastWriteTime), info.last_write_time);
    writer.field(offsetof(KEY_NODE_INFORMATION, TitleIndex), std::uint32_t{0});
    writer.field(offsetof(KEY_NODE_INFORMATION, ClassOffset), has_class ? u32(class_at) : no_class);
    writer.field(offsetof(KEY_NODE_INFORMATION, ClassLength), u32(info.class_name.size()));
    writer.field(offsetof(KEY_NODE_INFORMATION, NameLength), u32(name.byte_size()));
    writer.name(header, name);
    writer.bytes(class_at, info.class_name);
    return writer.finish();
}

QueryOutcome write_full(const hive::KeyInfo& info, MutableBytes out) {
    constexpr std::size_t header = offsetof(KEY_FULL_INFORMATION, Class);
    const bool has_class = !info.class_name.empty();
    InfoWriter writer(out, header);
    writer.field(offsetof(KEY_FULL_INFORMATION, LastWriteTime), info.last_write_time);
    writer.field(offsetof(KEY_FULL_INFORMATION, TitleIndex), std::uint32_t{0});
    writer.field(offsetof(KEY_FULL_INFORMATION, ClassOffset), has_class ? u32(header) : no_class);
    writer.field(offsetof(KEY_FULL_INFORMATION, ClassLength), u32(info.class_name.size()));
    writer.field(offsetof(KEY_FULL_INFORMATION, SubKeys), info.subkey_count);
    writer.field(offsetof(KEY_FULL_INFORMATION, MaxNameLength), info.max_subkey_name_bytes);
    writer.field(offsetof(KEY_FULL_INFORMATION, MaxClassLength), info.max_subkey_class_bytes);
    writer.field(offsetof(KEY_FULL_INFORMATION, Values), info.value_count);
    writer.field(offsetof(KEY_FULL_INFORMATION, MaxValueNameLength), info.max_value_name_bytes);
    writer.field(offsetof(KEY_FULL_INFORMATION, MaxValueDataLength), info.max_value_data_bytes);
    writer.bytes(header, info.class_name);
    return writer.finish();
}

// The header ends at 36; Windows reports 40, the size of the padded structure (QB-3).
QueryOutcome write_cached(const hive::KeyInfo& info, const hive::NameView& name, MutableBytes out) {
    InfoWriter writer(out, offsetof(KEY_CACHED_INFORMATION, NameLength) + sizeof(ULONG));
    writer.field(offsetof(KEY_CACHED_INFORMATION, LastWriteTime), info.last_write_time);
    writer.field(offsetof(KEY_CACHED_INFORMATION, TitleIndex), std::uint32_t{0});
    writer.field(offsetof(KEY_CACHED_INFORMATION, SubKeys), info.subkey_count);
    writer.field(offsetof(KEY_CACHED_INFORMATION, MaxNameLength), info.max_subkey_name_bytes);
    writer.field(offsetof(KEY_CACHED_INFORMATION, Values), info.value_count);
    writer.field(offsetof(KEY_CACHED_INFORMATION, MaxValueNameLength), info.max_value_name_bytes);
    writer.field(offsetof(KEY_CACHED_INFORMATION, MaxValueDataLength), info.max_value_data_bytes);
    writer.field(offsetof(KEY_CACHED_INFORMATION, NameLength), u32(name.byte_size()));
    writer.pad_to(sizeof(KEY_CACHED_INFORMATION));
    return writer.finish();
}

QueryOutcome write_flags(const KeyControlBlock& block, const hive::KeyInfo& info, MutableBytes out) {
    const std::uint32_t flags = (block.is_volatile() ? flag_volatile : 0) | (block.is_link() ? flag_link : 0);
    InfoWriter writer(out, sizeof(KEY_FLAGS_INFORMATION));
    writer.field(offsetof(KEY_FLAGS_INFORMATION, Wow64Flags), std::uint32_t{info.user_flags});
    writer.field(offsetof(KEY_FLAGS_INFORMATION, KeyFlags), flags);
    writer.field(offsetof(KEY_FLAGS_INFORMATION, ControlFlags), std::uint32_t{info.virtualization_flags});
    return writer.finish();
}

QueryOutcome write_word(std::uint32_t word, MutableBytes out) {
    InfoWriter writer(out, sizeof(word));
    writer.field(0, word);
    return writer.finish();
}

// Keys that virtualization could be switched on for: HKLM\Software. It never is, here (HB-5).
constexpr std::uint32_t virtualization_candidate = 1;
bool is_virtualization_candidate(const KeyControlBlock& block) {
    return rtl::equal_folded(block.hive().mount_path(), u"\\REGISTRY\\MACHINE\\SOFTWARE");
}

// Candidates are sources, other keys targets and stores.
std::uint32_t virtualization_of(const KeyControlBlock& block, std::uint16_t flags) {
    constexpr std::uint32_t target = 4, store = 8, source = 16;
    if (is_virtualization_candidate(block))
        return virtualization_candidate | ((flags & hive::key_virtual_source) != 0 ? source : 0);
    return ((flags & hive::key_virtual_target) != 0 ? target : 0) |
           ((flags & hive::key_virtual_store) != 0 ? store : 0);
}

// ERRORS: INSUFFICIENT_RESOURCES (a path that no UNICODE_STRING can name, HB-8).
QueryOutcome write_path(const KeyControlBlock& block, MutableBytes out) {
    char16_t shorts[512];
    Utf16 longer;
    Utf16View path(shorts, block.copy_path(shorts));
    if (path.size() > std::size(shorts)) {
        longer = block.path();
        path = longer;
    }
    if (path.size() * sizeof(char16_t) > 0xFFFF) return fail(STATUS_INSUFFICIENT_RESOURCES);
    InfoWriter writer(out, offsetof(KEY_NAME_INFORMATION, Name));
    writer.field(0, u32(path.size() * sizeof(char16_t)));
    writer.bytes(offsetof(KEY_NAME_INFORMATION, Name), std::as_bytes(std::span(path)));
    return writer.finish();
}

bool is_enumeration_class(KEY_INFORMATION_CLASS what) {
    return what == KeyBasicInformation || what == KeyNodeInformation || what == KeyFullInformation;
}

QueryOutcome write_enumerated(const hive::KeyInfo& info, const hive::NameView& name, KEY_INFORMATION_CLASS what,
                              MutableBytes out) {
    if (what == KeyBasicInformation) return write_basic(info.last_write_time, name, out);
    return what == KeyNodeInformation ? write_node(info, name, out) : write_full(info, out);
}

// Who enumerates a key opens what it is shown, and reads its values, which mostly lie behind the node.
void ask_for_values(const hive::NameView& name) {
    constexpr std::size_t line = 64;
    constexpr std::size_t lines = 5;
    for (std::size_t i = 1; i <= lines; ++i) __builtin_prefetch(name.stored().data() + i * line);
}

// A mounted hive shows its root's content under the mount point's name; one hive's lock after the other's.
QueryOutcome enumerate_mount(const KeyControlBlock& root, KEY_INFORMATION_CLASS what, MutableBytes out) {
    const ReadKey key(root);
    RG_TRY(key.alive());
    const Utf16View name = root.name();
    return write_enumerated(key.storage().key_info(key.cell()), hive::NameView(std::as_bytes(std::span(name)), false),
                            what, out);
}

QueryOutcome answer_key(const KeyBody& body, const hive::KeyInfo& info, KEY_INFORMATION_CLASS what, MutableBytes out) {
    const KeyControlBlock& block = body.block();
    const Utf16View name = block.name();
    const hive::NameView own(std::as_bytes(std::span(name)), false);
    switch (what) {
        case KeyBasicInformation:
            return write_basic(info.last_write_time, own, out);
        case KeyNodeInformation:
            return write_node(info, own, out);
        case KeyFullInformation:
            return write_full(info, out);
        case KeyNameInformation:
            return write_path(block, out);
        case KeyCachedInformation:
            return write_cached(info, own, out);
        case KeyFlagsInformation:
            return write_flags(block, info, out);
        case KeyHandleTagsInformation:
            return write_word(body.handle_tags.load(std::memory_order_relaxed), out);
        case KeyVirtualizationInformation:
            return write_word(virtualization_of(block, info.flags), out);
        case KeyTrustInformation:
            return write_word(block.hive().options().boot ? 1 : 0, out);
        // Nothing is layered here: all bits are clear.
        case KeyLayerInformation:
            return write_word(0, out);
        default:
            return fail(STATUS_INVALID_PARAMETER);
    }
}

QueryOutcome enumerate_transacted(const KeyBody& body, ULONG index, KEY_INFORMATION_CLASS what, MutableBytes out) {
    TransactedKey key(body.block(), *body.bound()->transaction);
    RG_TRY(key.alive());
    const auto child = key.child_at(index);
    if (!child) return fail(body.block().hive().storage().absence(STATUS_NO_MORE_ENTRIES));
    return write_enumerated(child->info, hive::NameView(std::as_bytes(std::span(child->name)), false), what, out);
}

}  // namespace

QueryOutcome query_key(const KeyBody& body, KEY_INFORMATION_CLASS what, MutableBytes out) {
    if (body.bound() != nullptr) [[unlikely]] {
        TransactedKey key(body.block(), *body.bound()->transaction);
        RG_TRY(key.alive());
        return answer_key(body, key.info(), what, out);
    }
    const ReadKey key(body.block());
    RG_TRY(key.alive());
    return answer_key(body, key.storage().key_info(key.cell()), what, out);
}

QueryOutcome enumerate_key(const KeyBody& body, ULONG index, KEY_INFORMATION_CLASS what, MutableBytes out) {
    if (!is_enumeration_class(what)) return fail(STATUS_INVALID_PARAMETER);
    if (!body.reading.enumerates.load(std::memory_order_relaxed)) [[unlikely]] {
        body.reading.next.set(body.block().first_opened());
        body.reading.enumerates.store(true, std::memory_order_relaxed);
    }
    // Mount points are nobody's to change, in a transaction or not.
    if (body.bound() != nullptr && !body.block().hive().options().master) [[unlikely]]
        return enumerate_transacted(body, index, what, out);
    Ref<KeyControlBlock> mount;
    {
        const ReadKey key(body.block());
        RG_TRY(key.alive());
        const auto child = key.storage().subkey_at(key.cell(), index);
        if (!child) return fail(key.storage().absence(STATUS_NO_MORE_ENTRIES));
        const bool master = body.block().hive().options().master;
        if (what == KeyBasicInformation && !master) {
            const hive::NameView name = key.storage().key_name(*child);
            ask_for_values(name);
            return write_basic(key.storage().last_write_time(*child), name, out);
        }
        const hive::KeyInfo info = key.storage().key_info(*child);
        if (master) mount = key_table().find(body.block(), info.name.to_utf16());
        if (!mount || &mount->hive() == &body.block().hive()) return write_enumerated(info, info.name, what, out);
    }
    return enumerate_mount(*mount, what, out);
}

}  // namespace regent::cm
