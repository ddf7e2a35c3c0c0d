#include "signing/utf8.hpp"

#include <cassert>

namespace weft::signing {

Utf8Character first_utf8_character(std::string_view text) noexcept {
    assert(!text.empty());
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) return {first, 1};

    const Utf8Character invalid{utf8_invalid + first, 1};
    std::size_t bytes = 0;
    char32_t code_point = 0, smallest = 0;
    if ((first & 0xE0) == 0xC0) {
        bytes = 2, code_point = first & 0x1F, smallest = 0x80;
    } else if ((first & 0xF0) == 0xE0) {
        bytes = 3, code_point = first & 0x0F, smallest = 0x800;
    } else if ((first & 0xF8) == 0xF0) {
        bytes = 4, code_point = first & 0x07, smallest = 0x10000;
    } else {
        return invalid;
    }
    if (text.size() < bytes) return invalid;
    for (std::size_t i = 1; i < bytes; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0) != 0x80) return invalid;
        code_point = code_point << 6 | (next & 0x3F);
    }
    const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    if (code_point < smallest || code_point > 0x10FFFF || surrogate) return invalid;
    return {code_point, bytes};
}

bool is_control(char32_t code_point) noexcept {
    return code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F);
}

}  // namespace weft::signing
