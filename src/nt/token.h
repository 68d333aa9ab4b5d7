// What the token services share: a handle's token, and lists as programs pass them.
#pragma once

#include <vector>

#include "nt/nttoken.h"
#include "ob/handle.h"
#include "ob/token_object.h"

namespace regent::nt {

struct FoundToken {
    Ref<se::Token> token;
    ACCESS_MASK granted;
};
// ERRORS: ob::reference_by_handle's.
Result<FoundToken> reference_token(HANDLE handle, ACCESS_MASK access);

// A handle to `token`. ERRORS: ACCESS_DENIED and its kin (unless `checked` is null), INSUFFICIENT_RESOURCES.
Result<HANDLE> open_token(Ref<se::Token> token, ACCESS_MASK desired, ULONG attributes, const se::Token* checked);

// What a program passes as TOKEN_GROUPS, SIDs copied. ERRORS, in this order: INVALID_PARAMETER (too many),
// ACCESS_VIOLATION, INVALID_SID.
Result<std::vector<se::TokenGroup>> capture_groups(const TOKEN_GROUPS* groups);
Result<std::vector<LUID_AND_ATTRIBUTES>> capture_privileges(const TOKEN_PRIVILEGES* privileges);
Result<se::Sid> capture_sid(const void* sid);

// An answer with pointers into itself, which are made when it is written to its place.
class TokenAnswer {
public:
    // Room for `size` bytes at the front.
    explicit TokenAnswer(std::size_t size) : bytes_(size) {}
    template <typename T>
    void put(std::size_t at, T value) {
        std::memcpy(bytes_.data() + at, &value, sizeof(value));
    }
    // Appends what the pointer at `at` is to point to.
    void point(std::size_t at, Bytes target);
    // ERRORS, in this order: BUFFER_TOO_SMALL, ACCESS_VIOLATION. `needed` receives the size in any case.
    NTSTATUS write(void* buffer, ULONG length, ULONG* needed) const;

private:
    std::vector<std::byte> bytes_;
    std::vector<std::pair<std::size_t, std::size_t>> pointers_;
};
TokenAnswer answer_groups(std::span<const se::TokenGroup> groups);

}  // namespace regent::nt
