// NtCreateKey, NtOpenKey, NtOpenKeyEx and their transacted forms: one opening, announced to the callbacks as one create
// or open (R44-R50).
#include "cm/callback.h"
#include "cm/registry.h"
#include "nt/reg_key.h"
#include "nt/service.h"
#include "nt/transaction.h"
#include "ob/namespace.h"

namespace regent::nt {
namespace {

constexpr ULONG wow64_bits = KEY_WOW64_32KEY | KEY_WOW64_64KEY;

// The views of 32-bit programs are the client library's affair; here the bits are only accepted (verdict 39).
// ERRORS: INVALID_PARAMETER (both).
Result<ACCESS_MASK> without_wow64(ACCESS_MASK desired) {
    if ((desired & wow64_bits) == wow64_bits) return fail(STATUS_INVALID_PARAMETER);
    return desired & ~wow64_bits;
}

// Does an absolute path lead into \Registry? `below` is what follows, for RemainingName.
bool names_registry(Utf16View path, Utf16View* below) {
    const std::size_t size = cm::root_path.size();
    if (path.size() < size || !rtl::equal_folded(path.substr(0, size), cm::root_path)) return false;
    Utf16View rest = path.substr(size);
    if (!rest.empty() && rest.front() != u'\\') return false;
    while (!rest.empty() && rest.front() == u'\\') rest.remove_prefix(1);
    *below = rest;
    return true;
}

// One call on its way: captured arguments, the root, the structure for the callbacks.
class Opening {
public:
    Opening(bool create, ACCESS_MASK wow64) : create_(create), wow64_(wow64 & wow64_bits) {}

    // What callbacks are to be told. ERRORS: the root handle's.
    Result<void> prepare(const cm::OpenRequest& request) {
        request_ = request;
        filtered_ = cm::filter::any_registered();
        if (!filtered_) return {};
        if (request.root == nullptr) {
            announced_ = names_registry(request.name, &remaining_);
            if (announced_) root_ = cm::KeyRef::retain(&cm::registry().root());
            return {};
        }
        auto root = ob::reference_by_handle(request.root, 0, nullptr, ob::current().previous_mode);
        if (!root) return std::unexpected(root.error());
        if (cm::key_body_of(root->object.get()) != nullptr) {
            root_ = std::move(root->object).as<cm::KeyBody>();
            remaining_ = request.name;
            announced_ = true;
            return {};
        }
        if (&ob::type_of(root->object.get()) != &ob::types::directory()) return fail(STATUS_OBJECT_TYPE_MISMATCH);
        return from_directory(root->object.get());
    }

    NTSTATUS run(PHANDLE handle, PULONG disposition) {
        cm::OpenedKey opened;
        const NTSTATUS status = announced_ ? filtered(opened) : plain(opened);
        // STATUS_SUCCESS without a key: a callback swallowed it.
        if (!NT_SUCCESS(status) || !opened.body) return status;
        const auto reason = opened.disposition == REG_CREATED_NEW_KEY ? ob::OpenReason::create : ob::OpenReason::open;
        const ULONG what = opened.disposition;
        const auto made = insert_key(std::move(opened), request_.attributes, reason);
        if (!made) return made.error().code();
        *handle = *made;
        write_optional(disposition, what);
        return status;
    }

private:
    // A directory as root: the same path from the top, so that callbacks see it whole.
    Result<void> from_directory(void* root) {
        absolute_ = RG_TRY(ob::query_name(root));
        if (absolute_ == u"\\") absolute_.clear();
        absolute_ += u'\\';
        absolute_ += request_.name;
        if (request_.name.empty() || request_.name.front() == u'\\') return {};
        request_.root = nullptr;
        request_.name = absolute_;
        announced_ = names_registry(request_.name, &remaining_);
        if (announced_) root_ = cm::KeyRef::retain(&cm::registry().root());
        return {};
    }

    NTSTATUS plain(cm::OpenedKey& opened) {
        auto result = cm::open_key(request_);
        if (!result) return result.error().code();
        opened = std::move(*result);
        return STATUS_SUCCESS;
    }

    void describe(REG_CREATE_KEY_INFORMATION_V1& info) {
        complete_ = rtl::unicode_string(request_.name);
        remaining_string_ = rtl::unicode_string(remaining_);
        class_ = rtl::unicode_string(request_.class_name);
        info.CompleteName = &complete_;
        info.RootObject = root_.get();
        info.ObjectType = &cm::key_type();
        info.Options = request_.options;
        info.Class = create_ ? &class_ : nullptr;
        if (request_.security != nullptr) {
            info.SecurityDescriptor = const_cast<std::byte*>(request_.security->bytes().data());
        }
        info.DesiredAccess = request_.desired;
        info.GrantedAccess = request_.desired;  // what a bypass that sets nothing grants (R28)
        info.Disposition = &disposition_;
        info.ResultObject = &result_;
        info.Version = 1;
        info.RemainingName = &remaining_string_;
        info.Wow64Flags = wow64_;
        info.Attributes = request_.attributes;
        // NULL where the root makes the call transacted; then CmGetBoundTransaction tells (R51).
        if (request_.transaction) info.Transaction = request_.transaction->object.get();
        const bool checked = !ob::current().kernel() || (request_.attributes & OBJ_FORCE_ACCESS_CHECK) != 0;
        info.CheckAccessMode = checked ? ob::user_mode : ob::kernel_mode;
    }

    NTSTATUS filtered(cm::OpenedKey& opened) {
        REG_CREATE_KEY_INFORMATION_V1 info{};
        describe(info);
        cm::filter::Operation operation(create_ ? RegNtPreCreateKeyEx : RegNtPreOpenKeyEx, root_.get(), &info);
        NTSTATUS status = STATUS_SUCCESS;
        if (operation.pre()) {
            status = plain(opened);
            if (NT_SUCCESS(status)) {
                info.GrantedAccess = opened.granted;
                disposition_ = opened.disposition;
                result_ = opened.body.release();
            }
        } else {
            status = operation.blocked_status();
        }
        // From here on the operation carries the object's reference, also when a callback puts another in its place.
        status = operation.post(status, NT_SUCCESS(status) ? result_ : nullptr);
        ob::ObjectRef<void> object = ob::ObjectRef<void>::adopt(operation.post_object());
        if (!NT_SUCCESS(status) || !object) return status;
        if (cm::key_body_of(object.get()) == nullptr) return STATUS_OBJECT_TYPE_MISMATCH;
        opened.body = std::move(object).as<cm::KeyBody>();
        opened.granted = se_mapped(info.GrantedAccess);
        opened.disposition = disposition_;
        return status;
    }

    // A driver may have left generic rights in GrantedAccess.
    static ACCESS_MASK se_mapped(ACCESS_MASK granted) {
        const GENERIC_MAPPING& mapping = cm::key_type().mapping;
        ACCESS_MASK mapped = granted & (KEY_ALL_ACCESS | ACCESS_SYSTEM_SECURITY);
        if ((granted & GENERIC_READ) != 0) mapped |= mapping.GenericRead;
        if ((granted & GENERIC_WRITE) != 0) mapped |= mapping.GenericWrite;
        if ((granted & GENERIC_EXECUTE) != 0) mapped |= mapping.GenericExecute;
        if ((granted & (GENERIC_ALL | MAXIMUM_ALLOWED)) != 0) mapped |= mapping.GenericAll;
        return mapped;
    }

    const bool create_;
    const ULONG wow64_;
    bool filtered_ = false;
    bool announced_ = false;
    cm::OpenRequest request_;
    cm::KeyRef root_;
    Utf16 absolute_;
    Utf16View remaining_;
    UNICODE_STRING complete_{};
    UNICODE_STRING remaining_string_{};
    UNICODE_STRING class_{};
    ULONG disposition_ = REG_OPENED_EXISTING_KEY;
    void* result_ = nullptr;
};

cm::OpenRequest request_of(const CapturedAttributes& attributes, ACCESS_MASK desired, ULONG options) {
    cm::OpenRequest request;
    request.root = attributes.get().root;
    request.name = attributes.get().name;
    request.attributes = attributes.get().attributes;
    request.desired = desired;
    request.options = options;
    return request;
}

// What a call is part of: nothing, or the transaction behind a handle.
struct Joining {
    bool transacted = false;
    HANDLE transaction = nullptr;
    // ERRORS: bind_transaction's.
    Result<void> join(cm::OpenRequest& request) const {
        if (!transacted) return {};
        request.transaction = RG_TRY(bind_transaction(transaction));
        return {};
    }
};

NTSTATUS open_key(PHANDLE handle, ACCESS_MASK desired, POBJECT_ATTRIBUTES attributes, ULONG options,
                  const Joining& joining) {
    if (handle == nullptr) return STATUS_ACCESS_VIOLATION;
    CapturedAttributes captured;
    const auto ok = captured.capture(attributes, CapturedAttributes::Security::ignore);
    if (!ok) return ok.error().code();
    *handle = nullptr;
    if ((options & ~static_cast<ULONG>(REG_OPEN_LEGAL_OPTION)) != 0) return STATUS_INVALID_PARAMETER_4;
    const auto access = without_wow64(desired);
    if (!access) return access.error().code();
    cm::OpenRequest request = request_of(captured, *access, options);
    if (const auto joined = joining.join(request); !joined) return joined.error().code();
    Opening opening(false, desired);
    const auto prepared = opening.prepare(request);
    if (!prepared) return prepared.error().code();
    return opening.run(handle, nullptr);
}

struct Creation {
    PHANDLE handle;
    ACCESS_MASK desired;
    POBJECT_ATTRIBUTES attributes;
    PUNICODE_STRING class_name;
    ULONG options;
    PULONG disposition;
};

NTSTATUS create_key(const Creation& call, const Joining& joining) {
    if (call.handle == nullptr) return STATUS_ACCESS_VIOLATION;
    CapturedAttributes captured;
    const auto ok = captured.capture(call.attributes, CapturedAttributes::Security::capture);
    if (!ok) return ok.error().code();
    *call.handle = nullptr;
    CapturedString class_name;
    if (call.class_name != nullptr) {
        const auto read = class_name.capture(call.class_name);
        if (!read) return read.error().code();
    }
    if ((call.options & ~static_cast<ULONG>(REG_LEGAL_OPTION)) != 0) return STATUS_INVALID_PARAMETER;
    const auto access = without_wow64(call.desired);
    if (!access) return access.error().code();
    cm::OpenRequest request = request_of(captured, *access, call.options);
    request.create = true;
    request.class_name = class_name.view();
    request.security = captured.get().security;
    if (const auto joined = joining.join(request); !joined) return joined.error().code();
    Opening opening(true, call.desired);
    const auto prepared = opening.prepare(request);
    if (!prepared) return prepared.error().code();
    return opening.run(call.handle, call.disposition);
}

}  // namespace

namespace service {

// ERRORS, in this order: ACCESS_VIOLATION (handle, attributes), the attributes', INVALID_PARAMETER (options, both WOW64
// bits), the transaction handle's, the root handle's, the callbacks', cm::open_key's, INSUFFICIENT_RESOURCES.
NTSTATUS NtCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes, ULONG,
                     PUNICODE_STRING Class, ULONG CreateOptions, PULONG Disposition) {
    return create_key({KeyHandle, DesiredAccess, ObjectAttributes, Class, CreateOptions, Disposition}, {});
}

NTSTATUS NtCreateKeyTransacted(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes, ULONG,
                               PUNICODE_STRING Class, ULONG CreateOptions, HANDLE TransactionHandle,
                               PULONG Disposition) {
    return create_key({KeyHandle, DesiredAccess, ObjectAttributes, Class, CreateOptions, Disposition},
                      {true, TransactionHandle});
}

NTSTATUS NtOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes) {
    return open_key(KeyHandle, DesiredAccess, ObjectAttributes, 0, {});
}

// INVALID_PARAMETER_4 for options that opening does not know; the rest as NtCreateKey.
NTSTATUS NtOpenKeyEx(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                     ULONG OpenOptions) {
    return open_key(KeyHandle, DesiredAccess, ObjectAttributes, OpenOptions, {});
}

NTSTATUS NtOpenKeyTransacted(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                             HANDLE TransactionHandle) {
    return open_key(KeyHandle, DesiredAccess, ObjectAttributes, 0, {true, TransactionHandle});
}

NTSTATUS NtOpenKeyTransactedEx(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                               ULONG OpenOptions, HANDLE TransactionHandle) {
    return open_key(KeyHandle, DesiredAccess, ObjectAttributes, OpenOptions, {true, TransactionHandle});
}

}  // namespace service
}  // namespace regent::nt
