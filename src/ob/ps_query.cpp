// Questions of drivers about processes and threads. Programs have no such services here; tokens are asked by services.
#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include "ob/handle.h"
#include "ob/namespace.h"
#include "ob/notify.h"
#include "wdk/ntddk.h"
#include "wdk/wdm/ps.h"

using namespace regent;
using regent::ob::ObjectRef;

namespace {

std::uint32_t number(HANDLE id) { return static_cast<std::uint32_t>(reinterpret_cast<ULONG_PTR>(id)); }
HANDLE id(std::uint32_t number) { return reinterpret_cast<HANDLE>(static_cast<ULONG_PTR>(number)); }
ob::Process* as_process(PEPROCESS process) { return reinterpret_cast<ob::Process*>(process); }

KAFFINITY active_processors() {
    const ULONG count = KeQueryActiveProcessorCount(nullptr);
    return count >= 64 ? ~KAFFINITY{0} : (KAFFINITY{1} << count) - 1;
}

// What the handle or pseudo handle of a driver means.
template <typename T>
Result<ObjectRef<T>> object_of(HANDLE handle, const ob::ObjectType& type) {
    auto found = RG_TRY(ob::reference_by_handle(handle, 0, &type, KernelMode));
    return ObjectRef<T>::adopt(static_cast<T*>(found.object.release()));
}

template <typename T>
NTSTATUS open_by_id(Result<ObjectRef<T>> found, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes, PHANDLE handle) {
    *handle = nullptr;
    if (!found) return found.error().code();
    ob::CallerScope kernel(ob::kernel_mode);
    const auto made =
        ob::open_by_pointer(std::move(*found), access, attributes != nullptr ? attributes->Attributes : 0, KernelMode);
    if (!made) return made.error().code();
    *handle = *made;
    return STATUS_SUCCESS;
}

// Answers are written whole or not at all.
class Answer {
public:
    Answer(PVOID buffer, ULONG length, PULONG needed)
        : buffer_(static_cast<std::byte*>(buffer)), length_(length), needed_(needed) {}
    NTSTATUS give(const void* data, std::size_t size) const {
        if (needed_ != nullptr) *needed_ = static_cast<ULONG>(size);
        if (length_ != size) return STATUS_INFO_LENGTH_MISMATCH;
        std::memcpy(buffer_, data, size);
        return STATUS_SUCCESS;
    }
    // A UNICODE_STRING with its text behind it.
    NTSTATUS give_string(const Utf16& text) const {
        const std::size_t bytes = text.size() * sizeof(char16_t);
        const std::size_t size = sizeof(UNICODE_STRING) + bytes + sizeof(char16_t);
        if (needed_ != nullptr) *needed_ = static_cast<ULONG>(size);
        if (length_ < size) return STATUS_INFO_LENGTH_MISMATCH;
        auto* const string = reinterpret_cast<UNICODE_STRING*>(buffer_);
        string->Length = static_cast<USHORT>(bytes);
        string->MaximumLength = static_cast<USHORT>(bytes + sizeof(char16_t));
        string->Buffer = reinterpret_cast<PWSTR>(string + 1);
        std::memcpy(string->Buffer, text.c_str(), bytes + sizeof(char16_t));
        return STATUS_SUCCESS;
    }

private:
    std::byte* buffer_;
    ULONG length_;
    PULONG needed_;
};

}  // namespace

extern "C" {

LONGLONG PsGetProcessCreateTimeQuadPart(PEPROCESS Process) { return as_process(Process)->create_time(); }
HANDLE PsGetProcessInheritedFromUniqueProcessId(PEPROCESS Process) {
    return id(ob::parent_of(as_process(Process)->pid()));
}
BOOLEAN PsIsProtectedProcess(PEPROCESS) { return FALSE; }
PVOID PsGetProcessWow64Process(PEPROCESS) { return nullptr; }

NTSTATUS SeLocateProcessImageName(PEPROCESS Process, PUNICODE_STRING* ImageFileName) {
    const Utf16 name = ob::nt_image_name(as_process(Process)->image());
    const std::size_t bytes = name.size() * sizeof(char16_t);
    *ImageFileName = static_cast<PUNICODE_STRING>(
        ExAllocatePoolWithTag(PagedPool, sizeof(UNICODE_STRING) + bytes + sizeof(char16_t), 0x6e496553));  // 'SeIn'
    if (*ImageFileName == nullptr) return STATUS_NO_MEMORY;
    UNICODE_STRING& string = **ImageFileName;
    string.Length = static_cast<USHORT>(bytes);
    string.MaximumLength = static_cast<USHORT>(bytes + sizeof(char16_t));
    string.Buffer = reinterpret_cast<PWSTR>(*ImageFileName + 1);
    std::memcpy(string.Buffer, name.c_str(), bytes + sizeof(char16_t));
    return STATUS_SUCCESS;
}

NTSTATUS ZwOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                       PCLIENT_ID ClientId) {
    if (ClientId == nullptr) return STATUS_INVALID_PARAMETER_MIX;  // processes have no names
    return open_by_id(ob::find_process(number(ClientId->UniqueProcess)), DesiredAccess, ObjectAttributes,
                      ProcessHandle);
}

NTSTATUS ZwOpenThread(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                      PCLIENT_ID ClientId) {
    if (ClientId == nullptr) return STATUS_INVALID_PARAMETER_MIX;
    auto found = ob::find_thread(number(ClientId->UniqueThread));
    const std::uint32_t process = number(ClientId->UniqueProcess);
    if (found && process != 0 && (*found)->process().pid() != process) return STATUS_INVALID_CID;
    return open_by_id(std::move(found), DesiredAccess, ObjectAttributes, ThreadHandle);
}

NTSTATUS ZwQueryInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS ProcessInformationClass,
                                   PVOID ProcessInformation, ULONG ProcessInformationLength, PULONG ReturnLength) {
    auto found = object_of<ob::Process>(ProcessHandle, ob::types::process());
    if (!found) return found.error().code();
    const ob::Process& process = **found;
    const Answer answer(ProcessInformation, ProcessInformationLength, ReturnLength);
    switch (ProcessInformationClass) {
        case ProcessBasicInformation: {
            PROCESS_BASIC_INFORMATION basic{};
            basic.ExitStatus = process.terminated() ? STATUS_SUCCESS : STATUS_PENDING;
            basic.AffinityMask = active_processors();
            basic.BasePriority = 8;
            basic.UniqueProcessId = process.pid();
            basic.InheritedFromUniqueProcessId = ob::parent_of(process.pid());
            return answer.give(&basic, sizeof basic);
        }
        case ProcessTimes: {
            KERNEL_USER_TIMES times{};
            times.CreateTime.QuadPart = process.create_time();
            return answer.give(&times, sizeof times);
        }
        case ProcessSessionInformation: {
            const ULONG session = 0;
            return answer.give(&session, sizeof session);
        }
        case ProcessWow64Information: {
            const ULONG_PTR none = 0;
            return answer.give(&none, sizeof none);
        }
        case ProcessImageFileName:
            return answer.give_string(ob::nt_image_name(process.image()));
        case ProcessCommandLineInformation:
            return answer.give_string(ob::command_line_of(process.pid()));
    }
    return STATUS_INVALID_INFO_CLASS;
}

NTSTATUS ZwQueryInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass, PVOID ThreadInformation,
                                  ULONG ThreadInformationLength, PULONG ReturnLength) {
    auto found = object_of<ob::Thread>(ThreadHandle, ob::types::thread());
    if (!found) return found.error().code();
    if (ThreadInformationClass != ThreadBasicInformation) return STATUS_INVALID_INFO_CLASS;
    THREAD_BASIC_INFORMATION basic{};
    basic.ExitStatus = (*found)->exit_status();
    basic.ClientId = {id((*found)->process().pid()), id((*found)->tid())};
    basic.AffinityMask = active_processors();
    basic.Priority = basic.BasePriority = 8;
    return Answer(ThreadInformation, ThreadInformationLength, ReturnLength).give(&basic, sizeof basic);
}

NTSTATUS ZwQuerySystemInformation(SYSTEM_INFORMATION_CLASS, PVOID, ULONG, PULONG ReturnLength) {
    if (ReturnLength != nullptr) *ReturnLength = 0;
    return STATUS_INVALID_INFO_CLASS;
}

NTSTATUS ZwQueryVirtualMemory(HANDLE, PVOID, MEMORY_INFORMATION_CLASS, PVOID, SIZE_T, PSIZE_T ReturnLength) {
    if (ReturnLength != nullptr) *ReturnLength = 0;
    return STATUS_NOT_SUPPORTED;
}

NTSTATUS ObRegisterCallbacks(POB_CALLBACK_REGISTRATION, PVOID* RegistrationHandle) {
    *RegistrationHandle = nullptr;
    return STATUS_NOT_SUPPORTED;
}
VOID ObUnRegisterCallbacks(PVOID) {}
USHORT ObGetFilterVersion(VOID) { return OB_FLT_REGISTRATION_VERSION; }

ULONG RtlLengthSid(PSID Sid) { return 8 + 4 * ULONG{static_cast<const UCHAR*>(Sid)[1]}; }

BOOLEAN PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber, PUNICODE_STRING CSDVersion) {
    RTL_OSVERSIONINFOW version{};
    version.dwOSVersionInfoSize = sizeof version;
    RtlGetVersion(&version);
    if (MajorVersion != nullptr) *MajorVersion = version.dwMajorVersion;
    if (MinorVersion != nullptr) *MinorVersion = version.dwMinorVersion;
    if (BuildNumber != nullptr) *BuildNumber = version.dwBuildNumber;
    if (CSDVersion != nullptr) CSDVersion->Length = 0;
    return FALSE;  // no checked build
}

}  // extern "C"
