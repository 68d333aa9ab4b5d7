// From NT's names to the host's, and from NT's callers to the host's users.
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "io/file.h"
#include "io/host_fs.h"
#include "ob/process.h"

namespace regent::io {

namespace {

constexpr std::array<Utf16View, 4> prefixes = {u"\\??\\UNIX", u"\\DosDevices\\UNIX", u"\\GLOBAL??\\UNIX",
                                               u"\\Device\\HostFs"};

std::vector<gid_t> groups_of(const se::Token& token) {
    constexpr std::uint64_t unix_authority = 22;
    std::vector<gid_t> groups;
    for (const se::TokenGroup& group : token.groups()) {
        const se::Sid& sid = group.sid;
        if (sid.authority() == unix_authority && sid.subauthority_count() == 2 && sid.subauthority(0) == 2)
            groups.push_back(sid.subauthority(1));
    }
    return groups;
}

// Of this thread only: the library's functions would change the whole process.
void set_thread_groups(const std::vector<gid_t>& groups) {
    syscall(SYS_setgroups, groups.size(), groups.empty() ? nullptr : groups.data());
}

// This process's groups, read before any thread took a caller's.
const std::vector<gid_t>& own_groups() {
    static const std::vector<gid_t> groups = [] {
        std::vector<gid_t> list(static_cast<std::size_t>(std::max(0, getgroups(0, nullptr))));
        list.resize(static_cast<std::size_t>(std::max(0, getgroups(static_cast<int>(list.size()), list.data()))));
        return list;
    }();
    return groups;
}

}  // namespace

Result<std::string> host_path_of_tail(Utf16View tail) {
    std::string path;
    while (!tail.empty()) {
        if (tail.front() == u'\\') tail.remove_prefix(1);
        const Utf16View component = tail.substr(0, tail.find(u'\\'));
        tail.remove_prefix(component.size());
        if (component.empty()) continue;
        if (component.find(u'/') != Utf16View::npos || component.find(u'\0') != Utf16View::npos)
            return fail(STATUS_OBJECT_NAME_INVALID);
        path += '/';
        path += rtl::to_utf8(component);
    }
    return path.empty() ? "/" : path;
}

Result<std::string> host_path(Utf16View nt_path) {
    if (nt_path.empty() || nt_path.front() != u'\\') return fail(STATUS_OBJECT_PATH_SYNTAX_BAD);
    for (const Utf16View prefix : prefixes) {
        if (nt_path.size() < prefix.size() || !rtl::equal_folded(nt_path.substr(0, prefix.size()), prefix)) continue;
        const Utf16View tail = nt_path.substr(prefix.size());
        if (tail.empty() || tail.front() == u'\\') return host_path_of_tail(tail);
    }
    return fail(STATUS_OBJECT_PATH_NOT_FOUND);
}

CallerIdentity::CallerIdentity() {
    const ob::Context& caller = ob::current();
    if (!caller.process->is_system()) become(caller.token());
}

CallerIdentity::CallerIdentity(const se::Token& token) { become(token); }

void CallerIdentity::become(const se::Token& token) {
    if (geteuid() != 0 || token.uid() == 0) return;
    switched_ = true;
    own_groups();
    set_thread_groups(groups_of(token));
    setfsgid(token.gid());
    setfsuid(token.uid());
}

CallerIdentity::~CallerIdentity() {
    if (!switched_) return;
    setfsuid(geteuid());
    setfsgid(getegid());
    set_thread_groups(own_groups());
}

}  // namespace regent::io
