#include "rtl/foreign_call.h"

namespace regent::rtl {
constinit ForeignCode foreign_code;
}  // namespace regent::rtl
