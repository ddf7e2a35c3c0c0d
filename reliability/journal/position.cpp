#include "reliability/journal/position.hpp"

#include <charconv>
#include <cstdio>

namespace weft::reliability {
namespace {

constexpr std::size_t epoch_digits = 16;

bool read_number(std::string_view text, int base, std::uint64_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::string Position::text() const {
    char epoch_text[epoch_digits + 1];
    std::snprintf(epoch_text, sizeof epoch_text, "%016llx", static_cast<unsigned long long>(epoch));
    return std::string{epoch_text} + ":" + std::to_string(id);
}

tl::expected<Position, std::string> Position::parse(std::string_view text) {
    Position position;
    std::string_view id = text;
    bool good = true;
    if (const auto colon = text.find(':'); colon != std::string_view::npos) {
        good = colon == epoch_digits && read_number(text.substr(0, colon), 16, position.epoch);
        id = text.substr(colon + 1);
    }
    if (good && read_number(id, 10, position.id)) return position;
    return tl::make_unexpected(
        std::string{"a position is the id of a message in the journal, such as 4711, or the "
                    "journal's epoch and the id, such as 9f86d081884c7d65:4711"});
}

}  // namespace weft::reliability
