// Security descriptors in self-relative form (MS-DTYP 2.4.6): views over validated bytes, and owned ones.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "nt/ntseapi.h"
#include "rtl/bytes.h"
#include "rtl/status.h"
#include "se/sid.h"

namespace regent::se {

// One entry of a validated list.
class AceView {
public:
    explicit AceView(Bytes raw) : raw_(raw) {}
    std::uint8_t type() const { return std::to_integer<std::uint8_t>(raw_[0]); }
    std::uint8_t flags() const { return std::to_integer<std::uint8_t>(raw_[1]); }
    Bytes raw() const { return raw_; }
    // Mask and SID follow the header (allowed, denied, audit, label and their kin); object and unknown ACEs are not
    // basic.
    bool is_basic() const;
    // REQUIRES: is_basic().
    ACCESS_MASK mask() const;
    Bytes sid_bytes() const;
    Sid sid() const;

private:
    Bytes raw_;
};

// A validated ACL, walked with begin()/end().
class AclView {
public:
    class Iterator {
    public:
        Iterator(Bytes rest, unsigned left) : rest_(rest), left_(left) {}
        AceView operator*() const;
        Iterator& operator++();
        friend bool operator==(const Iterator& a, const Iterator& b) { return a.left_ == b.left_; }

    private:
        Bytes rest_;
        unsigned left_;
    };
    explicit AclView(Bytes raw) : raw_(raw) {}
    // `bytes` start with an ACL that is whole and sound in every entry.
    static std::optional<AclView> validate(Bytes bytes);

    Bytes raw() const { return raw_; }
    std::uint8_t revision() const { return std::to_integer<std::uint8_t>(raw_[0]); }
    unsigned count() const;
    Iterator begin() const { return {raw_.subspan(sizeof(ACL)), count()}; }
    Iterator end() const { return {{}, 0}; }

private:
    Bytes raw_;
};

// A self-relative descriptor inside bytes that live elsewhere (a hive cell, a captured buffer). Immutable.
class DescriptorView {
public:
    // Checks every offset, length, SID and ACE. ERRORS: UNKNOWN_REVISION, INVALID_SECURITY_DESCR.
    static Result<DescriptorView> validate(Bytes bytes);
    // Wraps bytes that were validated when they came in. REQUIRES: validate(bytes) succeeded on them.
    static DescriptorView trusted(Bytes bytes) { return DescriptorView(bytes); }

    Bytes bytes() const { return bytes_; }
    SECURITY_DESCRIPTOR_CONTROL control() const;
    std::optional<Sid> owner() const;
    std::optional<Sid> group() const;
    // Nothing when absent or NULL: then there is no restriction at all. An empty list is a list.
    std::optional<AclView> dacl() const;
    std::optional<AclView> sacl() const;

private:
    explicit DescriptorView(Bytes bytes) : bytes_(bytes) {}
    Bytes bytes_;
};

// An owned, always valid self-relative descriptor. A value; externally synchronised.
class SecurityDescriptor {
public:
    // What a descriptor is made of; `dacl` and `sacl` are whole ACLs and are written when their PRESENT control bit is
    // set (PRESENT without bytes is a NULL list).
    struct Parts {
        SECURITY_DESCRIPTOR_CONTROL control = 0;
        std::optional<Sid> owner;
        std::optional<Sid> group;
        std::optional<std::vector<std::byte>> dacl;
        std::optional<std::vector<std::byte>> sacl;
    };

    SecurityDescriptor();  // no owner, no group, no lists
    static Result<SecurityDescriptor> from_bytes(Bytes self_relative);
    static SecurityDescriptor copy_of(DescriptorView view);
    // ERRORS: INVALID_ACL (a list is not sound), INVALID_SECURITY_DESCR (larger than a descriptor can be).
    static Result<SecurityDescriptor> build(const Parts& parts);

    DescriptorView view() const { return DescriptorView::trusted(bytes_); }
    operator DescriptorView() const { return view(); }
    Bytes bytes() const { return bytes_; }
    std::size_t size() const { return bytes_.size(); }
    Parts parts() const;
    friend bool operator==(const SecurityDescriptor&, const SecurityDescriptor&) = default;

private:
    std::vector<std::byte> bytes_;
};

// The parts of any valid descriptor, copied.
SecurityDescriptor::Parts parts_of(DescriptorView view);

// Puts entries into one ACL.
class AclBuilder {
public:
    // Basic entry kinds (ACCESS_ALLOWED_ACE_TYPE, ...); `tail` is what callback kinds carry behind the SID.
    AclBuilder& add(std::uint8_t type, std::uint8_t flags, ACCESS_MASK mask, const Sid& sid, Bytes tail = {});
    AclBuilder& add_raw(Bytes ace);
    bool empty() const { return count_ == 0; }
    // ERRORS: INVALID_ACL when the entries need more than an ACL's 65535 bytes.
    Result<std::vector<std::byte>> finish() const;

private:
    std::vector<std::byte> entries_;
    unsigned count_ = 0;
    std::uint8_t revision_ = ACL_REVISION;
};

// The self-relative form of what a program passed: absolute or self-relative, as SECURITY_DESCRIPTOR.Control says. The
// pointers of the absolute form are trusted to be readable, their content is not.
// ERRORS: UNKNOWN_REVISION, INVALID_SID, INVALID_ACL, INVALID_SECURITY_DESCR.
Result<SecurityDescriptor> capture_descriptor(const void* descriptor);

// Only the parts that `wanted` asks for (NtQuerySecurityObject). REQUIRES: the caller checked the handle's rights.
SecurityDescriptor query_descriptor(DescriptorView from, SECURITY_INFORMATION wanted);

class Token;
// `current` with the parts named by `what` taken from `modification` (NtSetSecurityObject).
// A SACL's entries fall into four classes (audit, label, attributes, policy): only those of the classes named are
// replaced. ERRORS: INVALID_OWNER (not one the token may assign), INVALID_PRIMARY_GROUP (null group given),
// may_label's, INVALID_SECURITY_DESCR.
Result<SecurityDescriptor> merge_descriptor(DescriptorView current, DescriptorView modification,
                                            SECURITY_INFORMATION what, const Token& token,
                                            const GENERIC_MAPPING& mapping);

// Whether the token may put these labels on an object. ERRORS, in this order: INVALID_LABEL (no level),
// PRIVILEGE_NOT_HELD (above its own level, without SeRelabelPrivilege).
Result<void> may_label(const std::optional<std::vector<std::byte>>& sacl, const Token& token);

// The descriptor of a new object (semantics SE-1..SE-3; MS-DTYP 2.5.3.4). Either descriptor may be absent.
// What a token below medium integrity creates is labelled with its level (recalled).
// ERRORS: INVALID_OWNER, PRIVILEGE_NOT_HELD (a SACL that is more than labels, without SeSecurityPrivilege, unless the
// caller is the kernel), may_label's, INVALID_ACL.
Result<SecurityDescriptor> assign_descriptor(const DescriptorView* parent, const DescriptorView* explicit_descriptor,
                                             const Token& token, const GENERIC_MAPPING& mapping, bool is_container,
                                             bool kernel_caller = false);

// The rights a handle needs to query or set these parts.
ACCESS_MASK access_to_query(SECURITY_INFORMATION what);
ACCESS_MASK access_to_set(SECURITY_INFORMATION what);

}  // namespace regent::se
