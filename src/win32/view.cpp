#include "win32/view.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "nt/ntservices.h"
#include "win32/value.h"

namespace regent::win32 {
namespace {

constexpr Utf16View wow_node = u"Wow6432Node";

// Below ...\Classes: these exist once for each view, everything else is shared.
constexpr Utf16View split_classes[] = {u"CLSID", u"DirectShow", u"Interface", u"Media Type", u"MediaFoundation"};

// Below HKLM\Software: what Windows 7 and later share (the documented table; the rest is redirected).
constexpr Utf16View shared_keys[] = {
    u"Clients",
    u"Microsoft\\COM3",
    u"Microsoft\\Cryptography\\Calais\\Current",
    u"Microsoft\\Cryptography\\Calais\\Readers",
    u"Microsoft\\Cryptography\\Services",
    u"Microsoft\\CTF\\SystemShared",
    u"Microsoft\\CTF\\TIP",
    u"Microsoft\\DFS",
    u"Microsoft\\Driver Signing",
    u"Microsoft\\EnterpriseCertificates",
    u"Microsoft\\EventSystem",
    u"Microsoft\\MSMQ",
    u"Microsoft\\Non-Driver Signing",
    u"Microsoft\\Notepad\\DefaultFonts",
    u"Microsoft\\OLE",
    u"Microsoft\\RAS",
    u"Microsoft\\RPC",
    u"Microsoft\\Shared Tools\\MSInfo",
    u"Microsoft\\SystemCertificates",
    u"Microsoft\\TermServLicensing",
    u"Microsoft\\Transaction Server",
    u"Microsoft\\TransactionServer",  // as the documentation spells it
    u"Microsoft\\Windows\\CurrentVersion\\App Paths",
    u"Microsoft\\Windows\\CurrentVersion\\Control Panel\\Cursors\\Schemes",
    u"Microsoft\\Windows\\CurrentVersion\\Explorer\\AutoplayHandlers",
    u"Microsoft\\Windows\\CurrentVersion\\Explorer\\DriveIcons",
    u"Microsoft\\Windows\\CurrentVersion\\Explorer\\KindMap",
    u"Microsoft\\Windows\\CurrentVersion\\Group Policy",
    u"Microsoft\\Windows\\CurrentVersion\\Policies",
    u"Microsoft\\Windows\\CurrentVersion\\PreviewHandlers",
    u"Microsoft\\Windows\\CurrentVersion\\Setup",
    u"Microsoft\\Windows\\CurrentVersion\\Telephony\\Locations",
    u"Microsoft\\Windows NT\\CurrentVersion\\Console",
    u"Microsoft\\Windows NT\\CurrentVersion\\FontDpi",
    u"Microsoft\\Windows NT\\CurrentVersion\\FontLink",
    u"Microsoft\\Windows NT\\CurrentVersion\\FontMapper",
    u"Microsoft\\Windows NT\\CurrentVersion\\Fonts",
    u"Microsoft\\Windows NT\\CurrentVersion\\FontSubstitutes",
    u"Microsoft\\Windows NT\\CurrentVersion\\Gre_initialize",
    u"Microsoft\\Windows NT\\CurrentVersion\\Image File Execution Options",
    u"Microsoft\\Windows NT\\CurrentVersion\\Language Pack",
    u"Microsoft\\Windows NT\\CurrentVersion\\LanguagePack",
    u"Microsoft\\Windows NT\\CurrentVersion\\NetworkCards",
    u"Microsoft\\Windows NT\\CurrentVersion\\Perflib",
    u"Microsoft\\Windows NT\\CurrentVersion\\Ports",
    u"Microsoft\\Windows NT\\CurrentVersion\\Print",
    u"Microsoft\\Windows NT\\CurrentVersion\\ProfileList",
    u"Microsoft\\Windows NT\\CurrentVersion\\Time Zones",
    u"Policies",
    u"RegisteredApplications",
};

constexpr ULONG transacted_tag = 0x8000;

// Set with the first handle that has something to remember: until then no handle is asked for its tags.
std::atomic<bool> any_origin{false};

// What follows `prefix` in `path`, without separators before it; nothing when the path is not there or below.
bool take_prefix(Utf16View path, Utf16View prefix, Utf16View* rest) {
    if (path.size() < prefix.size() || !rtl::equal_folded(path.substr(0, prefix.size()), prefix)) return false;
    if (path.size() > prefix.size() && path[prefix.size()] != u'\\') return false;
    *rest = path.substr(std::min(path.size(), prefix.size() + 1));
    return true;
}

Utf16 joined(Utf16View head, Utf16View tail) {
    Utf16 path(head);
    if (!tail.empty()) {
        path += u'\\';
        path += tail;
    }
    return path;
}

bool is_split_class(Utf16View below_classes) {
    Utf16View rest;
    return std::ranges::any_of(split_classes, [&](Utf16View name) { return take_prefix(below_classes, name, &rest); });
}

// `classes` is a key Classes, `below` what is named below it. Its node of the 32-bit view holds the split classes; any
// other name there means the shared key.
Utf16 in_classes(Utf16View classes, Utf16View below) {
    Utf16View rest;
    if (take_prefix(below, wow_node, &rest)) {
        const bool stays = rest.empty() || is_split_class(rest);
        return joined(classes, stays ? below : rest);
    }
    return is_split_class(below) ? joined(joined(classes, wow_node), below) : joined(classes, below);
}

Utf16 in_software(Utf16View software, Utf16View below) {
    Utf16View rest;
    if (take_prefix(below, u"Classes", &rest)) return in_classes(joined(software, u"Classes"), rest);
    if (take_prefix(below, wow_node, &rest)) return joined(software, below);
    for (const Utf16View shared : shared_keys) {
        if (take_prefix(below, shared, &rest)) return joined(software, below);
    }
    return joined(joined(software, wow_node), below);
}

}  // namespace

HandleOrigin origin_of(HANDLE key) {
    if (!any_origin.load(std::memory_order_relaxed)) return {};
    KEY_HANDLE_TAGS_INFORMATION tags{};
    ULONG needed = 0;
    const NTSTATUS status = NtQueryKey(key, KeyHandleTagsInformation, &tags, sizeof(tags), &needed);
    if (!NT_SUCCESS(status)) return {};
    return {(tags.HandleTags & KEY_WOW64_32KEY) != 0, (tags.HandleTags & transacted_tag) != 0};
}

void remember_origin(HANDLE key, HandleOrigin origin) {
    if (!origin.is_32_bit && !origin.transacted) return;
    KEY_HANDLE_TAGS_INFORMATION tags{};
    if (origin.is_32_bit) tags.HandleTags |= KEY_WOW64_32KEY;
    if (origin.transacted) tags.HandleTags |= transacted_tag;
    any_origin.store(true, std::memory_order_relaxed);
    NtSetInformationKey(key, KeySetHandleTagsInformation, &tags, sizeof(tags));
}

Utf16 in_32_bit_view(Utf16View path) {
    constexpr Utf16View software = u"\\REGISTRY\\MACHINE\\SOFTWARE";
    constexpr Utf16View users = u"\\REGISTRY\\USER";
    constexpr Utf16View classes_ending = u"_Classes";
    Utf16View below;
    if (take_prefix(path, software, &below)) return in_software(software, below);
    if (!take_prefix(path, users, &below) || below.empty()) return Utf16(path);
    const std::size_t end = std::min(below.find(u'\\'), below.size());
    const Utf16View user = below.substr(0, end);
    const Utf16View rest = below.substr(std::min(end + 1, below.size()));
    if (user.size() > classes_ending.size() &&
        rtl::equal_folded(user.substr(user.size() - classes_ending.size()), classes_ending)) {
        return in_classes(joined(users, user), rest);
    }
    Utf16View below_classes;
    if (!take_prefix(rest, u"Software\\Classes", &below_classes)) return Utf16(path);
    return in_classes(joined(joined(users, user), u"Software\\Classes"), below_classes);
}

}  // namespace regent::win32
