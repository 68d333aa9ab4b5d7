#include "io/pe/image.h"

#include <algorithm>

#include "nt/ntstatus.h"

namespace regent::io::pe {

namespace {

constexpr std::uint32_t page = 0x1000;
constexpr std::uint16_t max_sections = 96;

std::unexpected<Failure> malformed(std::string reason) {
    return std::unexpected(Failure{STATUS_INVALID_IMAGE_FORMAT, std::move(reason)});
}

bool is_power_of_two(std::uint32_t value) { return value != 0 && (value & (value - 1)) == 0; }
std::uint32_t round_to_page(std::uint32_t value) { return (value + page - 1) & ~(page - 1); }

// REQUIRES: at most max_image_size was let through before.
Checked<Section> read_section(const SectionHeader& header, const ImageLayout& layout, Bytes file, std::uint32_t floor) {
    Section section;
    section.name.assign(header.name, std::find(header.name, header.name + sizeof header.name, '\0'));
    const std::uint32_t raw_size = header.raw_size;
    const std::uint32_t virtual_size = header.virtual_size;
    section.address = header.virtual_address;
    section.size = virtual_size != 0 ? virtual_size : raw_size;
    section.raw_offset = header.raw_offset;
    section.raw_size = std::min(raw_size, section.size);
    section.write = (header.characteristics & section_write) != 0;
    section.execute = (header.characteristics & section_execute) != 0;
    const bool placed = section.address % page == 0 && section.address >= floor &&
                        section.address <= layout.image_size && section.size <= layout.image_size - section.address;
    if (!placed) return malformed("section " + section.name + " is outside the image or overlaps another");
    if (!rtl::slice(file, section.raw_offset, section.raw_size))
        return malformed("section " + section.name + " is not all in the file");
    return section;
}

Checked<void> read_sections(ImageLayout& layout, const NtHeaders& headers, std::uint64_t at, Bytes file) {
    std::uint32_t floor = round_to_page(layout.headers_size);
    for (std::uint16_t i = 0; i < headers.section_count; i++) {
        const auto* header = rtl::record_at<SectionHeader>(file, at + i * sizeof(SectionHeader));
        if (header == nullptr) return malformed("the section table is cut off");
        auto section = read_section(*header, layout, file, floor);
        if (!section) return std::unexpected(section.error());
        floor = round_to_page(section->address + section->size);
        layout.sections.push_back(std::move(*section));
    }
    return {};
}

Checked<const NtHeaders*> find_headers(Bytes file, std::uint32_t* offset) {
    const auto* dos = rtl::record_at<DosHeader>(file);
    if (dos == nullptr || dos->magic != dos_magic) return malformed("not a driver image (no MZ header)");
    *offset = dos->nt_headers;
    const auto* headers = rtl::record_at<NtHeaders>(file, *offset);
    if (headers == nullptr || headers->signature != nt_signature) return malformed("not a PE image");
    if (headers->machine != machine_amd64) return malformed("a PE image for another machine than x64");
    if (headers->magic != optional_magic_pe32_plus || headers->optional_size < optional_fixed_size)
        return malformed("not a PE32+ image");
    if ((headers->characteristics & file_executable_image) == 0) return malformed("the linker marked it as faulty");
    if (headers->subsystem != subsystem_native) return malformed("not a native image (a driver's subsystem is 1)");
    if (headers->section_count == 0 || headers->section_count > max_sections)
        return malformed("an impossible number of sections");
    return headers;
}

Checked<void> read_sizes(ImageLayout& layout, const NtHeaders& headers, Bytes file) {
    layout.preferred_base = headers.image_base;
    layout.headers_size = headers.headers_size;
    layout.entry_point = headers.entry_point;
    layout.relocations_stripped = (headers.characteristics & file_relocations_stripped) != 0;
    const std::uint32_t alignment = headers.section_alignment;
    if (!is_power_of_two(alignment) || alignment < page) return malformed("sections are not aligned to pages");
    if (!is_power_of_two(headers.file_alignment) || headers.file_alignment > alignment)
        return malformed("an impossible file alignment");
    if (headers.image_size == 0 || headers.image_size > max_image_size) return malformed("an impossible image size");
    layout.image_size = round_to_page(headers.image_size);
    if (layout.headers_size > layout.image_size || layout.headers_size > file.size())
        return malformed("the headers are not all in the file");
    return {};
}

const Section* section_of(const ImageLayout& layout, std::uint32_t address) {
    for (const Section& section : layout.sections)
        if (address >= section.address && address - section.address < section.size) return &section;
    return nullptr;
}

// A name that ends inside the image.
std::optional<std::string_view> text_at(Bytes memory, std::uint64_t offset) {
    constexpr std::size_t longest = 512;
    if (offset >= memory.size()) return std::nullopt;
    const auto rest = memory.subspan(offset, std::min(longest, memory.size() - offset));
    const auto end = std::find(rest.begin(), rest.end(), std::byte{0});
    if (end == rest.end()) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(rest.data()), static_cast<std::size_t>(end - rest.begin()));
}

constexpr std::uint32_t max_imports = 16384;  // the kernel exports about 3000 names

// How far binding has come. One load names every missing import.
struct Binding {
    std::string missing;
    NTSTATUS status = STATUS_DRIVER_ENTRYPOINT_NOT_FOUND;
    std::uint32_t imports = 0;
    void miss(const std::string& name) { missing += (missing.empty() ? "" : ", ") + name; }
};

Checked<std::uint64_t> bind_one(Bytes memory, std::string_view module, std::uint64_t entry, const Resolver& resolve,
                                Binding& binding) {
    if ((entry & import_by_ordinal) != 0) {
        binding.miss(std::string(module) + "!#" + std::to_string(entry & 0xFFFF));
        binding.status = STATUS_DRIVER_ORDINAL_NOT_FOUND;
        return 0;
    }
    const auto name = text_at(memory, (entry & 0x7FFFFFFF) + 2);  // a 16-bit hint comes first
    if (!name) return malformed("an import's name is outside the image");
    const std::uint64_t value = resolve(module, *name);
    if (value == 0) binding.miss(std::string(module) + "!" + std::string(*name));
    return value;
}

Checked<void> bind_module(const ImportDescriptor& descriptor, MutableBytes memory, const Resolver& resolve,
                          Binding& binding) {
    const auto module = text_at(memory, descriptor.module_name);
    if (!module) return malformed("the name of an import's module is outside the image");
    const std::uint32_t names = descriptor.lookup_table != 0 ? descriptor.lookup_table : descriptor.address_table;
    for (std::uint64_t i = 0;; i += sizeof(std::uint64_t)) {
        const auto entry = rtl::load<std::uint64_t>(memory, names + i);
        Le64* const slot = rtl::record_at<Le64>(memory, descriptor.address_table + i);
        if (!entry || slot == nullptr) return malformed("an import table has no end");
        if (*entry == 0) return {};
        if (++binding.imports > max_imports) return malformed("an impossible number of imports");
        const auto value = bind_one(memory, *module, *entry, resolve, binding);
        if (!value) return std::unexpected(value.error());
        *slot = *value;
    }
}

Checked<void> apply(MutableBytes memory, std::uint32_t place, Relocation type, std::uint64_t delta) {
    if (type == Relocation::absolute) return {};  // padding
    if (type == Relocation::dir64) {
        if (Le64* const target = rtl::record_at<Le64>(memory, place)) {
            *target = *target + delta;
            return {};
        }
    } else if (type == Relocation::high_low) {
        if (Le32* const target = rtl::record_at<Le32>(memory, place)) {
            *target = *target + static_cast<std::uint32_t>(delta);
            return {};
        }
    } else {
        return malformed("a base relocation of an unknown type");
    }
    return malformed("a base relocation outside the image");
}

}  // namespace

Checked<ImageLayout> parse_image(Bytes file) {
    std::uint32_t at = 0;
    const auto found = find_headers(file, &at);
    if (!found) return std::unexpected(found.error());
    const NtHeaders& headers = **found;
    ImageLayout layout;
    if (auto sizes = read_sizes(layout, headers, file); !sizes) return std::unexpected(sizes.error());
    const std::uint64_t directories = at + sizeof(NtHeaders);
    const std::uint32_t count = std::min<std::uint32_t>(headers.directory_count, max_directories);
    if (optional_fixed_size + count * sizeof(DataDirectory) > headers.optional_size)
        return malformed("the directories are cut off");
    for (std::uint32_t i = 0; i < count; i++) {
        const auto* entry = rtl::record_at<DataDirectory>(file, directories + i * sizeof(DataDirectory));
        if (entry == nullptr) return malformed("the directories are cut off");
        layout.directories[i] = *entry;
    }
    const std::uint64_t sections = at + offsetof(NtHeaders, magic) + headers.optional_size;
    if (auto read = read_sections(layout, headers, sections, file); !read) return std::unexpected(read.error());
    const Section* const entry = section_of(layout, layout.entry_point);
    if (layout.entry_point == 0) return std::unexpected(Failure{STATUS_DRIVER_ENTRYPOINT_NOT_FOUND, "no entry point"});
    if (entry == nullptr || !entry->execute) return malformed("the entry point is not in the image's code");
    return layout;
}

void copy_sections(const ImageLayout& layout, Bytes file, MutableBytes memory) {
    std::ranges::copy(file.first(layout.headers_size), memory.begin());
    for (const Section& section : layout.sections)
        std::ranges::copy(file.subspan(section.raw_offset, section.raw_size), memory.begin() + section.address);
}

Checked<void> relocate(const ImageLayout& layout, MutableBytes memory, std::uint64_t base) {
    const std::uint64_t delta = base - layout.preferred_base;
    if (delta == 0) return {};
    if (layout.relocations_stripped)
        return std::unexpected(Failure{STATUS_CONFLICTING_ADDRESSES, "the image has no base relocations"});
    const DataDirectory& directory = layout.directory(Directory::relocations);
    if (directory.size == 0) return {};  // nothing in it depends on the address
    if (!rtl::slice(memory, directory.address, directory.size)) return malformed("relocations outside the image");
    for (std::uint32_t at = 0; at + sizeof(RelocationBlock) <= directory.size;) {
        const auto block = *rtl::record_at<RelocationBlock>(memory, directory.address + at);
        if (block.size == 0) break;
        if (block.size < sizeof block || block.size > directory.size - at) return malformed("a cut relocation block");
        for (std::uint32_t offset = sizeof block; offset + 2 <= block.size; offset += 2) {
            const std::uint16_t entry = *rtl::load<std::uint16_t>(memory, directory.address + at + offset);
            const std::uint64_t place = std::uint64_t{block.page} + (entry & 0xFFF);
            if (place > memory.size()) return malformed("a base relocation outside the image");
            auto applied = apply(memory, static_cast<std::uint32_t>(place), Relocation(entry >> 12), delta);
            if (!applied) return applied;
        }
        at += block.size;
    }
    return {};
}

Checked<void> bind_imports(const ImageLayout& layout, MutableBytes memory, const Resolver& resolve) {
    const DataDirectory& directory = layout.directory(Directory::imports);
    if (directory.size == 0) return {};
    Binding binding;
    for (std::uint64_t at = directory.address;; at += sizeof(ImportDescriptor)) {
        const auto* found = rtl::record_at<ImportDescriptor>(memory, at);
        if (found == nullptr) return malformed("the import directory has no end");
        const ImportDescriptor descriptor = *found;
        if (descriptor.module_name == 0 || descriptor.address_table == 0) break;
        if (++binding.imports > max_imports) return malformed("an impossible number of imports");
        if (auto bound = bind_module(descriptor, memory, resolve, binding); !bound) return bound;
    }
    if (!binding.missing.empty())
        return std::unexpected(Failure{binding.status, "imports that this host lacks: " + binding.missing});
    return {};
}

void set_security_cookie(const ImageLayout& layout, MutableBytes memory, std::uint64_t base, std::uint64_t cookie) {
    const DataDirectory& directory = layout.directory(Directory::load_config);
    if (directory.size == 0) return;
    const auto* config = rtl::record_at<LoadConfig>(memory, directory.address);
    if (config == nullptr || config->size < sizeof(LoadConfig) || config->security_cookie < base) return;
    Le64* const slot = rtl::record_at<Le64>(memory, config->security_cookie - base);
    // The upper 16 bits stay clear: the compilers' checks rely on it.
    if (slot != nullptr && *slot == default_security_cookie) *slot = cookie & 0x0000FFFFFFFFFFFF;
}

}  // namespace regent::io::pe
