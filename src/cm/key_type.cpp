// The object type "Key": what the object manager asks of the Configuration Manager.
#include "cm/key_lock.h"
#include "cm/parse.h"
#include "ob/namespace.h"

namespace regent::cm {

namespace {

void close_handle(ob::Process&, void* body, ACCESS_MASK, std::int64_t, std::int64_t system_handle_count) {
    // Requests belong to the opening: they end with its last handle, although each keeps the body alive (NT-6).
    if (system_handle_count == 1) static_cast<KeyBody*>(body)->end_watch();
}

// The callbacks may still ask the dying object for its name and contexts, also in the post: it goes after them.
void destroy(void* body) {
    filter::close_key_object(body, static_cast<KeyBody*>(body)->contexts(), [](void*) {});
    // A driver that kept a reference (reported by the engine) would go on with a body that is gone.
    if (ob::referenced_again(body)) return;
    ob::destroy_body<KeyBody>(body);
}

Result<Utf16> query_name(void* body) {
    const KeyControlBlock& block = static_cast<KeyBody*>(body)->block();
    RG_TRY(block.check_alive());
    return block.path();
}

Result<se::SecurityDescriptor> query_security(void* body) { return query_key_security(*static_cast<KeyBody*>(body)); }

Result<void> set_security(void* body, SECURITY_INFORMATION what, se::DescriptorView modification,
                          const se::Token& token) {
    return set_key_security(*static_cast<KeyBody*>(body), what, modification, token);
}

// A driver's own question for a name is an operation too (R56).
NTSTATUS announce_name_query(void* body, const ob::NameQuery& query) {
    if (!filter::any_registered()) return query.run();
    REG_QUERY_KEY_NAME info{};
    info.Object = body;
    info.ObjectNameInfo = query.information;
    info.Length = query.length;
    info.ReturnLength = query.return_length;
    filter::Operation operation(RegNtPreQueryKeyName, body, &info);
    return operation.run([&] { return query.run(); });
}

ob::ObjectType& register_key_type() {
    if (ob::ObjectType* known = ob::find_type(u"Key")) return *known;
    ob::TypeProcedures procedures;
    procedures.close = &close_handle;
    procedures.destroy = &destroy;
    procedures.parse = &parse_key;
    procedures.query_name = &query_name;
    procedures.announce_name_query = &announce_name_query;
    procedures.query_security = &query_security;
    procedures.set_security = &set_security;
    ob::ObjectType& type = ob::register_type(u"Key", key_mapping, KEY_ALL_ACCESS, procedures);
    type.case_insensitive = true;  // NS-7
    return type;
}

}  // namespace

ob::ObjectType& key_type() {
    static ob::ObjectType& type = register_key_type();
    return type;
}

}  // namespace regent::cm
