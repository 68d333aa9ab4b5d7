// The kernel transaction manager's services.
#include <cstring>

#include "nt/capture.h"
#include "nt/service.h"
#include "ob/handle.h"
#include "tm/enlist.h"
#include "wdk/wdm.h"

namespace regent::nt::service {
namespace {

constexpr std::size_t properties_header = offsetof(TRANSACTION_PROPERTIES_INFORMATION, Description);

KPROCESSOR_MODE mode() { return ob::current().previous_mode; }

Result<ob::ObjectRef<tm::Transaction>> reference_transaction(HANDLE handle, ACCESS_MASK desired) {
    return ob::reference_as<tm::Transaction>(handle, desired, tm::transaction_type(), mode());
}

Result<void> capture_optional(CapturedAttributes& captured, POBJECT_ATTRIBUTES attributes) {
    if (attributes == nullptr) return {};
    return captured.capture(attributes, CapturedAttributes::Security::capture);
}

// Names a new object and gives it a handle.
NTSTATUS hand_out(ob::ObjectRef<void> object, const CapturedAttributes& attributes, ACCESS_MASK desired,
                  PHANDLE handle) {
    ob::AccessState access = ob::AccessState::for_current(desired, attributes.get().attributes);
    const auto inserted = ob::insert_object(std::move(object), attributes.get(), access);
    if (!inserted) return inserted.error().code();
    *handle = inserted->handle;
    return inserted->existed ? STATUS_OBJECT_NAME_EXISTS : STATUS_SUCCESS;
}

// ERRORS: INVALID_PARAMETER (longer than 64 units).
Result<Utf16> capture_description(PCUNICODE_STRING description) {
    if (description == nullptr) return Utf16();
    CapturedString text;
    RG_TRY(text.capture(description));
    if (text.view().size() > MAX_TRANSACTION_DESCRIPTION_LENGTH) return fail(STATUS_INVALID_PARAMETER);
    return Utf16(text.view());
}

NTSTATUS query_basic(const tm::Transaction& transaction, MutableBytes out, PULONG needed) {
    TRANSACTION_BASIC_INFORMATION info{};
    write_optional(needed, static_cast<ULONG>(sizeof(info)));
    if (out.size() < sizeof(info)) return STATUS_BUFFER_TOO_SMALL;
    info.TransactionId = transaction.id();
    info.Outcome = transaction.outcome();
    info.State = info.Outcome == TransactionOutcomeCommitted ? TransactionStateCommittedNotify : TransactionStateNormal;
    std::memcpy(out.data(), &info, sizeof(info));
    return STATUS_SUCCESS;
}

NTSTATUS query_properties(const tm::Transaction& transaction, MutableBytes out, PULONG needed) {
    const tm::Transaction::Properties properties = transaction.properties();
    constexpr std::size_t header = properties_header;
    const std::size_t text = properties.description.size() * sizeof(char16_t);
    write_optional(needed, static_cast<ULONG>(header + text));
    if (out.size() < header) return STATUS_BUFFER_TOO_SMALL;
    TRANSACTION_PROPERTIES_INFORMATION info{};
    info.Timeout = properties.timeout;
    info.Outcome = transaction.outcome();
    info.DescriptionLength = static_cast<ULONG>(text);
    std::memcpy(out.data(), &info, header);
    const std::size_t fits = std::min(text, out.size() - header);
    if (fits != 0) std::memcpy(out.data() + header, properties.description.data(), fits);
    return fits < text ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

Result<tm::Transaction::Properties> capture_properties(Bytes in) {
    TRANSACTION_PROPERTIES_INFORMATION info{};
    if (in.size() < properties_header) return fail(STATUS_INFO_LENGTH_MISMATCH);
    std::memcpy(&info, in.data(), properties_header);
    if (info.DescriptionLength > in.size() - properties_header) return fail(STATUS_INFO_LENGTH_MISMATCH);
    const std::size_t units = info.DescriptionLength / sizeof(char16_t);
    if (info.IsolationLevel != 0 || info.IsolationFlags != 0) return fail(STATUS_INVALID_PARAMETER);
    if (info.DescriptionLength % sizeof(char16_t) != 0 || units > MAX_TRANSACTION_DESCRIPTION_LENGTH)
        return fail(STATUS_INVALID_PARAMETER);
    tm::Transaction::Properties properties;
    properties.timeout = info.Timeout;
    properties.description.resize(units);
    if (units != 0) std::memcpy(properties.description.data(), in.data() + properties_header, info.DescriptionLength);
    return properties;
}

// One of the answers that a resource manager gives by a handle.
template <typename Answer>
NTSTATUS answer(HANDLE handle, Answer give) {
    const auto enlistment =
        ob::reference_as<tm::Enlistment>(handle, ENLISTMENT_SUBORDINATE_RIGHTS, tm::enlistment_type(), mode());
    if (!enlistment) return enlistment.error().code();
    return give((*enlistment)->transaction(), **enlistment);
}

NTSTATUS complete(HANDLE handle, ULONG notification) {
    return answer(handle,
                  [&](tm::Transaction& whole, tm::Enlistment& part) { return whole.complete(part, notification); });
}

}  // namespace

// ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER (options, isolation, description, no access asked for),
// the attributes', the manager's handle's, those of naming the object.
NTSTATUS NtCreateTransaction(PHANDLE TransactionHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                             LPGUID Uow, HANDLE TmHandle, ULONG CreateOptions, ULONG IsolationLevel,
                             ULONG IsolationFlags, PLARGE_INTEGER Timeout, PUNICODE_STRING Description) {
    if (TransactionHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    if (CreateOptions > TRANSACTION_MAXIMUM_OPTION || IsolationLevel != 0 || IsolationFlags != 0 || DesiredAccess == 0)
        return STATUS_INVALID_PARAMETER;
    auto description = capture_description(Description);
    if (!description) return description.error().code();
    CapturedAttributes captured;
    if (const auto ok = capture_optional(captured, ObjectAttributes); !ok) return ok.error().code();
    if (TmHandle != nullptr) {
        const auto manager = ob::reference_by_handle(TmHandle, 0, &tm::manager_type(), mode());
        if (!manager) return manager.error().code();
    }
    GUID id{};
    if (Uow != nullptr)
        id = *Uow;
    else
        ExUuidCreate(&id);
    tm::Transaction::Properties properties;
    if (Timeout != nullptr) properties.timeout = *Timeout;
    properties.description = std::move(*description);
    auto made = tm::Transaction::create(id, std::move(properties));
    if (!made) return made.error().code();
    return hand_out(std::move(*made), captured, DesiredAccess, TransactionHandle);
}

// By name, or by id. ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER (neither, both), the attributes',
// TRANSACTION_NOT_FOUND, those of opening an object.
NTSTATUS NtOpenTransaction(PHANDLE TransactionHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                           LPGUID Uow, HANDLE) {
    if (TransactionHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    CapturedAttributes captured;
    if (const auto ok = capture_optional(captured, ObjectAttributes); !ok) return ok.error().code();
    if (captured.get().name.empty() == (Uow == nullptr)) return STATUS_INVALID_PARAMETER;
    if (Uow == nullptr) {
        ob::AccessState access = ob::AccessState::for_current(DesiredAccess, captured.get().attributes);
        const auto opened = ob::open_by_name(captured.get(), tm::transaction_type(), access);
        if (!opened) return opened.error().code();
        *TransactionHandle = *opened;
        return STATUS_SUCCESS;
    }
    auto found = tm::Transaction::find(*Uow);
    if (!found) return STATUS_TRANSACTION_NOT_FOUND;
    const auto opened = ob::open_by_pointer(std::move(found), DesiredAccess, captured.get().attributes, mode());
    if (!opened) return opened.error().code();
    *TransactionHandle = *opened;
    return STATUS_SUCCESS;
}

NTSTATUS NtCommitTransaction(HANDLE TransactionHandle, BOOLEAN Wait) {
    const auto transaction = reference_transaction(TransactionHandle, TRANSACTION_COMMIT);
    return transaction ? (*transaction)->commit(Wait != 0) : transaction.error().code();
}

NTSTATUS NtRollbackTransaction(HANDLE TransactionHandle, BOOLEAN Wait) {
    const auto transaction = reference_transaction(TransactionHandle, TRANSACTION_ROLLBACK);
    return transaction ? (*transaction)->rollback(Wait != 0) : transaction.error().code();
}

// ERRORS, in this order: the buffer's, the handle's, INVALID_INFO_CLASS, BUFFER_TOO_SMALL; BUFFER_OVERFLOW (the
// description does not fit).
NTSTATUS NtQueryInformationTransaction(HANDLE TransactionHandle,
                                       TRANSACTION_INFORMATION_CLASS TransactionInformationClass,
                                       PVOID TransactionInformation, ULONG TransactionInformationLength,
                                       PULONG ReturnLength) {
    const auto out = output_buffer(TransactionInformation, TransactionInformationLength);
    if (!out) return out.error().code();
    const auto transaction = reference_transaction(TransactionHandle, TRANSACTION_QUERY_INFORMATION);
    if (!transaction) return transaction.error().code();
    if (TransactionInformationClass == TransactionBasicInformation)
        return query_basic(**transaction, *out, ReturnLength);
    if (TransactionInformationClass == TransactionPropertiesInformation)
        return query_properties(**transaction, *out, ReturnLength);
    return STATUS_INVALID_INFO_CLASS;
}

// ERRORS, in this order: the buffer's, the handle's, INVALID_INFO_CLASS (all but the properties), INFO_LENGTH_MISMATCH
// (less than the structure, or than it says), INVALID_PARAMETER (isolation, which is reserved; the description),
// TRANSACTION_NOT_ACTIVE. Their order, and the last, are inferred. The outcome is not looked at.
NTSTATUS NtSetInformationTransaction(HANDLE TransactionHandle,
                                     TRANSACTION_INFORMATION_CLASS TransactionInformationClass,
                                     PVOID TransactionInformation, ULONG TransactionInformationLength) {
    const auto in = input_buffer(TransactionInformation, TransactionInformationLength);
    if (!in) return in.error().code();
    const auto transaction = reference_transaction(TransactionHandle, TRANSACTION_SET_INFORMATION);
    if (!transaction) return transaction.error().code();
    if (TransactionInformationClass != TransactionPropertiesInformation) return STATUS_INVALID_INFO_CLASS;
    auto properties = capture_properties(*in);
    if (!properties) return properties.error().code();
    return rtl::to_ntstatus((*transaction)->set_properties(std::move(*properties)));
}

// ERRORS, in this order: ACCESS_VIOLATION, ACCESS_DENIED (no access asked for), INVALID_PARAMETER (options; a log with
// a volatile manager), NOT_SUPPORTED (a manager that is not volatile), the attributes', those of naming the object.
NTSTATUS NtCreateTransactionManager(PHANDLE TmHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                                    PUNICODE_STRING LogFileName, ULONG CreateOptions, ULONG) {
    if (TmHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    if (DesiredAccess == 0) return STATUS_ACCESS_DENIED;
    if (CreateOptions > TRANSACTION_MANAGER_MAXIMUM_OPTION) return STATUS_INVALID_PARAMETER;
    const bool in_memory = (CreateOptions & TRANSACTION_MANAGER_VOLATILE) != 0;
    if (in_memory && LogFileName != nullptr) return STATUS_INVALID_PARAMETER;
    if (!in_memory) return STATUS_NOT_SUPPORTED;
    CapturedAttributes captured;
    if (const auto ok = capture_optional(captured, ObjectAttributes); !ok) return ok.error().code();
    auto made = ob::create_body<tm::TransactionManager>(tm::manager_type());
    if (!made) return made.error().code();
    return hand_out(std::move(*made), captured, DesiredAccess, TmHandle);
}

// ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER (options), the attributes', the manager's handle's,
// TM_VOLATILE (a manager that is not, on one that is), OBJECT_NAME_COLLISION (the id), those of naming the object.
NTSTATUS NtCreateResourceManager(PHANDLE ResourceManagerHandle, ACCESS_MASK DesiredAccess, HANDLE TmHandle,
                                 LPGUID ResourceManagerGuid, POBJECT_ATTRIBUTES ObjectAttributes, ULONG CreateOptions,
                                 PUNICODE_STRING Description) {
    if (ResourceManagerHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    if (CreateOptions > RESOURCE_MANAGER_MAXIMUM_OPTION) return STATUS_INVALID_PARAMETER;
    if (const auto description = capture_description(Description); !description) return description.error().code();
    CapturedAttributes captured;
    if (const auto ok = capture_optional(captured, ObjectAttributes); !ok) return ok.error().code();
    auto manager =
        ob::reference_as<tm::TransactionManager>(TmHandle, TRANSACTIONMANAGER_CREATE_RM, tm::manager_type(), mode());
    if (!manager) return manager.error().code();
    if ((CreateOptions & RESOURCE_MANAGER_VOLATILE) == 0) return STATUS_TM_VOLATILE;
    GUID id{};
    if (ResourceManagerGuid != nullptr)
        id = *ResourceManagerGuid;
    else
        ExUuidCreate(&id);
    if (const auto added = (*manager)->add(id); !added) return added.error().code();
    auto made = ob::create_body<tm::ResourceManager>(tm::resource_manager_type(), *manager, id);
    if (!made) {
        (*manager)->remove(id);
        return made.error().code();
    }
    return hand_out(std::move(*made), captured, DesiredAccess, ResourceManagerHandle);
}

// ERRORS, in this order: ACCESS_VIOLATION, the attributes', the handles', tm::create_enlistment's.
NTSTATUS NtCreateEnlistment(PHANDLE EnlistmentHandle, ACCESS_MASK DesiredAccess, HANDLE ResourceManagerHandle,
                            HANDLE TransactionHandle, POBJECT_ATTRIBUTES ObjectAttributes, ULONG CreateOptions,
                            ULONG NotificationMask, PVOID EnlistmentKey) {
    if (EnlistmentHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    CapturedAttributes captured;
    if (const auto ok = capture_optional(captured, ObjectAttributes); !ok) return ok.error().code();
    auto manager = ob::reference_as<tm::ResourceManager>(ResourceManagerHandle, RESOURCEMANAGER_ENLIST,
                                                         tm::resource_manager_type(), mode());
    if (!manager) return manager.error().code();
    auto transaction = reference_transaction(TransactionHandle, TRANSACTION_ENLIST);
    if (!transaction) return transaction.error().code();
    tm::Enlistment::Start start;
    start.manager = std::move(*manager);
    start.transaction = std::move(*transaction);
    start.mask = NotificationMask;
    start.key = EnlistmentKey;
    const auto made = tm::create_enlistment(std::move(start), CreateOptions, DesiredAccess, captured.get());
    if (!made) return made.error().code();
    *EnlistmentHandle = *made;
    return STATUS_SUCCESS;
}

NTSTATUS NtPrePrepareComplete(HANDLE EnlistmentHandle, PLARGE_INTEGER) {
    return complete(EnlistmentHandle, TRANSACTION_NOTIFY_PREPREPARE);
}
NTSTATUS NtPrepareComplete(HANDLE EnlistmentHandle, PLARGE_INTEGER) {
    return complete(EnlistmentHandle, TRANSACTION_NOTIFY_PREPARE);
}
NTSTATUS NtCommitComplete(HANDLE EnlistmentHandle, PLARGE_INTEGER) {
    return complete(EnlistmentHandle, TRANSACTION_NOTIFY_COMMIT);
}
NTSTATUS NtRollbackComplete(HANDLE EnlistmentHandle, PLARGE_INTEGER) {
    return complete(EnlistmentHandle, TRANSACTION_NOTIFY_ROLLBACK);
}
NTSTATUS NtReadOnlyEnlistment(HANDLE EnlistmentHandle, PLARGE_INTEGER) {
    return answer(EnlistmentHandle,
                  [](tm::Transaction& whole, tm::Enlistment& part) { return whole.make_read_only(part); });
}
NTSTATUS NtRollbackEnlistment(HANDLE EnlistmentHandle, PLARGE_INTEGER) {
    return answer(EnlistmentHandle,
                  [](tm::Transaction& whole, tm::Enlistment& part) { return whole.rollback_enlistment(part); });
}
NTSTATUS NtSinglePhaseReject(HANDLE EnlistmentHandle, PLARGE_INTEGER) {
    return answer(EnlistmentHandle,
                  [](tm::Transaction& whole, tm::Enlistment& part) { return whole.reject_single_phase(part); });
}

}  // namespace regent::nt::service
