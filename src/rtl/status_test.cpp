#include "rtl/status.h"

#include <gtest/gtest.h>

namespace regent::rtl {
namespace {

Result<int> half(int n) {
    if (n % 2 != 0) return fail(STATUS_INVALID_PARAMETER);
    return n / 2;
}

Result<int> quarter(int n) {
    const int once = RG_TRY(half(n));
    return RG_TRY(half(once));
}

TEST(Result, TryPassesFailuresOn) {
    EXPECT_EQ(quarter(8).value(), 2);
    EXPECT_EQ(to_ntstatus(quarter(6)), STATUS_INVALID_PARAMETER);
}

TEST(StatusName, KnowsNamesBothWays) {
    EXPECT_STREQ(status_name(STATUS_KEY_DELETED), "STATUS_KEY_DELETED");
    NTSTATUS code = 0;
    EXPECT_TRUE(status_from_name("STATUS_CALLBACK_BYPASS", &code));
    EXPECT_EQ(code, STATUS_CALLBACK_BYPASS);
    EXPECT_FALSE(status_from_name("STATUS_NO_SUCH_NAME", &code));
    EXPECT_STREQ(status_name(static_cast<NTSTATUS>(0xC0FFEE00)), "0xC0FFEE00");
}

}  // namespace
}  // namespace regent::rtl
