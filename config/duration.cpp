#include "config/duration.hpp"

#include <array>
#include <cassert>
#include <cstdint>

#include "config/decimal.hpp"
#include "config/problem.hpp"

namespace weft::config {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t milliseconds;
};

constexpr std::array<Unit, 5> units = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

auto refuse(std::string_view text, std::string_view why) {
    return tl::make_unexpected(in_quotes(text) + std::string(why));
}

}  // namespace

tl::expected<std::chrono::milliseconds, std::string> parse_duration(std::string_view text) {
    const std::size_t digits = leading_digits(text);
    if (digits == 0) {
        return refuse(text,
                      " is not a duration: write a number and a unit, such as 250ms, 3s, 10m, "
                      "2h or 7d");
    }
    const std::string_view unit_name = text.substr(digits);
    if (unit_name.empty()) {
        return refuse(text, " has no unit: write " + std::string(text) + "s for seconds or " +
                                std::string(text) + "ms for milliseconds");
    }
    for (const Unit& unit : units) {
        if (unit.name != unit_name) continue;
        auto number = parse_decimal(text.substr(0, digits));
        if (!number) return tl::make_unexpected(std::move(number.error()));
        const auto most = static_cast<std::uint64_t>(duration_max.count()) / unit.milliseconds;
        if (*number > most) {
            return refuse(text, " is longer than a hundred years: write at most 36500d");
        }
        return std::chrono::milliseconds{*number * unit.milliseconds};
    }
    return refuse(text,
                  " is not a duration: write one whole number and one of the units ms, s, m, h "
                  "and d, such as 90s or 1500ms");
}

std::string duration_text(std::chrono::milliseconds span) {
    assert(span.count() >= 0 && span <= duration_max);
    const auto count = static_cast<std::uint64_t>(span.count());
    if (count == 0) return "0s";
    for (const Unit& unit : units) {
        if (count % unit.milliseconds == 0) {
            return std::to_string(count / unit.milliseconds) + std::string(unit.name);
        }
    }
    assert(false && "milliseconds divide everything");
    return {};
}

}  // namespace weft::config
