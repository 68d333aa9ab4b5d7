// Tokens as objects, which handles name.
#pragma once

#include "ob/object.h"
#include "ob/process.h"
#include "se/token.h"

namespace regent::ob {

// Body of a "Token" object. Two objects may name one token: each open of a process's token makes one.
struct TokenObject {
    Ref<se::Token> token;
};

namespace types {
ObjectType& token();
}

// With the descriptor that tokens have: their user and the executive may do all, as may whoever a restricted token is
// restricted to (else such a process could not open its own); labelled with the token's level. ERRORS:
// INSUFFICIENT_RESOURCES.
Result<ObjectRef<TokenObject>> make_token_object(Ref<se::Token> token);

// The process's own token does not matter where nobody impersonates: null then, at the cost of one load. What a service
// works with stays while the value lives, whatever its callbacks do.
inline Ref<se::Token> hold_impersonation() {
    const Context& context = current();
    if (context.thread == nullptr || context.thread->impersonation() == nullptr) [[likely]]
        return nullptr;
    return context.thread->impersonation_ref();
}

// What the current thread may do with `token`: itself, or a copy that only identifies when it is somebody else's and
// the process lacks SeImpersonatePrivilege.
Ref<se::Token> impersonable(Ref<se::Token> token);

}  // namespace regent::ob
