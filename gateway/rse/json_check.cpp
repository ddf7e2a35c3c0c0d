#include "gateway/rse/json_check.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "config/utf8.hpp"
#include "fabric/message/json_number.hpp"

namespace weft::gateway::rse {
namespace {

constexpr std::string_view space = " \t\r\n";

bool is_hex(char byte) noexcept {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
           (byte >= 'A' && byte <= 'F');
}

class Scan {
public:
    Scan(std::string_view text, std::size_t depth_max) : text_(text), depth_max_(depth_max) {}

    tl::expected<JsonRoot, std::string> run() {
        if (!config::is_utf8(text_)) return tl::make_unexpected(std::string{"it is not UTF-8"});
        skip_space();
        const JsonRoot root = peek() == '{'   ? JsonRoot::object
                              : peek() == '[' ? JsonRoot::array
                                              : JsonRoot::scalar;
        // One value a turn, and all that closes behind it.
        do {
            if (!value() || !close()) return tl::make_unexpected(std::move(error_));
        } while (!open_.empty());
        skip_space();
        if (at_ < text_.size()) {
            fail("nothing may follow the value");
            return tl::make_unexpected(std::move(error_));
        }
        return root;
    }

private:
    /// 0 at the end; a raw 0 is nowhere right either.
    [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
    void skip_space() noexcept {
        while (at_ < text_.size() && space.find(text_[at_]) != std::string_view::npos) {
            ++at_;
        }
    }
    bool take(char byte) noexcept {
        if (at_ >= text_.size() || text_[at_] != byte) return false;
        ++at_;
        return true;
    }
    bool fail(std::string_view what) {
        error_ = "at byte " + std::to_string(at_ + 1) + ": " + std::string{what};
        return false;
    }

    /// A value, into containers as deep as they begin with others. Behind it an empty container is
    /// still open.
    bool value() {
        while (true) {
            skip_space();
            if (take('{')) {
                if (!open(true)) return false;
                skip_space();
                if (peek() == '}') return true;
                if (!key()) return false;
            } else if (take('[')) {
                if (!open(false)) return false;
                skip_space();
                if (peek() == ']') return true;
            } else {
                return scalar();
            }
        }
    }
    /// What may follow a value: closing brackets, then a comma and a key, or the end.
    bool close() {
        while (!open_.empty()) {
            skip_space();
            if (take(open_.back() ? '}' : ']')) {
                open_.pop_back();
                continue;
            }
            if (!take(',')) return fail("a comma or closing bracket is expected");
            skip_space();
            return !open_.back() || key();
        }
        return true;
    }
    bool open(bool object) {
        if (open_.size() >= depth_max_) {
            return fail("more than " + std::to_string(depth_max_) +
                        " lists and objects stand in one another");
        }
        open_.push_back(object);
        return true;
    }
    bool key() {
        if (peek() != '"') return fail("a key in double quotes is expected");
        if (!string()) return false;
        skip_space();
        return take(':') || fail("a colon is expected");
    }
    bool scalar() {
        if (peek() == '"') return string();
        const std::string_view rest = text_.substr(at_);
        for (const std::string_view word : {"true", "false", "null"}) {
            if (!rest.starts_with(word)) continue;
            at_ += word.size();
            return true;
        }
        const std::size_t end = std::min(rest.find_first_not_of("+-.0123456789eE"), rest.size());
        if (!fabric::is_json_number(rest.substr(0, end))) return fail("a value is expected");
        at_ += end;
        return true;
    }
    bool string() {
        for (++at_; at_ < text_.size(); ++at_) {
            const char byte = text_[at_];
            if (byte == '"') {
                ++at_;
                return true;
            }
            if (static_cast<unsigned char>(byte) < 0x20) {
                return fail("a string has a raw control character; escape it");
            }
            if (byte == '\\' && !escape()) return false;
        }
        return fail("a string is never closed");
    }
    /// Stands at the backslash, and then at the last character of the escape.
    bool escape() {
        ++at_;
        if (peek() == 'u') {
            const std::string_view digits = text_.substr(at_ + 1, 4);
            if (digits.size() < 4 || !std::all_of(digits.begin(), digits.end(), is_hex)) {
                return fail("four hex digits follow \\u");
            }
            at_ += 4;
            return true;
        }
        if (at_ < text_.size() &&
            std::string_view{"\"\\/bfnrt"}.find(peek()) != std::string_view::npos) {
            return true;
        }
        return fail("JSON has no such escape");
    }

    std::string_view text_;
    std::size_t depth_max_;
    std::size_t at_ = 0;
    std::vector<bool> open_;  ///< True: an object.
    std::string error_;
};

}  // namespace

tl::expected<JsonRoot, std::string> check_json(std::string_view text, std::size_t depth_max) {
    return Scan{text, depth_max}.run();
}

std::vector<std::string_view> list_items(std::string_view list) {
    std::vector<std::string_view> items;
    const auto add = [&](std::size_t from, std::size_t to) {
        std::string_view item = list.substr(from, to - from);
        item.remove_prefix(std::min(item.find_first_not_of(space), item.size()));
        item.remove_suffix(item.size() - (item.find_last_not_of(space) + 1));
        if (!item.empty()) items.push_back(item);
    };
    std::size_t depth = 0, begin = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const char byte = list[i];
        if (in_string) {
            if (byte == '\\') ++i;
            in_string = byte != '"';
        } else if (byte == '"') {
            in_string = true;
        } else if (byte == '[' || byte == '{') {
            if (++depth == 1) begin = i + 1;
        } else if (byte == ']' || byte == '}') {
            if (--depth == 0) add(begin, i);
        } else if (byte == ',' && depth == 1) {
            add(begin, i);
            begin = i + 1;
        }
    }
    return items;
}

}  // namespace weft::gateway::rse
