// NtLoadKey, 2, Ex, 3 and NtUnloadKey, 2, Ex: hives come and go.
#include <filesystem>

#include "cm/callback.h"
#include "cm/registry.h"
#include "ex/dispatcher.h"
#include "io/file.h"
#include "nt/hive_report.h"
#include "nt/privilege.h"
#include "nt/reg_key.h"
#include "nt/service.h"
#include "nt/skeleton.h"
#include "nt/system.h"
#include "nt/token.h"
#include "ob/namespace.h"
#include "rtl/utf16.h"
#include "se/sddl.h"

namespace regent::nt {
namespace {

// How a hive is laid out, logged and opened is not the caller's choice here: these are accepted and mean nothing.
constexpr ULONG load_hints =
    REG_HIVE_EXACT_FILE_GROWTH | REG_HIVE_SINGLE_LOG | REG_FLUSH_HIVE_FILE_GROWTH | REG_NO_IMPERSONATION_FALLBACK;
constexpr ULONG read_only_flags = REG_OPEN_READ_ONLY | REG_IMMUTABLE;
constexpr ULONG load_flags = load_hints | read_only_flags | REG_HIVE_NO_RM | REG_NO_LAZY_FLUSH | REG_APP_HIVE |
                             REG_PROCESS_PRIVATE | REG_LOAD_HIVE_OPEN_HANDLE;
constexpr ULONG load_flags_of_nt =
    0xFFFF & ~ULONG{REG_WHOLE_HIVE_VOLATILE | REG_REFRESH_HIVE | REG_FORCE_RESTORE};  // those are NtRestoreKey's

// hivelist says what is mounted, whoever asks; a store whose SYSTEM hive cannot take it has no list.
void list_hives() {
    const ob::CallerScope system(ob::system_process(), nullptr, ob::kernel_mode);
    static_cast<void>(sync_hive_list());
}

// Sets the caller's event when the hive is unloaded.
class UnloadEvent final : public cm::UnloadWaiter {
public:
    UnloadEvent(ob::ObjectRef<KEVENT> event, bool listed) : event_(std::move(event)), listed_(listed) {}
    void unloaded() noexcept override {
        if (listed_) list_hives();
        if (event_) KeSetEvent(event_.get(), 0, FALSE);
    }

private:
    ob::ObjectRef<KEVENT> event_;
    const bool listed_;  // in hivelist
};

// ERRORS: the handle's. Null for no handle.
Result<ob::ObjectRef<KEVENT>> reference_event(HANDLE event) {
    if (event == nullptr) return ob::ObjectRef<KEVENT>();
    return ob::reference_as<KEVENT>(event, EVENT_MODIFY_STATE, ob::types::event(), ob::current().previous_mode);
}

// The key object that stands for a path in load and unload: the root handle's key, else \Registry.
cm::KeyRef base_of(const ob::ObjectAttributes& target) {
    if (target.root != nullptr) {
        if (auto key = reference_key(target.root, 0)) return std::move(*key);
    }
    return cm::KeyRef::retain(&cm::registry().root());
}

// One NtLoadKey* call.
struct LoadCall {
    POBJECT_ATTRIBUTES target;
    POBJECT_ATTRIBUTES source;
    ULONG flags = 0;
    HANDLE trust_class = nullptr;
    HANDLE event = nullptr;
    ACCESS_MASK desired = 0;
    PHANDLE root_handle = nullptr;
    HANDLE file_token = nullptr;
};

// The token whose user opens the hive's files. What nobody documents, inferred: a handle with TOKEN_IMPERSONATE, and
// what its holder may impersonate. ERRORS: the handle's, BAD_IMPERSONATION_LEVEL.
Result<Ref<se::Token>> reference_file_token(HANDLE handle) {
    if (handle == nullptr) return Ref<se::Token>();
    auto found = RG_TRY(reference_token(handle, TOKEN_IMPERSONATE));
    if (!found.token->is_impersonation()) {
        found.token = se::duplicate_token(*found.token, true, SecurityImpersonation, false);
    }
    auto token = ob::impersonable(std::move(found.token));
    if (token->level() < SecurityImpersonation) return fail(STATUS_BAD_IMPERSONATION_LEVEL);
    return token;
}

class Loading {
public:
    explicit Loading(const LoadCall& call) : call_(call) {}

    // ERRORS, in this order: the attributes', INVALID_PARAMETER (flags NT does not know), NOT_SUPPORTED (flags Regent
    // does not), INVALID_PARAMETER_7 (a root handle is asked for and not given, or the reverse), PRIVILEGE_NOT_HELD
    // (but for application hives), the trust class's, the event's and the file token's, the callbacks', the target's,
    // the file's, the mount's, the root's.
    NTSTATUS run() {
        const auto ready = prepare();
        if (!ready) return ready.error().code();
        const auto work = [this] { return rtl::to_ntstatus(application() ? load_application() : load()); };
        if (!cm::filter::any_registered()) return work();
        const cm::KeyRef base = base_of(target_.get());
        UNICODE_STRING name = rtl::unicode_string(target_.get().name);
        UNICODE_STRING file = rtl::unicode_string(source_.get().name);
        REG_LOAD_KEY_INFORMATION_V2 info{};
        info.Object = base.get();
        info.KeyName = &name;
        info.SourceFile = &file;
        info.Flags = call_.flags;
        info.TrustClassObject = trust_class_.get();
        info.UserEvent = event_.get();
        info.DesiredAccess = call_.desired;
        info.RootHandle = call_.root_handle;
        info.FileAccessToken = file_token_.get();
        cm::filter::Operation operation(RegNtPreLoadKey, base.get(), &info);
        return operation.run(work);
    }

private:
    bool application() const { return (call_.flags & REG_APP_HIVE) != 0; }

    Result<void> prepare() {
        RG_TRY(target_.capture(call_.target, CapturedAttributes::Security::ignore));
        RG_TRY(source_.capture(call_.source, CapturedAttributes::Security::ignore));
        if ((call_.flags & ~load_flags_of_nt) != 0) return fail(STATUS_INVALID_PARAMETER);
        if ((call_.flags & ~load_flags) != 0) return fail(STATUS_NOT_SUPPORTED);
        const bool gives_root = (call_.flags & (REG_APP_HIVE | REG_LOAD_HIVE_OPEN_HANDLE)) != 0;
        if (gives_root != (call_.root_handle != nullptr)) return fail(STATUS_INVALID_PARAMETER_7);
        if (!application() && (call_.flags & REG_PROCESS_PRIVATE) != 0) return fail(STATUS_INVALID_PARAMETER);
        if (!application() && !may(SE_RESTORE_PRIVILEGE)) return fail(STATUS_PRIVILEGE_NOT_HELD);
        if (call_.trust_class != nullptr) {
            auto key = reference_key(call_.trust_class, 0);
            if (!key) return std::unexpected(key.error());
            trust_class_ = std::move(*key);
        }
        auto event = reference_event(call_.event);
        if (!event) return std::unexpected(event.error());
        event_ = std::move(*event);
        file_token_ = RG_TRY(reference_file_token(call_.file_token));
        return {};
    }

    // As the store's, unless the caller wants less of it.
    hive::Durability durability() const {
        const hive::Durability usual = cm::registry().opening_durability();
        if (cm::registry().durability() == hive::Durability::read_only) return usual;
        if ((call_.flags & read_only_flags) != 0) return hive::Durability::read_only;
        const bool when_asked = (call_.flags & REG_NO_LAZY_FLUSH) != 0 && hive::writes_files(usual);
        return when_asked ? hive::Durability::lazy : usual;
    }

    // A file that is missing is made, where there is a file to be made: a hive with nothing but its root.
    Result<std::unique_ptr<hive::Hive>> open_file(const std::string& path, Bytes root_security) const {
        LoadFindings findings;
        hive::OpenOptions options;
        options.findings = &findings;
        options.durability = durability();
        options.create_if_missing = cm::registry().durability() != hive::Durability::read_only;
        options.create.root_security = root_security;
        Result<std::unique_ptr<hive::Hive>> storage = [&] {
            const io::CallerIdentity as_somebody =
                file_token_ ? io::CallerIdentity(*file_token_) : io::CallerIdentity();
            return hive::Hive::open(rtl::real_env(), path, options);
        }();
        if (const auto report = report_load(path, storage, findings)) log_message(*report);
        return storage;
    }

    Ref<cm::UnloadWaiter> waiter(bool listed) {
        if (!event_) return nullptr;
        return rtl::make_ref<UnloadEvent>(event_, listed);
    }

    Result<void> load() {
        RG_TRY(cm::registry().check_mount_point(target_.get()));
        auto storage = open_file(RG_TRY(io::host_path(source_.get().name)), {});
        if (!storage) return std::unexpected(storage.error());
        cm::MountOptions how;
        how.no_transactions = (call_.flags & REG_HIVE_NO_RM) != 0;
        how.no_lazy_flush = (call_.flags & REG_NO_LAZY_FLUSH) != 0;
        if (trust_class_) how.trust_class = trust_class_->block().hive().trust_class();
        RG_TRY(cm::registry().mount_at(target_.get(), std::move(*storage), how, waiter(true)));
        list_hives();
        if (call_.root_handle == nullptr) return {};
        const Result<void> opened = open_mounted();
        if (!opened) static_cast<void>(cm::registry().unmount_at(target_.get(), false));
        return opened;
    }

    Result<void> open_mounted() {
        cm::OpenRequest request;
        request.root = target_.get().root;
        request.name = target_.get().name;
        request.desired = call_.desired;
        auto opened = cm::open_key(request);
        if (!opened) return std::unexpected(opened.error());
        return hand_out(std::move(*opened));
    }

    Result<void> load_application() {
        const auto name = cm::application_hive_name(target_.get().name);
        if (!name || target_.get().root != nullptr) return fail(STATUS_INVALID_PARAMETER);
        auto root = application_root(*name);
        if (!root) return std::unexpected(root.error());
        const auto& context = ob::current();
        if (call_.desired == 0 && !context.kernel()) return fail(STATUS_ACCESS_DENIED);
        cm::OpenedKey opened;
        opened.granted =
            RG_TRY(cm::check_key_access(**root, context.token(), call_.desired, context.previous_mode, &opened.audit));
        opened.body = std::move(*root);
        return hand_out(std::move(opened));
    }

    // The same file gives the same hive, unless it was loaded for one caller alone.
    Result<cm::KeyRef> application_root(Utf16View name) {
        const std::string given = RG_TRY(io::host_path(source_.get().name));
        std::error_code ignored;
        const auto canonical = std::filesystem::weakly_canonical(given, ignored);
        const std::string path = canonical.empty() ? given : canonical.string();
        auto loaded = cm::registry().find_application_hive(path);
        if (!loaded) return std::unexpected(loaded.error());
        const bool alone = (call_.flags & REG_PROCESS_PRIVATE) != 0;
        if (*loaded && alone) return fail(STATUS_SHARING_VIOLATION);
        if (*loaded) return std::move(*loaded);
        const std::string owner = ob::current().token().user().to_string();
        const auto security = se::parse_sddl("O:" + owner + "D:(A;CI;KA;;;" + owner + ")(A;CI;KA;;;SY)(A;CI;KA;;;BA)");
        if (!security) return std::unexpected(security.error());
        auto storage = open_file(path, security->bytes());
        if (!storage) return std::unexpected(storage.error());
        return cm::registry().mount_application_hive(name, std::move(*storage), alone, waiter(false));
    }

    Result<void> hand_out(cm::OpenedKey root) {
        const HANDLE handle = RG_TRY(insert_key(std::move(root), target_.get().attributes, ob::OpenReason::open));
        *call_.root_handle = handle;
        return {};
    }

    const LoadCall call_;
    CapturedAttributes target_;
    CapturedAttributes source_;
    cm::KeyRef trust_class_;
    ob::ObjectRef<KEVENT> event_;
    Ref<se::Token> file_token_;  // null: the caller's
};

HANDLE* place_of(LoadCall& call, KEY_LOAD_ENTRY_TYPE type) {
    switch (type) {
        case KeyLoadTrustClassKey:
            return &call.trust_class;
        case KeyLoadEvent:
            return &call.event;
        case KeyLoadToken:
            return &call.file_token;
        default:
            return nullptr;
    }
}

// Adds NtLoadKey3's parameters. ERRORS: ACCESS_VIOLATION, INVALID_PARAMETER (a type NT does not know, or twice).
Result<void> add_parameters(LoadCall& call, const KEY_LOAD_ENTRY* entries, ULONG count) {
    if (entries == nullptr && count != 0) return fail(STATUS_ACCESS_VIOLATION);
    for (ULONG i = 0; i < count; ++i) {
        const KEY_LOAD_ENTRY entry = entries[i];
        HANDLE* place = place_of(call, entry.EntryType);
        if (place == nullptr || *place != nullptr) return fail(STATUS_INVALID_PARAMETER);
        *place = entry.KeyHandle;
    }
    return {};
}

// The hive's root, opened for the callbacks' sake; null when it cannot be.
cm::KeyRef open_root(const ob::ObjectAttributes& target) {
    const ob::CallerScope kernel(ob::kernel_mode);
    cm::OpenRequest request;
    request.root = target.root;
    request.name = target.name;
    auto opened = cm::open_key(request);
    return opened ? std::move(opened->body) : cm::KeyRef();
}

// How the hive leaves: at once or not at all, by force, or when it is used no more.
struct Leave {
    bool force = false;
    bool later = false;
    ob::ObjectRef<KEVENT> event;
};

NTSTATUS unmount(const ob::ObjectAttributes& target, const Leave& how, std::size_t own_keys) {
    if (!how.later) {
        const auto unmounted = cm::registry().unmount_at(target, how.force, own_keys);
        if (unmounted) list_hives();
        return rtl::to_ntstatus(unmounted);
    }
    const auto left = cm::registry().unmount_when_unused(target, own_keys, rtl::make_ref<UnloadEvent>(how.event, true));
    if (!left) return left.error().code();
    return *left ? STATUS_SUCCESS : STATUS_PENDING;
}

// ERRORS, in this order: the attributes', PRIVILEGE_NOT_HELD, the callbacks', the unmount's.
NTSTATUS unload_key(POBJECT_ATTRIBUTES target, const Leave& how) {
    CapturedAttributes attributes;
    const auto ok = attributes.capture(target, CapturedAttributes::Security::ignore);
    if (!ok) return ok.error().code();
    if (!may(SE_RESTORE_PRIVILEGE) || !may(SE_BACKUP_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD;
    if (!cm::filter::any_registered()) return unmount(attributes.get(), how, 0);
    const cm::KeyRef root = open_root(attributes.get());
    if (!root) return unmount(attributes.get(), how, 0);  // nothing to show: the call fails for its name
    REG_UNLOAD_KEY_INFORMATION info{};
    info.Object = root.get();
    info.UserEvent = how.event.get();
    cm::filter::Operation operation(RegNtPreUnLoadKey, root.get(), &info);
    return operation.run([&] { return unmount(attributes.get(), how, 1); });
}

}  // namespace

namespace service {

NTSTATUS NtLoadKey(POBJECT_ATTRIBUTES TargetKey, POBJECT_ATTRIBUTES SourceFile) {
    return Loading({.target = TargetKey, .source = SourceFile}).run();
}

NTSTATUS NtLoadKey2(POBJECT_ATTRIBUTES TargetKey, POBJECT_ATTRIBUTES SourceFile, ULONG Flags) {
    return Loading({.target = TargetKey, .source = SourceFile, .flags = Flags}).run();
}

NTSTATUS NtLoadKeyEx(POBJECT_ATTRIBUTES TargetKey, POBJECT_ATTRIBUTES SourceFile, ULONG Flags, HANDLE TrustClassKey,
                     HANDLE Event, ACCESS_MASK DesiredAccess, PHANDLE RootHandle, PIO_STATUS_BLOCK) {
    return Loading({TargetKey, SourceFile, Flags, TrustClassKey, Event, DesiredAccess, RootHandle, nullptr}).run();
}

NTSTATUS NtLoadKey3(POBJECT_ATTRIBUTES TargetKey, POBJECT_ATTRIBUTES SourceFile, ULONG Flags,
                    PKEY_LOAD_ENTRY ExtendedParameters, ULONG ExtendedParameterCount, ACCESS_MASK DesiredAccess,
                    PHANDLE RootHandle, PIO_STATUS_BLOCK) {
    LoadCall call{TargetKey, SourceFile, Flags, nullptr, nullptr, DesiredAccess, RootHandle, nullptr};
    const auto added = add_parameters(call, ExtendedParameters, ExtendedParameterCount);
    return added ? Loading(call).run() : added.error().code();
}

NTSTATUS NtUnloadKey(POBJECT_ATTRIBUTES TargetKey) { return unload_key(TargetKey, {}); }

// INVALID_PARAMETER for other flags than FORCE_UNLOAD.
NTSTATUS NtUnloadKey2(POBJECT_ATTRIBUTES TargetKey, ULONG Flags) {
    if (TargetKey == nullptr) return STATUS_ACCESS_VIOLATION;
    if ((Flags & ~static_cast<ULONG>(REG_FORCE_UNLOAD)) != 0) return STATUS_INVALID_PARAMETER;
    Leave how;
    how.force = (Flags & REG_FORCE_UNLOAD) != 0;
    return unload_key(TargetKey, how);
}

// SUCCESS: unloaded. PENDING: somebody has keys open; the event tells when the last of them is closed. Without an event
// it is NtUnloadKey. ERRORS: the event's, then NtUnloadKey's.
NTSTATUS NtUnloadKeyEx(POBJECT_ATTRIBUTES TargetKey, HANDLE Event) {
    auto event = reference_event(Event);
    if (!event) return event.error().code();
    Leave how;
    how.later = Event != nullptr;
    how.event = std::move(*event);
    return unload_key(TargetKey, how);
}

}  // namespace service
}  // namespace regent::nt
