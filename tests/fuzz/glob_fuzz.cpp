// A glob and a topic, beside a naive matcher that tries everything: they agree, the cost stays
// linear in pattern x topic, and an index of globs says the same.

#include <algorithm>
#include <cassert>
#include <string>
#include <vector>

#include "fabric/message/filter_index.hpp"
#include "fabric/message/topic.hpp"
#include "signing/topic_glob.hpp"
#include "signing/utf8.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using Token = std::u32string;
using Tokens = std::vector<Token>;

/// Above this the naive matcher may take for ever.
constexpr std::size_t naive_bytes_max = 40;
constexpr std::ptrdiff_t naive_stars_max = 6;

Tokens tokens_of(std::string_view text) {
    Tokens tokens(1);
    while (!text.empty()) {
        const signing::Utf8Character next = signing::first_utf8_character(text);
        if (next.code_point == U'.') {
            tokens.emplace_back();
        } else {
            tokens.back() += next.code_point;
        }
        text.remove_prefix(next.bytes);
    }
    return tokens;
}

bool in_set(std::u32string_view set, char32_t c) {
    bool found = false;
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (i + 2 < set.size() && set[i + 1] == U'-') {
            found = found || (set[i] <= c && c <= set[i + 2]);
            i += 2;
        } else {
            found = found || set[i] == c;
        }
    }
    return found;
}

bool token_matches(std::u32string_view pattern, std::u32string_view token) {
    if (pattern.empty()) return token.empty();
    if (pattern[0] == U'*') {
        for (std::size_t taken = 0; taken <= token.size(); ++taken) {
            if (token_matches(pattern.substr(1), token.substr(taken))) return true;
        }
        return false;
    }
    if (token.empty()) return false;
    if (pattern[0] != U'[') {
        return (pattern[0] == U'?' || pattern[0] == token[0]) &&
               token_matches(pattern.substr(1), token.substr(1));
    }
    const bool inverted = pattern[1] == U'!';
    const std::size_t begin = inverted ? 2 : 1;
    const std::size_t close = pattern.find(U']', begin + 1);
    return in_set(pattern.substr(begin, close - begin), token[0]) != inverted &&
           token_matches(pattern.substr(close + 1), token.substr(1));
}

bool naive_matches(const Tokens& glob, std::size_t g, const Tokens& topic, std::size_t t) {
    if (g == glob.size()) return t == topic.size();
    if (glob[g] == U"**") {
        for (std::size_t next = t; next <= topic.size(); ++next) {
            if (naive_matches(glob, g + 1, topic, next)) return true;
        }
        return false;
    }
    return t < topic.size() && token_matches(glob[g], topic[t]) &&
           naive_matches(glob, g + 1, topic, t + 1);
}

void check_index(const signing::TopicGlob& glob, std::string_view topic) {
    fabric::FilterIndex index;
    index.add(glob, 1);
    assert(index.matches_any(topic) == glob.matches(topic));
    assert(index.remove(glob, 1) && !index.matches_any(topic) && index.size() == 0);
}

}  // namespace

void glob(std::string_view input) {
    const std::size_t line_end = input.find('\n');
    const std::string_view text = input.substr(0, line_end);
    const std::string_view topic =
        line_end == std::string_view::npos ? "" : input.substr(line_end + 1);

    const bool is_topic = signing::topic_error(topic).empty();
    assert(fabric::Topic::parse(topic).has_value() == is_topic);
    const auto glob = signing::TopicGlob::parse(text);
    if (!glob) {
        assert(!glob.error().empty());
        return;
    }
    assert(glob->text() == text && signing::topic_error(text).empty());
    assert(text.starts_with(glob->literal_prefix()));
    const bool matches = glob->matches(topic);  // Also where it is no topic.
    if (!is_topic) return;
    assert(glob->comparisons_for(topic) <= (text.size() + 2) * (topic.size() + 2));
    if (matches) assert(topic.starts_with(glob->literal_prefix()));
    if (glob->is_literal()) assert(matches == (topic == text));
    check_index(*glob, topic);
    if (text.size() + topic.size() <= naive_bytes_max &&
        std::count(text.begin(), text.end(), '*') <= naive_stars_max) {
        assert(matches == naive_matches(tokens_of(text), 0, tokens_of(topic), 0));
    }
}

}  // namespace weft::fuzz
