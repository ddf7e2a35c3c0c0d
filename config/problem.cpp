#include "config/problem.hpp"

#include "config/utf8.hpp"

namespace weft::config {

namespace {

constexpr std::size_t quoted_bytes_max = 80;

bool continues_character(char byte) noexcept {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// What a terminal might take for more than text is written as \xNN, byte by byte.
std::string fit_to_show(std::string_view text) {
    static constexpr std::string_view hex = "0123456789abcdef";
    std::string shown;
    while (!text.empty()) {
        const std::size_t bytes = shown_character_bytes(text);
        if (bytes == 0) {
            const auto byte = static_cast<unsigned char>(text.front());
            shown += {'\\', 'x', hex[byte >> 4U], hex[byte & 0xFU]};
        } else {
            shown += text.substr(0, bytes);
        }
        text.remove_prefix(bytes == 0 ? 1 : bytes);
    }
    return shown;
}

}  // namespace

std::string Problem::text() const {
    std::string text = origin.text();
    // `--set fabric.mode` names its key already.
    const bool named = origin.kind == Origin::Kind::option && text.ends_with(" " + key);
    if (!key.empty() && !named) text += ": " + key;
    // File names, variables and keys come from outside, and sentences may repeat some of it.
    return fit_to_show(text + ": " + sentence);
}

std::string text_of(const Problems& problems) {
    std::string text;
    for (std::size_t i = 0; i < problems.size(); ++i) {
        if (i != 0) text += '\n';
        if (i == problems_shown_max) {
            return text + "and " + std::to_string(problems.size() - i) + " more problems";
        }
        text += problems[i].text();
    }
    return text;
}

std::string in_quotes(std::string_view text) {
    std::string_view shown = text;
    if (shown.size() > quoted_bytes_max) {
        std::size_t end = quoted_bytes_max;
        while (end > 0 && continues_character(shown[end])) --end;
        shown = shown.substr(0, end);
    }
    return "'" + fit_to_show(shown) + (shown.size() < text.size() ? "...'" : "'");
}

}  // namespace weft::config
