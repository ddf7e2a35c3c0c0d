#include "signing/topic_glob.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/unit/signing/key_directory.hpp"

namespace weft::signing {
namespace {

using testing::glob;
using ::testing::HasSubstr;

bool matches(std::string_view pattern, std::string_view topic) {
    return glob(std::string(pattern)).matches(topic);
}

std::string error_of(std::string_view pattern) {
    const auto parsed = TopicGlob::parse(pattern);
    return parsed ? "" : parsed.error();
}

TEST(Topic, IsTokensBetweenDots) {
    EXPECT_EQ(topic_error("a"), "");
    EXPECT_EQ(topic_error("org.weft.dev.git.push"), "");
    EXPECT_EQ(topic_error("org.weft.žluť.馬"), "");
}

TEST(Topic, MayHoldWildcardsAsOrdinaryCharacters) {
    EXPECT_EQ(topic_error("a.*.[b?.**"), "");
}

TEST(Topic, HasNoEmptyToken) {
    EXPECT_THAT(topic_error(""), HasSubstr("empty"));
    EXPECT_THAT(topic_error(".a"), HasSubstr("start with a dot"));
    EXPECT_THAT(topic_error("a."), HasSubstr("end with a dot"));
    EXPECT_THAT(topic_error("."), HasSubstr("dot"));
    EXPECT_THAT(topic_error("a..b"), HasSubstr("character 3: there is nothing between two dots"));
}

TEST(Topic, HasAtMost255Bytes) {
    EXPECT_EQ(topic_error(std::string(255, 'a')), "");
    EXPECT_THAT(topic_error(std::string(256, 'a')), HasSubstr("256 bytes; at most 255"));
}

TEST(Topic, IsUtf8WithoutControlCharacters) {
    EXPECT_THAT(topic_error("é\xFF"), HasSubstr("character 2: the bytes are not UTF-8"));
    EXPECT_THAT(topic_error("a\nb"), HasSubstr("character 2: control characters"));
    EXPECT_THAT(topic_error(std::string_view("a\0b", 3)), HasSubstr("control characters"));
    EXPECT_THAT(topic_error("a\xC2\x85"), HasSubstr("control characters"));
}

struct Case {
    std::string_view pattern, topic;
    bool expected;
};

TEST(TopicGlob, MatchesAsItsGrammarSays) {
    const std::vector<Case> cases{
        // Without wildcards only itself.
        {"a.b", "a.b", true},
        {"a.b", "a.b.c", false},
        {"a.b", "a", false},
        {"a.b", "a.bc", false},
        // One star stays within its token.
        {"a.*", "a.b", true},
        {"a.*", "a", false},
        {"a.*", "a.b.c", false},
        {"*", "a", true},
        {"*", "a.b", false},
        {"a.b*", "a.b", true},
        {"a.b*", "a.bcd", true},
        {"a.b*.d", "a.bc.d", true},
        {"*b*", "abc", true},
        {"*b*", "acc", false},
        {"a*a", "a", false},
        {"a*a", "aa", true},
        {"*ab", "aab", true},
        {"*.*", "a.b", true},
        // A question mark is one character, however many bytes it has.
        {"?", "a", true},
        {"?", "馬", true},
        {"?", "🐎", true},
        {"??", "é", false},
        {"a?c", "a.c", false},
        {"a?", "a", false},
        // Sets.
        {"[abc]", "b", true},
        {"[abc]", "d", false},
        {"[a-c]x", "bx", true},
        {"[a-c]", "d", false},
        {"[!a-c]", "d", true},
        {"[!a-c]", "b", false},
        {"[!a]", "馬", true},
        {"[а-я]", "ж", true},
        {"[а-я]", "z", false},
        {"v[0-9][0-9]", "v42", true},
        {"v[0-9][0-9]", "v4", false},
        {"[a-cx-z]", "y", true},
        {"[a-]", "-", true},
        {"[-a]", "-", true},
        {"[]]", "]", true},
        {"[]a]", "a", true},
        {"[!]]", "]", false},
        {"[!]]", "a", true},
        {"[*]", "*", true},
        {"[*]", "a", false},
        {"[?]", "?", true},
        {"[[]", "[", true},
        {"[a!]", "!", true},
        {"*[0-9]", "ab7", true},
        {"*[0-9]", "ab", false},
        {"a]", "a]", true},
        // Two stars: any number of tokens, also none.
        {"**", "a", true},
        {"**", "a.b.c", true},
        {"a.**", "a", true},
        {"a.**", "a.b.c", true},
        {"a.**", "ab", false},
        {"**.b", "b", true},
        {"**.b", "a.a.b", true},
        {"**.b", "a.b.c", false},
        {"a.**.z", "a.z", true},
        {"a.**.z", "a.b.c.z", true},
        {"a.**.z", "a.b.c", false},
        {"**.b.**", "b", true},
        {"**.b.**", "a.b.c", true},
        {"**.b.**", "a.c", false},
        {"a.**.b.**.c", "a.b.c", true},
        {"a.**.b.**.c", "a.x.b.b.y.c", true},
        {"a.**.b.**.c", "a.c.b", false},
        {"**.**", "a", true},
        {"**.*", "a.b", true},
        {"*.**", "a", true},
        {"**.*.*", "a", false},
        {"**.a.b", "a.a.b", true},
        {"**.a*.b", "aa.ab.b", true},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(matches(c.pattern, c.topic), c.expected) << c.pattern << " on " << c.topic;
    }
}

TEST(TopicGlob, TakesWildcardsInATopicAsOrdinaryCharacters) {
    EXPECT_FALSE(matches("a.b", "a.*"));
    EXPECT_FALSE(matches("a", "**"));
    EXPECT_TRUE(matches("*", "**"));
}

TEST(TopicGlob, SurvivesTextThatIsNoTopic) {
    for (const std::string_view text : {"", ".", "..", "a.", ".a", "a..b", "\xFF", "\xE9\xA6"}) {
        for (const std::string_view pattern : {"**", "*", "a.**.b", "?", "[!a]", "a", "**.a.*"}) {
            static_cast<void>(matches(pattern, text));  // either answer, no crash
        }
    }
    EXPECT_FALSE(matches("a.*", ""));
}

TEST(TopicGlob, IsRefusedWithThePlaceOfItsMistake) {
    EXPECT_THAT(error_of(""), HasSubstr("empty"));
    EXPECT_THAT(error_of("a..b"), HasSubstr("character 3"));
    EXPECT_THAT(error_of("a.b."), HasSubstr("character 4: it must not end with a dot"));
    EXPECT_THAT(error_of("a\x01"), HasSubstr("character 2: control characters"));
    EXPECT_THAT(error_of(std::string(256, 'a')), HasSubstr("at most 255"));
    EXPECT_THAT(error_of("org.é.[a-z"), HasSubstr("character 7: '[' is never closed"));
    EXPECT_THAT(error_of("[]"), HasSubstr("character 1: '[' is never closed"));
    EXPECT_THAT(error_of("[!]"), HasSubstr("'[' is never closed"));
    EXPECT_THAT(error_of("[a.b]"), HasSubstr("'[' is never closed"));
    EXPECT_THAT(error_of("ab.x[z-a]"), HasSubstr("character 5: a range in the set runs backwards"));
    EXPECT_THAT(error_of("a.b**"), HasSubstr("character 4: '**' must stand alone"));
    EXPECT_THAT(error_of("***"), HasSubstr("'**' must stand alone"));
}

TEST(TopicGlob, AcceptsTheLongestText) {
    EXPECT_EQ(error_of(std::string(255, '?')), "");
}

TEST(TopicGlob, NamesTheLiteralTokensBeforeItsFirstWildcard) {
    const std::vector<std::pair<std::string_view, std::string_view>> cases{
        {"a.b", "a.b"},     {"a.b.**", "a.b"}, {"a.b.*", "a.b."}, {"a.b*.c", "a."},
        {"**", ""},         {"*", ""},         {"*.a", ""},       {"**.a", ""},
        {"a.**.b", "a."},   {"a.**.**", "a"},  {"a.[b].c", "a."}, {"a.**.*", "a."},
        {"a.b.c?", "a.b."},
    };
    for (const auto& [pattern, prefix] : cases) {
        EXPECT_EQ(glob(std::string(pattern)).literal_prefix(), prefix) << pattern;
    }
}

TEST(TopicGlob, IsLiteralOnlyWithoutAnyWildcard) {
    EXPECT_TRUE(glob("a.b").is_literal());
    for (const std::string_view pattern : {"a.*", "a.**", "a?", "[a]", "**"}) {
        EXPECT_FALSE(glob(std::string(pattern)).is_literal()) << pattern;
    }
}

TEST(TopicGlob, IsOrderedAndComparedByItsText) {
    EXPECT_EQ(glob("a.*"), glob("a.*"));
    EXPECT_NE(glob("a.*"), glob("a.**"));
    EXPECT_LT(glob("a"), glob("b"));
}

/// The grammar said as plainly as possible, exponential: what the real matcher must agree with.
struct Naive {
    static bool token(std::string_view pattern, std::string_view text) {
        if (pattern.empty()) return text.empty();
        if (pattern[0] == '*') {
            return token(pattern.substr(1), text) ||
                   (!text.empty() && token(pattern, text.substr(1)));
        }
        if (text.empty()) return false;
        if (pattern[0] == '[') {
            const bool negated = pattern[1] == '!';
            const std::size_t close = pattern.find(']', negated ? 3 : 2);
            const std::string_view inside =
                pattern.substr(negated ? 2 : 1, close - (negated ? 2 : 1));
            const bool in_set = inside.find(text[0]) != std::string_view::npos;
            return in_set != negated && token(pattern.substr(close + 1), text.substr(1));
        }
        return (pattern[0] == '?' || pattern[0] == text[0]) &&
               token(pattern.substr(1), text.substr(1));
    }
    static bool tokens(const std::vector<std::string>& pattern, std::size_t p,
                       const std::vector<std::string>& topic, std::size_t t) {
        if (p == pattern.size()) return t == topic.size();
        if (pattern[p] == "**") {
            return tokens(pattern, p + 1, topic, t) ||
                   (t < topic.size() && tokens(pattern, p, topic, t + 1));
        }
        return t < topic.size() && token(pattern[p], topic[t]) &&
               tokens(pattern, p + 1, topic, t + 1);
    }
};

std::string joined(const std::vector<std::string>& tokens) {
    std::string text;
    for (const std::string& token : tokens) text += (text.empty() ? "" : ".") + token;
    return text;
}

TEST(TopicGlob, AgreesWithANaiveMatcherOnRandomPatterns) {
    std::mt19937 random(20240607);
    const auto pick = [&](std::size_t below) { return random() % below; };
    const std::vector<std::string> pieces{"a", "b", "a", "b", "*", "?", "[ab]", "[!a]", "[!b]"};
    std::size_t matched = 0;
    for (int round = 0; round < 60'000; ++round) {
        std::vector<std::string> pattern(1 + pick(4)), topic(1 + pick(5));
        for (std::string& token : pattern) {
            if (pick(3) == 0) {
                token = "**";
                continue;
            }
            for (std::size_t n = 1 + pick(4); n > 0; --n) {
                const std::string& piece = pieces[pick(pieces.size())];
                if (piece != "*" || !token.ends_with('*')) token += piece;
            }
        }
        for (std::string& token : topic) {
            for (std::size_t n = 1 + pick(4); n > 0; --n) token += pick(2) == 0 ? 'a' : 'b';
        }
        const bool expected = Naive::tokens(pattern, 0, topic, 0);
        const TopicGlob parsed = glob(joined(pattern));
        ASSERT_EQ(parsed.matches(joined(topic)), expected)
            << joined(pattern) << " on " << joined(topic);
        if (expected) {
            ++matched;
            ASSERT_TRUE(joined(topic).starts_with(parsed.literal_prefix())) << joined(pattern);
        }
    }
    EXPECT_GT(matched, 5'000U);  // else the patterns above would test refusals only
}

TEST(TopicGlob, MatchesHostilePatternsWithinItsBound) {
    const std::string many_a(250, 'a');
    std::string dotted = "a";
    while (dotted.size() < 250) dotted += ".a";
    const std::vector<std::pair<std::string, std::string>> cases{
        {"*a*a*a*a*a*a*a*a*a*a*b", many_a},
        {"*?*?*?*?*?*?*?*?*?*b", many_a},
        {"**.a.**.a.**.a.**.a.**.a.**.b", dotted},
        {"**.*a.**.*a.**.a*.**.*.**.b", dotted},
        {"**.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.b", dotted},
        {"**.*a*a*a*a*b.**.c", many_a.substr(0, 100) + "." + many_a.substr(0, 100)},
    };
    for (const auto& [pattern, topic] : cases) {
        EXPECT_FALSE(matches(pattern, topic)) << pattern;
        EXPECT_LE(glob(pattern).comparisons_for(topic), (pattern.size() + 2) * (topic.size() + 2))
            << pattern;
    }
}

TEST(TopicGlob, GoesPastItsBoundForNoSetEither) {
    const std::string pattern = "*[abcdefghijklmnop]*[abcdefghijklmnop]*[abcdefghijklmnop]z";
    const std::string topic(250, 'q');
    EXPECT_FALSE(matches(pattern, topic));
    EXPECT_LE(glob(pattern).comparisons_for(topic), (pattern.size() + 2) * (topic.size() + 2));
}

}  // namespace
}  // namespace weft::signing
