#include "cm/commit_record.h"

#include <filesystem>

#include "hive/format.h"

namespace regent::cm {

namespace {

// At the file's start; zeros when there is no commit to finish.
struct Header {
    rtl::Le32 signature;
    rtl::Le32 version;
    rtl::Le64 size;  // of what follows
    rtl::Le64 hash;  // of it
};
static_assert(sizeof(Header) == 24);
constexpr std::uint32_t signature = 0x54584752;  // "RGXT"
constexpr std::uint64_t largest = std::uint64_t{1} << 31;

void put_count(std::vector<std::byte>& out, std::uint32_t count) {
    const Bytes bytes = rtl::as_bytes(&count, sizeof(count));
    out.insert(out.end(), bytes.begin(), bytes.end());
}

std::optional<std::uint32_t> take_count(Bytes& in) {
    const auto count = rtl::load<std::uint32_t>(in, 0);
    if (count) in = in.subspan(sizeof(*count));
    return count;
}

std::optional<RecordedPart> take_part(Bytes& in) {
    RecordedPart part;
    const auto size = take_count(in);
    if (!size || *size > in.size()) return std::nullopt;
    part.file.assign(reinterpret_cast<const char*>(in.data()), *size);
    in = in.subspan(*size);
    const auto count = take_count(in);
    if (!count) return std::nullopt;
    for (std::uint32_t left = *count; left > 0; --left) {
        auto change = read_change(in);
        if (!change) return std::nullopt;
        part.changes.push_back(std::move(*change));
    }
    return part;
}

}  // namespace

void put_part(std::vector<std::byte>& out, const std::string& file, std::span<const KeyChange> changes) {
    put_count(out, static_cast<std::uint32_t>(file.size()));
    const Bytes name = rtl::as_bytes(file.data(), file.size());
    out.insert(out.end(), name.begin(), name.end());
    std::vector<std::byte> bytes;
    std::uint32_t count = 0;
    for (const KeyChange& change : changes) {
        if (change.in_memory) continue;
        write_change(bytes, change);
        ++count;
    }
    put_count(out, count);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

Result<std::vector<RecordedPart>> read_record(rtl::File& file) {
    std::vector<RecordedPart> parts;
    Header header{};
    const std::size_t got = RG_TRY(file.read_at(0, std::as_writable_bytes(std::span(&header, 1))));
    if (got != sizeof(header) || header.signature != signature || header.version != 1 || header.size > largest)
        return parts;
    std::vector<std::byte> payload(header.size);
    const std::size_t read = RG_TRY(file.read_at(sizeof(header), payload));
    if (read != payload.size() || hive::marvin32(payload) != header.hash) return parts;
    for (Bytes in = payload; !in.empty();) {
        auto part = take_part(in);
        if (!part) return fail(STATUS_REGISTRY_CORRUPT);  // whole, and yet not ours
        parts.push_back(std::move(*part));
    }
    return parts;
}

Result<std::vector<RecordedPart>> read_record(rtl::Env& env, const std::string& path) {
    auto file = env.open(path, rtl::OpenMode::read);
    if (file) return read_record(**file);
    if (is_missing(file.error().code())) return std::vector<RecordedPart>();
    return std::unexpected(file.error());
}

Result<void> write_record(rtl::File& file, Bytes payload) {
    if (payload.size() > largest) return fail(STATUS_INSUFFICIENT_RESOURCES);
    Header header{};
    header.signature = signature;
    header.version = 1;
    header.size = payload.size();
    header.hash = hive::marvin32(payload);
    RG_TRY(file.write_at(sizeof(header), payload));
    RG_TRY(file.write_at(0, rtl::as_bytes(&header, sizeof(header))));
    return file.sync();
}

Result<void> clear_record(rtl::File& file) {
    const Header nothing{};
    RG_TRY(file.write_at(0, rtl::as_bytes(&nothing, sizeof(nothing))));
    return file.sync();
}

Result<void> replace_record(rtl::Env& env, const std::string& path, const std::string& model,
                            std::span<const RecordedPart> parts) {
    if (parts.empty()) {
        RG_TRY(env.remove(path));
        return env.sync_directory_of(path);
    }
    std::vector<std::byte> payload;
    for (const RecordedPart& part : parts) put_part(payload, part.file, part.changes);
    const std::string next = path + ".new";
    {
        auto file = env.open_like(next, rtl::OpenMode::truncate, model);
        if (!file) return std::unexpected(file.error());
        RG_TRY(write_record(**file, payload));
    }
    RG_TRY(env.rename(next, path));
    return env.sync_directory_of(path);
}

bool is_missing(NTSTATUS status) {
    return status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_OBJECT_PATH_NOT_FOUND;
}

bool same_file(const std::string& a, const std::string& b) {
    if (a == b) return true;
    std::error_code error;
    const auto first = std::filesystem::weakly_canonical(a, error);
    if (error) return false;
    const auto second = std::filesystem::weakly_canonical(b, error);
    return !error && first == second;
}

}  // namespace regent::cm
