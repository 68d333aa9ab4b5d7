#include "nt/probe.h"

#include <cstdint>
#include <cstring>

#include "nt/ntexapi.h"
#include "nt/ntseapi.h"
#include "rtl/fault_table.h"

namespace regent::nt::probe {
namespace {

std::byte* byte_at(const void* base, std::size_t offset) {
    return static_cast<std::byte*>(const_cast<void*>(base)) + offset;
}

bool wraps(const void* buffer, std::size_t size) { return reinterpret_cast<std::uintptr_t>(buffer) + size < size; }

// The first byte, one of each page that follows, the last one.
template <typename Touch>
bool each_page(const void* buffer, std::size_t size, Touch touch) {
    if (wraps(buffer, size) || !touch(buffer)) return false;
    const std::size_t first = page - reinterpret_cast<std::uintptr_t>(buffer) % page;
    for (std::size_t at = first; at < size; at += page) {
        if (!touch(byte_at(buffer, at))) return false;
    }
    return touch(byte_at(buffer, size - 1));
}

bool acl(const void* acl) {
    if (!input(acl, sizeof(ACL))) return false;
    return acl == nullptr || input(acl, load<USHORT>(acl, offsetof(ACL, AclSize)));
}

constexpr std::size_t absolute_size = 40;
constexpr std::size_t relative_size = 20;

const void* part_of(const void* descriptor, bool relative, std::size_t index) {
    if (!relative) return load<const void*>(descriptor, 8 + index * sizeof(void*));
    const auto offset = load<ULONG>(descriptor, 4 + index * sizeof(ULONG));
    return offset != 0 ? byte_at(descriptor, offset) : nullptr;
}

}  // namespace

bool long_input(const void* buffer, std::size_t size) {
    return each_page(buffer, size, [](const void* at) { return rtl::can_read_byte(at); });
}

bool long_output(void* buffer, std::size_t size) {
    return each_page(buffer, size, [](const void* at) { return rtl::can_write_byte(const_cast<void*>(at)); });
}

bool attributes(const OBJECT_ATTRIBUTES* attributes) {
    if (!in(attributes)) return false;
    return attributes == nullptr ||
           string(load<const UNICODE_STRING*>(attributes, offsetof(OBJECT_ATTRIBUTES, ObjectName)));
}

bool attributes_with_descriptor(const OBJECT_ATTRIBUTES* attributes) {
    if (!probe::attributes(attributes)) return false;
    return attributes == nullptr ||
           descriptor(load<const void*>(attributes, offsetof(OBJECT_ATTRIBUTES, SecurityDescriptor)));
}

bool sid(const void* sid) {
    if (!input(sid, 8)) return false;
    return sid == nullptr || input(sid, 8 + std::size_t{load<UCHAR>(sid, offsetof(SID, SubAuthorityCount))} * 4);
}

bool object_types(const OBJECT_TYPE_LIST* types, std::size_t count) {
    if (count > max_object_types) return true;
    if (!input(types, count * sizeof(OBJECT_TYPE_LIST))) return false;
    for (std::size_t i = 0; types != nullptr && i < count; ++i) {
        if (!in(load<const GUID*>(types, i * sizeof(OBJECT_TYPE_LIST) + offsetof(OBJECT_TYPE_LIST, ObjectType))))
            return false;
    }
    return true;
}

bool descriptor(const void* descriptor) {
    if (!input(descriptor, relative_size)) return false;
    if (descriptor == nullptr) return true;
    const auto control = load<USHORT>(descriptor, 2);
    const bool relative = (control & SE_SELF_RELATIVE) != 0;
    if (!relative && !input(descriptor, absolute_size)) return false;
    return sid(part_of(descriptor, relative, 0)) && sid(part_of(descriptor, relative, 1)) &&
           ((control & SE_SACL_PRESENT) == 0 || acl(part_of(descriptor, relative, 2))) &&
           ((control & SE_DACL_PRESENT) == 0 || acl(part_of(descriptor, relative, 3)));
}

bool handles(const HANDLE* handles, std::size_t count) {
    return count > MAXIMUM_WAIT_OBJECTS || input(handles, count * sizeof(HANDLE));
}

bool value_entries(KEY_VALUE_ENTRY* entries, std::size_t count) {
    constexpr std::size_t most = 0x10000;  // QM-1
    if (count > most) return true;
    if (!output(entries, count * sizeof(KEY_VALUE_ENTRY))) return false;
    for (std::size_t i = 0; entries != nullptr && i < count; ++i) {
        if (!string(entries[i].ValueName)) return false;
    }
    return true;
}

bool attributes_with_quality(const OBJECT_ATTRIBUTES* attributes) {
    if (!probe::attributes(attributes)) return false;
    return attributes == nullptr ||
           input(load<const void*>(attributes, offsetof(OBJECT_ATTRIBUTES, SecurityQualityOfService)),
                 sizeof(SECURITY_QUALITY_OF_SERVICE));
}

namespace {

constexpr std::size_t most_entries = 4096;  // a larger count is refused, unread

}  // namespace

bool groups(const TOKEN_GROUPS* groups) {
    constexpr std::size_t first = offsetof(TOKEN_GROUPS, Groups);
    if (!input(groups, sizeof(ULONG))) return false;
    const std::size_t count = groups != nullptr ? load<ULONG>(groups, 0) : 0;
    if (count == 0 || count > most_entries) return true;
    if (!input(groups, first + count * sizeof(SID_AND_ATTRIBUTES))) return false;
    for (std::size_t i = 0; i < count; ++i) {
        if (!sid(load<const void*>(groups, first + i * sizeof(SID_AND_ATTRIBUTES)))) return false;
    }
    return true;
}

bool privileges(const TOKEN_PRIVILEGES* privileges) {
    if (!input(privileges, sizeof(ULONG))) return false;
    const std::size_t count = privileges != nullptr ? load<ULONG>(privileges, 0) : 0;
    if (count > most_entries) return true;
    return input(privileges, offsetof(TOKEN_PRIVILEGES, Privileges) + count * sizeof(LUID_AND_ATTRIBUTES));
}

bool privilege_set(PRIVILEGE_SET* privileges) {
    if (!output(privileges, offsetof(PRIVILEGE_SET, Privilege))) return false;
    const std::size_t count = privileges != nullptr ? load<ULONG>(privileges, 0) : 0;
    if (count > most_entries) return true;
    return output(privileges, offsetof(PRIVILEGE_SET, Privilege) + count * sizeof(LUID_AND_ATTRIBUTES));
}

bool token_information(TOKEN_INFORMATION_CLASS kind, const void* information, std::size_t size) {
    if (!input(information, size)) return false;
    if (information == nullptr || size < sizeof(void*)) return true;
    if (kind == TokenDefaultDacl) return acl(load<const void*>(information, 0));
    const bool has_sid = kind == TokenOwner || kind == TokenPrimaryGroup || kind == TokenIntegrityLevel;
    return !has_sid || sid(load<const void*>(information, 0));
}

}  // namespace regent::nt::probe
