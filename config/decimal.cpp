#include "config/decimal.hpp"

#include <charconv>

#include "config/problem.hpp"

namespace weft::config {

namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

}  // namespace

std::size_t leading_digits(std::string_view text) noexcept {
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[count])) ++count;
    return count;
}

tl::expected<std::uint64_t, std::string> parse_decimal(std::string_view text) {
    if (text.empty() || leading_digits(text) != text.size()) {
        return tl::make_unexpected(in_quotes(text) +
                                   " is not a whole number: write decimal digits only, such as 64");
    }
    if (text.size() > 1 && text.front() == '0') {
        const std::size_t zeros = text.find_first_not_of('0');
        const std::string_view meant = zeros == std::string_view::npos ? "0" : text.substr(zeros);
        return tl::make_unexpected(
            in_quotes(text) + " begins with a zero, which some programs read as octal: write " +
            std::string(meant));
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) {
        return tl::make_unexpected(in_quotes(text) +
                                   " is too large: the largest number is 18446744073709551615");
    }
    return number;
}

}  // namespace weft::config
