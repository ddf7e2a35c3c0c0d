#include "config/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace weft::config {

namespace {

/// The length of the well-formed UTF-8 character that `text` begins with; 0 if there is none.
/// Follows table 3-7 of the Unicode standard.
std::size_t character_bytes(std::string_view text) noexcept {
    const auto at = [&](std::size_t i) -> unsigned {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto between = [](unsigned byte, unsigned low, unsigned high) {
        return byte >= low && byte <= high;
    };
    const auto tail = [&](std::size_t i) { return between(at(i), 0x80, 0xBF); };
    const unsigned first = at(0);
    if (first < 0x80) return 1;
    if (between(first, 0xC2, 0xDF)) return tail(1) ? 2 : 0;
    if (between(first, 0xE0, 0xEF)) {
        const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = first == 0xED ? 0x9F : 0xBF;
        return between(at(1), low, high) && tail(2) ? 3 : 0;
    }
    if (between(first, 0xF0, 0xF4)) {
        const unsigned low = first == 0xF0 ? 0x90 : 0x80;
        const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        return between(at(1), low, high) && tail(2) && tail(3) ? 4 : 0;
    }
    return 0;
}

bool is_control(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    static constexpr std::uint64_t high_bits = 0x8080808080808080U;
    while (!text.empty()) {
        // Mostly it is ASCII, eight letters at a time.
        std::uint64_t eight = high_bits;
        if (text.size() >= sizeof eight) std::memcpy(&eight, text.data(), sizeof eight);
        if ((eight & high_bits) == 0) {
            text.remove_prefix(sizeof eight);
            continue;
        }
        const std::size_t bytes = character_bytes(text);
        if (bytes == 0) return false;
        text.remove_prefix(bytes);
    }
    return true;
}

std::size_t shown_character_bytes(std::string_view text) noexcept {
    if (text.empty()) return 0;
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x20 || first == 0x7F) return 0;
    const bool is_c1 =
        first == 0xC2 && text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xA0;
    return is_c1 ? 0 : character_bytes(text);
}

std::optional<BadText> find_bad_text(std::string_view text) {
    std::size_t line = 1;
    while (!text.empty()) {
        if (is_control(text.front())) {
            return BadText{line,
                           "this line has a control character in it: remove it, or write it as an "
                           "escape such as \"\\x07\" in double quotes"};
        }
        const std::size_t bytes = character_bytes(text);
        if (bytes == 0) {
            return BadText{line, "this line is not UTF-8: save the file in the encoding UTF-8"};
        }
        if (text.front() == '\n') ++line;
        text.remove_prefix(bytes);
    }
    return std::nullopt;
}

}  // namespace weft::config
