#include "trace.h"

#include <cstdio>
#include <cstring>
#include <iterator>
#include <vector>

#include "cm/callback.h"
#include "rtl/status.h"
#include "rtl/utf16.h"

namespace regent::app {
namespace {

constexpr const char* names[] = {"DeleteKey",     "SetValueKey",          "DeleteValueKey",    "SetInformationKey",
                                 "RenameKey",     "EnumerateKey",         "EnumerateValueKey", "QueryKey",
                                 "QueryValueKey", "QueryMultipleValueKey"};

std::string name_of(REG_NOTIFY_CLASS pre) {
    if (static_cast<std::size_t>(pre) < std::size(names)) return names[pre];
    switch (pre) {
        case RegNtPreCreateKeyEx:
            return "CreateKeyEx";
        case RegNtPreOpenKeyEx:
            return "OpenKeyEx";
        case RegNtPreKeyHandleClose:
            return "KeyHandleClose";
        case RegNtPreFlushKey:
            return "FlushKey";
        case RegNtPreLoadKey:
            return "LoadKey";
        case RegNtPreUnLoadKey:
            return "UnLoadKey";
        case RegNtPreQueryKeySecurity:
            return "QueryKeySecurity";
        case RegNtPreSetKeySecurity:
            return "SetKeySecurity";
        case RegNtPreRestoreKey:
            return "RestoreKey";
        case RegNtPreSaveKey:
            return "SaveKey";
        case RegNtPreReplaceKey:
            return "ReplaceKey";
        case RegNtPreQueryKeyName:
            return "QueryKeyName";
        case RegNtPreSaveMergedKey:
            return "SaveMergedKey";
        default:
            return "class " + std::to_string(pre);
    }
}

// The class of a post by its pre: the old ones stand 15 apart, the others directly behind.
bool is_pre(REG_NOTIFY_CLASS which) {
    if (which <= RegNtPreQueryMultipleValueKey || which == RegNtPreKeyHandleClose) return true;
    if (which < RegNtPreCreateKeyEx || which == RegNtCallbackObjectContextCleanup) return false;
    return which < RegNtCallbackObjectContextCleanup ? which % 2 == 0 : which % 2 == 1;
}

// What the lower probe saw of an operation that the upper one is inside of.
struct Passage {
    const FilterTrace* trace = nullptr;
    const void* information = nullptr;
    REG_NOTIFY_CLASS pre = RegNtPreDeleteKey;
    bool arrived = false;   // it came through the filter's pre
    bool returned = false;  // and its post was seen below
    NTSTATUS status = STATUS_SUCCESS;
    const void* object = nullptr;
    std::vector<std::byte> output;
};
thread_local std::vector<Passage> passages;

Passage* innermost(const FilterTrace* trace) {
    for (auto i = passages.rbegin(); i != passages.rend(); ++i)
        if (i->trace == trace) return &*i;
    return nullptr;
}

// The caller's buffer after a query.
std::vector<std::byte> output_of(REG_NOTIFY_CLASS pre, const void* information, NTSTATUS status) {
    const void* buffer = nullptr;
    ULONG size = 0;
    const auto take = [&](const auto& info, const void* where) {
        buffer = where;
        size = info.ResultLength != nullptr && *info.ResultLength < info.Length ? *info.ResultLength : info.Length;
    };
    if (!NT_SUCCESS(status)) return {};
    switch (pre) {
        case RegNtPreQueryValueKey: {
            const auto& info = *static_cast<const REG_QUERY_VALUE_KEY_INFORMATION*>(information);
            take(info, info.KeyValueInformation);
            break;
        }
        case RegNtPreEnumerateValueKey: {
            const auto& info = *static_cast<const REG_ENUMERATE_VALUE_KEY_INFORMATION*>(information);
            take(info, info.KeyValueInformation);
            break;
        }
        case RegNtPreQueryKey: {
            const auto& info = *static_cast<const REG_QUERY_KEY_INFORMATION*>(information);
            take(info, info.KeyInformation);
            break;
        }
        case RegNtPreEnumerateKey: {
            const auto& info = *static_cast<const REG_ENUMERATE_KEY_INFORMATION*>(information);
            take(info, info.KeyInformation);
            break;
        }
        default:
            break;
    }
    const auto* bytes = static_cast<const std::byte*>(buffer);
    return buffer == nullptr ? std::vector<std::byte>() : std::vector<std::byte>(bytes, bytes + size);
}

// Empty when the filter let the operation be what it was.
std::string difference(const Passage& passage, const REG_POST_OPERATION_INFORMATION& post) {
    const std::string status = rtl::status_name(post.Status);
    if (!passage.arrived) return NT_SUCCESS(post.Status) ? "bypassed: " + status : "refused: " + status;
    if (!passage.returned) return {};
    if (passage.status != post.Status)
        return std::string("status ") + rtl::status_name(passage.status) + " -> " + status;
    if (passage.object != post.Object) return "another object";
    if (passage.output != output_of(passage.pre, passage.information, post.Status)) return "another output";
    return {};
}

std::string decremented(std::string digits) {
    for (std::size_t i = digits.size(); i-- > 0;) {
        if (digits[i] == '.') continue;
        if (digits[i] != '0') {
            --digits[i];
            return digits;
        }
        digits[i] = '9';
    }
    return {};  // below 0 there is nothing
}

}  // namespace

std::string altitude_above(const std::string& altitude) {
    return altitude + (altitude.find('.') == std::string::npos ? ".0000000001" : "0000000001");
}

std::string altitude_below(const std::string& altitude) {
    const std::string lower = decremented(altitude);
    return lower.empty() ? lower : lower + (lower.find('.') == std::string::npos ? ".9999999999" : "9999999999");
}

FilterTrace::FilterTrace(const std::string& altitude) : altitude_(altitude) {
    const auto upper = cm::filter::register_callback(&above, rtl::from_utf8(altitude_above(altitude)), this);
    const auto lower = cm::filter::register_callback(&below, rtl::from_utf8(altitude_below(altitude)), this);
    if (upper) upper_ = *upper;
    if (lower) lower_ = *lower;
}

FilterTrace::~FilterTrace() {
    if (upper_.QuadPart != 0) (void)cm::filter::unregister_callback(upper_);
    if (lower_.QuadPart != 0) (void)cm::filter::unregister_callback(lower_);
}

NTSTATUS FilterTrace::above(PVOID context, PVOID argument1, PVOID argument2) {
    const auto* self = static_cast<const FilterTrace*>(context);
    const auto which = static_cast<REG_NOTIFY_CLASS>(reinterpret_cast<std::uintptr_t>(argument1));
    if (which == RegNtCallbackObjectContextCleanup) return STATUS_SUCCESS;
    if (is_pre(which)) {
        Passage& passage = passages.emplace_back();
        passage.trace = self;
        passage.information = argument2;
        passage.pre = which;
        return STATUS_SUCCESS;
    }
    // Each of our pres succeeded, so the innermost operation is this post's.
    const auto& post = *static_cast<const REG_POST_OPERATION_INFORMATION*>(argument2);
    Passage* const passage = innermost(self);
    if (passage == nullptr) return STATUS_SUCCESS;
    if (const std::string text = difference(*passage, post); !text.empty())
        std::printf("%s  %-18s %s\n", self->altitude_.c_str(), name_of(passage->pre).c_str(), text.c_str());
    passages.erase(passages.begin() + (passage - passages.data()));
    return STATUS_SUCCESS;
}

NTSTATUS FilterTrace::below(PVOID context, PVOID argument1, PVOID argument2) {
    const auto* self = static_cast<const FilterTrace*>(context);
    const auto which = static_cast<REG_NOTIFY_CLASS>(reinterpret_cast<std::uintptr_t>(argument1));
    Passage* const passage = innermost(self);
    if (passage == nullptr || which == RegNtCallbackObjectContextCleanup) return STATUS_SUCCESS;
    // The filter's own calls come to the lower probe only: they are not the operation that is looked at.
    if (is_pre(which)) {
        if (argument2 == passage->information) passage->arrived = true;
        return STATUS_SUCCESS;
    }
    const auto& post = *static_cast<const REG_POST_OPERATION_INFORMATION*>(argument2);
    if (post.PreInformation != passage->information) return STATUS_SUCCESS;
    passage->returned = true;
    passage->status = post.Status;
    passage->object = post.Object;
    passage->output = output_of(passage->pre, passage->information, post.Status);
    return STATUS_SUCCESS;
}

}  // namespace regent::app
