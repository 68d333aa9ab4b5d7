// RtlQueryRegistryValues and its kin: loops over Zw services.
#include "nt/rtl_registry.h"

#include "ob/process.h"

namespace regent::nt {
namespace {

Utf16View text(PCWSTR string) {
    return string == nullptr ? Utf16View() : Utf16View(reinterpret_cast<const char16_t*>(string));
}

// ERRORS: INVALID_PARAMETER.
Result<Utf16> base_path(ULONG relative_to) {
    switch (relative_to) {
        case RTL_REGISTRY_ABSOLUTE:
            return Utf16();
        case RTL_REGISTRY_SERVICES:
            return Utf16(u"\\Registry\\Machine\\System\\CurrentControlSet\\Services");
        case RTL_REGISTRY_CONTROL:
            return Utf16(u"\\Registry\\Machine\\System\\CurrentControlSet\\Control");
        case RTL_REGISTRY_WINDOWS_NT:
            return Utf16(u"\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion");
        case RTL_REGISTRY_DEVICEMAP:
            return Utf16(u"\\Registry\\Machine\\Hardware\\DeviceMap");
        case RTL_REGISTRY_USER:
            return current_user_path();
        default:
            return fail(STATUS_INVALID_PARAMETER);
    }
}

// The value of that name, or nothing. ERRORS: the service's but OBJECT_NAME_NOT_FOUND.
Result<std::optional<TableValue>> stored_value(HANDLE key, Utf16View name) {
    UNICODE_STRING string = rtl::unicode_string(name);
    std::vector<std::byte> buffer(512);
    for (;;) {
        ULONG needed = 0;
        const NTSTATUS status = ZwQueryValueKey(key, &string, KeyValuePartialInformation, buffer.data(),
                                                static_cast<ULONG>(buffer.size()), &needed);
        if (status == STATUS_OBJECT_NAME_NOT_FOUND) return std::optional<TableValue>();
        if (status == STATUS_BUFFER_OVERFLOW || status == STATUS_BUFFER_TOO_SMALL) {
            buffer.resize(needed);
            continue;
        }
        if (!NT_SUCCESS(status)) return fail(status);
        const auto* info = reinterpret_cast<const KEY_VALUE_PARTIAL_INFORMATION*>(buffer.data());
        const auto* data = reinterpret_cast<const std::byte*>(info->Data);
        return TableValue{Utf16(name), info->Type, {data, data + info->DataLength}};
    }
}

std::vector<Utf16> value_names(HANDLE key) {
    std::vector<Utf16> names;
    std::vector<std::byte> buffer(2 * REG_MAX_KEY_VALUE_NAME_LENGTH + sizeof(KEY_VALUE_BASIC_INFORMATION));
    for (ULONG index = 0;; ++index) {
        ULONG needed = 0;
        if (!NT_SUCCESS(ZwEnumerateValueKey(key, index, KeyValueBasicInformation, buffer.data(),
                                            static_cast<ULONG>(buffer.size()), &needed))) {
            return names;
        }
        const auto* info = reinterpret_cast<const KEY_VALUE_BASIC_INFORMATION*>(buffer.data());
        names.emplace_back(reinterpret_cast<const char16_t*>(info->Name), info->NameLength / sizeof(char16_t));
    }
}

// How long default data is: as told, or, for strings without a length, up to and with their end.
std::size_t default_length(ULONG type, const void* data, ULONG told) {
    if (told != 0 || (type != REG_SZ && type != REG_EXPAND_SZ && type != REG_MULTI_SZ)) return told;
    const auto* units = static_cast<const char16_t*>(data);
    std::size_t length = 0;
    if (type != REG_MULTI_SZ) return (Utf16View(units).size() + 1) * sizeof(char16_t);
    while (units[length] != u'\0') length += Utf16View(units + length).size() + 1;
    return (length + 1) * sizeof(char16_t);
}

// One table on its way.
class TableWalk {
public:
    TableWalk(HANDLE top, PVOID context) : top_(top), key_(top), context_(context) {}

    NTSTATUS run(PRTL_QUERY_REGISTRY_TABLE table) {
        constexpr ULONG without_routine = RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_DIRECT;
        for (; table->QueryRoutine != nullptr || (table->Flags & without_routine) != 0; ++table) {
            const NTSTATUS status = visit(*table);
            if (!NT_SUCCESS(status)) return status;
        }
        return STATUS_SUCCESS;
    }

private:
    NTSTATUS visit(const RTL_QUERY_REGISTRY_TABLE& entry) {
        const bool direct = (entry.Flags & RTL_QUERY_REGISTRY_DIRECT) != 0;
        const bool subkey = (entry.Flags & RTL_QUERY_REGISTRY_SUBKEY) != 0;
        if (direct && (entry.QueryRoutine != nullptr || entry.Name == nullptr || subkey)) {
            return STATUS_INVALID_PARAMETER;
        }
        if ((entry.Flags & (RTL_QUERY_REGISTRY_TOPKEY | RTL_QUERY_REGISTRY_SUBKEY)) != 0) {
            key_ = top_;
            subkey_.reset();
        }
        if (subkey) return enter(entry);
        if (entry.Name != nullptr) return one(entry, text(entry.Name));
        if ((entry.Flags & RTL_QUERY_REGISTRY_NOVALUE) != 0) {
            return entry.QueryRoutine(nullptr, REG_NONE, nullptr, 0, context_, entry.EntryContext);
        }
        return all(entry);
    }

    // The entries that follow are about the subkey; with a routine, so is this one, for all of its values.
    NTSTATUS enter(const RTL_QUERY_REGISTRY_TABLE& entry) {
        if (entry.Name == nullptr) return STATUS_INVALID_PARAMETER;
        auto opened = ZwKey::open(text(entry.Name), MAXIMUM_ALLOWED, top_);
        if (!opened) return opened.error().code();
        subkey_.emplace(std::move(*opened));
        key_ = subkey_->handle();
        return entry.QueryRoutine != nullptr ? all(entry) : STATUS_SUCCESS;
    }

    NTSTATUS all(const RTL_QUERY_REGISTRY_TABLE& entry) {
        const std::vector<Utf16> names = value_names(key_);
        for (const Utf16& name : names) {
            auto value = stored_value(key_, name);
            if (!value) return value.error().code();
            if (!*value) continue;  // deleted meanwhile
            const NTSTATUS status = deliver(entry, std::move(**value), context_);
            if (!NT_SUCCESS(status)) return status;
        }
        const bool required = (entry.Flags & RTL_QUERY_REGISTRY_REQUIRED) != 0;
        return names.empty() && required ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
    }

    NTSTATUS one(const RTL_QUERY_REGISTRY_TABLE& entry, Utf16View name) {
        auto value = stored_value(key_, name);
        if (!value) return value.error().code();
        if (!*value) return use_default(entry, name);
        const NTSTATUS status = deliver(entry, std::move(**value), context_);
        if (NT_SUCCESS(status) && (entry.Flags & RTL_QUERY_REGISTRY_DELETE) != 0) {
            UNICODE_STRING string = rtl::unicode_string(name);
            ZwDeleteValueKey(key_, &string);
        }
        return status;
    }

    NTSTATUS use_default(const RTL_QUERY_REGISTRY_TABLE& entry, Utf16View name) {
        const bool checked = (entry.Flags & RTL_QUERY_REGISTRY_TYPECHECK) != 0;
        const ULONG type =
            checked ? entry.DefaultType & ~static_cast<ULONG>(RTL_QUERY_REGISTRY_TYPECHECK_MASK) : entry.DefaultType;
        if (type == REG_NONE) {
            const bool required = (entry.Flags & RTL_QUERY_REGISTRY_REQUIRED) != 0;
            return required ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
        }
        if (entry.DefaultData == nullptr) return STATUS_DATA_OVERRUN;
        const std::size_t length = default_length(type, entry.DefaultData, entry.DefaultLength);
        // A routine gets a number's very place, whatever length was told (row 130).
        if (length == 0 && entry.QueryRoutine != nullptr) {
            Utf16 copy(name);
            return entry.QueryRoutine(reinterpret_cast<PWSTR>(copy.data()), type, entry.DefaultData, 0, context_,
                                      entry.EntryContext);
        }
        const auto* data = static_cast<const std::byte*>(entry.DefaultData);
        // A list that begins with its end is one of no strings here, though a stored one is of one (row 129).
        const bool expands = (entry.Flags & (RTL_QUERY_REGISTRY_NOEXPAND | RTL_QUERY_REGISTRY_DIRECT)) == 0;
        if (type == REG_MULTI_SZ && expands && *static_cast<const char16_t*>(entry.DefaultData) == u'\0')
            return STATUS_SUCCESS;
        return deliver(entry, TableValue{Utf16(name), type, {data, data + length}}, context_);
    }

    const HANDLE top_;
    HANDLE key_;
    std::optional<ZwKey> subkey_;
    const PVOID context_;
};

// No memory, and no other exception, leaves an export.
template <typename Work>
NTSTATUS exported(Work work) {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
}

using How = RelativeKey::How;

constexpr ULONG null_terminate = 1;  // RtlDuplicateUnicodeString

}  // namespace

Utf16 current_user_path() {
    const std::string sid = ob::current().token().user().to_string();
    Utf16 path = u"\\Registry\\User\\" + rtl::from_utf8(sid);
    return ZwKey::open(path) ? path : Utf16(u"\\Registry\\User\\.DEFAULT");
}

Result<RelativeKey> RelativeKey::get(ULONG relative_to, PCWSTR path, How how, ACCESS_MASK access) {
    if ((relative_to & RTL_REGISTRY_HANDLE) != 0) {
        return RelativeKey(const_cast<WCHAR*>(path), std::nullopt);  // the path is the handle
    }
    Utf16 name = RG_TRY(base_path(relative_to & ~ULONG{RTL_REGISTRY_OPTIONAL}));
    const Utf16View rest = text(path);
    if (!name.empty() && !rest.empty()) name += u'\\';
    name += rest;
    auto key = how == How::create ? ZwKey::create(name) : ZwKey::open(name, access);
    if (!key) return std::unexpected(key.error());
    const HANDLE handle = key->handle();
    return RelativeKey(handle, std::move(*key));
}

}  // namespace regent::nt

using namespace regent;
using namespace regent::nt;

extern "C" {

NTSTATUS NTAPI RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path, PRTL_QUERY_REGISTRY_TABLE QueryTable,
                                      PVOID Context, PVOID) {
    return exported([&] {
        const auto key = RelativeKey::get(RelativeTo, Path, How::open, MAXIMUM_ALLOWED);
        return key ? TableWalk(key->handle(), Context).run(QueryTable) : key.error().code();
    });
}

NTSTATUS NTAPI RtlQueryRegistryValuesEx(ULONG RelativeTo, PCWSTR Path, PRTL_QUERY_REGISTRY_TABLE QueryTable,
                                        PVOID Context, PVOID Environment) {
    return RtlQueryRegistryValues(RelativeTo, Path, QueryTable, Context, Environment);
}

NTSTATUS NTAPI RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName, ULONG ValueType, PVOID ValueData,
                                     ULONG ValueLength) {
    return exported([&] {
        const auto key = RelativeKey::get(RelativeTo, Path, How::create, KEY_SET_VALUE);
        if (!key) return key.error().code();
        UNICODE_STRING name = rtl::unicode_string(text(ValueName));
        return ZwSetValueKey(key->handle(), &name, 0, ValueType, ValueData, ValueLength);
    });
}

NTSTATUS NTAPI RtlDeleteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName) {
    return exported([&] {
        const auto key = RelativeKey::get(RelativeTo, Path, How::open, KEY_SET_VALUE);
        if (!key) return key.error().code();
        UNICODE_STRING name = rtl::unicode_string(text(ValueName));
        return ZwDeleteValueKey(key->handle(), &name);
    });
}

NTSTATUS NTAPI RtlCreateRegistryKey(ULONG RelativeTo, PWSTR Path) {
    return exported([&] { return rtl::to_ntstatus(RelativeKey::get(RelativeTo, Path, How::create, KEY_READ)); });
}

NTSTATUS NTAPI RtlCheckRegistryKey(ULONG RelativeTo, PWSTR Path) {
    return exported([&] { return rtl::to_ntstatus(RelativeKey::get(RelativeTo, Path, How::open, KEY_READ)); });
}

// The string's buffer is RtlFreeUnicodeString's.
NTSTATUS NTAPI RtlFormatCurrentUserKeyPath(PUNICODE_STRING CurrentUserKeyPath) {
    return exported([&] {
        const Utf16 path = current_user_path();
        UNICODE_STRING source = rtl::unicode_string(path);
        *CurrentUserKeyPath = {};
        return RtlDuplicateUnicodeString(null_terminate, &source, CurrentUserKeyPath);
    });
}

NTSTATUS NTAPI RtlOpenCurrentUser(ACCESS_MASK DesiredAccess, PHANDLE CurrentUserKey) {
    return exported([&] {
        const Utf16 path = current_user_path();
        UNICODE_STRING name = rtl::unicode_string(path);
        OBJECT_ATTRIBUTES attributes;
        InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
        return ZwOpenKey(CurrentUserKey, DesiredAccess, &attributes);
    });
}
}
