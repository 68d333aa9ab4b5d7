// Descriptors as programs pass them: the absolute form with pointers, or the self-relative one without a length.
#include "nt/ntseapi.h"
#include "se/descriptor.h"

namespace regent::se {
namespace {

// Parts of a real descriptor lie close to its start; an offset beyond this is not one.
constexpr std::uint32_t max_offset = 0x40000;

Result<std::optional<Sid>> capture_sid(const void* address) {
    if (address == nullptr) return std::nullopt;
    auto count = static_cast<const UCHAR*>(address)[1];
    if (count > Sid::max_subauthorities) return fail(STATUS_INVALID_SID);
    auto sid = Sid::from_bytes(rtl::as_bytes(address, std::size_t{8} + 4u * count));
    if (!sid) return fail(STATUS_INVALID_SID);
    return sid;
}

Result<std::optional<std::vector<std::byte>>> capture_acl(const void* address) {
    if (address == nullptr) return std::nullopt;
    ACL header;
    std::memcpy(&header, address, sizeof(header));
    if (header.AclSize < sizeof(ACL)) return fail(STATUS_INVALID_ACL);
    // Copied before it is looked at: the program may change it meanwhile.
    Bytes raw = rtl::as_bytes(address, header.AclSize);
    std::vector<std::byte> copy(raw.begin(), raw.end());
    if (!AclView::validate(copy)) return fail(STATUS_INVALID_ACL);
    return std::optional(std::move(copy));
}

// The four parts' addresses, whichever form they came in.
Result<SECURITY_DESCRIPTOR> resolve(const void* descriptor) {
    SECURITY_DESCRIPTOR_RELATIVE relative;
    std::memcpy(&relative, descriptor, sizeof(relative));
    if (relative.Revision != SECURITY_DESCRIPTOR_REVISION) return fail(STATUS_UNKNOWN_REVISION);
    SECURITY_DESCRIPTOR absolute;
    if ((relative.Control & SE_SELF_RELATIVE) == 0) {
        std::memcpy(&absolute, descriptor, sizeof(absolute));
        return absolute;
    }
    absolute.Revision = relative.Revision;
    absolute.Sbz1 = relative.Sbz1;
    absolute.Control = relative.Control;
    auto address = [&](ULONG offset) -> void* {
        if (offset == 0) return nullptr;
        return const_cast<std::byte*>(static_cast<const std::byte*>(descriptor) + offset);
    };
    for (ULONG offset : {relative.Owner, relative.Group, relative.Sacl, relative.Dacl}) {
        if (offset > max_offset || (offset != 0 && offset < sizeof(relative))) {
            return fail(STATUS_INVALID_SECURITY_DESCR);
        }
    }
    absolute.Owner = address(relative.Owner);
    absolute.Group = address(relative.Group);
    absolute.Sacl = static_cast<PACL>(address(relative.Sacl));
    absolute.Dacl = static_cast<PACL>(address(relative.Dacl));
    return absolute;
}

}  // namespace

Result<SecurityDescriptor> capture_descriptor(const void* descriptor) {
    SECURITY_DESCRIPTOR given = RG_TRY(resolve(descriptor));
    SecurityDescriptor::Parts parts;
    parts.control = static_cast<USHORT>(given.Control & ~SE_SELF_RELATIVE);
    parts.owner = RG_TRY(capture_sid(given.Owner));
    parts.group = RG_TRY(capture_sid(given.Group));
    if ((given.Control & SE_DACL_PRESENT) != 0) parts.dacl = RG_TRY(capture_acl(given.Dacl));
    if ((given.Control & SE_SACL_PRESENT) != 0) parts.sacl = RG_TRY(capture_acl(given.Sacl));
    return SecurityDescriptor::build(parts);
}

}  // namespace regent::se
