#include "rtl/stripe.h"

namespace regent::rtl::detail {

constinit thread_local unsigned stripe_plus_one __attribute__((tls_model("initial-exec"))) = 0;

std::atomic<std::uint64_t> threads_with_stripe{0};

unsigned choose_stripe() {
    const auto before = threads_with_stripe.fetch_add(1, std::memory_order_seq_cst);
    const auto stripe = static_cast<unsigned>(before % stripe_count);
    stripe_plus_one = stripe + 1;
    return stripe;
}

}  // namespace regent::rtl::detail
