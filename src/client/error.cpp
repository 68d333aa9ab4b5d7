#include "regent/client/error.h"

#include "regent/client/text.h"
#include "rtl/status.h"
#include "rtl/utf16.h"

namespace regent::client {

std::string Error::message() const {
    const char* name = rtl::status_name(status_);
    return doing_.empty() ? name : doing_ + ": " + name;
}

std::string to_utf8(std::u16string_view units) { return rtl::to_utf8(units); }
std::u16string to_utf16(std::string_view utf8) { return rtl::from_utf8(utf8); }

}  // namespace regent::client
