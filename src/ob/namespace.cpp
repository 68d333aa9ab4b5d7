#include "ob/namespace.h"

#include <map>

#include "ex/dispatcher.h"
#include "ex/hooks.h"
#include "ex/user_timer.h"
#include "ob/exports.h"
#include "ob/handle.h"
#include "ob/lookup.h"
#include "ob/process.h"
#include "ob/security.h"
#include "se/sddl.h"
#include "wdk/wdm.h"

namespace regent::ob {
namespace {

// Types by name; each is an object of the type "Type" and lives as long as the program.
struct TypeList {
    rtl::Mutex<LockRank::leaf> lock;
    std::map<Utf16, ObjectType*, std::less<>> types RG_GUARDED_BY(lock);
};
TypeList& type_list() {
    static auto& list = *new TypeList;
    return list;
}

// Everybody may look; the executive and administrators may change.
constexpr std::string_view directory_security = "O:BAG:SYD:(A;;0xf000f;;;SY)(A;;0xf000f;;;BA)(A;;0x20003;;;WD)";
constexpr std::string_view open_directory_security = "O:BAG:SYD:(A;;0xf000f;;;SY)(A;;0xf000f;;;BA)(A;;0x2000f;;;WD)";
constexpr std::string_view link_security = "O:BAG:SYD:(A;;0xf0001;;;SY)(A;;0xf0001;;;BA)(A;;0x20001;;;WD)";

void set_security_text(void* object, std::string_view sddl) {
    auto descriptor = se::parse_sddl(sddl);
    RG_ASSERT(descriptor.has_value());
    set_default_security(object, std::move(*descriptor));
}

// Set by initialize(), cleared by shutdown(); both belong to the composition root's one thread.
ObjectRef<Directory>& root() {
    static auto& directory = *new ObjectRef<Directory>;
    return directory;
}

}  // namespace

namespace types {

ObjectType& type() {
    static ObjectType& meta = *[] {
        auto* made = new ObjectType;
        made->name = u"Type";
        return made;
    }();
    return meta;
}

ObjectType& directory() {
    static ObjectType& made = register_type(u"Directory", {0x20003, 0x2000C, 0x20003, DIRECTORY_ALL_ACCESS},
                                            DIRECTORY_ALL_ACCESS, {.destroy = destroy_body<Directory>});
    return made;
}

ObjectType& symbolic_link() {
    static ObjectType& made = register_type(u"SymbolicLink", {0x20001, 0x20000, 0x20001, SYMBOLIC_LINK_ALL_ACCESS},
                                            SYMBOLIC_LINK_ALL_ACCESS, {.destroy = destroy_body<SymbolicLink>});
    return made;
}

namespace {

ObjectType& waitable(ObjectType& made) {
    made.wait_offset = 0;
    return made;
}

}  // namespace

ObjectType& process() {
    static ObjectType& made = waitable(register_type(u"Process", {0x20410, 0x20BEA, 0x120000, PROCESS_ALL_ACCESS},
                                                     PROCESS_ALL_ACCESS, {.destroy = destroy_body<Process>}));
    return made;
}

ObjectType& thread() {
    static ObjectType& made = waitable(register_type(u"Thread", {0x20048, 0x20037, 0x120000, THREAD_ALL_ACCESS},
                                                     THREAD_ALL_ACCESS, {.destroy = destroy_body<Thread>}));
    return made;
}

ObjectType& event() {
    // The body is ex's KEVENT, which needs no teardown.
    static ObjectType& made =
        waitable(register_type(u"Event", {0x20001, 0x20002, 0x120000, EVENT_ALL_ACCESS}, EVENT_ALL_ACCESS, {}));
    return made;
}

ObjectType& mutant() {
    // The body is ex's KMUTANT: the last handle may be closed by its owner, who then holds nothing.
    static ObjectType& made =
        waitable(register_type(u"Mutant", {0x20001, 0x20000, 0x120000, MUTANT_ALL_ACCESS}, MUTANT_ALL_ACCESS,
                               {.destroy = [](void* body) { ex::discard_mutant(*static_cast<KMUTANT*>(body)); }}));
    return made;
}

ObjectType& semaphore() {
    static ObjectType& made = waitable(
        register_type(u"Semaphore", {0x20001, 0x20002, 0x120000, SEMAPHORE_ALL_ACCESS}, SEMAPHORE_ALL_ACCESS, {}));
    return made;
}

ObjectType& timer() {
    static ObjectType& made = waitable(register_type(u"Timer", {0x20001, 0x20002, 0x120000, TIMER_ALL_ACCESS},
                                                     TIMER_ALL_ACCESS, {.destroy = destroy_body<ex::UserTimer>}));
    return made;
}

}  // namespace types

ObjectType& register_type(Utf16View name, const GENERIC_MAPPING& mapping, ACCESS_MASK valid_access,
                          const TypeProcedures& procedures) {
    auto made = create_body<ObjectType>(types::type());
    RG_ASSERT(made.has_value());
    ObjectType* type = made->release();
    type->name = name;
    type->mapping = mapping;
    type->valid_access = valid_access | SYNCHRONIZE;
    type->procedures = procedures;
    {
        ExclusiveGuard guard(type_list().lock);
        type_list().types.insert_or_assign(type->name, type);
    }
    if (root()) (void)insert_named(Utf16(u"\\ObjectTypes\\").append(name), type, true);
    return *type;
}

ObjectType* find_type(Utf16View name) {
    ExclusiveGuard guard(type_list().lock);
    auto found = type_list().types.find(name);
    return found == type_list().types.end() ? nullptr : found->second;
}

Directory& namespace_root() {
    RG_ASSERT(root());
    return *root();
}

Result<ObjectRef<Directory>> create_directory(Utf16View path) {
    auto made = RG_TRY(create_body<Directory>(types::directory()));
    set_security_text(made.get(), directory_security);
    RG_TRY(insert_named(path, made.get(), true));
    return made;
}

Result<ObjectRef<SymbolicLink>> create_symbolic_link(Utf16View path, Utf16View target) {
    auto made = RG_TRY(create_body<SymbolicLink>(types::symbolic_link(), Utf16(target)));
    set_security_text(made.get(), link_security);
    RG_TRY(insert_named(path, made.get(), true));
    return made;
}

namespace {

const ex::Hooks executive_hooks{
    .run_as_system = run_as_system,
    .previous_mode = [] { return current().previous_mode; },
    .current_thread = [] { return reinterpret_cast<PKTHREAD>(current().thread); },
    .current_process_id = [] { return current().process->pid(); },
    .attach_process = [](PKPROCESS process) -> PVOID {
        return std::exchange(current().process, reinterpret_cast<Process*>(process));
    },
    .detach_process = [](PVOID previous) { current().process = static_cast<Process*>(previous); },
};

void require(bool made) { RG_ASSERT(made); }

// Every type there is, those of this floor among them.
std::vector<ObjectType*> all_types() {
    for (auto* known : {&types::directory, &types::symbolic_link, &types::process, &types::thread, &types::event,
                        &types::mutant, &types::semaphore, &types::timer}) {
        (void)known();
    }
    std::vector<ObjectType*> all;
    ExclusiveGuard guard(type_list().lock);
    for (auto& [name, type] : type_list().types) all.push_back(type);
    return all;
}

}  // namespace

void initialize() {
    if (root()) return;
    auto made = create_body<Directory>(types::directory());
    require(made.has_value());
    set_security_text(made->get(), directory_security);
    std::vector<ObjectType*> known = all_types();
    root() = std::move(*made);
    for (Utf16View path : {u"\\Device", u"\\Driver", u"\\Callback", u"\\ObjectTypes", u"\\BaseNamedObjects", u"\\??"}) {
        require(create_directory(path).has_value());
    }
    set_security_text(lookup_path(u"\\BaseNamedObjects")->get(), open_directory_security);
    require(create_symbolic_link(u"\\DosDevices", u"\\??").has_value());
    for (ObjectType* type : known) require(insert_named(u"\\ObjectTypes\\" + type->name, type, true).has_value());
    system_process();
    publish_exported_types();
    ex::set_hooks(&executive_hooks);
}

namespace {

void remove_names_below(const Directory& directory) {
    for (Directory::Item& item : directory.list()) {
        if (&type_of(item.object.get()) == &types::directory()) {
            remove_names_below(*static_cast<Directory*>(item.object.get()));
        }
        header_of(item.object.get()).flags &= ~ObjectHeader::flag_permanent;
        remove_name(item.object.get(), false);
    }
}

}  // namespace

void shutdown() {
    if (!root()) return;
    system_process().close_all_handles();
    host_process().close_all_handles();
    remove_names_below(namespace_root());
    root() = nullptr;
}

}  // namespace regent::ob
