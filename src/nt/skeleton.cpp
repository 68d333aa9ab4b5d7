#include "nt/skeleton.h"

#include <algorithm>
#include <cstdio>

#include "cm/registry.h"
#include "nt/zw_key.h"
#include "se/sddl.h"

namespace regent::nt {
namespace {

constexpr Utf16View machine = u"\\Registry\\Machine";
constexpr Utf16View users = u"\\Registry\\User";

Result<void> ensure_dword(const ZwKey& key, Utf16View name, ULONG value) {
    if (key.value(name)) return {};
    return key.set_dword(name, value);
}

Result<void> ensure_string(const ZwKey& key, Utf16View name, Utf16View text) {
    if (key.value(name)) return {};
    return key.set_string(name, text);
}

Result<void> ensure_paths(const ZwKey& root, std::initializer_list<Utf16View> paths) {
    for (const Utf16View path : paths) {
        auto key = ZwKey::create_path(root, path);
        if (!key) return std::unexpected(key.error());
    }
    return {};
}

Utf16 below(Utf16View parent, Utf16View name) {
    Utf16 path(parent);
    path += u'\\';
    path += name;
    return path;
}

Result<void> make_select(const ZwKey& system) {
    const auto select = RG_TRY(ZwKey::create(u"Select", REG_OPTION_NON_VOLATILE, system.handle()));
    RG_TRY(ensure_dword(select, u"Current", 1));
    RG_TRY(ensure_dword(select, u"Default", 1));
    RG_TRY(ensure_dword(select, u"Failed", 0));
    return ensure_dword(select, u"LastKnownGood", 1);
}

// "ControlSet001" for Select\Current 1.
Utf16 current_control_set(const ZwKey& system) {
    ULONG number = 1;
    if (const auto select = ZwKey::open(u"Select", KEY_READ, system.handle()))
        number = select->dword(u"Current").value_or(1);
    char digits[16];
    std::snprintf(digits, sizeof(digits), "%03u", number % 1000);
    return u"ControlSet" + rtl::from_utf8(digits);
}

// As on Windows the plug and play manager's key is for the system to change and for others to read, administrators too.
Result<void> make_enum(const ZwKey& control_set) {
    bool existed = false;
    const auto key = RG_TRY(ZwKey::create(u"Enum", REG_OPTION_NON_VOLATILE, control_set.handle(), &existed));
    if (existed) return {};
    const auto security = RG_TRY(se::parse_sddl("D:P(A;CI;KA;;;SY)(A;CI;KR;;;BA)(A;CI;KR;;;WD)"));
    std::vector<std::byte> bytes(security.bytes().begin(), security.bytes().end());
    const NTSTATUS status = ZwSetSecurityObject(
        key.handle(), DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, bytes.data());
    if (!NT_SUCCESS(status)) return fail(status);
    return {};
}

Result<void> make_system() {
    const auto system = RG_TRY(ZwKey::open(u"\\Registry\\Machine\\System", KEY_ALL_ACCESS));
    RG_TRY(make_select(system));
    const Utf16 set = current_control_set(system);
    const auto control_set = RG_TRY(ZwKey::create(set, REG_OPTION_NON_VOLATILE, system.handle()));
    RG_TRY(ensure_paths(control_set, {u"Control\\ComputerName\\ComputerName", u"Control\\Session Manager\\Environment",
                                      u"Services", u"Hardware Profiles\\0001\\Software"}));
    RG_TRY(make_enum(control_set));
    const auto order = RG_TRY(ZwKey::create_path(control_set, u"Control\\ServiceGroupOrder"));
    if (!order.value(u"List")) {
        constexpr char16_t groups[] = u"Boot Bus Extender\0System Bus Extender\0FSFilter Activity Monitor\0";
        RG_TRY(order.set(u"List", REG_MULTI_SZ, rtl::as_bytes(groups, sizeof(groups))));
    }
    const Utf16 target = below(u"\\Registry\\Machine\\System", set);
    RG_TRY(ZwKey::create_link(u"\\Registry\\Machine\\System\\CurrentControlSet", target));
    return ZwKey::create_link(below(target, u"Hardware Profiles\\Current"), below(target, u"Hardware Profiles\\0001"));
}

// Where a 32-bit program's hard-coded paths lead (the documented links of WOW64, AC-9). A real key of that name, which
// a foreign hive may have, stays.
Result<void> make_wow64_links() {
    constexpr Utf16View software = u"\\Registry\\Machine\\Software";
    const Utf16 classes = below(software, u"Classes");
    struct Link {
        Utf16 path;
        Utf16 target;
    };
    const Utf16 node = below(classes, u"Wow6432Node");
    const Link links[] = {{below(software, u"Wow6432Node\\Classes"), node},
                          {below(node, u"AppId"), below(classes, u"AppId")},
                          {below(node, u"PROTOCOLS"), below(classes, u"PROTOCOLS")},
                          {below(node, u"Typelib"), below(classes, u"Typelib")}};
    for (const Link& link : links) {
        if (!ZwKey::open(link.path)) RG_TRY(ZwKey::create_link(link.path, link.target));
    }
    return {};
}

Result<void> make_software() {
    const auto software = RG_TRY(ZwKey::open(u"\\Registry\\Machine\\Software", KEY_ALL_ACCESS));
    RG_TRY(ensure_paths(
        software, {u"Classes\\AppId", u"Classes\\CLSID", u"Classes\\Interface", u"Classes\\PROTOCOLS",
                   u"Classes\\Typelib", u"Classes\\Wow6432Node", u"Policies", u"Wow6432Node",
                   u"Microsoft\\Windows\\CurrentVersion\\Run", u"Microsoft\\Windows\\CurrentVersion\\Uninstall"}));
    const auto version = RG_TRY(ZwKey::create_path(software, u"Microsoft\\Windows NT\\CurrentVersion"));
    RG_TRY(ensure_string(version, u"ProductName", u"Regent"));
    return make_wow64_links();
}

// The NT name of a host file: what hivelist has shown since NT 3.1, with our device.
Utf16 device_path(const std::string& file) {
    if (file.empty()) return {};
    Utf16 path = u"\\Device\\HostFs" + rtl::from_utf8(file);
    std::replace(path.begin(), path.end(), u'/', u'\\');
    return path;
}

std::vector<Utf16> value_names(const ZwKey& key) {
    std::vector<Utf16> names;
    std::vector<std::byte> buffer(2 * REG_MAX_KEY_VALUE_NAME_LENGTH + sizeof(KEY_VALUE_BASIC_INFORMATION));
    for (ULONG index = 0;; ++index) {
        ULONG needed = 0;
        if (!NT_SUCCESS(ZwEnumerateValueKey(key.handle(), index, KeyValueBasicInformation, buffer.data(),
                                            static_cast<ULONG>(buffer.size()), &needed)))
            return names;
        const auto* info = reinterpret_cast<const KEY_VALUE_BASIC_INFORMATION*>(buffer.data());
        names.emplace_back(reinterpret_cast<const char16_t*>(info->Name), info->NameLength / sizeof(char16_t));
    }
}

}  // namespace

Result<void> make_machine_skeleton() {
    RG_TRY(make_system());
    RG_TRY(make_software());
    const auto sam = RG_TRY(ZwKey::open(below(machine, u"SAM"), KEY_ALL_ACCESS));
    RG_TRY(ensure_paths(sam, {u"SAM"}));
    const auto security = RG_TRY(ZwKey::open(below(machine, u"SECURITY"), KEY_ALL_ACCESS));
    return ensure_paths(security, {u"Policy"});
}

Result<void> make_user_skeleton(Utf16View name, Utf16View classes) {
    const auto user = RG_TRY(ZwKey::open(below(users, name), KEY_ALL_ACCESS));
    RG_TRY(
        ensure_paths(user, {u"Control Panel", u"Environment", u"Software\\Microsoft\\Windows\\CurrentVersion\\Run"}));
    if (classes.empty()) return {};
    return ZwKey::create_link(below(below(users, name), u"Software\\Classes"), below(users, classes));
}

Result<void> sync_hive_list() {
    const auto control =
        RG_TRY(ZwKey::open(u"\\Registry\\Machine\\System\\CurrentControlSet\\Control", KEY_ALL_ACCESS));
    const auto list = RG_TRY(ZwKey::create(u"hivelist", REG_OPTION_VOLATILE, control.handle()));
    std::vector<Utf16> gone = value_names(list);
    for (const cm::HiveListing& hive : cm::registry().hives()) {
        std::erase_if(gone, [&](const Utf16& name) { return rtl::equal_folded(name, hive.mount_path); });
        const Utf16 file = device_path(hive.file);
        if (list.string(hive.mount_path) == file) continue;
        RG_TRY(list.set_string(hive.mount_path, file));
    }
    for (const Utf16& name : gone) {
        UNICODE_STRING string = rtl::unicode_string(name);
        ZwDeleteValueKey(list.handle(), &string);
    }
    return {};
}

}  // namespace regent::nt
