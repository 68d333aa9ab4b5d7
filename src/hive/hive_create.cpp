// New hives: in memory, or a file that appears complete or not at all.
#include <algorithm>
#include <array>
#include <cstring>

#include "hive/hive_impl.h"
#include "rtl/time.h"

namespace regent::hive {

Bytes default_descriptor() {
    static constexpr auto bytes = std::to_array<unsigned char>({
        0x01, 0x00, 0x04, 0x80, 0x70, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00,  // header
        0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00,                          // dacl at 20
        0x02, 0x00, 0x5C, 0x00, 0x04, 0x00, 0x00, 0x00,                          // 4 entries
        0x00, 0x02, 0x14, 0x00, 0x3F, 0x00, 0x0F, 0x00, 1,    1,    0,    0,    0,    0, 0, 5, 18, 0, 0, 0,  // SY: KA
        0x00, 0x02, 0x18, 0x00, 0x3F, 0x00, 0x0F, 0x00, 1,    2,    0,    0,    0,    0, 0, 5, 32, 0, 0, 0,
        0x20, 2,    0,    0,                                                                                 // BA: KA
        0x00, 0x02, 0x14, 0x00, 0x19, 0x00, 0x02, 0x00, 1,    1,    0,    0,    0,    0, 0, 1, 0,  0, 0, 0,  // WD: KR
        0x00, 0x02, 0x14, 0x00, 0x19, 0x00, 0x02, 0x00, 1,    1,    0,    0,    0,    0, 0, 5, 12, 0, 0, 0,  // RC: KR
        1,    2,    0,    0,    0,    0,    0,    5,    32,   0,    0,    0,    0x20, 2, 0, 0,  // owner at 112
        1,    2,    0,    0,    0,    0,    0,    5,    32,   0,    0,    0,    0x20, 2, 0, 0,  // group at 128
    });
    static_assert(bytes.size() == 144);
    return rtl::as_bytes(bytes.data(), bytes.size());
}

BaseBlock new_base_block(const std::string& path, std::uint32_t minor, std::uint64_t time) {
    BaseBlock base = {};
    base.signature = base_signature;
    base.primary_sequence = 1;
    base.secondary_sequence = 1;
    base.last_written = time;
    base.major = 1;
    base.minor = minor;
    base.type = file_type_primary;
    base.format = 1;
    base.clustering = 1;
    const Utf16 wide = rtl::from_utf8(path);
    const std::size_t units = std::min<std::size_t>(wide.size(), sizeof(base.file_name) / 2 - 1);
    std::memcpy(base.file_name, wide.data() + (wide.size() - units), units * 2);
    return base;
}

Result<void> check_key_name(Utf16View name) {
    if (name.empty() || name.size() > max_key_name) return fail(STATUS_OBJECT_NAME_INVALID);
    // A key with a NUL in front would not be there any more when the hive is loaded again (HB-10).
    if (name.front() == u'\0' || name.find(u'\\') != Utf16View::npos) return fail(STATUS_OBJECT_NAME_INVALID);
    return {};
}

Result<CellIndex> new_key_node(Edit& edit, StorageType type, const NewKey& key) {
    const std::size_t name_bytes = stored_size(key.name);
    const CellIndex cell = RG_TRY(edit.allocate(type, sizeof(KeyNode) + name_bytes));
    auto& node = edit.fresh_record<KeyNode>(cell);
    node.signature = nk_signature;
    std::uint16_t flags = key.flags;
    if (type == StorageType::volatile_) flags |= key_volatile;
    if (compressible(key.name)) flags |= key_comp_name;
    node.flags = flags;
    node.last_write_time = static_cast<std::uint64_t>(key.time);
    node.parent = key.parent;
    for (int i = 0; i < 2; ++i) node.subkey_list[i] = nil_cell;
    node.value_list = nil_cell;
    node.security = key.security;
    node.class_cell = nil_cell;
    node.name_size = static_cast<std::uint16_t>(name_bytes);
    store_name(key.name, edit.fresh(cell).subspan(sizeof(KeyNode), name_bytes));
    if (!key.class_name.empty()) {
        const std::size_t class_bytes = key.class_name.size() * 2;
        node.class_cell = RG_TRY(edit.allocate(type, class_bytes));
        node.class_size = static_cast<std::uint16_t>(class_bytes);
        std::memcpy(edit.fresh(node.class_cell).data(), key.class_name.data(), class_bytes);
    }
    return cell;
}

Result<void> format_hive(HiveImpl& impl, const HiveOptions& options) {
    const Bytes descriptor = options.root_security.empty() ? default_descriptor() : options.root_security;
    if (!valid_descriptor(descriptor)) return fail(STATUS_INVALID_SECURITY_DESCR);
    if (!options.root_name.empty()) RG_TRY(check_key_name(options.root_name));
    const std::int64_t time = options.time != 0 ? options.time : rtl::nt_time_now();
    impl.cells.minor = static_cast<std::uint32_t>(options.format);
    impl.base = new_base_block(options.path, impl.cells.minor, static_cast<std::uint64_t>(time));

    Edit edit(impl.cells);
    const Utf16View name = options.root_name.empty() ? Utf16View(u"ROOT") : Utf16View(options.root_name);
    const NewKey root = {nil_cell, nil_cell, name, {}, time, key_hive_entry | key_no_delete};
    impl.root = RG_TRY(new_key_node(edit, StorageType::stable, root));
    const CellIndex security = RG_TRY(impl.security.acquire(edit, StorageType::stable, descriptor));
    edit.fresh_record<KeyNode>(impl.root).security = security;
    impl.commit(edit);

    impl.base.root_cell = impl.root;
    impl.base.bins_size = impl.cells.stable().size();
    rtl::record_at<BinHeader>(impl.cells.stable().mutable_bytes())->timestamp = static_cast<std::uint64_t>(time);
    return {};
}

Result<void> write_primary(rtl::File& file, const BaseBlock& base, Bytes bins) {
    std::byte first[bins_start] = {};
    const bool was_empty = RG_TRY(file.size()) == 0;
    RG_TRY(file.write_at(0, Bytes(first)));
    if (!was_empty) RG_TRY(file.sync());  // else the old base block could be found before some of the new bins
    RG_TRY(file.write_at(bins_start, bins));
    RG_TRY(file.truncate(bins_start + bins.size()));
    RG_TRY(file.sync());
    BaseBlock sealed = base;
    sealed.bins_size = static_cast<std::uint32_t>(bins.size());
    sealed.checksum = checksum(sealed);
    RG_TRY(file.write_at(0, rtl::as_bytes(&sealed, sizeof(sealed))));
    return file.sync();
}

namespace {

// Writes the hive beside its place and renames it into it. Logs of an earlier hive of that name go afterwards: until
// the rename they may hold what that hive flushed, and a clean primary has no use for a log (the first flush sees to
// that).
Result<std::unique_ptr<rtl::File>> publish(rtl::Env& env, const HiveImpl& impl, bool replace) {
    if (!replace) {
        const auto existing = env.open(impl.path, rtl::OpenMode::read);
        if (existing) return fail(STATUS_OBJECT_NAME_COLLISION);
        if (existing.error().code() != STATUS_OBJECT_NAME_NOT_FOUND) return std::unexpected(existing.error());
    }
    const std::string temporary = impl.path + ".new";
    {
        const auto file = RG_TRY(env.open_like(temporary, rtl::OpenMode::truncate, impl.path));
        RG_TRY(write_primary(*file, impl.base, impl.cells.stable().bytes()));
    }
    RG_TRY(env.rename(temporary, impl.path));
    RG_TRY(env.sync_directory_of(impl.path));
    RG_TRY(env.remove(impl.path + ".LOG"));
    RG_TRY(env.remove(LogWriter::log_path(impl.path, 0)));
    RG_TRY(env.remove(LogWriter::log_path(impl.path, 1)));
    RG_TRY(env.sync_directory_of(impl.path));
    auto primary = RG_TRY(env.open(impl.path, rtl::OpenMode::read_write));
    RG_TRY(primary->lock());
    return primary;
}

}  // namespace

Result<std::unique_ptr<Hive>> Hive::create(rtl::Env& env, const HiveOptions& options) {
    if (options.durability == Durability::read_only) return fail(STATUS_INVALID_PARAMETER);
    auto impl = std::make_unique<HiveImpl>();
    impl->path = options.path;
    impl->durability = options.path.empty() ? Durability::in_memory : options.durability;
    RG_TRY(format_hive(*impl, options));
    impl->cells.stable().clear_dirty();
    if (writes_files(impl->durability)) {
        auto primary = RG_TRY(publish(env, *impl, options.replace_existing));
        impl->log = std::make_unique<LogWriter>(env, options.path, std::move(primary), impl->base, false);
    }
    return std::unique_ptr<Hive>(new Hive(std::move(impl)));
}

}  // namespace regent::hive
