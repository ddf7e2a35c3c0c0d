#include "signing/topic_glob.hpp"

#include <algorithm>
#include <cassert>
#include <optional>

#include "signing/utf8.hpp"

namespace weft::signing {
namespace {

constexpr std::size_t topic_bytes_max = 255;

std::string at_character(std::string_view text, std::size_t offset, std::string_view what) {
    std::size_t number = 1;
    for (std::size_t at = 0; at < offset; ++number) {
        at += first_utf8_character(text.substr(at)).bytes;
    }
    return "character " + std::to_string(number) + ": " + std::string(what);
}

/// What topics and globs have in common: length, UTF-8, no controls, no empty token.
std::string shape_error(std::string_view text) {
    if (text.empty()) return "it is empty; it needs at least one character";
    if (text.size() > topic_bytes_max) {
        return "it has " + std::to_string(text.size()) + " bytes; at most 255 are allowed";
    }
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Character next = first_utf8_character(text.substr(at));
        if (!next.valid()) return at_character(text, at, "the bytes are not UTF-8");
        if (is_control(next.code_point)) {
            return at_character(text, at, "control characters are not allowed");
        }
        if (text[at] == '.') {
            if (at == 0) return "character 1: it must not start with a dot";
            if (at + 1 == text.size()) return at_character(text, at, "it must not end with a dot");
            if (text[at + 1] == '.') {
                return at_character(text, at + 1, "there is nothing between two dots");
            }
        }
        at += next.bytes;
    }
    return {};
}

/// A set such as "[!a-z]" that starts at `open` in a token.
/// Its length in bytes with both brackets; nullopt if it is never closed.
std::optional<std::size_t> set_bytes(std::string_view from_open) noexcept {
    std::size_t at = 1;
    if (at < from_open.size() && from_open[at] == '!') ++at;
    if (at < from_open.size() && from_open[at] == ']') ++at;  // first: one of the set
    const std::size_t close = from_open.find(']', at);
    if (close == std::string_view::npos) return std::nullopt;
    return close + 1;
}

/// Calls visit(first, last) for each range of the set; a single character is a range of one.
/// Stops when visit returns true, and returns whether it did.
template <class Visit>
bool any_range(std::string_view inside, Visit&& visit) noexcept {
    if (inside.starts_with('!')) inside.remove_prefix(1);
    while (!inside.empty()) {
        const Utf8Character first = first_utf8_character(inside);
        inside.remove_prefix(first.bytes);
        char32_t last = first.code_point;
        if (inside.size() >= 2 && inside.front() == '-') {
            const Utf8Character end = first_utf8_character(inside.substr(1));
            inside.remove_prefix(1 + end.bytes);
            last = end.code_point;
        }
        if (visit(first.code_point, last)) return true;
    }
    return false;
}

std::string token_error(std::string_view text, std::size_t begin, std::size_t end) {
    const std::string_view token = text.substr(begin, end - begin);
    if (token == "**") return {};
    for (std::size_t at = 0; at < token.size();) {
        if (token.substr(at).starts_with("**")) {
            return at_character(text, begin + at,
                                "'**' must stand alone between dots; inside a token write '*'");
        }
        if (token[at] != '[') {
            at += first_utf8_character(token.substr(at)).bytes;
            continue;
        }
        const auto bytes = set_bytes(token.substr(at));
        if (!bytes) {
            return at_character(text, begin + at,
                                "'[' is never closed; a set ends with ']' before the next dot");
        }
        const bool backwards =
            any_range(token.substr(at + 1, *bytes - 2),
                      [](char32_t first, char32_t last) { return first > last; });
        if (backwards) {
            return at_character(text, begin + at,
                                "a range in the set runs backwards; write [a-z], not [z-a]");
        }
        at += *bytes;
    }
    return {};
}

bool has_wildcard(std::string_view token) noexcept {
    return token.find_first_of("*?[") != std::string_view::npos;
}

/// One token without "**" against one token of a topic. On a mismatch only the last '*' takes one
/// character more: what an earlier one could still give up would not help, because the part
/// between two stars was already matched as early as possible.
class TokenMatch {
public:
    TokenMatch(std::string_view pattern, std::string_view token, std::size_t& comparisons) noexcept
        : pattern_(pattern), token_(token), comparisons_(comparisons) {}

    [[nodiscard]] bool matches() noexcept {
        std::size_t p = 0, t = 0;
        std::size_t after_star = std::string_view::npos, star_took = 0;
        while (t < token_.size()) {
            ++comparisons_;
            if (p < pattern_.size() && pattern_[p] == '*') {
                after_star = ++p;
                star_took = t;
                continue;
            }
            const Utf8Character next = first_utf8_character(token_.substr(t));
            if (const std::size_t used = p < pattern_.size() ? one(p, t, next) : 0; used != 0) {
                p += used;
                t += next.bytes;
                continue;
            }
            if (after_star == std::string_view::npos) return false;
            star_took += first_utf8_character(token_.substr(star_took)).bytes;
            p = after_star;
            t = star_took;
        }
        while (p < pattern_.size() && pattern_[p] == '*') ++p;
        return p == pattern_.size();
    }

private:
    /// How many bytes of pattern match the character `next` at `t`; 0 if they do not.
    [[nodiscard]] std::size_t one(std::size_t p, std::size_t t, Utf8Character next) noexcept {
        if (pattern_[p] == '?') return 1;
        if (pattern_[p] == '[') {
            const std::size_t bytes = set_bytes(pattern_.substr(p)).value_or(0);
            const std::string_view inside = pattern_.substr(p + 1, bytes - 2);
            const bool in_set = any_range(inside, [&](char32_t first, char32_t last) {
                ++comparisons_;
                return first <= next.code_point && next.code_point <= last;
            });
            return in_set != inside.starts_with('!') ? bytes : 0;
        }
        return pattern_.substr(p, next.bytes) == token_.substr(t, next.bytes) ? next.bytes : 0;
    }

    std::string_view pattern_, token_;
    std::size_t& comparisons_;
};

std::string_view token_at(std::string_view topic, std::size_t begin) noexcept {
    return topic.substr(begin, topic.find('.', begin) - begin);
}

}  // namespace

std::string topic_error(std::string_view topic) {
    return shape_error(topic);
}

tl::expected<TopicGlob, std::string> TopicGlob::parse(std::string_view text) {
    if (std::string error = shape_error(text); !error.empty()) {
        return tl::make_unexpected(std::move(error));
    }
    TopicGlob glob{std::string(text)};
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::string_view token = token_at(text, begin);
        const std::size_t end = begin + token.size();
        if (std::string error = token_error(text, begin, end); !error.empty()) {
            return tl::make_unexpected(std::move(error));
        }
        glob.tokens_.push_back({begin, end, token == "**", !has_wildcard(token)});
        begin = end + 1;
    }

    const auto wild = std::find_if(glob.tokens_.begin(), glob.tokens_.end(),
                                   [](const Token& token) { return !token.literal; });
    if (wild == glob.tokens_.end()) {
        glob.prefix_bytes_ = text.size();
    } else {
        // Only "**" tokens may follow without demanding a further token of the topic.
        const bool more_must_follow =
            std::any_of(wild, glob.tokens_.end(), [](const Token& t) { return !t.any_tokens; });
        glob.prefix_bytes_ = wild->begin == 0 || more_must_follow ? wild->begin : wild->begin - 1;
    }
    return glob;
}

std::string_view TopicGlob::literal_prefix() const noexcept {
    return std::string_view(text_).substr(0, prefix_bytes_);
}

bool TopicGlob::is_literal() const noexcept {
    return prefix_bytes_ == text_.size();
}

bool TopicGlob::matches(std::string_view topic) const noexcept {
    std::size_t comparisons = 0;
    return matches(topic, comparisons);
}

std::size_t TopicGlob::comparisons_for(std::string_view topic) const noexcept {
    std::size_t comparisons = 0;
    static_cast<void>(matches(topic, comparisons));
    return comparisons;
}

// The same idea as TokenMatch, one level up: on a mismatch the last "**" takes one token more. So
// each token of the pattern meets each token of the topic at most once.
bool TopicGlob::matches(std::string_view topic, std::size_t& comparisons) const noexcept {
    if (!topic.starts_with(literal_prefix())) return false;
    if (is_literal()) return topic.size() == text_.size();

    const std::string_view text = text_;
    const std::size_t none = std::string_view::npos;
    std::size_t p = 0,
                t = 0;  // a token of the pattern; an offset in the topic, past its end if done
    std::size_t after_stars = none, stars_took = 0;
    while (t <= topic.size()) {
        ++comparisons;
        if (p < tokens_.size() && tokens_[p].any_tokens) {
            after_stars = ++p;
            stars_took = t;
            if (p == tokens_.size()) return true;
            continue;
        }
        const std::string_view token = token_at(topic, t);
        if (p < tokens_.size()) {
            const Token& wanted = tokens_[p];
            const std::string_view pattern = text.substr(wanted.begin, wanted.end - wanted.begin);
            if (wanted.literal ? pattern == token
                               : TokenMatch(pattern, token, comparisons).matches()) {
                ++p;
                t += token.size() + 1;
                continue;
            }
        }
        if (after_stars == none) return false;
        stars_took += token_at(topic, stars_took).size() + 1;
        p = after_stars;
        t = stars_took;
    }
    while (p < tokens_.size() && tokens_[p].any_tokens) ++p;
    return p == tokens_.size();
}

}  // namespace weft::signing
