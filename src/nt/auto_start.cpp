#include "nt/auto_start.h"

#include <algorithm>
#include <tuple>

#include "nt/zw_key.h"

namespace regent::nt {
namespace {

constexpr Utf16View services_path = u"\\Registry\\Machine\\System\\CurrentControlSet\\Services";
constexpr ULONG last_automatic_start = 2;
constexpr ULONG disabled = 4;
constexpr std::size_t no_group = SIZE_MAX;

struct Service {
    Utf16 name;
    ULONG start;
    std::size_t group;  // place in ServiceGroupOrder\List
    ULONG tag;          // untagged last
};

std::vector<Utf16> group_order() {
    std::vector<Utf16> groups;
    const auto key = ZwKey::open(u"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\ServiceGroupOrder");
    if (!key) return groups;
    const auto list = key->value(u"List");
    if (!list || list->type != REG_MULTI_SZ) return groups;
    Utf16 group;
    for (std::size_t at = 0; at + sizeof(char16_t) <= list->data.size(); at += sizeof(char16_t)) {
        char16_t unit = 0;
        std::memcpy(&unit, list->data.data() + at, sizeof(unit));
        if (unit != 0) {
            group += unit;
        } else if (!group.empty()) {
            groups.push_back(std::move(group));
            group.clear();
        }
    }
    return groups;
}

// Services that are kernel or file system drivers and start by themselves.
std::vector<Service> automatic_services() {
    std::vector<Service> found;
    const auto services = ZwKey::open(services_path);
    if (!services) return found;
    const std::vector<Utf16> groups = group_order();
    for (const Utf16& name : services->subkeys()) {
        const auto key = ZwKey::open(name, KEY_READ, services->handle());
        if (!key) continue;
        const ULONG start = key->dword(u"Start").value_or(ULONG(-1));
        const ULONG type = key->dword(u"Type").value_or(0);
        if (start > last_automatic_start || (type != 1 && type != 2)) continue;
        const Utf16 group = key->string(u"Group").value_or(Utf16());
        const auto place =
            std::find_if(groups.begin(), groups.end(), [&](const Utf16& g) { return rtl::equal_folded(g, group); });
        const std::size_t rank = place == groups.end() ? no_group : static_cast<std::size_t>(place - groups.begin());
        found.push_back({name, start, rank, key->dword(u"Tag").value_or(ULONG(-1))});
    }
    // Stable: ties stay in the order of enumeration. Start 2 knows no groups.
    std::stable_sort(found.begin(), found.end(), [](const Service& a, const Service& b) {
        const auto rank = [](const Service& s) { return s.start == last_automatic_start ? no_group : s.group; };
        const auto tag = [](const Service& s) { return s.start == last_automatic_start ? 0 : s.tag; };
        return std::make_tuple(a.start, rank(a), tag(a)) < std::make_tuple(b.start, rank(b), tag(b));
    });
    return found;
}

void disable_repeat_offenders(const CrashHistory& crashes, std::vector<std::string>& messages) {
    const std::vector<std::string> offenders = crashes.repeat_offenders();
    for (const std::string& name : offenders) {
        Utf16 path(services_path);
        (path += u'\\') += rtl::from_utf8(name);
        const auto key = ZwKey::open(path, KEY_READ | KEY_SET_VALUE);
        if (!key || key->dword(u"Start").value_or(disabled) > last_automatic_start) continue;
        const auto done = key->set_dword(u"Start", disabled);
        ZwFlushKey(key->handle());  // what it stops next must not bring it back
        messages.push_back("driver " + name + " stopped the system twice: " +
                           (done ? "disabled (Start 4)" : rtl::status_name(done.error().code())));
    }
    if (!offenders.empty()) crashes.forget();
}

}  // namespace

void start_drivers(const CrashHistory& crashes, std::vector<std::string>& messages) {
    disable_repeat_offenders(crashes, messages);
    for (const Service& service : automatic_services()) {
        Utf16 path(services_path);
        path += u'\\';
        path += service.name;
        UNICODE_STRING string = rtl::unicode_string(path);
        const NTSTATUS status = ZwLoadDriver(&string);
        std::string line = "driver " + rtl::to_utf8(service.name) + ": ";
        messages.push_back(line + (NT_SUCCESS(status) ? "started" : rtl::status_name(status)));
    }
}

}  // namespace regent::nt
