// Callbacks of drivers that were written for an older Windows: the classes, structures and answers of its time.
// Provenance of each difference: docs/callbacks.md, "Profiles".
#include <map>

#include "cm/callback_classes.h"
#include "cm/callback_registry.h"
#include "ex/escape.h"

namespace regent::cm::filter {
namespace {

using ProfileLock = Mutex<LockRank::leaf>;
ProfileLock profile_lock;
std::map<ex::DriverId, Profile> profiles RG_GUARDED_BY(profile_lock);

REG_NOTIFY_CLASS xp_class(REG_NOTIFY_CLASS pre_class, bool post) {
    if (pre_class == RegNtPreCreateKeyEx) return post ? RegNtPostCreateKey : RegNtPreCreateKey;
    return post ? RegNtPostOpenKey : RegNtPreOpenKey;
}

__attribute__((noinline)) NTSTATUS call(const Registration& registration, REG_NOTIFY_CLASS notify_class,
                                        void* information) {
    return registration.call(notify_class, information);
}

// Before Windows 7 an exception that a callback does not handle is its answer, not the end of the system (R62).
NTSTATUS call_guarded(const Registration& registration, REG_NOTIFY_CLASS notify_class, void* information) {
    ex::Escape escape;
    if (setjmp(escape.back) == 0) return call(registration, notify_class, information);
    return escape.status;
}

}  // namespace

std::optional<Profile> profile_named(Utf16View name) {
    static constexpr struct {
        Utf16View name;
        Profile profile;
    } known[] = {{u"XP", Profile::xp},
                 {u"Server2003", Profile::server2003},
                 {u"2003", Profile::server2003},
                 {u"Vista", Profile::vista},
                 {u"Windows7", Profile::windows7}};
    for (const auto& entry : known)
        if (rtl::equal_folded(name, entry.name)) return entry.profile;
    return std::nullopt;
}

void set_driver_profile(ex::DriverId driver, Profile profile) {
    ExclusiveGuard guard(profile_lock);
    if (profile == Profile::windows7) {
        profiles.erase(driver);
    } else {
        profiles[driver] = profile;
    }
}

Profile profile_of_driver(ex::DriverId driver) {
    ExclusiveGuard guard(profile_lock);
    const auto found = profiles.find(driver);
    return found != profiles.end() ? found->second : Profile::windows7;
}

Profile profile_of(const void* address) { return profile_of_driver(ex::driver_of(address)); }

// XP's structures have one name and no root to be relative to (R43).
PUNICODE_STRING Operation::complete_path() {
    Extra& made = extra();
    if (made.full_name) return &made.full_name_string;
    const Utf16View name = rtl::view(static_cast<REG_CREATE_KEY_INFORMATION*>(information_)->CompleteName);
    Utf16& text = made.full_name.emplace();
    if ((name.empty() || name.front() != u'\\') && key_object_hooks().current_name != nullptr) {
        text = key_object_hooks().current_name(object_).value_or(Utf16());
        if (!name.empty()) text += u'\\';
    }
    text += name;
    if (text.size() > 0x7FFF) text.resize(0x7FFF);
    made.full_name_string = rtl::unicode_string(text);
    return &made.full_name_string;
}

// Before Windows 7 the structure of create and open ends with Reserved, which is 0 (R46).
NTSTATUS Operation::with_version_1_0(const Registration& registration, REG_NOTIFY_CLASS notify_class,
                                     void* information) {
    if (!creates_object(class_)) return call_guarded(registration, notify_class, information);
    auto& v1 = *static_cast<REG_CREATE_KEY_INFORMATION_V1*>(information_);
    const ULONG_PTR version = std::exchange(v1.Version, 0);
    const PUNICODE_STRING remaining = std::exchange(v1.RemainingName, nullptr);
    const NTSTATUS answer = call_guarded(registration, notify_class, information);
    v1.Version = version;
    v1.RemainingName = remaining;
    return answer;
}

std::optional<NTSTATUS> Operation::older_pre(const Registration& registration) {
    const ClassLayout& layout = class_layouts[class_];
    if (registration.profile == Profile::xp && creates_object(class_)) {
        REG_PRE_CREATE_KEY_INFORMATION info{complete_path()};
        return call_guarded(registration, xp_class(class_, false), &info);
    }
    if (registration.profile < layout.since) return std::nullopt;
    // Contexts came with Vista; before it these fields do not exist.
    if (registration.profile < Profile::vista) field_at(information_, layout.object_context) = nullptr;
    return with_version_1_0(registration, class_, information_);
}

std::optional<NTSTATUS> Operation::older_post(const Registration& registration, REG_POST_OPERATION_INFORMATION& info) {
    const ClassLayout& layout = class_layouts[class_];
    if (registration.profile == Profile::xp) {
        if (!creates_object(class_)) return std::nullopt;
        REG_POST_CREATE_KEY_INFORMATION created{complete_path(), info.Object, info.Status};
        (void)call_guarded(registration, xp_class(class_, true), &created);
        return std::nullopt;
    }
    // Version 1.0 leaves the root in Object when there is no key to show (R49).
    if (creates_object(class_) && info.Object == nullptr) info.Object = object_;
    if (registration.profile == Profile::server2003) {
        REG_POST_OPERATION_INFORMATION short_info{};
        short_info.Object = info.Object;
        short_info.Status = info.Status;
        (void)call_guarded(registration, layout.post, &short_info);
        return std::nullopt;
    }
    const NTSTATUS answer = with_version_1_0(registration, layout.post, &info);
    if (info.Object == object_ && creates_object(class_)) info.Object = nullptr;
    if (stopped_) return std::nullopt;  // 1.0 does not override a lower callback's veto or bypass (R25)
    return answer;
}

}  // namespace regent::cm::filter
