// query_json(): finds its way in JSON text that compact_json() has checked, so nothing here can be
// malformed, and what it finds is a piece of that text with every digit in place.

#include <charconv>

#include "fabric/message/json_form.hpp"

namespace weft::fabric {
namespace {

/// A whole message in its JSON form wraps a body of the usual depth, and its binary parts.
constexpr std::size_t depth_max = 64;

/// Reads checked JSON without white space, from the left.
class Text {
public:
    explicit Text(std::string_view json) : rest_(json) {}

    bool take(char c) {
        if (rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    /// The next value or key, whole.
    std::string_view value() {
        std::size_t end = 0;
        std::size_t open = 0;
        do {
            const char c = rest_[end];
            if (c == '"') {
                end = string_end(end);
                continue;
            }
            if (c == '[' || c == '{') ++open;
            if (c == ']' || c == '}') --open;
            ++end;
        } while (end < rest_.size() && (open > 0 || !ends_scalar(rest_[end])));
        const std::string_view value = rest_.substr(0, end);
        rest_.remove_prefix(end);
        return value;
    }

private:
    static bool ends_scalar(char c) { return c == ',' || c == ':' || c == ']' || c == '}'; }

    [[nodiscard]] std::size_t string_end(std::size_t quote) const {
        std::size_t at = quote + 1;
        while (rest_[at] != '"') at += rest_[at] == '\\' ? 2 : 1;
        return at + 1;
    }

    std::string_view rest_;
};

bool names(std::string_view quoted_key, std::string_view step) {
    if (quoted_key.find('\\') == std::string_view::npos) {
        return quoted_key.substr(1, quoted_key.size() - 2) == step;
    }
    const auto key = from_json(quoted_key);
    return key && key->text() != nullptr && *key->text() == step;
}

std::optional<std::string_view> entry_of_map(Text text, std::string_view step) {
    std::optional<std::string_view> found;
    if (text.take('}')) return found;
    do {
        const std::string_view key = text.value();
        text.take(':');
        const std::string_view value = text.value();
        if (names(key, step)) found = value;  // The last one wins, as in Value.
    } while (text.take(','));
    return found;
}

std::optional<std::string_view> element_of_list(Text text, std::string_view step) {
    std::size_t index = 0;
    const auto [end, failed] = std::from_chars(step.data(), step.data() + step.size(), index);
    if (failed != std::errc{} || end != step.data() + step.size()) return std::nullopt;
    if (text.take(']')) return std::nullopt;
    do {
        const std::string_view value = text.value();
        if (index-- == 0) return value;
    } while (text.take(','));
    return std::nullopt;
}

}  // namespace

std::optional<std::string> query_json(std::string_view json, std::string_view path) {
    const auto checked = compact_json(json, depth_max);
    if (!checked) return std::nullopt;
    std::optional<std::string_view> part = *checked;
    bool more = !path.empty();
    while (part && more) {
        const std::size_t dot = path.find('.');
        const std::string_view step = path.substr(0, dot);
        more = dot != std::string_view::npos;
        if (more) path.remove_prefix(dot + 1);
        Text text{*part};
        if (text.take('{')) {
            part = entry_of_map(text, step);
        } else if (text.take('[')) {
            part = element_of_list(text, step);
        } else {
            part.reset();
        }
    }
    if (!part) return std::nullopt;
    return std::string{*part};
}

}  // namespace weft::fabric
