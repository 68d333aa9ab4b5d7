// Security descriptors from any bytes, as text and as binary: what is understood says itself again, and an access check
// against it ends with a defined answer.
#include <cstdlib>
#include <string_view>

#include "se/access.h"
#include "se/condition.h"
#include "se/sddl.h"

namespace {

using namespace regent;

void check(se::DescriptorView descriptor) {
    static constexpr GENERIC_MAPPING mapping{0x20019, 0x20006, 0x20019, 0xF003F};
    static const Ref<se::Token> user = se::Token::for_unix_user(1000, 1000, {});
    static const Ref<se::Token> restricted = se::filter_token(*user, {0, {}, 0, {se::well_known::world()}});
    for (const se::Token* token : {user.get(), restricted.get()}) {
        const auto most = se::access_check(descriptor, *token, MAXIMUM_ALLOWED, mapping, se::user_mode);
        for (ACCESS_MASK right : {1u, 2u, 0x20000u, 0x80000u}) {
            const auto one = se::access_check(descriptor, *token, right, mapping, se::user_mode);
            if (one.has_value() != (most.has_value() && (*most & right) != 0)) std::abort();
        }
    }
}

void check_text(std::string_view text) {
    const auto descriptor = se::parse_sddl(text);
    if (!descriptor) return;
    if (!se::DescriptorView::validate(descriptor->bytes())) std::abort();
    check(*descriptor);
    const auto again = se::to_sddl(*descriptor);
    if (!again) return;
    const auto second = se::parse_sddl(*again);
    if (!second || !(*second == *descriptor)) std::abort();
}

void check_binary(Bytes bytes) {
    const auto descriptor = se::DescriptorView::validate(bytes);
    if (!descriptor) return;
    check(*descriptor);
    const auto text = se::to_sddl(*descriptor);
    if (!text) return;
    const auto second = se::parse_sddl(*text);
    if (!second || se::to_sddl(*second) != *text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes rest = rtl::as_bytes(data + 1, size - 1);
    if (data[0] == 'T') check_text({reinterpret_cast<const char*>(data + 1), size - 1});
    if (data[0] == 'B') check_binary(rest);
    if (data[0] == 'C') {
        const auto user = se::Token::for_unix_user(1000, 1000, {});
        const se::SecurityDescriptor nothing;
        se::evaluate_condition(rest, {*user, se::Match::allow, se::Identity::whole, nothing});
        const auto text = se::condition_to_text(rest);
        if (text && !se::parse_condition(*text)) std::abort();
    }
    return 0;
}
