#include "ob/notify.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>

#include "ex/call_driver.h"
#include "ex/rundown.h"
#include "ex/verifier.h"

namespace regent::ob {
namespace {

constexpr std::size_t most_routines = 64;

enum class Kind { process, process_ex, thread, image };

// One registration. A routine that is taken away runs no more when the taking returns.
struct Registration {
    Registration(Kind kind_, const void* routine_) : kind(kind_), routine(routine_) {}
    const Kind kind;
    const void* const routine;
    ex::RundownRef running;
};
using Registrations = std::vector<std::shared_ptr<Registration>>;

struct Registry {
    Mutex<LockRank::leaf> lock;
    Registrations all RG_GUARDED_BY(lock);
    std::atomic<std::size_t> count{0};  // nobody registered: nothing is locked

    Registrations snapshot() {
        if (count.load(std::memory_order_acquire) == 0) return {};
        ExclusiveGuard guard(lock);
        return all;
    }
    NTSTATUS add(Kind kind, const void* routine, bool once) {
        if (routine == nullptr) return STATUS_INVALID_PARAMETER;
        auto made = std::make_shared<Registration>(kind, routine);
        const NTSTATUS status = insert(std::move(made), once);
        if (NT_SUCCESS(status) && ex::verifier::active())
            ex::verifier::acquired(ex::verifier::Resource::notify, key_of(kind, routine), ex::driver_of(routine),
                                   "a notify routine, not removed");
        return status;
    }
    // The same routine may stand there twice; then one removal makes the verifier forget both.
    static std::uint64_t key_of(Kind kind, const void* routine) {
        return reinterpret_cast<std::uintptr_t>(routine) << 3 | static_cast<std::uint64_t>(kind);
    }
    NTSTATUS insert(std::shared_ptr<Registration> made, bool once) {
        const Kind kind = made->kind;
        const void* const routine = made->routine;
        ExclusiveGuard guard(lock);
        const auto of_kind = std::ranges::count_if(all, [&](const auto& r) { return r->kind == kind; });
        const bool known =
            std::ranges::any_of(all, [&](const auto& r) { return r->kind == kind && r->routine == routine; });
        if (once && known) return STATUS_INVALID_PARAMETER;
        if (static_cast<std::size_t>(of_kind) >= most_routines)
            return once ? STATUS_INVALID_PARAMETER : STATUS_INSUFFICIENT_RESOURCES;
        all.push_back(std::move(made));
        count.store(all.size(), std::memory_order_release);
        return STATUS_SUCCESS;
    }
    template <typename Match>
    Registrations take(Match match, std::size_t most) {
        Registrations taken;
        ExclusiveGuard guard(lock);
        for (auto next = all.begin(); next != all.end() && taken.size() < most;) {
            if (!match(**next)) {
                ++next;
                continue;
            }
            taken.push_back(std::move(*next));
            next = all.erase(next);
        }
        count.store(all.size(), std::memory_order_release);
        return taken;
    }
};

Registry& registry() {
    static auto& instance = *new Registry;  // threads end after static objects are gone
    return instance;
}

bool remove_one(Kind kind, const void* routine) {
    const auto taken =
        registry().take([&](const Registration& r) { return r.kind == kind && r.routine == routine; }, 1);
    for (const auto& registration : taken) registration->running.wait();
    if (ex::verifier::active()) ex::verifier::released(ex::verifier::Resource::notify, Registry::key_of(kind, routine));
    return !taken.empty();
}

// Each routine of a kind, in the order of registration.
template <typename Routine, typename... Arguments>
void call_all(Kind kind, const char* purpose, Arguments... arguments) {
    for (const auto& registration : registry().snapshot()) {
        if (registration->kind != kind) continue;
        ex::RundownGuard running(registration->running);
        if (!running) continue;
        KeEnterCriticalRegion();
        ex::call_driver(purpose, reinterpret_cast<Routine>(const_cast<void*>(registration->routine)), arguments...);
        KeLeaveCriticalRegion();
    }
}

HANDLE id(std::uint32_t number) { return reinterpret_cast<HANDLE>(static_cast<ULONG_PTR>(number)); }

PEPROCESS exported(Process& process) { return reinterpret_cast<PEPROCESS>(&process); }

}  // namespace

std::uint32_t parent_of(std::uint32_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    std::string word;
    std::uint32_t parent = 0;
    while (file >> word)
        if (word == "PPid:") file >> parent;
    return parent;
}

// The words stand in /proc with zeros between them.
Utf16 command_line_of(std::uint32_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    while (!text.empty() && text.back() == '\0') text.pop_back();
    std::ranges::replace(text, '\0', ' ');
    return rtl::from_utf8(text);
}

Utf16 nt_image_name(Utf16View image) {
    if (!image.starts_with(u'/')) return Utf16(image);
    Utf16 name = u"\\??\\UNIX" + Utf16(image);
    std::ranges::replace(name, u'/', u'\\');
    return name;
}

NTSTATUS announce_process(Process& process) {
    if (registry().count.load(std::memory_order_acquire) == 0) return STATUS_SUCCESS;
    const std::uint32_t parent = parent_of(process.pid());
    process.set_announced();
    call_all<PCREATE_PROCESS_NOTIFY_ROUTINE>(Kind::process, "process notify routine", id(parent), id(process.pid()),
                                             BOOLEAN{TRUE});
    Utf16 image = nt_image_name(process.image());
    Utf16 command = command_line_of(process.pid());
    const UNICODE_STRING image_string = rtl::unicode_string(image);
    const UNICODE_STRING command_string = rtl::unicode_string(command);
    PS_CREATE_NOTIFY_INFO info{};
    info.Size = sizeof info;
    info.ParentProcessId = id(parent);
    info.CreatingThreadId = {id(parent), id(parent)};
    info.ImageFileName = &image_string;
    info.CommandLine = &command_string;
    call_all<PCREATE_PROCESS_NOTIFY_ROUTINE_EX>(Kind::process_ex, "process notify routine", exported(process),
                                                id(process.pid()), &info);
    if (NT_SUCCESS(info.CreationStatus)) announce_image(&process, process.image(), nullptr, 0);
    return info.CreationStatus;
}

void announce_thread(Thread& thread) {
    if (registry().count.load(std::memory_order_acquire) == 0) return;
    thread.set_announced();
    call_all<PCREATE_THREAD_NOTIFY_ROUTINE>(Kind::thread, "thread notify routine", id(thread.process().pid()),
                                            id(thread.tid()), BOOLEAN{TRUE});
}

void announce_image(const Process* process, Utf16View path, PVOID base, std::size_t size) {
    if (registry().count.load(std::memory_order_acquire) == 0) return;
    Utf16 name = nt_image_name(path);
    UNICODE_STRING string = rtl::unicode_string(name);
    IMAGE_INFO info{};
    info.ImageAddressingMode = IMAGE_ADDRESSING_MODE_32BIT;
    info.SystemModeImage = process == nullptr;
    info.ImageBase = base;
    info.ImageSize = size;
    call_all<PLOAD_IMAGE_NOTIFY_ROUTINE>(Kind::image, "image notify routine", &string,
                                         id(process != nullptr ? process->pid() : 0), &info);
}

void announce_end(Process& process) {
    call_all<PCREATE_PROCESS_NOTIFY_ROUTINE>(Kind::process, "process notify routine", id(parent_of(process.pid())),
                                             id(process.pid()), BOOLEAN{FALSE});
    call_all<PCREATE_PROCESS_NOTIFY_ROUTINE_EX>(Kind::process_ex, "process notify routine", exported(process),
                                                id(process.pid()), PPS_CREATE_NOTIFY_INFO{nullptr});
}

void announce_end(Thread& thread) {
    call_all<PCREATE_THREAD_NOTIFY_ROUTINE>(Kind::thread, "thread notify routine", id(thread.process().pid()),
                                            id(thread.tid()), BOOLEAN{FALSE});
}

std::size_t remove_notify_routines(const void* start, std::size_t size) {
    const auto first = reinterpret_cast<std::uintptr_t>(start);
    const auto inside = [&](const Registration& r) {
        return reinterpret_cast<std::uintptr_t>(r.routine) - first < size;
    };
    const auto taken = registry().take(inside, SIZE_MAX);
    for (const auto& registration : taken) registration->running.wait();
    return taken.size();
}

}  // namespace regent::ob

using namespace regent::ob;

namespace {

NTSTATUS set_process_routine(Kind kind, const void* routine, BOOLEAN remove) {
    if (remove == FALSE) return registry().add(kind, routine, true);
    return remove_one(kind, routine) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
NTSTATUS removed(bool found) { return found ? STATUS_SUCCESS : STATUS_PROCEDURE_NOT_FOUND; }

}  // namespace

extern "C" {

NTSTATUS PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE NotifyRoutine, BOOLEAN Remove) {
    return set_process_routine(Kind::process, reinterpret_cast<const void*>(NotifyRoutine), Remove);
}

NTSTATUS PsSetCreateProcessNotifyRoutineEx(PCREATE_PROCESS_NOTIFY_ROUTINE_EX NotifyRoutine, BOOLEAN Remove) {
    return set_process_routine(Kind::process_ex, reinterpret_cast<const void*>(NotifyRoutine), Remove);
}

NTSTATUS PsSetCreateProcessNotifyRoutineEx2(PSCREATEPROCESSNOTIFYTYPE NotifyType, PVOID NotifyInformation,
                                            BOOLEAN Remove) {
    if (NotifyType != PsCreateProcessNotifySubsystems) return STATUS_INVALID_PARAMETER;
    return set_process_routine(Kind::process_ex, NotifyInformation, Remove);
}

NTSTATUS PsSetCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine) {
    return registry().add(Kind::thread, reinterpret_cast<const void*>(NotifyRoutine), false);
}

NTSTATUS PsSetCreateThreadNotifyRoutineEx(PSCREATETHREADNOTIFYTYPE NotifyType, PVOID NotifyInformation) {
    if (NotifyType != PsCreateThreadNotifyNonSystem && NotifyType != PsCreateThreadNotifySubsystems)
        return STATUS_INVALID_PARAMETER;
    return registry().add(Kind::thread, NotifyInformation, false);
}

NTSTATUS PsRemoveCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine) {
    return removed(remove_one(Kind::thread, reinterpret_cast<const void*>(NotifyRoutine)));
}

NTSTATUS PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine) {
    return registry().add(Kind::image, reinterpret_cast<const void*>(NotifyRoutine), false);
}

NTSTATUS PsSetLoadImageNotifyRoutineEx(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine, ULONG_PTR Flags) {
    if (Flags != 0) return STATUS_INVALID_PARAMETER;
    return PsSetLoadImageNotifyRoutine(NotifyRoutine);
}

NTSTATUS PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine) {
    return removed(remove_one(Kind::image, reinterpret_cast<const void*>(NotifyRoutine)));
}

}  // extern "C"
