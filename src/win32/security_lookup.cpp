// Names of privileges and accounts. Unix accounts are those of the host's user database.
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "se/privilege.h"
#include "win32/security.h"

using namespace regent;
using namespace regent::win32;

namespace {

struct Account {
    se::Sid sid;
    Utf16 domain;
    Utf16 name;
    SID_NAME_USE use;
};

const std::vector<Account>& known_accounts() {
    static const std::vector<Account> accounts = {
        {se::Sid(1, {0}), u"", u"Everyone", SidTypeWellKnownGroup},
        {se::Sid(2, {0}), u"", u"LOCAL", SidTypeWellKnownGroup},
        {se::Sid(3, {0}), u"", u"CREATOR OWNER", SidTypeWellKnownGroup},
        {se::Sid(3, {1}), u"", u"CREATOR GROUP", SidTypeWellKnownGroup},
        {se::Sid(3, {4}), u"", u"OWNER RIGHTS", SidTypeWellKnownGroup},
        {se::Sid(5, {2}), u"NT AUTHORITY", u"NETWORK", SidTypeWellKnownGroup},
        {se::Sid(5, {4}), u"NT AUTHORITY", u"INTERACTIVE", SidTypeWellKnownGroup},
        {se::Sid(5, {6}), u"NT AUTHORITY", u"SERVICE", SidTypeWellKnownGroup},
        {se::Sid(5, {7}), u"NT AUTHORITY", u"ANONYMOUS LOGON", SidTypeWellKnownGroup},
        {se::Sid(5, {11}), u"NT AUTHORITY", u"Authenticated Users", SidTypeWellKnownGroup},
        {se::Sid(5, {12}), u"NT AUTHORITY", u"RESTRICTED", SidTypeWellKnownGroup},
        {se::Sid(5, {18}), u"NT AUTHORITY", u"SYSTEM", SidTypeWellKnownGroup},
        {se::Sid(5, {19}), u"NT AUTHORITY", u"LOCAL SERVICE", SidTypeWellKnownGroup},
        {se::Sid(5, {20}), u"NT AUTHORITY", u"NETWORK SERVICE", SidTypeWellKnownGroup},
        {se::Sid(5, {32, 544}), u"BUILTIN", u"Administrators", SidTypeAlias},
        {se::Sid(5, {32, 545}), u"BUILTIN", u"Users", SidTypeAlias},
        {se::Sid(5, {32, 546}), u"BUILTIN", u"Guests", SidTypeAlias},
        {se::Sid(5, {32, 551}), u"BUILTIN", u"Backup Operators", SidTypeAlias},
        {se::Sid(15, {2, 1}), u"APPLICATION PACKAGE AUTHORITY", u"ALL APPLICATION PACKAGES", SidTypeWellKnownGroup},
    };
    return accounts;
}

constexpr Utf16View user_domain = u"Unix User";
constexpr Utf16View group_domain = u"Unix Group";

std::optional<Account> account_of(const se::Sid& sid) {
    for (const Account& account : known_accounts()) {
        if (account.sid == sid) return account;
    }
    if (sid.authority() != 22 || sid.subauthority_count() != 2) return std::nullopt;
    char buffer[4096];
    if (sid.subauthority(0) == 1) {
        passwd entry{};
        passwd* found = nullptr;
        getpwuid_r(sid.subauthority(1), &entry, buffer, sizeof(buffer), &found);
        if (found == nullptr) return std::nullopt;
        return Account{sid, Utf16(user_domain), rtl::from_utf8(entry.pw_name), SidTypeUser};
    }
    group entry{};
    group* found = nullptr;
    if (sid.subauthority(0) != 2) return std::nullopt;
    getgrgid_r(sid.subauthority(1), &entry, buffer, sizeof(buffer), &found);
    if (found == nullptr) return std::nullopt;
    return Account{sid, Utf16(group_domain), rtl::from_utf8(entry.gr_name), SidTypeGroup};
}

// DOMAIN\\name, or the name alone: well-known ones first, then users, then groups.
std::optional<Account> account_named(Utf16View text) {
    const std::size_t slash = text.find(u'\\');
    const Utf16View domain = slash == Utf16View::npos ? Utf16View() : text.substr(0, slash);
    const Utf16View name = slash == Utf16View::npos ? text : text.substr(slash + 1);
    for (const Account& account : known_accounts()) {
        if (rtl::equal_folded(account.name, name) && (domain.empty() || rtl::equal_folded(account.domain, domain))) {
            return account;
        }
    }
    char buffer[4096];
    const std::string host_name = rtl::to_utf8(name);
    if (domain.empty() || rtl::equal_folded(domain, user_domain)) {
        passwd entry{};
        passwd* found = nullptr;
        getpwnam_r(host_name.c_str(), &entry, buffer, sizeof(buffer), &found);
        if (found != nullptr) {
            return Account{se::from_uid(entry.pw_uid), Utf16(user_domain), Utf16(name), SidTypeUser};
        }
    }
    if (domain.empty() || rtl::equal_folded(domain, group_domain)) {
        group entry{};
        group* found = nullptr;
        getgrnam_r(host_name.c_str(), &entry, buffer, sizeof(buffer), &found);
        if (found != nullptr) {
            return Account{se::from_gid(entry.gr_gid), Utf16(group_domain), Utf16(name), SidTypeGroup};
        }
    }
    return std::nullopt;
}

// The count becomes the text's without its NUL, or with it when it does not fit.
bool put_name(Utf16View text, LPWSTR out, LPDWORD count) {
    if (*count <= text.size() || out == nullptr) {
        *count = static_cast<DWORD>(text.size() + 1);
        return false;
    }
    std::memcpy(out, text.data(), text.size() * sizeof(WCHAR));
    out[text.size()] = 0;
    *count = static_cast<DWORD>(text.size());
    return true;
}

}  // namespace

extern "C" {

BOOL WINAPI LookupPrivilegeValueA(LPCSTR lpSystemName, LPCSTR lpName, PLUID lpLuid) {
    if (lpName == nullptr || lpLuid == nullptr) return refuse(ERROR_INVALID_PARAMETER);
    if (lpSystemName != nullptr && *lpSystemName != 0) return refuse(ERROR_NOT_SUPPORTED);
    const Utf16 wanted = rtl::from_utf8(lpName);
    for (ULONG number = 0; number < 64; ++number) {
        const std::string_view name = se::privilege_name(number);
        if (name.empty() || !rtl::equal_folded(rtl::from_utf8(name), wanted)) continue;
        *lpLuid = {number, 0};
        return TRUE;
    }
    return refuse(ERROR_NO_SUCH_PRIVILEGE);
}
BOOL WINAPI LookupPrivilegeValueW(LPCWSTR lpSystemName, LPCWSTR lpName, PLUID lpLuid) {
    if (lpName == nullptr) return refuse(ERROR_INVALID_PARAMETER);
    const std::string system = lpSystemName != nullptr ? rtl::to_utf8(lpSystemName) : std::string();
    return LookupPrivilegeValueA(system.c_str(), rtl::to_utf8(lpName).c_str(), lpLuid);
}
BOOL WINAPI LookupPrivilegeNameW(LPCWSTR, PLUID lpLuid, LPWSTR lpName, LPDWORD cchName) {
    const std::string_view name = lpLuid->HighPart == 0 ? se::privilege_name(lpLuid->LowPart) : std::string_view();
    if (name.empty()) return refuse(ERROR_NO_SUCH_PRIVILEGE);
    return put_name(rtl::from_utf8(name), lpName, cchName) ? TRUE : refuse(ERROR_INSUFFICIENT_BUFFER);
}

BOOL WINAPI LookupAccountSidW(LPCWSTR, PSID Sid, LPWSTR Name, LPDWORD cchName, LPWSTR ReferencedDomainName,
                              LPDWORD cchReferencedDomainName, SID_NAME_USE* peUse) {
    const auto sid = sid_at(Sid);
    if (!sid) return refuse(ERROR_INVALID_SID);
    const auto account = account_of(*sid);
    if (!account) return refuse(ERROR_NONE_MAPPED);
    const bool named = put_name(account->name, Name, cchName);
    const bool placed = put_name(account->domain, ReferencedDomainName, cchReferencedDomainName);
    if (!named || !placed) return refuse(ERROR_INSUFFICIENT_BUFFER);
    *peUse = account->use;
    return TRUE;
}

BOOL WINAPI LookupAccountNameW(LPCWSTR, LPCWSTR lpAccountName, PSID Sid, LPDWORD cbSid, LPWSTR ReferencedDomainName,
                               LPDWORD cchReferencedDomainName, SID_NAME_USE* peUse) {
    if (lpAccountName == nullptr) return refuse(ERROR_INVALID_PARAMETER);
    const auto account = account_named(lpAccountName);
    if (!account) return refuse(ERROR_NONE_MAPPED);
    const DWORD given = std::exchange(*cbSid, static_cast<DWORD>(account->sid.size()));
    const bool placed = put_name(account->domain, ReferencedDomainName, cchReferencedDomainName);
    if (given < account->sid.size() || !placed) return refuse(ERROR_INSUFFICIENT_BUFFER);
    std::memcpy(Sid, &account->sid, account->sid.size());
    *peUse = account->use;
    return TRUE;
}
}
