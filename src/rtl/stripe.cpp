#include "rtl/stripe.h"

namespace regent::rtl::detail {

constinit thread_local unsigned stripe_plus_one __attribute__((tls_model("initial-exec"))) = 0;

unsigned choose_stripe() {
    static std::atomic<unsigned> next{0};
    const unsigned stripe = next.fetch_add(1, std::memory_order_relaxed) % stripe_count;
    stripe_plus_one = stripe + 1;
    return stripe;
}

}  // namespace regent::rtl::detail
