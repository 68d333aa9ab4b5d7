// NtClose, NtDuplicateObject, NtQueryObject and the opens of directories and symbolic links.
#include "cm/callback.h"
#include "cm/key_body.h"
#include "nt/capture.h"
#include "nt/service.h"
#include "ob/handle.h"
#include "ob/namespace.h"

namespace regent::nt::service {
namespace {

KPROCESSOR_MODE mode() { return ob::current().previous_mode; }

NTSTATUS open_object(PHANDLE handle, ACCESS_MASK desired, POBJECT_ATTRIBUTES attributes, const ob::ObjectType& type) {
    if (handle == nullptr) return STATUS_ACCESS_VIOLATION;
    CapturedAttributes captured;
    const auto ok = captured.capture(attributes, CapturedAttributes::Security::ignore);
    if (!ok) return ok.error().code();
    ob::AccessState access = ob::AccessState::for_current(desired, captured.get().attributes);
    const auto opened = ob::open_by_name(captured.get(), type, access);
    if (!opened) return opened.error().code();
    *handle = *opened;
    return STATUS_SUCCESS;
}

// Units of `text` behind the header at `place`, and the header's UNICODE_STRING over them.
void put_string(UNICODE_STRING& string, Utf16View text, std::byte*& place) {
    const std::size_t size = text.size() * sizeof(char16_t);
    string.Length = static_cast<USHORT>(size);
    string.MaximumLength = static_cast<USHORT>(size + sizeof(char16_t));
    string.Buffer = reinterpret_cast<PWSTR>(place);
    if (size != 0) std::memcpy(place, text.data(), size);
    const char16_t end = 0;
    std::memcpy(place + size, &end, sizeof(end));
    place += size + sizeof(end);
}

// ERRORS: INSUFFICIENT_RESOURCES (a key's path that no UNICODE_STRING can name, HB-8), those of a query.
NTSTATUS query_name(void* object, PVOID buffer, ULONG length, PULONG return_length) {
    const auto name = ob::query_name(object);
    if (!name) return name.error().code();
    if (name->size() > 32766) return STATUS_INSUFFICIENT_RESOURCES;
    // An unnamed object has neither text nor terminator.
    const std::size_t text = name->empty() ? 0 : (name->size() + 1) * sizeof(char16_t);
    const ULONG needed = static_cast<ULONG>(sizeof(OBJECT_NAME_INFORMATION) + text);
    write_optional(return_length, needed);
    if (length < sizeof(OBJECT_NAME_INFORMATION)) return STATUS_INFO_LENGTH_MISMATCH;
    if (length < needed) return STATUS_BUFFER_OVERFLOW;
    if (buffer == nullptr) return STATUS_ACCESS_VIOLATION;
    OBJECT_NAME_INFORMATION header{};
    auto* place = static_cast<std::byte*>(buffer) + sizeof(header);
    if (!name->empty()) put_string(header.Name, *name, place);
    std::memcpy(buffer, &header, sizeof(header));
    return STATUS_SUCCESS;
}

// A key's name is asked of the callbacks too (classes 47 and 48, since Windows 10).
NTSTATUS query_name_filtered(void* object, PVOID buffer, ULONG length, PULONG return_length) {
    const auto work = [&] { return query_name(object, buffer, length, return_length); };
    if (!cm::filter::any_registered() || cm::key_body_of(object) == nullptr) return work();
    REG_QUERY_KEY_NAME info{};
    info.Object = object;
    info.ObjectNameInfo = static_cast<POBJECT_NAME_INFORMATION>(buffer);
    info.Length = length;
    info.ReturnLength = return_length;
    cm::filter::Operation operation(RegNtPreQueryKeyName, object, &info);
    return operation.run(work);
}

NTSTATUS query_type(const void* object, PVOID buffer, ULONG length, PULONG return_length) {
    const Utf16& name = ob::type_of(object).name;
    const ULONG needed =
        static_cast<ULONG>(sizeof(PUBLIC_OBJECT_TYPE_INFORMATION) + (name.size() + 1) * sizeof(char16_t));
    write_optional(return_length, needed);
    if (length < needed) return STATUS_INFO_LENGTH_MISMATCH;
    if (buffer == nullptr) return STATUS_ACCESS_VIOLATION;
    PUBLIC_OBJECT_TYPE_INFORMATION info{};
    auto* place = static_cast<std::byte*>(buffer) + sizeof(info);
    put_string(info.TypeName, name, place);
    std::memcpy(buffer, &info, sizeof(info));
    return STATUS_SUCCESS;
}

NTSTATUS query_basic(const ob::Referenced& found, PVOID buffer, ULONG length, PULONG return_length) {
    if (length != sizeof(OBJECT_BASIC_INFORMATION)) return STATUS_INFO_LENGTH_MISMATCH;
    if (buffer == nullptr) return STATUS_ACCESS_VIOLATION;
    const ob::ObjectHeader& header = ob::header_of(found.object.get());
    OBJECT_BASIC_INFORMATION info{};
    info.Attributes = found.attributes;
    info.GrantedAccess = found.granted;
    info.HandleCount = static_cast<ULONG>(header.handle_count.load());
    // Not the reference of this call itself.
    info.PointerCount = static_cast<ULONG>(header.pointer_count.load() - 1);
    info.CreationTime.QuadPart = header.creation_time;
    std::memcpy(buffer, &info, sizeof(info));
    write_optional(return_length, static_cast<ULONG>(sizeof(info)));
    return STATUS_SUCCESS;
}

struct ListedName {
    Utf16 name;
    Utf16View type;
};

ULONG entry_size(const ListedName& item) {
    return static_cast<ULONG>(sizeof(OBJECT_DIRECTORY_INFORMATION) +
                              (item.name.size() + item.type.size() + 2) * sizeof(char16_t));
}

// The entries, a zero entry, then the names.
void write_entries(std::span<const ListedName> items, PVOID buffer) {
    auto* bytes = static_cast<std::byte*>(buffer);
    auto* place = bytes + (items.size() + 1) * sizeof(OBJECT_DIRECTORY_INFORMATION);
    for (const ListedName& item : items) {
        OBJECT_DIRECTORY_INFORMATION entry{};
        put_string(entry.Name, item.name, place);
        put_string(entry.TypeName, item.type, place);
        std::memcpy(bytes, &entry, sizeof(entry));
        bytes += sizeof(entry);
    }
    const OBJECT_DIRECTORY_INFORMATION end{};
    std::memcpy(bytes, &end, sizeof(end));
}

}  // namespace

NTSTATUS NtClose(HANDLE Handle) { return rtl::to_ntstatus(ob::close_handle(Handle, mode())); }

NTSTATUS NtDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
                           PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options) {
    if (TargetHandle != nullptr) *TargetHandle = nullptr;
    ob::DuplicateRequest request{};
    request.source_process = SourceProcessHandle;
    request.source = SourceHandle;
    request.target_process = TargetProcessHandle;
    request.desired = DesiredAccess;
    request.attributes = handle_attributes(HandleAttributes);
    request.options = Options;
    const auto made = ob::duplicate_handle(request, mode());
    if (!made) return made.error().code();
    write_optional(TargetHandle, *made);
    return STATUS_SUCCESS;
}

NTSTATUS NtQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass, PVOID ObjectInformation,
                       ULONG ObjectInformationLength, PULONG ReturnLength) {
    const auto found = ob::reference_by_handle(Handle, 0, nullptr, mode());
    if (!found) return found.error().code();
    switch (ObjectInformationClass) {
        case ObjectBasicInformation:
            return query_basic(*found, ObjectInformation, ObjectInformationLength, ReturnLength);
        case ObjectNameInformation:
            return query_name_filtered(found->object.get(), ObjectInformation, ObjectInformationLength, ReturnLength);
        case ObjectTypeInformation:
            return query_type(found->object.get(), ObjectInformation, ObjectInformationLength, ReturnLength);
        default:
            return STATUS_INVALID_INFO_CLASS;
    }
}

NTSTATUS NtOpenDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                               POBJECT_ATTRIBUTES ObjectAttributes) {
    return open_object(DirectoryHandle, DesiredAccess, ObjectAttributes, ob::types::directory());
}

NTSTATUS NtOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes) {
    return open_object(LinkHandle, DesiredAccess, ObjectAttributes, ob::types::symbolic_link());
}

// Context counts the entries already given; a directory that changes meanwhile may repeat or miss one, as in NT.
NTSTATUS NtQueryDirectoryObject(HANDLE DirectoryHandle, PVOID Buffer, ULONG Length, BOOLEAN ReturnSingleEntry,
                                BOOLEAN RestartScan, PULONG Context, PULONG ReturnLength) {
    if (Context == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto directory =
        ob::reference_as<ob::Directory>(DirectoryHandle, DIRECTORY_QUERY, ob::types::directory(), mode());
    if (!directory) return directory.error().code();
    const auto all = (*directory)->list();
    const std::size_t first = RestartScan != 0 ? 0 : *Context;
    if (first >= all.size()) return STATUS_NO_MORE_ENTRIES;
    std::vector<ListedName> items;
    ULONG needed = sizeof(OBJECT_DIRECTORY_INFORMATION);  // the entry of zeroes
    for (std::size_t i = first; i < all.size() && (ReturnSingleEntry == 0 || items.empty()); ++i) {
        ListedName item{all[i].name, ob::type_of(all[i].object.get()).name};
        if (!items.empty() && needed + entry_size(item) > Length) break;
        needed += entry_size(item);
        items.push_back(std::move(item));
    }
    write_optional(ReturnLength, needed);
    if (needed > Length) return STATUS_BUFFER_TOO_SMALL;
    if (Buffer == nullptr) return STATUS_ACCESS_VIOLATION;
    write_entries(items, Buffer);
    *Context = static_cast<ULONG>(first + items.size());
    return first + items.size() < all.size() && ReturnSingleEntry == 0 ? STATUS_MORE_ENTRIES : STATUS_SUCCESS;
}

}  // namespace regent::nt::service
