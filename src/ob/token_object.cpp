#include "ob/token_object.h"

#include "ob/namespace.h"
#include "ob/process.h"
#include "ob/security.h"

namespace regent::ob {

namespace types {

ObjectType& token() {
    static ObjectType& made = register_type(u"Token", {TOKEN_READ, TOKEN_WRITE, TOKEN_EXECUTE, TOKEN_ALL_ACCESS},
                                            TOKEN_ALL_ACCESS, {.destroy = destroy_body<TokenObject>});
    return made;
}

}  // namespace types

namespace {

Result<se::SecurityDescriptor> descriptor_of(const se::Token& token) {
    se::AclBuilder dacl;
    dacl.add(ACCESS_ALLOWED_ACE_TYPE, 0, TOKEN_ALL_ACCESS, token.user());
    dacl.add(ACCESS_ALLOWED_ACE_TYPE, 0, TOKEN_ALL_ACCESS, se::well_known::local_system());
    for (const se::Sid& sid : token.restricting()) dacl.add(ACCESS_ALLOWED_ACE_TYPE, 0, TOKEN_ALL_ACCESS, sid);
    se::AclBuilder sacl;
    sacl.add(SYSTEM_MANDATORY_LABEL_ACE_TYPE, 0, SYSTEM_MANDATORY_LABEL_NO_WRITE_UP,
             se::integrity_sid(token.integrity()));
    se::SecurityDescriptor::Parts parts;
    parts.owner = token.user();
    parts.group = token.primary_group();
    parts.control = SE_DACL_PRESENT | SE_SACL_PRESENT;
    parts.dacl = RG_TRY(dacl.finish());
    parts.sacl = RG_TRY(sacl.finish());
    return se::SecurityDescriptor::build(parts);
}

}  // namespace

Result<ObjectRef<TokenObject>> make_token_object(Ref<se::Token> token) {
    auto descriptor = RG_TRY(descriptor_of(*token));
    auto object = RG_TRY(create_body<TokenObject>(types::token(), std::move(token)));
    set_default_security(object.get(), std::move(descriptor));
    return object;
}

Ref<se::Token> impersonable(Ref<se::Token> token) {
    const Context& context = current();
    const se::Token& own = context.process->token();
    const bool mine = token->user() == own.user() && token->integrity() <= own.integrity() &&
                      (!own.is_restricted() || token->is_restricted());
    if (mine || context.kernel() || own.enabled(SE_IMPERSONATE_PRIVILEGE)) return token;
    if (token->level() < SecurityImpersonation) return token;
    return se::duplicate_token(*token, true, SecurityIdentification, false);
}

}  // namespace regent::ob
