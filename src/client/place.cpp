#include "client/place.h"

#include <unistd.h>

#include <array>

namespace regent::client {
namespace {

struct Root {
    Utf16View name;
    Utf16View path;
};

constexpr std::array<Root, 6> roots{{
    {u"HKLM", u"\\Registry\\Machine"},
    {u"HKEY_LOCAL_MACHINE", u"\\Registry\\Machine"},
    {u"HKU", u"\\Registry\\User"},
    {u"HKEY_USERS", u"\\Registry\\User"},
    {u"HKCC", u"\\Registry\\Machine\\System\\CurrentControlSet\\Hardware Profiles\\Current"},
    {u"HKEY_CURRENT_CONFIG", u"\\Registry\\Machine\\System\\CurrentControlSet\\Hardware Profiles\\Current"},
}};

// The executive gives a Unix user the SID S-1-22-1-<uid>; a daemon sees the same uid on its socket.
Utf16 current_user() { return u"\\Registry\\User\\S-1-22-1-" + rtl::from_utf8(std::to_string(geteuid())); }

}  // namespace

Utf16 nt_path(Utf16View path) {
    if (path.starts_with(u'\\')) return Utf16(path);
    const std::size_t end = path.find(u'\\');
    const Utf16View first = path.substr(0, end);
    const Utf16View rest = end == Utf16View::npos ? Utf16View() : path.substr(end);
    if (rtl::equal_folded(first, u"HKCU") || rtl::equal_folded(first, u"HKEY_CURRENT_USER")) {
        return current_user() += rest;
    }
    for (const Root& root : roots) {
        if (rtl::equal_folded(first, root.name)) return Utf16(root.path) += rest;
    }
    return {};
}

std::unexpected<Error> failed(NTSTATUS status, const char* verb, Utf16View subject) {
    return std::unexpected(Error(status, std::string(verb) + " " + rtl::to_utf8(subject)));
}

}  // namespace regent::client
