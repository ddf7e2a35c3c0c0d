#include "gateway/webhooks/since.hpp"

#include <charconv>
#include <chrono>
#include <optional>

#include "config/duration.hpp"

namespace weft::gateway::webhooks {
namespace {

/// So many digits and nothing else.
std::optional<unsigned> digits(std::string_view text) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// YYYY-MM-DDTHH:MM:SS, maybe with a fraction, then Z.
std::optional<std::uint64_t> rfc3339_us(std::string_view text) {
    if (text.size() < 20 || text.back() != 'Z' || text[4] != '-' || text[7] != '-' ||
        text[10] != 'T' || text[13] != ':' || text[16] != ':') {
        return std::nullopt;
    }
    const auto year = digits(text.substr(0, 4)), month = digits(text.substr(5, 2)),
               day = digits(text.substr(8, 2)), hour = digits(text.substr(11, 2)),
               minute = digits(text.substr(14, 2)), second = digits(text.substr(17, 2));
    if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                           std::chrono::month{*month}, std::chrono::day{*day}};
    if (!date.ok() || *year < 1970 || *hour > 23 || *minute > 59 || *second > 59) {
        return std::nullopt;
    }
    std::uint64_t fraction_us = 0;
    if (text[19] == '.') {
        const std::string_view fraction = text.substr(20, text.size() - 21);
        if (fraction.empty() || fraction.size() > 9) return std::nullopt;
        std::string padded{fraction.substr(0, 6)};
        padded.resize(6, '0');
        const auto parsed = digits(padded);
        if (!parsed || !digits(fraction)) return std::nullopt;
        fraction_us = *parsed;
    } else if (text.size() != 20) {
        return std::nullopt;
    }
    const auto days = std::chrono::sys_days{date}.time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(days).count() +
                         *hour * 3600LL + *minute * 60LL + *second;
    return static_cast<std::uint64_t>(seconds) * 1'000'000 + fraction_us;
}

}  // namespace

tl::expected<std::uint64_t, std::string> since_us(std::string_view text, std::uint64_t now_us) {
    if (const auto span = config::parse_duration(text)) {
        const auto us = static_cast<std::uint64_t>(span->count()) * 1000;
        return now_us > us ? now_us - us : 0;
    }
    if (const auto time = rfc3339_us(text)) return *time;
    return tl::make_unexpected(
        std::string{"since: a span such as 10m or 2d, or a time such as 2026-11-21T02:43:29Z"});
}

}  // namespace weft::gateway::webhooks
