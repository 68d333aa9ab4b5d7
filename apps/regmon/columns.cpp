#include "columns.h"

#include <time.h>

#include <algorithm>
#include <cstdio>

#include "nt/ntregapi.h"
#include "nt/ntstatus.h"
#include "rtl/time.h"
#include "wdk/regcallback.h"

namespace regent::regmon {
namespace {

struct Operation {
    unsigned number;
    const char* name;
    const char* category;
};

constexpr Operation operations[] = {
    {RegNtPostOpenKeyEx, "RegOpenKey", "Read"},
    {RegNtPostOpenKey, "RegOpenKey", "Read"},
    {RegNtPostCreateKeyEx, "RegCreateKey", "Read"},
    {RegNtPostCreateKey, "RegCreateKey", "Read"},
    {RegNtPostKeyHandleClose, "RegCloseKey", ""},
    {RegNtPostQueryKey, "RegQueryKey", "Read"},
    {RegNtPostQueryKeyName, "RegQueryKey", "Read"},
    {RegNtPostSetValueKey, "RegSetValue", "Write"},
    {RegNtPostQueryValueKey, "RegQueryValue", "Read"},
    {RegNtPostEnumerateValueKey, "RegEnumValue", "Read"},
    {RegNtPostEnumerateKey, "RegEnumKey", "Read"},
    {RegNtPostSetInformationKey, "RegSetInfoKey", "Write Metadata"},
    {RegNtPostDeleteKey, "RegDeleteKey", "Write"},
    {RegNtPostDeleteValueKey, "RegDeleteValue", "Write"},
    {RegNtPostFlushKey, "RegFlushKey", ""},
    {RegNtPostLoadKey, "RegLoadKey", ""},
    {RegNtPostUnLoadKey, "RegUnloadKey", ""},
    {RegNtPostRenameKey, "RegRenameKey", "Write"},
    {RegNtPostQueryMultipleValueKey, "RegQueryMultipleValueKey", "Read"},
    {RegNtPostSetKeySecurity, "RegSetKeySecurity", "Write Metadata"},
    {RegNtPostQueryKeySecurity, "RegQueryKeySecurity", "Read Metadata"},
    {RegNtPostRestoreKey, "RegRestoreKey", ""},
    {RegNtPostSaveKey, "RegSaveKey", ""},
    {RegNtPostReplaceKey, "RegReplaceKey", ""},
    {RegNtPostSaveMergedKey, "RegSaveMergedKey", ""},
};

const Operation* find_operation(unsigned number) {
    const auto* found = std::ranges::find(operations, number, &Operation::number);
    return found == std::end(operations) ? nullptr : found;
}

struct ResultName {
    NTSTATUS status;
    const char* name;
};

constexpr ResultName results[] = {
    {STATUS_SUCCESS, "SUCCESS"},
    {STATUS_REPARSE, "REPARSE"},
    {STATUS_MORE_ENTRIES, "MORE ENTRIES"},
    {static_cast<NTSTATUS>(0x40000016), "PREDEFINED HANDLE"},
    {STATUS_DATATYPE_MISALIGNMENT, "DATATYPE MISALIGNMENT"},
    {STATUS_BUFFER_OVERFLOW, "BUFFER OVERFLOW"},
    {STATUS_NO_MORE_ENTRIES, "NO MORE ENTRIES"},
    {STATUS_UNSUCCESSFUL, "UNSUCCESSFUL"},
    {STATUS_NOT_IMPLEMENTED, "NOT IMPLEMENTED"},
    {STATUS_INVALID_INFO_CLASS, "INVALID INFO CLASS"},
    {STATUS_INFO_LENGTH_MISMATCH, "INFO LENGTH MISMATCH"},
    {STATUS_ACCESS_VIOLATION, "ACCESS VIOLATION"},
    {STATUS_INVALID_HANDLE, "INVALID HANDLE"},
    {STATUS_INVALID_PARAMETER, "INVALID PARAMETER"},
    {STATUS_NO_MEMORY, "NO MEMORY"},
    {STATUS_ACCESS_DENIED, "ACCESS DENIED"},
    {STATUS_BUFFER_TOO_SMALL, "BUFFER TOO SMALL"},
    {STATUS_OBJECT_TYPE_MISMATCH, "OBJECT TYPE MISMATCH"},
    {STATUS_OBJECT_NAME_INVALID, "NAME INVALID"},
    {STATUS_OBJECT_NAME_NOT_FOUND, "NAME NOT FOUND"},
    {STATUS_OBJECT_NAME_COLLISION, "NAME COLLISION"},
    {STATUS_OBJECT_PATH_INVALID, "OBJECT PATH INVALID"},
    {STATUS_OBJECT_PATH_NOT_FOUND, "PATH NOT FOUND"},
    {STATUS_OBJECT_PATH_SYNTAX_BAD, "PATH SYNTAX BAD"},
    {STATUS_SHARING_VIOLATION, "SHARING VIOLATION"},
    {STATUS_QUOTA_EXCEEDED, "QUOTA EXCEEDED"},
    {STATUS_PRIVILEGE_NOT_HELD, "PRIVILEGE NOT HELD"},
    {STATUS_INSUFFICIENT_RESOURCES, "INSUFFICIENT RESOURCES"},
    {STATUS_NOT_SUPPORTED, "NOT SUPPORTED"},
    {static_cast<NTSTATUS>(0xC0000101), "NOT EMPTY"},
    {STATUS_CANCELLED, "CANCELLED"},
    {STATUS_CANNOT_DELETE, "CANNOT DELETE"},
    {STATUS_REGISTRY_CORRUPT, "REGISTRY CORRUPT"},
    {STATUS_REGISTRY_IO_FAILED, "IO FAILED"},
    {STATUS_KEY_DELETED, "KEY DELETED"},
    {STATUS_CHILD_MUST_BE_VOLATILE, "CHILD MUST BE VOLATILE"},
    {static_cast<NTSTATUS>(0xC0000188), "LOG FILE FULL"},
    {STATUS_NOT_FOUND, "NOT FOUND"},
    {STATUS_HIVE_UNLOADED, "HIVE UNLOADED"},
    {STATUS_TRANSACTIONAL_CONFLICT, "TRANSACTIONAL CONFLICT"},
    {STATUS_INVALID_TRANSACTION, "INVALID TRANSACTION"},
    {STATUS_TRANSACTION_NOT_ACTIVE, "TRANSACTION_NOT_ACTIVE"},
};

struct AccessName {
    std::uint32_t bits;
    const char* name;
};

constexpr AccessName access_names[] = {
    {0xf003f, "All Access"},
    {0x2001f, "Read/Write"},
    {0x20019, "Read"},
    {0x20006, "Write"},
    {0x1, "Query Value"},
    {0x2, "Set Value"},
    {0x4, "Create Sub Key"},
    {0x8, "Enumerate Sub Keys"},
    {0x10, "Notify"},
    {0x20, "Create Link"},
    {0x300, "WOW64_Res"},
    {0x200, "WOW64_32Key"},
    {0x100, "WOW64_64Key"},
    {0x10000, "Delete"},
    {0x20000, "Read Control"},
    {0x40000, "Write DAC"},
    {0x80000, "Write Owner"},
    {0x100000, "Synchronize"},
    {0x1000000, "Access System Security"},
    {0x2000000, "Maximum Allowed"},
};

constexpr std::int64_t ticks_per_second = 10'000'000;

struct LocalTime {
    tm parts;
    long fraction;
};

LocalTime split(std::int64_t nt_time, bool utc) {
    const std::int64_t ticks = std::max<std::int64_t>(nt_time - rtl::nt_epoch_offset, 0);
    const auto seconds = static_cast<time_t>(ticks / ticks_per_second);
    LocalTime time{};
    time.fraction = static_cast<long>(ticks % ticks_per_second);
    utc ? gmtime_r(&seconds, &time.parts) : localtime_r(&seconds, &time.parts);
    return time;
}

}  // namespace

const char* operation_name(unsigned operation) {
    const Operation* found = find_operation(operation);
    return found != nullptr ? found->name : "<Unknown>";
}

const char* category(const Event& event) {
    if (is_create(event) && NT_SUCCESS(event.status) &&
        event.detail[REGMON_DETAIL_DISPOSITION] == REG_CREATED_NEW_KEY) {
        return "Write";
    }
    const Operation* found = find_operation(event.operation);
    return found != nullptr ? found->category : "";
}

std::string result_name(NTSTATUS status) {
    const auto* found = std::ranges::find(results, status, &ResultName::status);
    if (found != std::end(results)) return found->name;
    char text[16];
    std::snprintf(text, sizeof text, "0x%X", static_cast<unsigned>(status));
    return text;
}

std::string access_text(std::uint32_t access) {
    constexpr std::uint32_t generics[][2] = {
        {0x80000000, 0x20019}, {0x20000000, 0x20019}, {0x40000000, 0x20006}, {0x10000000, 0xf003f}};
    std::uint32_t rest = access;
    for (const auto& [generic, specific] : generics) {
        if ((rest & generic) != 0) rest = (rest & ~generic) | specific;
    }
    std::string text;
    for (const AccessName& entry : access_names) {
        if ((rest & entry.bits) != entry.bits) continue;
        if (!text.empty()) text += ", ";
        text += entry.name;
        rest &= ~entry.bits;
    }
    if (!text.empty()) return text;
    char none[24];
    std::snprintf(none, sizeof none, "None 0x%x", access);
    return none;
}

std::string time_of_day(std::int64_t nt_time) {
    const LocalTime time = split(nt_time, false);
    char text[48];
    std::snprintf(text, sizeof text, "%02d:%02d:%02d.%07ld", time.parts.tm_hour, time.parts.tm_min, time.parts.tm_sec,
                  time.fraction);
    return text;
}

std::string time_of_day_12h(std::int64_t nt_time) {
    const LocalTime time = split(nt_time, false);
    const int hour = time.parts.tm_hour % 12 == 0 ? 12 : time.parts.tm_hour % 12;
    char text[48];
    std::snprintf(text, sizeof text, "%d:%02d:%02d.%07ld %s", hour, time.parts.tm_min, time.parts.tm_sec, time.fraction,
                  time.parts.tm_hour < 12 ? "AM" : "PM");
    return text;
}

std::string iso_time(std::int64_t nt_time) {
    const LocalTime time = split(nt_time, true);
    char text[80];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%07ldZ", time.parts.tm_year + 1900,
                  time.parts.tm_mon + 1, time.parts.tm_mday, time.parts.tm_hour, time.parts.tm_min, time.parts.tm_sec,
                  time.fraction);
    return text;
}

std::string duration_seconds(std::uint64_t nanoseconds) {
    char text[40];
    std::snprintf(text, sizeof text, "%llu.%07llu", static_cast<unsigned long long>(nanoseconds / 1'000'000'000),
                  static_cast<unsigned long long>(nanoseconds % 1'000'000'000 / 100));
    return text;
}

bool is_create(const Event& event) {
    return event.operation == RegNtPostCreateKeyEx || event.operation == RegNtPostCreateKey;
}

}  // namespace regent::regmon
