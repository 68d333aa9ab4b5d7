#include "ob/handle.h"

#include <cstring>

#include "ob/lookup.h"
#include "ob/namespace.h"
#include "ob/security.h"
#include "se/access.h"

namespace regent::ob {
namespace {

constexpr ULONG_PTR kernel_value_bits = 0xFFFFFFFF80000000;
constexpr ACCESS_MASK process_dup_handle = 0x0040;

ULONG_PTR value_of(HANDLE handle) { return reinterpret_cast<ULONG_PTR>(handle); }
bool is_pseudo(HANDLE handle) { return handle == NtCurrentProcess() || handle == NtCurrentThread(); }

// The table that a value belongs to for a caller of this mode, and its value there.
struct Located {
    Process* process;
    std::uint32_t value;
};
Result<Located> locate(HANDLE handle, Process& caller, KPROCESSOR_MODE mode) {
    ULONG_PTR value = value_of(handle);
    if ((value & kernel_value_bits) == kernel_value_bits) {
        if (mode != kernel_mode) return fail(STATUS_INVALID_HANDLE);
        return Located{&system_process(), static_cast<std::uint32_t>(value & ~kernel_value_bits)};
    }
    if ((value & kernel_value_bits) != 0) return fail(STATUS_INVALID_HANDLE);
    return Located{&caller, static_cast<std::uint32_t>(value)};
}

Result<Referenced> pseudo(HANDLE handle) {
    Context& context = current();
    if (handle == NtCurrentProcess()) return Referenced{ObjectRef<void>::retain(context.process), 0x001FFFFF, 0};
    if (context.thread == nullptr) return fail(STATUS_INVALID_HANDLE);
    return Referenced{ObjectRef<void>::retain(context.thread), 0x001FFFFF, 0};
}

Result<Referenced> find_entry(HANDLE handle, Process& caller, KPROCESSOR_MODE mode) {
    Located place = RG_TRY(locate(handle, caller, mode));
    HandleEntry entry = RG_TRY(place.process->handles().get(place.value));
    return Referenced{std::move(entry.object), entry.granted, entry.attributes};
}

// The first use of each right of an audited handle is recorded.
[[gnu::cold, gnu::noinline]] void note_use(HANDLE handle, Process& caller, void* body, ACCESS_MASK used) {
    const auto place = locate(handle, caller, user_mode);
    if (!place) return;
    const std::uint32_t bits = pack_audit(used) & ~handle_audited;
    const std::uint32_t taken = place->process->handles().take_attributes(place->value, body, bits);
    if (taken != 0) record_use(value_of(handle), body, unpack_audit(taken));
}

}  // namespace

Result<HANDLE> insert_handle_into(Process& process, bool kernel_value, ObjectRef<void> object, ACCESS_MASK granted,
                                  ULONG attributes, OpenReason reason, std::uint32_t audit) {
    ObjectHeader& header = header_of(object.get());
    // Counted first: from here on a temporary name stays.
    header.handle_count.fetch_add(1);
    if (auto open = header.type->procedures.open) {
        if (auto allowed = open(reason, process, object.get(), granted); !allowed) {
            if (header.handle_count.fetch_sub(1) == 1) remove_name(object.get(), true);
            return std::unexpected(allowed.error());
        }
    }
    ULONG kept = (attributes & (OBJ_INHERIT | handle_protect_close)) | audit;
    auto value = process.handles().insert(std::move(object), granted, kept);
    if (!value) {
        // NOLINTNEXTLINE(bugprone-use-after-move): taken over only by an insert that succeeds
        release_handle(process, {std::move(object), granted, 0}, 0);
        return std::unexpected(value.error());
    }
    ULONG_PTR full = kernel_value ? *value | kernel_value_bits : *value;
    return reinterpret_cast<HANDLE>(full);
}

Result<HANDLE> insert_handle(ObjectRef<void> object, ACCESS_MASK granted, ULONG attributes, OpenReason reason) {
    return insert_audited_handle(std::move(object), granted, attributes, reason, {});
}

Result<HANDLE> insert_audited_handle(ObjectRef<void> object, ACCESS_MASK granted, ULONG attributes, OpenReason reason,
                                     const AuditMarks& marks) {
    Context& context = current();
    bool kernel_value = (attributes & OBJ_KERNEL_HANDLE) != 0 && context.kernel();
    Process& target = kernel_value ? system_process() : *context.process;
    const ObjectRef<void> recorded = marks.rights != 0 ? object : nullptr;
    // The low bit of attributes means protection inside tables only.
    auto made = insert_handle_into(target, kernel_value, std::move(object), granted, attributes & ~handle_protect_close,
                                   reason, pack_audit(marks.rights));
    if (made && recorded) record_opening(*made, recorded.get(), granted, marks);
    return made;
}

Result<Referenced> reference_by_handle(HANDLE handle, ACCESS_MASK desired, const ObjectType* type,
                                       KPROCESSOR_MODE mode) {
    auto found = is_pseudo(handle) ? pseudo(handle) : find_entry(handle, *current().process, mode);
    if (!found) return found;
    if (type != nullptr && &type_of(found->object.get()) != type) return fail(STATUS_OBJECT_TYPE_MISMATCH);
    if (mode != kernel_mode && (desired & ~found->granted) != 0) return fail(STATUS_ACCESS_DENIED);
    if ((found->attributes & handle_audited) != 0) [[unlikely]] {
        if (mode != kernel_mode) note_use(handle, *current().process, found->object.get(), desired);
        found->attributes &= ~ULONG{handle_audit_bits};
    }
    return found;
}

// Every service begins with it: nothing is called on the way.
[[gnu::flatten]] Result<void*> reference_body(HANDLE handle, ACCESS_MASK desired, const ObjectType& type,
                                              KPROCESSOR_MODE mode) {
    const ULONG_PTR value = value_of(handle);
    if ((value & kernel_value_bits) != 0) [[unlikely]] {
        Referenced found = RG_TRY(reference_by_handle(handle, desired, &type, mode));
        return found.object.release();
    }
    const HandleTable::Found found = current().process->handles().find(static_cast<std::uint32_t>(value));
    if (found.body == nullptr) return fail(STATUS_INVALID_HANDLE);
    NTSTATUS status = STATUS_SUCCESS;
    if (&type_of(found.body) != &type) {
        status = STATUS_OBJECT_TYPE_MISMATCH;
    } else if (mode != kernel_mode && (desired & ~found.granted) != 0) {
        status = STATUS_ACCESS_DENIED;
    }
    if (status == STATUS_SUCCESS) [[likely]] {
        if ((found.attributes & handle_audited) != 0 && mode != kernel_mode) [[unlikely]]
            note_use(handle, *current().process, found.body, desired);
        return found.body;
    }
    dereference(found.body);
    return fail(status);
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): the entry ends here
void release_handle(Process& process, HandleEntry entry, ULONG_PTR value) {
    ObjectHeader& header = header_of(entry.object.get());
    if ((entry.attributes & handle_audited) != 0) [[unlikely]]
        record_close(process, value, entry.object.get());
    std::int64_t before = header.handle_count.fetch_sub(1);
    if (auto close = header.type->procedures.close) close(process, entry.object.get(), entry.granted, 0, before);
    if (before == 1) remove_name(entry.object.get(), true);
}

Result<void> close_handle(HANDLE handle, KPROCESSOR_MODE mode) {
    if (is_pseudo(handle)) return {};
    Located place = RG_TRY(locate(handle, *current().process, mode));
    HandleEntry entry = RG_TRY(place.process->handles().remove(place.value));
    release_handle(*place.process, std::move(entry), value_of(handle));
    return {};
}

namespace {

Result<ACCESS_MASK> duplicate_access(const Referenced& source, const DuplicateRequest& request, const Process& target,
                                     KPROCESSOR_MODE mode) {
    if ((request.options & DUPLICATE_SAME_ACCESS) != 0) return source.granted;
    const ObjectType& type = type_of(source.object.get());
    ACCESS_MASK wanted = se::map_generic(request.desired, type.mapping);
    if ((wanted & (~source.granted | MAXIMUM_ALLOWED)) == 0) return wanted;
    // More than the source has: the object's descriptor decides for the target.
    return check_access(source.object.get(), target.token(), request.desired, mode);
}

Result<HANDLE> duplicate_into(const DuplicateRequest& request, Process& source_process, KPROCESSOR_MODE mode) {
    auto source = is_pseudo(request.source) ? pseudo(request.source) : find_entry(request.source, source_process, mode);
    if (!source) return std::unexpected(source.error());
    auto target = RG_TRY(reference_as<Process>(request.target_process, process_dup_handle, types::process(), mode));
    ACCESS_MASK granted = RG_TRY(duplicate_access(*source, request, *target, mode));
    bool kernel_value = (request.attributes & OBJ_KERNEL_HANDLE) != 0 && mode == kernel_mode;
    Process& owner = kernel_value ? system_process() : *target;
    ULONG attributes = request.attributes & ~handle_protect_close;
    // What is recorded of a handle is recorded of its copies (inferred).
    const bool audited = (source->attributes & handle_audited) != 0;
    const std::uint32_t audit = source->attributes & (handle_audited | pack_audit(granted));
    const ObjectRef<void> recorded = audited ? source->object : nullptr;
    auto made = insert_handle_into(owner, kernel_value, std::move(source->object), granted, attributes,
                                   OpenReason::duplicate, audit);
    if (made && recorded) record_duplicate(value_of(request.source), *made, *target, recorded.get());
    return made;
}

}  // namespace

Result<HANDLE> duplicate_handle(const DuplicateRequest& request, KPROCESSOR_MODE mode) {
    auto source_process =
        RG_TRY(reference_as<Process>(request.source_process, process_dup_handle, types::process(), mode));
    bool closes = (request.options & DUPLICATE_CLOSE_SOURCE) != 0;
    auto made = request.target_process != nullptr ? duplicate_into(request, *source_process, mode)
                                                  : Result<HANDLE>(fail(STATUS_INVALID_HANDLE));
    if (!closes) return made;
    // The source goes whatever became of the copy.
    Result<void> closed;
    if (!is_pseudo(request.source)) {
        Located place = RG_TRY(locate(request.source, *source_process, mode));
        auto entry = place.process->handles().remove(place.value);
        if (entry) release_handle(*place.process, std::move(*entry), value_of(request.source));
        if (!entry) closed = std::unexpected(entry.error());
    }
    if (request.target_process != nullptr) return made;
    if (!closed) return std::unexpected(closed.error());
    return HANDLE{nullptr};
}

Result<HANDLE> open_by_pointer(ObjectRef<void> object, ACCESS_MASK desired, ULONG attributes, KPROCESSOR_MODE mode) {
    bool forced = (attributes & OBJ_FORCE_ACCESS_CHECK) != 0;
    ACCESS_MASK granted = RG_TRY(check_access(object.get(), current().token(), desired, forced ? user_mode : mode));
    return insert_handle(std::move(object), granted, attributes);
}

Result<OBJECT_BASIC_INFORMATION> query_basic(HANDLE handle, KPROCESSOR_MODE mode) {
    Referenced found = RG_TRY(reference_by_handle(handle, 0, nullptr, mode));
    const ObjectHeader& header = header_of(found.object.get());
    OBJECT_BASIC_INFORMATION info{};
    info.Attributes = found.attributes & OBJ_INHERIT;
    if ((header.flags.load() & ObjectHeader::flag_permanent) != 0) info.Attributes |= OBJ_PERMANENT;
    info.GrantedAccess = found.granted;
    info.HandleCount = static_cast<ULONG>(header.handle_count.load());
    info.PointerCount = static_cast<ULONG>(header.pointer_count.load() - 1);  // without the reference of this call
    info.CreationTime.QuadPart = header.creation_time;
    auto name = query_name(found.object.get());
    if (name && !name->empty()) {
        info.NameInfoSize = static_cast<ULONG>(sizeof(OBJECT_NAME_INFORMATION) + (name->size() + 1) * sizeof(WCHAR));
    }
    info.TypeInfoSize = static_cast<ULONG>(header.type->name.size() * sizeof(WCHAR));
    return info;
}

NTSTATUS write_name_information(Utf16View name, void* buffer, ULONG length, ULONG* needed) {
    std::size_t bytes = name.size() * sizeof(WCHAR);
    std::size_t whole = sizeof(OBJECT_NAME_INFORMATION) + (name.empty() ? 0 : bytes + sizeof(WCHAR));
    if (needed != nullptr) *needed = static_cast<ULONG>(whole);
    // UNICODE_STRING counts its bytes in 16 bits.
    if (bytes + sizeof(WCHAR) > UINT16_MAX) return STATUS_INSUFFICIENT_RESOURCES;
    if (length < sizeof(OBJECT_NAME_INFORMATION) || buffer == nullptr) return STATUS_INFO_LENGTH_MISMATCH;
    if (length < whole) return STATUS_BUFFER_OVERFLOW;
    auto* start = static_cast<std::byte*>(buffer);
    OBJECT_NAME_INFORMATION info{};
    if (!name.empty()) {
        info.Name.Length = static_cast<USHORT>(bytes);
        info.Name.MaximumLength = static_cast<USHORT>(bytes + sizeof(WCHAR));
        info.Name.Buffer = reinterpret_cast<PWSTR>(start + sizeof(info));
        const WCHAR end = 0;
        std::memcpy(start + sizeof(info), name.data(), bytes);
        std::memcpy(start + sizeof(info) + bytes, &end, sizeof(end));
    }
    std::memcpy(start, &info, sizeof(info));
    return STATUS_SUCCESS;
}

}  // namespace regent::ob
