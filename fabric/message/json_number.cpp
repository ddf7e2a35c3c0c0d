#include "fabric/message/json_number.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>

namespace weft::fabric {
namespace {

std::size_t digits_at(std::string_view text, std::size_t at) {
    const std::size_t end = text.find_first_not_of("0123456789", at);
    return (end == std::string_view::npos ? text.size() : end) - at;
}

template <typename Number>
std::optional<Number> read(std::string_view text) {
    Number number{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// For a number that from_chars calls out of range: is it too large, rather than too small? Decided
/// by the power of ten of its first digit that is not zero; near 1 no number is out of range.
bool is_huge(std::string_view text) {
    const std::size_t exponent_at = std::min(text.find_first_of("eE"), text.size());
    const std::string_view digits = text.substr(0, exponent_at);
    const std::size_t point = std::min(digits.find('.'), digits.size());
    const std::size_t first = digits.find_first_of("123456789");
    if (first == std::string_view::npos) return false;
    const double place =
        first < point ? static_cast<double>(point - first) : -static_cast<double>(first - point);
    double exponent = 0;
    if (exponent_at < text.size()) {
        std::string_view written = text.substr(exponent_at + 1);
        const bool negative = written.front() == '-';
        if (negative || written.front() == '+') written.remove_prefix(1);
        // A double, so that an exponent of a thousand digits does not overflow.
        for (const char digit : written) exponent = exponent * 10 + (digit - '0');
        if (negative) exponent = -exponent;
    }
    return place + exponent > 0;
}

}  // namespace

bool is_json_number(std::string_view text) noexcept {
    std::size_t at = text.starts_with('-') ? 1 : 0;
    const std::size_t whole = digits_at(text, at);
    if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
    at += whole;
    if (at < text.size() && text[at] == '.') {
        const std::size_t fraction = digits_at(text, ++at);
        if (fraction == 0) return false;
        at += fraction;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
        const std::size_t exponent = digits_at(text, at);
        if (exponent == 0) return false;
        at += exponent;
    }
    return at == text.size();
}

std::optional<Value> number_value(std::string_view text) {
    if (text.find_first_of(".eE") == std::string_view::npos) {
        if (const auto number = read<std::int64_t>(text)) return Value{*number};
        if (const auto number = read<std::uint64_t>(text)) return Value{*number};
    }
    if (const auto number = read<double>(text)) return Value{*number};
    if (is_huge(text)) return std::nullopt;
    return Value{text.starts_with('-') ? -0.0 : 0.0};
}

std::string json_number(double number) {
    if (!std::isfinite(number)) return "null";
    std::array<char, 32> room{};
    const auto [end, failed] = std::to_chars(room.data(), room.data() + room.size(), number);
    assert(failed == std::errc{});
    std::string text{room.data(), end};
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
}

}  // namespace weft::fabric
