#pragma once
// Globs over topics: what certificates grant, what policies name and what subscribers ask for.
// Grammar: tokens between dots, none empty. Inside a token `*` is any run of characters, `?` is one
// UTF-8 character, `[a-z]` one of a set, `[!a]` one not of it; `**` as a whole token is any number
// of tokens, also none. `[*]`, `[?]` and `[[]` are those characters themselves; `]` first in a set
// and `-` first or last belong to the set. `**` beside anything else in its token is refused,
// because it would not do what it looks like. Matching is linear in pattern x topic, never
// exponential, and does not allocate.
// It lives in signing because certificates and policies are judged by it; fabric uses it too.
// Threads: values; const use from any thread.

#include <compare>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace weft::signing {

/// What is wrong with a topic: 1 to 255 bytes of UTF-8 without control characters, tokens between
/// dots, none empty. "" if nothing is. Wildcards are ordinary characters in a topic.
[[nodiscard]] std::string topic_error(std::string_view topic);

class TopicGlob {
public:
    static constexpr std::size_t bytes_max = 255;

    /// The error is a sentence that names the place: "character 7: '[' is never closed".
    [[nodiscard]] static tl::expected<TopicGlob, std::string> parse(std::string_view text);

    /// `topic` must be a valid topic; anything else simply may or may not match.
    [[nodiscard]] bool matches(std::string_view topic) const noexcept;
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    /// The bytes that every match starts with: the literal tokens before the first wildcard, with
    /// their closing dot if a further token must follow. The whole text if there is no wildcard.
    /// "a.b.**" gives "a.b" (it matches "a.b" itself), "a.b.*" gives "a.b.".
    [[nodiscard]] std::string_view literal_prefix() const noexcept;
    [[nodiscard]] bool is_literal() const noexcept;  ///< No wildcard at all.
    /// How many characters and tokens matches() compares for this topic: for tests of its bound,
    /// about (bytes of pattern + 2) x (bytes of topic + 2).
    [[nodiscard]] std::size_t comparisons_for(std::string_view topic) const noexcept;

    friend bool operator==(const TopicGlob& a, const TopicGlob& b) { return a.text_ == b.text_; }
    friend auto operator<=>(const TopicGlob& a, const TopicGlob& b) { return a.text_ <=> b.text_; }

private:
    struct Token {
        std::size_t begin, end;  // in text_
        bool any_tokens;         // "**"
        bool literal;
    };
    explicit TopicGlob(std::string text) : text_(std::move(text)) {}
    bool matches(std::string_view topic, std::size_t& comparisons) const noexcept;

    std::string text_;
    std::vector<Token> tokens_;
    std::size_t prefix_bytes_ = 0;
};

}  // namespace weft::signing
