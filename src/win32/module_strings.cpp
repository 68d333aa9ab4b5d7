#include "win32/module_strings.h"

#include <cstring>
#include <optional>

#include "win32/winerror.h"

namespace regent::win32 {
namespace {

using rtl::Le16;
using rtl::Le32;
using rtl::load;
using rtl::record_at;

constexpr std::uint16_t dos_magic = 0x5A4D;         // "MZ"
constexpr std::uint32_t pe_magic = 0x00004550;      // "PE"
constexpr std::uint64_t new_header_field = 0x3C;    // where the file says where its PE header is
constexpr std::uint32_t resource_directory = 2;     // its index among the data directories
constexpr std::uint32_t string_type = 6;            // RT_STRING
constexpr std::uint32_t strings_in_block = 16;      // one resource holds so many
constexpr std::uint32_t directory_bit = 1u << 31;   // in an entry's offset: another directory; in a name: text
constexpr std::uint32_t neutral = 0;                // LANG_NEUTRAL, SUBLANG_NEUTRAL
constexpr std::uint32_t american_english = 0x0409;  // LANG_ENGLISH, SUBLANG_ENGLISH_US

struct FileHeader {
    Le32 magic;
    Le16 machine;
    Le16 section_count;
    Le32 time, symbols, symbol_count;
    Le16 optional_size;
    Le16 flags;
};
static_assert(sizeof(FileHeader) == 24);

struct SectionHeader {
    char name[8];
    Le32 size;
    Le32 address;
    Le32 raw_size;
    Le32 raw_offset;
    std::byte rest[16];
};
static_assert(sizeof(SectionHeader) == 40);

struct DirectoryHeader {
    Le32 flags, time;
    Le16 major, minor;
    Le16 named_count;
    Le16 id_count;
};
static_assert(sizeof(DirectoryHeader) == 16);

struct DirectoryEntry {
    Le32 name;
    Le32 offset;
};
static_assert(sizeof(DirectoryEntry) == 8);

struct DataEntry {
    Le32 address;
    Le32 size;
    Le32 code_page, reserved;
};
static_assert(sizeof(DataEntry) == 16);

// The resource directory's address; 0 when the image has none. Nothing: damaged.
std::optional<std::uint32_t> resource_address(Bytes head, std::uint64_t optional_header, std::uint32_t size) {
    const auto magic = load<std::uint16_t>(head, optional_header);
    if (!magic || (*magic != 0x10B && *magic != 0x20B)) return std::nullopt;
    const std::uint32_t directories = *magic == 0x10B ? 96 : 112;  // a 64-bit header is longer
    const auto count = load<std::uint32_t>(head, optional_header + directories - 4);
    if (!count || directories > size) return std::nullopt;
    if (*count <= resource_directory) return 0;
    const std::uint32_t at = directories + resource_directory * 8;
    const auto address = load<std::uint32_t>(head, optional_header + at);
    const auto bytes = load<std::uint32_t>(head, optional_header + at + 4);
    if (!address || !bytes || at + 8 > size) return std::nullopt;
    return *bytes == 0 ? 0 : *address;
}

// The resources of one image. Offsets are from the root directory, as the format has them.
class Resources {
public:
    Resources(Bytes section, const ResourceSection& where) : section_(section), where_(where) {}

    struct Place {
        std::uint32_t offset = 0;
        bool directory = false;
    };
    static constexpr Place root() { return {0, true}; }

    // What an entry of a directory leads to. `found` stays empty when there is no such entry. False: damaged.
    bool find(Place directory, std::uint32_t id, std::optional<Place>* found) const {
        return each(directory, [&](std::uint32_t name, Place place) {
            if (name != id) return false;
            *found = place;
            return true;
        });
    }
    bool first(Place directory, std::optional<Place>* found) const {
        return each(directory, [&](std::uint32_t, Place place) {
            *found = place;
            return true;
        });
    }

    // Nothing: damaged.
    std::optional<Bytes> data(Place place) const {
        if (place.directory) return std::nullopt;
        const auto* entry = record_at<DataEntry>(section_, std::uint64_t{where_.directory} + place.offset);
        if (entry == nullptr || entry->address < where_.address) return std::nullopt;
        return rtl::slice(section_, entry->address - where_.address, entry->size);
    }

private:
    // Calls `visit` for the entries that have numbers until it returns true.
    template <typename Visit>
    bool each(Place directory, const Visit& visit) const {
        if (!directory.directory) return false;
        const std::uint64_t at = std::uint64_t{where_.directory} + directory.offset;
        const auto* header = record_at<DirectoryHeader>(section_, at);
        if (header == nullptr) return false;
        const std::uint32_t count = std::uint32_t{header->named_count} + header->id_count;
        for (std::uint32_t i = header->named_count; i < count; ++i) {
            const auto* entry = record_at<DirectoryEntry>(section_, at + sizeof(DirectoryHeader) + i * 8ull);
            if (entry == nullptr) return false;
            if ((entry->name & directory_bit) != 0) continue;
            const Place place{entry->offset & ~directory_bit, (entry->offset & directory_bit) != 0};
            if (visit(entry->name, place)) break;
        }
        return true;
    }

    const Bytes section_;
    const ResourceSection& where_;
};

// Sixteen counted strings, one after the other. False: damaged.
bool read_string(Bytes block, std::uint32_t index, Utf16* text) {
    std::uint64_t at = 0;
    for (std::uint32_t i = 0;; ++i) {
        const auto units = load<std::uint16_t>(block, at);
        if (!units) return false;
        at += sizeof(*units);
        const auto bytes = rtl::slice(block, at, std::uint64_t{*units} * sizeof(char16_t));
        if (!bytes) return false;
        if (i == index) {
            text->resize(*units);
            if (*units != 0) std::memcpy(text->data(), bytes->data(), bytes->size());
            return true;
        }
        at += bytes->size();
    }
}

}  // namespace

LSTATUS find_resources(Bytes head, ResourceSection* section) {
    const auto magic = load<std::uint16_t>(head, 0);
    const auto start = load<std::uint32_t>(head, new_header_field);
    if (!magic || *magic != dos_magic || !start) return ERROR_BAD_EXE_FORMAT;
    const auto* header = record_at<FileHeader>(head, *start);
    if (header == nullptr || header->magic != pe_magic) return ERROR_BAD_EXE_FORMAT;
    const std::uint64_t optional_header = std::uint64_t{*start} + sizeof(FileHeader);
    const auto address = resource_address(head, optional_header, header->optional_size);
    if (!address) return ERROR_BAD_EXE_FORMAT;
    if (*address == 0) return ERROR_NOT_FOUND;
    std::uint64_t at = optional_header + header->optional_size;
    for (std::uint32_t i = 0; i < header->section_count; ++i, at += sizeof(SectionHeader)) {
        const auto* each = record_at<SectionHeader>(head, at);
        if (each == nullptr) return ERROR_BAD_EXE_FORMAT;
        if (*address < each->address || *address - each->address >= each->raw_size) continue;
        *section = {each->raw_offset, each->raw_size, each->address, *address - each->address};
        return ERROR_SUCCESS;
    }
    return ERROR_BAD_EXE_FORMAT;
}

LSTATUS find_string(Bytes bytes, const ResourceSection& section, std::uint32_t id, Utf16* text) {
    const Resources resources(bytes, section);
    std::optional<Resources::Place> type, block, language;
    if (!resources.find(Resources::root(), string_type, &type)) return ERROR_BAD_EXE_FORMAT;
    if (!type) return ERROR_NOT_FOUND;
    if (!resources.find(*type, id / strings_in_block + 1, &block)) return ERROR_BAD_EXE_FORMAT;
    if (!block) return ERROR_RESOURCE_NAME_NOT_FOUND;
    for (const std::uint32_t wanted : {neutral, american_english}) {
        if (!language && !resources.find(*block, wanted, &language)) return ERROR_BAD_EXE_FORMAT;
    }
    if (!language && !resources.first(*block, &language)) return ERROR_BAD_EXE_FORMAT;
    if (!language) return ERROR_RESOURCE_NAME_NOT_FOUND;
    const auto data = resources.data(*language);
    if (!data || !read_string(*data, id % strings_in_block, text)) return ERROR_BAD_EXE_FORMAT;
    return text->empty() ? ERROR_RESOURCE_NAME_NOT_FOUND : ERROR_SUCCESS;
}

}  // namespace regent::win32
