// Which memory holds the inputs that a service captured for the operation under way. In NT those are kernel addresses,
// and ProbeForRead raises for them (R61); here one address space holds everything, so the probe asks.
#include "cm/callback_classes.h"
#include "cm/callback_registry.h"

namespace regent::cm::filter {
namespace {

struct Range {
    std::uintptr_t start;
    std::uintptr_t end;
    Range(const volatile void* address, std::size_t size)
        : start(reinterpret_cast<std::uintptr_t>(address)), end(start + size) {}
    bool meets(const Range& other) const { return start < other.end && other.start < end; }
};

bool in_string(const Range& range, const UNICODE_STRING* string) {
    if (string == nullptr) return false;
    return range.meets({string, sizeof(*string)}) || range.meets({string->Buffer, string->Length});
}

bool in_create(const Range& range, const REG_CREATE_KEY_INFORMATION_V1& info) {
    return in_string(range, info.CompleteName) || in_string(range, info.RemainingName) ||
           in_string(range, info.Class) ||
           range.meets({info.SecurityDescriptor, info.SecurityDescriptor != nullptr ? 20U : 0U});
}

bool in_inputs(const Range& range, REG_NOTIFY_CLASS pre_class, const void* information) {
    const auto as = [information]<typename T>(const T*) -> const T& { return *static_cast<const T*>(information); };
#define RG_INFO(type) as(static_cast<const type*>(nullptr))
    switch (pre_class) {
        case RegNtPreSetValueKey: {
            const auto& info = RG_INFO(REG_SET_VALUE_KEY_INFORMATION);
            return in_string(range, info.ValueName) || range.meets({info.Data, info.DataSize});
        }
        case RegNtPreDeleteValueKey:
            return in_string(range, RG_INFO(REG_DELETE_VALUE_KEY_INFORMATION).ValueName);
        case RegNtPreQueryValueKey:
            return in_string(range, RG_INFO(REG_QUERY_VALUE_KEY_INFORMATION).ValueName);
        case RegNtPreRenameKey:
            return in_string(range, RG_INFO(REG_RENAME_KEY_INFORMATION).NewName);
        case RegNtPreSetInformationKey: {
            const auto& info = RG_INFO(REG_SET_INFORMATION_KEY_INFORMATION);
            return range.meets({info.KeySetInformation, info.KeySetInformationLength});
        }
        case RegNtPreLoadKey: {
            const auto& info = RG_INFO(REG_LOAD_KEY_INFORMATION);
            return in_string(range, info.KeyName) || in_string(range, info.SourceFile);
        }
        case RegNtPreReplaceKey: {
            const auto& info = RG_INFO(REG_REPLACE_KEY_INFORMATION);
            return in_string(range, info.OldFileName) || in_string(range, info.NewFileName);
        }
        case RegNtPreCreateKeyEx:
        case RegNtPreOpenKeyEx:
            return in_create(range, RG_INFO(REG_CREATE_KEY_INFORMATION_V1));
        default:
            return false;
    }
#undef RG_INFO
}

}  // namespace

bool is_captured_input(const volatile void* address, std::size_t size) {
    const ThreadRecord* const thread = thread_record_pointer;
    if (thread == nullptr || thread->operation == nullptr) return false;
    const Operation& operation = *thread->operation;
    const Range range(address, size);
    // No structure of this interface is smaller than its object and its tail.
    if (range.meets({operation.information_, sizeof(REG_KEY_HANDLE_CLOSE_INFORMATION)})) return true;
    return in_inputs(range, operation.class_, operation.information_);
}

}  // namespace regent::cm::filter
