#include "se/descriptor.h"

#include <cstring>

namespace regent::se {
namespace {

using rtl::Le16;
using rtl::Le32;

struct RelativeHeader {  // MS-DTYP 2.4.6
    std::uint8_t revision;
    std::uint8_t resource_manager;
    Le16 control;
    Le32 owner;
    Le32 group;
    Le32 sacl;
    Le32 dacl;
};
static_assert(sizeof(RelativeHeader) == 20);

struct AclHeader {  // MS-DTYP 2.4.5
    std::uint8_t revision;
    std::uint8_t reserved_0x01;
    Le16 size;
    Le16 count;
    Le16 reserved_0x06;
};
static_assert(sizeof(AclHeader) == 8);

struct AceHeader {  // MS-DTYP 2.4.4.1
    std::uint8_t type;
    std::uint8_t flags;
    Le16 size;
};
static_assert(sizeof(AceHeader) == 4);

// Allowed, denied, audit, alarm; callback forms; label, resource attribute, scoped policy: a mask, then a SID.
bool has_mask_and_sid(std::uint8_t type) {
    return type <= 3 || (type >= 9 && type <= 0x0A) || type == 0x0D || type == 0x0E || (type >= 0x11 && type <= 0x13);
}
// Object forms: a mask, flags, up to two GUIDs, then a SID.
bool is_object_type(std::uint8_t type) {
    return (type >= 5 && type <= 8) || type == 0x0B || type == 0x0C || type == 0x0F || type == 0x10;
}

// Where the SID of an object entry stands.
std::uint64_t object_sid_offset(Bytes ace) {
    std::uint32_t flags = rtl::load<std::uint32_t>(ace, 8).value_or(0);
    return 12 + ((flags & 1) != 0 ? 16u : 0u) + ((flags & 2) != 0 ? 16u : 0u);
}

bool sid_at(Bytes bytes, std::uint64_t offset) {
    return offset <= bytes.size() && Sid::from_bytes(bytes.subspan(offset)).has_value();
}

bool ace_is_sound(Bytes ace, std::uint8_t type) {
    if (has_mask_and_sid(type)) return sid_at(ace, 8);
    if (is_object_type(type)) return sid_at(ace, object_sid_offset(ace));
    return true;  // unknown kinds are carried along
}

const RelativeHeader& header_in(Bytes bytes) { return *rtl::record_at<RelativeHeader>(bytes); }

}  // namespace

bool AceView::is_basic() const { return has_mask_and_sid(type()); }
ACCESS_MASK AceView::mask() const { return *rtl::load<std::uint32_t>(raw_, 4); }
Bytes AceView::sid_bytes() const {
    std::size_t count = std::to_integer<std::size_t>(raw_[9]);
    return raw_.subspan(8, 8 + 4 * count);
}
Sid AceView::sid() const { return *Sid::from_bytes(sid_bytes()); }

AceView AclView::Iterator::operator*() const { return AceView(rest_.first(rtl::record_at<AceHeader>(rest_)->size)); }
AclView::Iterator& AclView::Iterator::operator++() {
    rest_ = rest_.subspan(rtl::record_at<AceHeader>(rest_)->size);
    --left_;
    return *this;
}

unsigned AclView::count() const { return rtl::record_at<AclHeader>(raw_)->count; }

std::optional<AclView> AclView::validate(Bytes bytes) {
    const auto* acl = rtl::record_at<AclHeader>(bytes);
    if (acl == nullptr || acl->revision < 2 || acl->revision > 4) return std::nullopt;
    std::uint16_t size = acl->size;
    if (size < sizeof(AclHeader) || size > bytes.size()) return std::nullopt;
    Bytes rest = bytes.first(size).subspan(sizeof(AclHeader));
    for (unsigned left = acl->count; left != 0; --left) {
        const auto* ace = rtl::record_at<AceHeader>(rest);
        if (ace == nullptr) return std::nullopt;
        std::uint16_t ace_size = ace->size;
        if (ace_size < sizeof(AceHeader) || ace_size % 4 != 0 || ace_size > rest.size()) return std::nullopt;
        if (!ace_is_sound(rest.first(ace_size), ace->type)) return std::nullopt;
        rest = rest.subspan(ace_size);
    }
    return AclView(bytes.first(size));
}

Result<DescriptorView> DescriptorView::validate(Bytes bytes) {
    const auto* header = rtl::record_at<RelativeHeader>(bytes);
    if (header == nullptr) return fail(STATUS_INVALID_SECURITY_DESCR);
    if (header->revision != SECURITY_DESCRIPTOR_REVISION) return fail(STATUS_UNKNOWN_REVISION);
    if ((header->control & SE_SELF_RELATIVE) == 0) return fail(STATUS_INVALID_SECURITY_DESCR);
    for (std::uint32_t offset : {std::uint32_t{header->owner}, std::uint32_t{header->group}}) {
        if (offset != 0 && (offset < sizeof(RelativeHeader) || !sid_at(bytes, offset))) {
            return fail(STATUS_INVALID_SECURITY_DESCR);
        }
    }
    struct {
        std::uint32_t present, offset;
    } lists[] = {{SE_DACL_PRESENT, header->dacl}, {SE_SACL_PRESENT, header->sacl}};
    for (auto [present, offset] : lists) {
        if ((header->control & present) == 0 || offset == 0) continue;
        if (offset < sizeof(RelativeHeader) || offset > bytes.size() || !AclView::validate(bytes.subspan(offset))) {
            return fail(STATUS_INVALID_SECURITY_DESCR);
        }
    }
    return DescriptorView(bytes);
}

SECURITY_DESCRIPTOR_CONTROL DescriptorView::control() const { return header_in(bytes_).control; }

std::optional<Sid> DescriptorView::owner() const {
    std::uint32_t offset = header_in(bytes_).owner;
    return offset == 0 ? std::nullopt : Sid::from_bytes(bytes_.subspan(offset));
}

std::optional<Sid> DescriptorView::group() const {
    std::uint32_t offset = header_in(bytes_).group;
    return offset == 0 ? std::nullopt : Sid::from_bytes(bytes_.subspan(offset));
}

namespace {

std::optional<AclView> list_at(Bytes bytes, bool present, std::uint32_t offset) {
    if (!present || offset == 0) return std::nullopt;
    Bytes rest = bytes.subspan(offset);
    return AclView(rest.first(rtl::record_at<AclHeader>(rest)->size));
}

}  // namespace

std::optional<AclView> DescriptorView::dacl() const {
    const RelativeHeader& header = header_in(bytes_);
    return list_at(bytes_, (header.control & SE_DACL_PRESENT) != 0, header.dacl);
}

std::optional<AclView> DescriptorView::sacl() const {
    const RelativeHeader& header = header_in(bytes_);
    return list_at(bytes_, (header.control & SE_SACL_PRESENT) != 0, header.sacl);
}

namespace {

std::uint32_t append(std::vector<std::byte>& out, Bytes part) {
    out.resize((out.size() + 3) & ~std::size_t{3});
    auto offset = static_cast<std::uint32_t>(out.size());
    out.insert(out.end(), part.begin(), part.end());
    return offset;
}

// A list goes in only with its PRESENT bit, and only when it is sound.
Result<std::uint32_t> append_list(std::vector<std::byte>& out, const std::optional<std::vector<std::byte>>& list,
                                  bool present) {
    if (!present || !list) return std::uint32_t{0};
    auto acl = AclView::validate(*list);
    if (!acl) return fail(STATUS_INVALID_ACL);
    return append(out, acl->raw());
}

}  // namespace

SecurityDescriptor::SecurityDescriptor() : bytes_(sizeof(RelativeHeader)) {
    auto* header = rtl::record_at<RelativeHeader>(MutableBytes(bytes_));
    header->revision = SECURITY_DESCRIPTOR_REVISION;
    header->control = SE_SELF_RELATIVE;
}

Result<SecurityDescriptor> SecurityDescriptor::from_bytes(Bytes self_relative) {
    auto view = RG_TRY(DescriptorView::validate(self_relative));
    return copy_of(view);
}

SecurityDescriptor SecurityDescriptor::copy_of(DescriptorView view) {
    SecurityDescriptor copy;
    copy.bytes_.assign(view.bytes().begin(), view.bytes().end());
    return copy;
}

// Order of the parts as NT writes them: SACL, DACL, owner, group.
Result<SecurityDescriptor> SecurityDescriptor::build(const Parts& parts) {
    SecurityDescriptor made;
    std::vector<std::byte>& out = made.bytes_;
    std::uint32_t sacl = RG_TRY(append_list(out, parts.sacl, (parts.control & SE_SACL_PRESENT) != 0));
    std::uint32_t dacl = RG_TRY(append_list(out, parts.dacl, (parts.control & SE_DACL_PRESENT) != 0));
    std::uint32_t owner = parts.owner ? append(out, parts.owner->bytes()) : 0;
    std::uint32_t group = parts.group ? append(out, parts.group->bytes()) : 0;
    auto* header = rtl::record_at<RelativeHeader>(MutableBytes(out));
    header->control = static_cast<std::uint16_t>(parts.control | SE_SELF_RELATIVE);
    header->sacl = sacl;
    header->dacl = dacl;
    header->owner = owner;
    header->group = group;
    return made;
}

SecurityDescriptor::Parts SecurityDescriptor::parts() const { return parts_of(view()); }

SecurityDescriptor::Parts parts_of(DescriptorView view) {
    SecurityDescriptor::Parts parts;
    parts.control = static_cast<std::uint16_t>(view.control() & ~SE_SELF_RELATIVE);
    parts.owner = view.owner();
    parts.group = view.group();
    if (auto dacl = view.dacl()) parts.dacl.emplace(dacl->raw().begin(), dacl->raw().end());
    if (auto sacl = view.sacl()) parts.sacl.emplace(sacl->raw().begin(), sacl->raw().end());
    return parts;
}

AclBuilder& AclBuilder::add(std::uint8_t type, std::uint8_t flags, ACCESS_MASK mask, const Sid& sid, Bytes tail) {
    AceHeader header{type, flags, static_cast<std::uint16_t>(8 + sid.size() + tail.size())};
    Le32 rights = mask;
    Bytes parts[] = {rtl::as_bytes(&header, sizeof(header)), rtl::as_bytes(&rights, sizeof(rights)), sid.bytes(), tail};
    for (Bytes part : parts) entries_.insert(entries_.end(), part.begin(), part.end());
    ++count_;
    return *this;
}

AclBuilder& AclBuilder::add_raw(Bytes ace) {
    // Object entries need the directory service's revision.
    if (is_object_type(std::to_integer<std::uint8_t>(ace[0]))) revision_ = 4;
    entries_.insert(entries_.end(), ace.begin(), ace.end());
    ++count_;
    return *this;
}

Result<std::vector<std::byte>> AclBuilder::finish() const {
    std::size_t size = sizeof(AclHeader) + entries_.size();
    if (size > UINT16_MAX || count_ > UINT16_MAX) return fail(STATUS_INVALID_ACL);
    AclHeader header{revision_, 0, static_cast<std::uint16_t>(size), static_cast<std::uint16_t>(count_), 0};
    Bytes start = rtl::as_bytes(&header, sizeof(header));
    std::vector<std::byte> acl(start.begin(), start.end());
    acl.insert(acl.end(), entries_.begin(), entries_.end());
    return acl;
}

}  // namespace regent::se
