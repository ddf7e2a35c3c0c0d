#include "config/size.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "config/decimal.hpp"
#include "config/problem.hpp"

namespace weft::config {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t bytes;
};

constexpr std::uint64_t k = 1000;
constexpr std::uint64_t ki = 1024;
constexpr std::array<Unit, 10> units = {{{"", 1},
                                         {"B", 1},
                                         {"kB", k},
                                         {"MB", k* k},
                                         {"GB", k* k* k},
                                         {"TB", k* k* k* k},
                                         {"KiB", ki},
                                         {"MiB", ki* ki},
                                         {"GiB", ki* ki* ki},
                                         {"TiB", ki* ki* ki* ki}}};

auto refuse(std::string_view text, std::string_view why) {
    return tl::make_unexpected(in_quotes(text) + std::string(why));
}

}  // namespace

tl::expected<std::uint64_t, std::string> parse_size(std::string_view text) {
    const std::size_t digits = leading_digits(text);
    const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& candidate) {
        return candidate.name == text.substr(digits);
    });
    if (digits == 0 || unit == units.end()) {
        return refuse(text,
                      " is not a size: write a whole number of bytes, alone or with kB, MB, GB, "
                      "TB, KiB, MiB, GiB or TiB, such as 512, 64KiB or 10GiB");
    }
    auto number = parse_decimal(text.substr(0, digits));
    if (!number) return tl::make_unexpected(std::move(number.error()));
    if (*number > std::numeric_limits<std::uint64_t>::max() / unit->bytes) {
        return refuse(text, " is too large: the largest size is 16777215TiB");
    }
    return *number * unit->bytes;
}

}  // namespace weft::config
