#include "cm/callback_altitude.h"

namespace regent::cm::filter {

Result<Altitude> Altitude::parse(Utf16View text) {
    Altitude altitude;
    bool point = false;
    bool digit = false;
    for (char16_t unit : text) {
        if (unit == u'.' && !point) {
            point = true;
            continue;
        }
        if (unit < u'0' || unit > u'9') return fail(STATUS_INVALID_PARAMETER);
        digit = true;
        (point ? altitude.fraction_ : altitude.whole_).push_back(static_cast<char>(unit));
    }
    if (!digit) return fail(STATUS_INVALID_PARAMETER);
    altitude.whole_.erase(0, altitude.whole_.find_first_not_of('0'));
    altitude.fraction_.erase(altitude.fraction_.find_last_not_of('0') + 1);
    return altitude;
}

std::strong_ordering operator<=>(const Altitude& a, const Altitude& b) {
    if (auto order = a.whole_.size() <=> b.whole_.size(); order != 0) return order;
    if (auto order = a.whole_ <=> b.whole_; order != 0) return order;
    return a.fraction_ <=> b.fraction_;
}

}  // namespace regent::cm::filter
