// The notification classes: where each pre structure keeps what the engine fills in, and which Windows sends it.
// Included by callback*.cpp only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "cm/callback.h"

namespace regent::cm::filter {

struct ClassLayout {
    std::uint16_t call_context = 0;
    std::uint16_t object_context = 0;
    REG_NOTIFY_CLASS post = RegNtDeleteKey;
    Profile since = Profile::windows7;  // the oldest profile whose callbacks are told of it
};

constexpr std::array<ClassLayout, MaxRegNtNotifyClass> make_class_layouts() {
    std::array<ClassLayout, MaxRegNtNotifyClass> layouts{};
#define RG_CLASS(operation, type, context, since)                                                               \
    layouts[RegNtPre##operation] = {offsetof(type, CallContext), offsetof(type, context), RegNtPost##operation, \
                                    Profile::since}
    RG_CLASS(DeleteKey, REG_DELETE_KEY_INFORMATION, ObjectContext, xp);
    RG_CLASS(SetValueKey, REG_SET_VALUE_KEY_INFORMATION, ObjectContext, xp);
    RG_CLASS(DeleteValueKey, REG_DELETE_VALUE_KEY_INFORMATION, ObjectContext, xp);
    RG_CLASS(SetInformationKey, REG_SET_INFORMATION_KEY_INFORMATION, ObjectContext, xp);
    RG_CLASS(RenameKey, REG_RENAME_KEY_INFORMATION, ObjectContext, xp);
    RG_CLASS(EnumerateKey, REG_ENUMERATE_KEY_INFORMATION, ObjectContext, xp);
    RG_CLASS(EnumerateValueKey, REG_ENUMERATE_VALUE_KEY_INFORMATION, ObjectContext, xp);
    RG_CLASS(QueryKey, REG_QUERY_KEY_INFORMATION, ObjectContext, xp);
    RG_CLASS(QueryValueKey, REG_QUERY_VALUE_KEY_INFORMATION, ObjectContext, xp);
    RG_CLASS(QueryMultipleValueKey, REG_QUERY_MULTIPLE_VALUE_KEY_INFORMATION, ObjectContext, xp);
    RG_CLASS(KeyHandleClose, REG_KEY_HANDLE_CLOSE_INFORMATION, ObjectContext, xp);
    // Told to XP's callbacks as classes 10 to 13, see callback_profile.cpp.
    RG_CLASS(CreateKeyEx, REG_CREATE_KEY_INFORMATION, RootObjectContext, server2003);
    RG_CLASS(OpenKeyEx, REG_OPEN_KEY_INFORMATION, RootObjectContext, server2003);
    RG_CLASS(FlushKey, REG_FLUSH_KEY_INFORMATION, ObjectContext, vista);
    RG_CLASS(LoadKey, REG_LOAD_KEY_INFORMATION, ObjectContext, vista);
    RG_CLASS(UnLoadKey, REG_UNLOAD_KEY_INFORMATION, ObjectContext, vista);
    RG_CLASS(QueryKeySecurity, REG_QUERY_KEY_SECURITY_INFORMATION, ObjectContext, vista);
    RG_CLASS(SetKeySecurity, REG_SET_KEY_SECURITY_INFORMATION, ObjectContext, vista);
    RG_CLASS(RestoreKey, REG_RESTORE_KEY_INFORMATION, ObjectContext, vista);
    RG_CLASS(SaveKey, REG_SAVE_KEY_INFORMATION, ObjectContext, vista);
    RG_CLASS(ReplaceKey, REG_REPLACE_KEY_INFORMATION, ObjectContext, vista);
    RG_CLASS(QueryKeyName, REG_QUERY_KEY_NAME, ObjectContext, windows7);
    RG_CLASS(SaveMergedKey, REG_SAVE_MERGED_KEY_INFORMATION, ObjectContext, windows7);
#undef RG_CLASS
    return layouts;
}
[[gnu::visibility("hidden")]] inline constexpr auto class_layouts = make_class_layouts();

inline void*& field_at(void* information, std::uint16_t offset) {
    return *reinterpret_cast<void**>(static_cast<std::byte*>(information) + offset);
}

inline bool creates_object(REG_NOTIFY_CLASS pre_class) {
    return pre_class == RegNtPreCreateKeyEx || pre_class == RegNtPreOpenKeyEx;
}

}  // namespace regent::cm::filter
