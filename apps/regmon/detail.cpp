// The Path and Detail columns.
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "columns.h"
#include "nt/ntregapi.h"
#include "nt/ntstatus.h"
#include "rtl/value_type.h"
#include "wdk/regcallback.h"

namespace regent::regmon {
namespace {

std::string printable(Utf16View text) {
    std::string result;
    for (unsigned char c : rtl::to_utf8(text)) {
        if (c >= 0x20 && c != 0x7F) {
            result += static_cast<char>(c);
            continue;
        }
        char escape[8];
        std::snprintf(escape, sizeof escape, "\\x%02X", c);
        result += escape;
    }
    return result;
}

// 12345 -> 12,345
std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
    return text;
}

std::string hex(std::uint64_t number) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%" PRIx64, number);
    return text;
}

std::string type_text(std::uint32_t type) {
    if (const char* name = rtl::value_type_name(type)) return name;
    return "<Unknown: " + std::to_string(type) + ">";
}

Utf16 units(const std::vector<std::byte>& data) {
    Utf16 text(data.size() / sizeof(char16_t), u'\0');
    if (!text.empty()) std::memcpy(text.data(), data.data(), text.size() * sizeof(char16_t));
    return text;
}

std::string multi_text(const std::vector<std::byte>& data) {
    const Utf16 text = units(data);
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(u'\0', at), text.size());
        if (end == at) break;
        if (at > 0) result += ", ";
        result += printable(Utf16View(text).substr(at, end - at));
        at = end + 1;
    }
    return result;
}

std::string byte_text(const std::vector<std::byte>& data) {
    constexpr std::size_t shown = 16;  // as Process Monitor shows
    std::string result;
    char digits[4];
    for (std::size_t index = 0; index < data.size() && index < shown; ++index) {
        std::snprintf(digits, sizeof digits, "%02X", static_cast<unsigned>(data[index]));
        if (index > 0) result += ' ';
        result += digits;
    }
    return result;
}

template <typename T>
std::string number_text(const std::vector<std::byte>& data) {
    T number = 0;
    std::memcpy(&number, data.data(), sizeof number);
    return std::to_string(number);
}

std::string data_text(std::uint32_t type, const std::vector<std::byte>& data) {
    if (type == REG_SZ || type == REG_EXPAND_SZ || type == REG_LINK) {
        const Utf16 text = units(data);
        return printable(Utf16View(text).substr(0, text.find(u'\0')));
    }
    if (type == REG_MULTI_SZ) return multi_text(data);
    if (type == REG_DWORD && data.size() == 4) return number_text<std::uint32_t>(data);
    if (type == REG_QWORD && data.size() == 8) return number_text<std::uint64_t>(data);
    return byte_text(data);
}

// Type, Length, Data; no Data for a value of no bytes.
std::string value_text(const Event& event) {
    const std::uint32_t type = event.detail[REGMON_DETAIL_TYPE];
    const std::uint32_t length = event.detail[REGMON_DETAIL_LENGTH];
    std::string text = "Type: " + type_text(type) + ", Length: " + grouped(length);
    if (length > 0) text += ", Data: " + data_text(type, event.data);
    return text;
}

std::string open_detail(const Event& event) {
    const std::uint32_t desired = event.detail[REGMON_DETAIL_DESIRED_ACCESS];
    std::string text = "Desired Access: " + access_text(desired);
    if (!NT_SUCCESS(event.status)) return text;
    if ((desired & 0x2000000) != 0) {
        text += ", Granted Access: " + access_text(event.detail[REGMON_DETAIL_GRANTED_ACCESS]);
    }
    if (!is_create(event)) return text;
    const bool created = event.detail[REGMON_DETAIL_DISPOSITION] == REG_CREATED_NEW_KEY;
    return text + ", Disposition: " + (created ? "REG_CREATED_NEW_KEY" : "REG_OPENED_EXISTING_KEY");
}

std::string query_value_detail(const Event& event) {
    if (!NT_SUCCESS(event.status)) return "Length: " + grouped(event.detail[REGMON_DETAIL_VALUE_BUFFER]);
    if (event.detail[REGMON_DETAIL_VALUE_CLASS] == KeyValueBasicInformation) {
        return "Type: " + type_text(event.detail[REGMON_DETAIL_TYPE]);
    }
    return value_text(event);
}

std::string enum_value_detail(const Event& event) {
    const std::string index = "Index: " + grouped(event.detail[REGMON_DETAIL_VALUE_INDEX]);
    if (!NT_SUCCESS(event.status)) return index + ", Length: " + grouped(event.detail[REGMON_DETAIL_VALUE_BUFFER]);
    const std::string named = index + ", Name: " + printable(event.name) + ", ";
    if (event.detail[REGMON_DETAIL_VALUE_CLASS] == KeyValueBasicInformation) {
        return named + "Type: " + type_text(event.detail[REGMON_DETAIL_TYPE]);
    }
    return named + value_text(event);
}

std::string enum_key_detail(const Event& event) {
    const std::string index = "Index: " + grouped(event.detail[REGMON_DETAIL_ENUM_INDEX]);
    if (!NT_SUCCESS(event.status)) return index + ", Length: " + grouped(event.detail[REGMON_DETAIL_ENUM_BUFFER]);
    return index + ", Name: " + printable(event.name);
}

std::string query_key_detail(const Event& event) {
    static constexpr const char* classes[] = {"Basic", "Node",           "Full",       "Name",  "Cached",
                                              "Flags", "Virtualization", "HandleTags", "Trust", "Layer"};
    const std::uint32_t number = event.detail[REGMON_DETAIL_KEY_CLASS];
    std::string text = "Query: ";
    text += number < std::size(classes) ? classes[number] : std::to_string(number).c_str();
    if (number == KeyNameInformation && NT_SUCCESS(event.status)) return text;
    if (!NT_SUCCESS(event.status)) return text + ", Length: " + grouped(event.detail[REGMON_DETAIL_KEY_BUFFER]);
    switch (number) {
        case KeyBasicInformation:
        case KeyNodeInformation:
            return event.name.empty() ? text : text + ", Name: " + printable(event.name);
        case KeyFullInformation:
        case KeyCachedInformation:
            return text + ", SubKeys: " + grouped(event.detail[REGMON_DETAIL_KEY_SUBKEYS]) +
                   ", Values: " + grouped(event.detail[REGMON_DETAIL_KEY_VALUES]);
        case KeyFlagsInformation:
            return text + ", UserFlags: " + hex(event.detail[REGMON_DETAIL_KEY_USER_FLAGS]);
        case KeyHandleTagsInformation:
            return text + ", HandleTags: " + hex(event.detail[REGMON_DETAIL_KEY_USER_FLAGS]);
        default:
            return text;
    }
}

std::string set_information_detail(const Event& event) {
    static constexpr const char* classes[] = {"KeyWriteTimeInformation",    "KeyWow64FlagsInformation",
                                              "KeyControlFlagsInformation", "KeySetVirtualizationInformation",
                                              "KeySetDebugInformation",     "KeySetHandleTagsInformation",
                                              "KeySetLayerInformation"};
    const std::uint32_t number = event.detail[0];
    std::string text = "KeySetInformationClass: ";
    text += number < std::size(classes) ? std::string(classes[number]) : "<Unknown: " + std::to_string(number) + ">";
    text += ", Length: " + grouped(event.detail[1]);
    if (number == KeyWriteTimeInformation && event.data.size() >= 8) {
        std::int64_t time = 0;
        std::memcpy(&time, event.data.data(), sizeof time);
        text += ", LastWriteTime: " + iso_time(time);
    } else if (number == KeyWow64FlagsInformation && event.data.size() >= 4) {
        std::uint32_t flags = 0;
        std::memcpy(&flags, event.data.data(), sizeof flags);
        text += ", Wow64Flags: " + hex(flags);
    }
    return text;
}

bool names_a_value(unsigned operation) {
    return operation == RegNtPostSetValueKey || operation == RegNtPostQueryValueKey ||
           operation == RegNtPostDeleteValueKey;
}

bool take_prefix(Utf16View& path, Utf16View prefix) {
    if (!rtl::equal_folded(path.substr(0, prefix.size()), prefix)) return false;
    if (path.size() > prefix.size() && path[prefix.size()] != u'\\') return false;
    path.remove_prefix(prefix.size());
    return true;
}

std::string short_root(Utf16View& path, const std::string& user_sid) {
    const Utf16 user = u"\\REGISTRY\\USER\\" + rtl::from_utf8(user_sid);
    if (!user_sid.empty() && take_prefix(path, user)) return "HKCU";
    if (take_prefix(path, u"\\REGISTRY\\MACHINE\\SOFTWARE\\CLASSES")) return "HKCR";
    if (take_prefix(path, u"\\REGISTRY\\MACHINE\\SYSTEM\\CURRENTCONTROLSET\\HARDWARE PROFILES\\CURRENT")) return "HKCC";
    if (take_prefix(path, u"\\REGISTRY\\MACHINE")) return "HKLM";
    if (take_prefix(path, u"\\REGISTRY\\USER")) return "HKU";
    return {};
}

}  // namespace

std::string display_path(const Event& event) {
    Utf16View path = event.path;
    std::string text = short_root(path, event.user_sid);
    text += printable(path);
    if (!names_a_value(event.operation)) return text;
    return text + "\\" + (event.name.empty() ? "(Default)" : printable(event.name));
}

std::string detail_text(const Event& event) {
    switch (event.operation) {
        case RegNtPostCreateKeyEx:
        case RegNtPostCreateKey:
        case RegNtPostOpenKeyEx:
        case RegNtPostOpenKey:
            return open_detail(event);
        case RegNtPostSetValueKey:
            return value_text(event);
        case RegNtPostQueryValueKey:
            return query_value_detail(event);
        case RegNtPostEnumerateValueKey:
            return enum_value_detail(event);
        case RegNtPostEnumerateKey:
            return enum_key_detail(event);
        case RegNtPostQueryKey:
            return query_key_detail(event);
        case RegNtPostQueryKeyName:
            return "Query: Name";
        case RegNtPostSetInformationKey:
            return set_information_detail(event);
        case RegNtPostLoadKey:
            return "Hive Path: " + printable(event.name);
        case RegNtPostRenameKey:
            return "New Name: " + printable(event.name);
        case RegNtPostRestoreKey:
            return "File Name: " + printable(event.name) + ", Flags: " + hex(event.detail[REGMON_DETAIL_LOAD_FLAGS]);
        case RegNtPostSaveKey:
            return "Format: " + std::to_string(event.detail[REGMON_DETAIL_SAVE_FORMAT]);
        default:
            return {};
    }
}

}  // namespace regent::regmon
