// FILETIMEs as text.
#pragma once

#include <cstdint>
#include <string>

namespace regent::hivetool {

constexpr std::int64_t unix_epoch = 116444736000000000;  // 1970-01-01 as a FILETIME

// "2019-04-17T18:40:00" with `separator` for the T, in UTC. Remembers the last day: neighbours share it.
class FileTimeText {
public:
    explicit FileTimeText(char separator) { text_[10] = separator; }
    const std::string& text(std::int64_t file_time) {
        const std::int64_t seconds = (file_time - unix_epoch) / 10000000;
        const std::int64_t day = (seconds >= 0 ? seconds : seconds - 86399) / 86400;
        if (day != day_) set_day(day);
        const auto second = static_cast<unsigned>(seconds - day * 86400);
        set(11, 2, second / 3600);
        set(14, 2, second / 60 % 60);
        set(17, 2, second % 60);
        return text_;
    }

private:
    void set(std::size_t at, std::size_t digits, unsigned value) {
        while (digits-- > 0) {
            text_[at + digits] = static_cast<char>('0' + value % 10);
            value /= 10;
        }
    }
    // The civil date of a day since 1970, counted in eras of 400 years that begin on the first of March.
    void set_day(std::int64_t day) {
        day_ = day;
        const std::int64_t shifted = day + 719468;
        const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
        const auto of_era = static_cast<unsigned>(shifted - era * 146097);
        const unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
        const unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        const unsigned month_from_march = (5 * of_year + 2) / 153;
        const unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
        const auto year = static_cast<unsigned>(static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2));
        set(0, 4, year);
        set(5, 2, month);
        set(8, 2, of_year - (153 * month_from_march + 2) / 5 + 1);
    }

    std::string text_ = "0000-00-00T00:00:00";
    std::int64_t day_ = INT64_MIN;
};

}  // namespace regent::hivetool
