// Altitudes: decimal strings of any length with an optional fraction, ordered by value. 385123.9 is above 385123.12,
// and digits past the sixteenth count: a floating-point number would merge neighbours that a driver's author kept
// apart.
#pragma once

#include <compare>
#include <string>

#include "rtl/status.h"
#include "rtl/utf16.h"

namespace regent::cm::filter {

class Altitude {
public:
    Altitude() = default;
    // Leading zeros and a fraction's trailing zeros carry no value and are dropped (R5).
    // ERRORS: INVALID_PARAMETER unless `text` is digits with at most one point and at least one digit.
    static Result<Altitude> parse(Utf16View text);

    friend std::strong_ordering operator<=>(const Altitude& a, const Altitude& b);
    friend bool operator==(const Altitude& a, const Altitude& b) = default;

private:
    std::string whole_;
    std::string fraction_;
};

}  // namespace regent::cm::filter
