#include "ob/lookup.h"

#include "ob/handle.h"
#include "ob/namespace.h"
#include "ob/security.h"
#include "se/access.h"

namespace regent::ob {
namespace {

// Where a walk ended: an object, the free place for a new one, or a path to begin again with.
struct Step {
    ObjectRef<void> object;
    ObjectRef<Directory> free_in;
    Utf16 leaf;
    Utf16 again;
};

struct Walk {
    const ObjectAttributes& attributes;
    const ObjectType* desired;
    AccessState& access;
    ParseContext* context;
    bool creating;       // a free last component is what the caller wants
    Utf16View complete;  // the path as it stands

    bool opens_link(Utf16View rest) const { return (attributes.attributes & OBJ_OPENLINK) != 0 && rest.empty(); }
    Result<Step> from(ObjectRef<void> at, Utf16View rest);
    Result<Step> parse(ObjectRef<void> at, Utf16View rest);
};

Utf16View without_leading_separators(Utf16View path) {
    return path.substr(std::min(path.find_first_not_of(u'\\'), path.size()));
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): kept while its type parses
Result<Step> Walk::parse(ObjectRef<void> at, Utf16View rest) {
    ParseRequest request{at.get(), complete, without_leading_separators(rest), attributes.attributes, access,
                         context,  desired};
    ParseOutcome outcome = RG_TRY(type_of(at.get()).procedures.parse(request));
    Step step;
    step.object = std::move(outcome.object);
    step.again = std::move(outcome.reparse);
    return step;
}

// `rest` is empty or begins with the separator that follows `at`.
Result<Step> Walk::from(ObjectRef<void> at, Utf16View rest) {
    for (;;) {
        const ObjectType& type = type_of(at.get());
        if (type.procedures.parse != nullptr) return parse(std::move(at), rest);
        Step step;
        if (&type == &types::symbolic_link() && !opens_link(rest)) {
            step.again = static_cast<SymbolicLink*>(at.get())->target;
            step.again += rest;
            return step;
        }
        if (rest.empty()) {
            step.object = std::move(at);
            return step;
        }
        if (&type != &types::directory()) return fail(STATUS_OBJECT_TYPE_MISMATCH);
        rest.remove_prefix(1);
        std::size_t end = std::min(rest.find(u'\\'), rest.size());
        Utf16View component = rest.substr(0, end);
        rest.remove_prefix(end);
        if (component.empty()) return fail(STATUS_OBJECT_NAME_INVALID);
        auto directory = std::move(at).as<Directory>();
        at = directory->find(component, (attributes.attributes & OBJ_CASE_INSENSITIVE) != 0);
        if (at) continue;
        if (!rest.empty()) return fail(STATUS_OBJECT_PATH_NOT_FOUND);
        if (!creating) return fail(STATUS_OBJECT_NAME_NOT_FOUND);
        step.free_in = std::move(directory);
        step.leaf = component;
        return step;
    }
}

// An absolute path names the root itself ("\") or goes on below it.
Result<Step> from_root(Walk& walk, Utf16View path) {
    if (path.empty() || path[0] != u'\\') return fail(STATUS_OBJECT_PATH_SYNTAX_BAD);
    auto root = ObjectRef<void>::retain(&namespace_root());
    return walk.from(std::move(root), path.size() == 1 ? Utf16View() : path);
}

Result<Step> from_handle(Walk& walk, const ObjectAttributes& attributes, Utf16& complete) {
    // The handle is the caller's, whoever the access is checked for (OBJ_FORCE_ACCESS_CHECK).
    const KPROCESSOR_MODE giver = walk.access.mode == kernel_mode ? kernel_mode : current().previous_mode;
    auto root = RG_TRY(reference_by_handle(attributes.root, 0, nullptr, giver));
    Utf16View name = attributes.name;
    if (!name.empty() && name[0] == u'\\') return fail(STATUS_OBJECT_PATH_SYNTAX_BAD);
    if (!name.empty()) {
        complete = u'\\';
        complete += name;
    }
    walk.complete = name;
    return walk.from(std::move(root.object), complete);
}

Result<Step> resolve(const ObjectAttributes& attributes, const ObjectType* desired, AccessState& access,
                     ParseContext* context, bool creating) {
    access.granted.reset();  // what an earlier lookup of the same state was given says nothing here
    Utf16 path;              // what views point into after a reparse
    Walk walk{attributes, desired, access, context, creating, attributes.name};
    auto step = attributes.root != nullptr ? from_handle(walk, attributes, path) : from_root(walk, attributes.name);
    for (unsigned hops = 0; step && !step->object && !step->free_in; ++hops) {
        if (hops == max_reparses) return fail(STATUS_INVALID_PARAMETER);
        path = std::move(step->again);
        walk.complete = path;
        step = from_root(walk, path);
    }
    if (step && step->object && desired != nullptr && &type_of(step->object.get()) != desired) {
        return fail(STATUS_OBJECT_TYPE_MISMATCH);
    }
    return step;
}

const GENERIC_MAPPING& mapping_of(const void* object) { return type_of(object).mapping; }

// What the creator of an object may do with it: what it asks for; nobody else decides (the descriptor is its own).
ACCESS_MASK creators_access(const void* object, const AccessState& access) {
    ACCESS_MASK granted = se::map_generic(access.desired, mapping_of(object));
    if ((granted & MAXIMUM_ALLOWED) != 0) granted |= mapping_of(object).GenericAll;
    return granted & type_of(object).valid_access;
}

Result<void> give_security(void* object, Directory* parent, const ObjectAttributes& attributes,
                           const AccessState& access) {
    std::optional<se::SecurityDescriptor> inherited;
    if (parent != nullptr) inherited = RG_TRY(security_of(parent));
    std::optional<se::DescriptorView> parent_view, given_view;
    if (inherited) parent_view = inherited->view();
    if (attributes.security != nullptr) given_view = attributes.security->view();
    auto descriptor = RG_TRY(
        se::assign_descriptor(parent_view ? &*parent_view : nullptr, given_view ? &*given_view : nullptr, *access.token,
                              mapping_of(object), &type_of(object) == &types::directory(), access.mode == kernel_mode));
    set_default_security(object, std::move(descriptor));
    return {};
}

}  // namespace

AccessState AccessState::for_current(ACCESS_MASK desired, ULONG attributes) {
    Context& context = current();
    bool forced = (attributes & OBJ_FORCE_ACCESS_CHECK) != 0;
    return {&context.token(), forced ? user_mode : context.previous_mode, desired, std::nullopt};
}

Result<ObjectRef<void>> lookup(const ObjectAttributes& attributes, const ObjectType* desired, AccessState& access,
                               ParseContext* context) {
    Step step = RG_TRY(resolve(attributes, desired, access, context, false));
    return std::move(step.object);
}

Result<ObjectRef<void>> lookup_path(Utf16View path, const ObjectType* desired) {
    ObjectAttributes attributes{nullptr, path, OBJ_CASE_INSENSITIVE, nullptr};
    AccessState access{se::Token::system().get(), kernel_mode, MAXIMUM_ALLOWED, std::nullopt};
    return lookup(attributes, desired, access);
}

Result<HANDLE> open_by_name(const ObjectAttributes& attributes, const ObjectType& type, AccessState& access,
                            ParseContext* context) {
    auto object = RG_TRY(lookup(attributes, &type, access, context));
    if (!access.granted) {
        access.granted =
            RG_TRY(check_audited_access(object.get(), *access.token, access.desired, access.mode, &access.audit));
    }
    return insert_audited_handle(std::move(object), *access.granted, attributes.attributes, OpenReason::open,
                                 access.audit);
}

namespace {

Result<Inserted> open_existing(ObjectRef<void> existing, const ObjectType& type, const ObjectAttributes& attributes,
                               AccessState& access) {
    if ((attributes.attributes & OBJ_OPENIF) == 0) return fail(STATUS_OBJECT_NAME_COLLISION);
    if (&type_of(existing.get()) != &type) return fail(STATUS_OBJECT_TYPE_MISMATCH);
    AuditMarks marks;
    ACCESS_MASK granted =
        RG_TRY(check_audited_access(existing.get(), *access.token, access.desired, access.mode, &marks));
    Inserted result;
    result.existed = true;
    result.handle =
        RG_TRY(insert_audited_handle(std::move(existing), granted, attributes.attributes, OpenReason::open, marks));
    return result;
}

Result<void> name_object(void* object, Step& place, const ObjectAttributes& attributes, AccessState& access) {
    bool is_directory = &type_of(object) == &types::directory();
    ACCESS_MASK needed = is_directory ? DIRECTORY_CREATE_SUBDIRECTORY : DIRECTORY_CREATE_OBJECT;
    RG_TRY(check_audited_access(place.free_in.get(), *access.token, needed, access.mode, nullptr));
    RG_TRY(give_security(object, place.free_in.get(), attributes, access));
    if ((attributes.attributes & OBJ_PERMANENT) != 0) header_of(object).flags |= ObjectHeader::flag_permanent;
    return place.free_in->insert(object, place.leaf);
}

}  // namespace

Result<Inserted> insert_object(ObjectRef<void> object, const ObjectAttributes& attributes, AccessState& access) {
    const ObjectType& type = type_of(object.get());
    bool named = attributes.root != nullptr || !attributes.name.empty();
    if (!named) {
        RG_TRY(give_security(object.get(), nullptr, attributes, access));
    } else {
        Step place = RG_TRY(resolve(attributes, nullptr, access, nullptr, true));
        if (place.object) return open_existing(std::move(place.object), type, attributes, access);
        RG_TRY(name_object(object.get(), place, attributes, access));
    }
    ACCESS_MASK granted = creators_access(object.get(), access);
    void* body = object.get();
    ObjectRef<void> keep = object;
    const AuditMarks marks = audit_of_grant(body, *access.token, granted, access.mode);
    auto handle = insert_audited_handle(std::move(object), granted, attributes.attributes, OpenReason::create, marks);
    if (!handle) {
        remove_name(body, true);
        return std::unexpected(handle.error());
    }
    return Inserted{*handle, false};
}

Result<void> insert_named(Utf16View path, void* object, bool permanent) {
    ObjectAttributes attributes{nullptr, path, OBJ_CASE_INSENSITIVE, nullptr};
    AccessState access{se::Token::system().get(), kernel_mode, MAXIMUM_ALLOWED, std::nullopt};
    Step place = RG_TRY(resolve(attributes, nullptr, access, nullptr, true));
    if (place.object) return fail(STATUS_OBJECT_NAME_COLLISION);
    if (permanent) header_of(object).flags |= ObjectHeader::flag_permanent;
    return place.free_in->insert(object, place.leaf);
}

void make_temporary(void* object) {
    header_of(object).flags &= ~ObjectHeader::flag_permanent;
    remove_name(object, true);
}

Result<Utf16> query_name(void* object) {
    auto ask_type = type_of(object).procedures.query_name;
    if (ask_type != nullptr) return ask_type(object);
    if (object == &namespace_root()) return Utf16(u"\\");
    Utf16 path;
    SharedGuard guard(namespace_lock());
    for (const ObjectHeader* at = &header_of(object); at->directory.load() != nullptr;
         at = &header_of(at->directory.load())) {
        path.insert(0, u"\\" + at->name);
    }
    return path;
}

}  // namespace regent::ob
