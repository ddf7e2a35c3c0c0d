#include "fabric/message/utf8_text.hpp"

#include <cstdint>
#include <cstring>

#include "signing/utf8.hpp"

namespace weft::fabric {

std::size_t utf8_prefix(std::string_view text) noexcept {
    constexpr std::uint64_t high_bits = 0x8080808080808080;
    std::size_t at = 0;
    while (at < text.size()) {
        std::uint64_t eight = 0;
        if (text.size() - at >= sizeof eight) {
            std::memcpy(&eight, text.data() + at, sizeof eight);
            if ((eight & high_bits) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        const signing::Utf8Character next = signing::first_utf8_character(text.substr(at));
        if (!next.valid()) return at;
        at += next.bytes;
    }
    return at;
}

}  // namespace weft::fabric
