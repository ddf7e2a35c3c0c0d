#include "reliability/ack/level.hpp"

#include <array>
#include <cstddef>

namespace weft::reliability {
namespace {

constexpr std::array<std::string_view, 4> names{"rejected", "received", "stored", "processed"};

}  // namespace

std::string_view name_of(AckLevel level) noexcept {
    return names[static_cast<std::size_t>(level)];
}

std::optional<AckLevel> parse_level(std::string_view text) noexcept {
    for (const AckLevel level : {AckLevel::received, AckLevel::stored, AckLevel::processed}) {
        if (text == name_of(level)) return level;
    }
    return std::nullopt;
}

}  // namespace weft::reliability
