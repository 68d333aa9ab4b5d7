// Descriptors to text.
#include <charconv>
#include <span>

#include "se/condition.h"
#include "se/sddl.h"
#include "se/sddl_tables.h"

namespace regent::se {
namespace {

using sddl::Word;

constexpr SECURITY_INFORMATION sacl_parts = SACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION |
                                            ATTRIBUTE_SECURITY_INFORMATION | SCOPE_SECURITY_INFORMATION;

void append_hex(std::string& out, std::uint32_t value) {
    char digits[8];
    auto end = std::to_chars(digits, digits + sizeof(digits), value, 16).ptr;
    out += "0x";
    out.append(digits, end);
}

// All bits of `value` in words, or nothing written.
bool append_words(std::string& out, std::uint32_t value, std::span<const Word> words) {
    std::string text;
    for (const Word& word : words) {
        if ((value & word.value) == 0) continue;
        text += word.text;
        value &= ~word.value;
    }
    if (value == 0) out += text;
    return value == 0;
}

void append_rights(std::string& out, std::uint32_t mask, bool is_label) {
    if (!is_label) {
        for (const Word& word : sddl::mask_words) {
            if (word.value != mask) continue;
            out += word.text;
            return;
        }
    }
    bool written = is_label ? append_words(out, mask, sddl::label_words) : append_words(out, mask, sddl::right_words);
    if (!written) append_hex(out, mask);
}

void append_guid(std::string& out, Bytes guid) {
    static constexpr std::size_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    for (std::size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
        const auto byte = std::to_integer<unsigned>(guid[order[i]]);
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
}

// The fields between rights and account, and the SID's place.
std::size_t append_objects(std::string& out, const AceView& ace, bool has_guids) {
    if (!has_guids) {
        out += ";;;";
        return 8;
    }
    const std::uint32_t present = rtl::load<std::uint32_t>(ace.raw(), 8).value_or(0);
    std::size_t place = 12;
    for (std::uint32_t bit : {1u, 2u}) {
        out += ';';
        if ((present & bit) == 0) continue;
        append_guid(out, ace.raw().subspan(place, 16));
        place += 16;
    }
    out += ';';
    return place;
}

// ERRORS: INVALID_ACL, INVALID_ACE_CONDITION.
Result<void> append_entry(std::string& out, const AceView& ace) {
    const sddl::EntryType* kind = nullptr;
    for (const sddl::EntryType& one : sddl::entry_types) {
        if (one.type == ace.type()) kind = &one;
    }
    if (kind == nullptr) return fail(STATUS_INVALID_ACL);
    out += '(';
    out += kind->text;
    out += ';';
    if (!append_words(out, ace.flags(), sddl::ace_flag_words)) return fail(STATUS_INVALID_ACL);
    out += ';';
    append_rights(out, ace.mask(), ace.type() == SYSTEM_MANDATORY_LABEL_ACE_TYPE);
    const std::size_t place = append_objects(out, ace, kind->has_guids);
    const auto sid = Sid::from_bytes(ace.raw().subspan(place));
    if (!sid) return fail(STATUS_INVALID_ACL);
    out += sddl::account_text(*sid);
    const Bytes tail = ace.raw().subspan(place + sid->size());
    if (kind->tail == sddl::EntryType::Tail::condition) {
        const auto text = RG_TRY(condition_to_text(tail));
        out += ";(" + text + ')';
    } else if (kind->tail == sddl::EntryType::Tail::attribute) {
        const auto text = RG_TRY(sddl::attribute_to_text(tail));
        out += ";(" + text + ')';
    } else if (!tail.empty()) {
        return fail(STATUS_INVALID_ACL);  // bytes that no text would bring back
    }
    out += ')';
    return {};
}

Result<void> append_list(std::string& out, const std::optional<AclView>& list, USHORT control,
                         const sddl::ListControl& bits) {
    if ((control & bits.is_protected) != 0) out += 'P';
    if ((control & bits.auto_request) != 0) out += "AR";
    if ((control & bits.auto_inherited) != 0) out += "AI";
    if (!list) {
        out += sddl::null_list;
        return {};
    }
    for (AceView ace : *list) RG_TRY(append_entry(out, ace));
    return {};
}

}  // namespace

Result<std::string> to_sddl(DescriptorView descriptor, SECURITY_INFORMATION what) {
    std::string text;
    auto owner = descriptor.owner();
    if (owner && (what & OWNER_SECURITY_INFORMATION) != 0) {
        text += "O:";
        text += sddl::account_text(*owner);
    }
    auto group = descriptor.group();
    if (group && (what & GROUP_SECURITY_INFORMATION) != 0) {
        text += "G:";
        text += sddl::account_text(*group);
    }
    USHORT control = descriptor.control();
    if ((control & SE_DACL_PRESENT) != 0 && (what & DACL_SECURITY_INFORMATION) != 0) {
        text += "D:";
        RG_TRY(append_list(text, descriptor.dacl(), control, sddl::dacl_control));
    }
    if ((control & SE_SACL_PRESENT) != 0 && (what & sacl_parts) != 0) {
        text += "S:";
        RG_TRY(append_list(text, descriptor.sacl(), control, sddl::sacl_control));
    }
    return text;
}

}  // namespace regent::se
