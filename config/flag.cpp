#include "config/flag.hpp"

#include <algorithm>
#include <array>

#include "config/problem.hpp"

namespace weft::config {

tl::expected<bool, std::string> parse_flag(std::string_view text) {
    static constexpr std::array<std::string_view, 3> yes = {"true", "on", "yes"};
    static constexpr std::array<std::string_view, 3> no = {"false", "off", "no"};
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (std::find(yes.begin(), yes.end(), lower) != yes.end()) return true;
    if (std::find(no.begin(), no.end(), lower) != no.end()) return false;
    return tl::make_unexpected(in_quotes(text) +
                               " is neither yes nor no: write true or false (on, off, yes and no "
                               "will do as well)");
}

}  // namespace weft::config
