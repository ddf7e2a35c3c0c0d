#include "gateway/esub/prep_frame.hpp"

#include <algorithm>
#include <cstdint>

#include "config/utf8.hpp"
#include "gateway/http/message.hpp"

namespace weft::gateway::esub {
namespace {

constexpr int levels_max = 64;
constexpr std::uint32_t replacement = 0xFFFD;

void append_utf8(std::string& text, std::uint32_t point) {
    const auto add = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
    if (point < 0x80) return add(point);
    if (point < 0x800) {
        add(0xC0U | point >> 6U);
    } else {
        if (point < 0x10000) {
            add(0xE0U | point >> 12U);
        } else {
            add(0xF0U | point >> 18U);
            add(0x80U | (point >> 12U & 0x3FU));
        }
        add(0x80U | (point >> 6U & 0x3FU));
    }
    add(0x80U | (point & 0x3FU));
}

/// Every byte that begins nothing in UTF-8 becomes one U+FFFD.
std::string mended(std::string_view bytes) {
    if (config::is_utf8(bytes)) return std::string{bytes};
    std::string text;
    while (!bytes.empty()) {
        std::size_t length = 1;
        while (length <= std::min<std::size_t>(4, bytes.size()) &&
               !config::is_utf8(bytes.substr(0, length))) {
            ++length;
        }
        if (length <= std::min<std::size_t>(4, bytes.size())) {
            text += bytes.substr(0, length);
        } else {
            append_utf8(text, replacement);
            length = 1;
        }
        bytes.remove_prefix(length);
    }
    return text;
}

class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    std::optional<PrepFrame> frame() {
        PrepFrame frame;
        if (!next_is('{')) return std::nullopt;
        if (!next_is('}')) {
            do {
                std::string name;
                if (!read_text(&name) || !next_is(':') || !read_member(name, frame)) {
                    return std::nullopt;
                }
            } while (next_is(','));
            if (!next_is('}')) return std::nullopt;
        }
        skip_blanks();
        if (!rest_.empty()) return std::nullopt;
        return frame;
    }

private:
    bool read_member(std::string_view name, PrepFrame& frame) {
        std::string* text = same_name(name, "key")     ? &frame.key
                            : same_name(name, "token") ? &frame.token
                            : same_name(name, "data")  ? &frame.data
                                                       : nullptr;
        if (text == nullptr && !same_name(name, "psub")) return skip_value(0);
        if (word("null")) return true;
        if (text != nullptr) {
            text->clear();
            return read_text(text);
        }
        frame.psub = word("true");
        return frame.psub || word("false");
    }

    void skip_blanks() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    }
    bool next_is(char wanted) {
        skip_blanks();
        if (rest_.empty() || rest_.front() != wanted) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool word(std::string_view wanted) {
        skip_blanks();
        if (!rest_.starts_with(wanted)) return false;
        rest_.remove_prefix(wanted.size());
        return true;
    }

    /// `text` may be nullptr: it is only skipped.
    bool read_text(std::string* text) {
        if (!next_is('"')) return false;
        for (;;) {
            std::size_t end = 0;
            while (end < rest_.size() && rest_[end] != '"' && rest_[end] != '\\' &&
                   static_cast<unsigned char>(rest_[end]) >= 0x20) {
                ++end;
            }
            if (end == rest_.size() || static_cast<unsigned char>(rest_[end]) < 0x20) return false;
            if (text != nullptr) *text += mended(rest_.substr(0, end));
            const bool is_end = rest_[end] == '"';
            rest_.remove_prefix(end + 1);
            if (is_end) return true;
            if (!read_escape(text)) return false;
        }
    }

    bool read_escape(std::string* text) {
        static constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
        if (rest_.empty()) return false;
        const char letter = rest_.front();
        rest_.remove_prefix(1);
        std::uint32_t point = 0;
        if (letter != 'u') {
            const std::size_t place = from.find(letter);
            if (place == std::string_view::npos) return false;
            point = static_cast<unsigned char>(to[place]);
        } else {
            if (!read_hex(point)) return false;
            if (point >= 0xD800 && point < 0xE000) point = pair_of(point);
        }
        if (text != nullptr) append_utf8(*text, point);
        return true;
    }
    /// The other half follows, or it is none.
    std::uint32_t pair_of(std::uint32_t high) {
        if (high >= 0xDC00 || !rest_.starts_with("\\u")) return replacement;
        const std::string_view before = rest_;
        rest_.remove_prefix(2);
        std::uint32_t low = 0;
        if (read_hex(low) && low >= 0xDC00 && low < 0xE000) {
            return 0x10000U + ((high - 0xD800U) << 10U) + (low - 0xDC00U);
        }
        rest_ = before;
        return replacement;
    }
    bool read_hex(std::uint32_t& value) {
        if (rest_.size() < 4) return false;
        for (const char digit : rest_.substr(0, 4)) {
            const std::size_t place = std::string_view{"0123456789abcdefABCDEF"}.find(digit);
            if (place == std::string_view::npos) return false;
            value = value * 16 + static_cast<std::uint32_t>(place < 16 ? place : place - 6);
        }
        rest_.remove_prefix(4);
        return true;
    }

    bool skip_value(int level) {
        if (level > levels_max) return false;
        skip_blanks();
        if (rest_.empty()) return false;
        if (rest_.front() == '"') return read_text(nullptr);
        if (next_is('{')) return skip_list('}', level, true);
        if (next_is('[')) return skip_list(']', level, false);
        if (word("null") || word("true") || word("false")) return true;
        return skip_number();
    }
    bool skip_list(char end, int level, bool has_names) {
        if (next_is(end)) return true;
        do {
            if (has_names && (!read_text(nullptr) || !next_is(':'))) return false;
            if (!skip_value(level + 1)) return false;
        } while (next_is(','));
        return next_is(end);
    }
    bool skip_digits() {
        const std::size_t count = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
        rest_.remove_prefix(count);
        return count > 0;
    }
    bool skip_if(std::string_view letters) {
        if (rest_.empty() || letters.find(rest_.front()) == std::string_view::npos) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool skip_number() {
        skip_if("-");
        if (!skip_if("0") && !skip_digits()) return false;
        if (skip_if(".") && !skip_digits()) return false;
        if (!skip_if("eE")) return true;
        skip_if("+-");
        return skip_digits();
    }

    std::string_view rest_;
};

}  // namespace

std::optional<PrepFrame> read_prep_frame(std::string_view text) {
    return Reader(text).frame();
}

}  // namespace weft::gateway::esub
