#include "reliability/ack/recipients.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft::reliability {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Answer = Recipients::Answer;
using Standing = Recipients::Standing;

/// What was understood, or the error.
std::string read(std::string_view text, const Recipients::Groups& groups = {}) {
    const auto recipients = Recipients::parse(text, groups);
    return recipients ? recipients->text() : "error: " + recipients.error();
}
std::vector<std::string> names_in(std::string_view text, const Recipients::Groups& groups = {}) {
    const auto recipients = Recipients::parse(text, groups);
    return recipients ? recipients->names() : std::vector<std::string>{recipients.error()};
}
/// `answers`: + acknowledged, - rejected, . none; one for each name.
Standing judged(std::string_view text, std::string_view answers) {
    std::vector<Answer> given;
    for (const char c : answers) {
        given.push_back(c == '+'   ? Answer::acknowledged
                        : c == '-' ? Answer::rejected
                                   : Answer::none);
    }
    return Recipients::parse(text)->judge(given);
}
std::string nested(std::size_t depth) {
    std::string text = "x";
    for (std::size_t i = 0; i < depth; ++i) {
        text = "any(" + text + ", n" + std::to_string(i) + ")";
    }
    return text;
}

TEST(Recipients, NamesWithCommasMustAllAcknowledge) {
    EXPECT_EQ(read("a, b"), "all(a, b)");
    EXPECT_EQ(read("all(a, b)"), "all(a, b)");
    EXPECT_EQ(read("a"), "a");
}

TEST(Recipients, AnyAndANumberSayHowManyAreEnough) {
    EXPECT_EQ(read("any(c, d)"), "any(c, d)");
    EXPECT_EQ(read("2 of (e, f, g)"), "2 of (e, f, g)");
    EXPECT_EQ(read("all(a, any(c, d), 2 of (e, f, g))"), "all(a, any(c, d), 2 of (e, f, g))");
}

TEST(Recipients, OneFormStandsForWhatMeansTheSame) {
    EXPECT_EQ(read("1 of (a, b)"), "any(a, b)");
    EXPECT_EQ(read("002 of (a, b)"), "all(a, b)");
    EXPECT_EQ(read("all(a)"), "a");
    EXPECT_EQ(read("any(all(1 of (a)))"), "a");
}

TEST(Recipients, WhiteSpaceIsFree) {
    EXPECT_EQ(read("  all\n(\ta ,any (b,c) ,2 of(d,e,f)\r\n) "),
              "all(a, any(b, c), 2 of (d, e, f))");
    EXPECT_EQ(read("a,b"), "all(a, b)");
}

TEST(Recipients, NothingButWhiteSpaceIsNobodyAndSatisfiedAtOnce) {
    for (const auto* text : {"", " ", " \t\r\n "}) {
        const auto nobody = Recipients::parse(text);
        ASSERT_TRUE(nobody) << nobody.error();
        EXPECT_TRUE(nobody->empty());
        EXPECT_EQ(nobody->text(), "");
        EXPECT_EQ(nobody->judge({}), Standing::satisfied);
    }
    EXPECT_TRUE(Recipients{}.empty());
}

TEST(Recipients, KeywordsAreNamesWhereNoBracketFollows) {
    EXPECT_EQ(read("all, any, of"), "all(all, any, of)");
    EXPECT_EQ(read("any(all, 2)"), "any(all, 2)");
    EXPECT_EQ(read("2, of"), "all(2, of)");
}

TEST(Recipients, NamesStandOnceInTheOrderOfTheirFirstMention) {
    EXPECT_THAT(names_in("b, any(a, c), any(b, d)"), ElementsAre("b", "a", "c", "d"));
    const auto recipients = Recipients::parse("b, any(a, b)");
    ASSERT_TRUE(recipients);
    EXPECT_EQ(recipients->position("b"), 0);
    EXPECT_EQ(recipients->position("a"), 1);
    EXPECT_EQ(recipients->position("c"), -1);
}

TEST(Recipients, GroupsAreResolvedAlsoWithinGroups) {
    const Recipients::Groups groups{
        {"web", "web1, web2"}, {"db", "any(db1, db2)"}, {"site", "web, db"}, {"one", "x.y"}};
    EXPECT_EQ(read("web", groups), "all(web1, web2)");
    EXPECT_EQ(read("site", groups), "all(all(web1, web2), any(db1, db2))");
    EXPECT_EQ(read("any(site, one)", groups), "any(all(all(web1, web2), any(db1, db2)), x.y)");
    EXPECT_EQ(read("2 of (web, db, other)", groups),
              "2 of (all(web1, web2), any(db1, db2), other)");
    EXPECT_EQ(read("web", {}), "web");
}

TEST(Recipients, AGroupThatStandsForItselfIsAnErrorThatShowsTheWay) {
    const Recipients::Groups groups{
        {"a", "x, b"}, {"b", "any(y, a)"}, {"self", "self"}, {"in", "a"}};
    EXPECT_THAT(read("a", groups), HasSubstr("group 'a' stands for itself: a -> b -> a"));
    EXPECT_THAT(read("self", groups), HasSubstr("group 'self' stands for itself: self -> self"));
    EXPECT_THAT(read("in", groups), AllOf(HasSubstr("a -> b -> a"), Not(HasSubstr("in ->"))));
    EXPECT_THAT(read("\x1B", {{"\x1B", "\x1B"}}), HasSubstr("\\x1b -> \\x1b"));
    // The same group twice in different places is no cycle.
    EXPECT_EQ(read("any(g, all(g, x))", {{"g", "a, b"}}), "any(all(a, b), all(all(a, b), x))");
}

TEST(Recipients, ErrorsSayWhereAndWhatWouldBeRight) {
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"a, B", "recipients, character 4: a name has only lower-case letters"},
        {"a,, b", "character 3: a name is missing before ','"},
        {"a, b,", "character 6: a name is missing at the end"},
        {",a", "character 1: a name is missing before ','"},
        {"all()", "character 5: a name is missing before ')'"},
        {"any(a, b", "character 4: this bracket is not closed; write ')'"},
        {"any(a, b))", "character 10: this ')' closes no bracket; remove it"},
        {"a)", "character 2: this ')' closes no bracket"},
        {"a b", "character 3: between 'a' and 'b' a comma is missing"},
        {"all(a) b", "character 8: a comma must stand here, or nothing"},
        {"(a, b)", "character 1: before a bracket all, any or a number"},
        {"some(a, b)", "character 1: 'some' stands before a bracket; only all, any"},
        {"All(a, b)", "character 1: 'All' stands before a bracket"},
        {"2of (a, b)", "character 1: '2of' stands before a bracket"},
        {"0 of (a, b)", "character 1: 0 of a list is nobody; write 1 or more"},
        {"3 of (a, b)", "character 1: 3 of 2 can never be; write at most 2, or name more"},
        {"99999999999999999999999 of (a)", "so many of 1 can never be"},
        {"-1 of (a, b)", "character 1: '-1' is not a number; write how many are needed"},
        {"2 of", "character 5: a list in brackets must follow here"},
        {"2 of a, b", "character 6: a list in brackets must follow here"},
        {"a, b, a", "character 7: 'a' stands twice in one list and would count twice"},
        {"2 of (any(a, b), c, any(a, b))", "character 21: 'any(a, b)' stands twice"},
        {"any(a, all(a))", "character 8: 'a' stands twice"},
    };
    for (const auto& [text, sentence] : wrong) {
        EXPECT_THAT(read(text), AllOf(HasSubstr("error: recipients, "), HasSubstr(sentence)))
            << text;
    }
    EXPECT_THAT(read(std::string("a \0b", 4)), HasSubstr("character 3: a comma must stand here"));
    EXPECT_THAT(read("a\x1B[2J"), HasSubstr("\\x1b"));
}

TEST(Recipients, ErrorsInAGroupNameTheGroup) {
    EXPECT_THAT(read("x, web", {{"web", "w1, any(w2"}}),
                HasSubstr("error: group 'web', character 8: this bracket is not closed"));
    EXPECT_THAT(read("web", {{"web", "  "}}), HasSubstr("group 'web', character 1: a group must"));
    // Behind a group that is good, places count in the text again.
    EXPECT_THAT(read("web, B", {{"web", "w1, w2, w3, w4"}}), HasSubstr("recipients, character 6"));
    // A group's members count twice beside themselves, too.
    EXPECT_THAT(read("w1, web", {{"web", "w1"}}), HasSubstr("character 5: 'w1' stands twice"));
}

TEST(Recipients, AtMost64NamesMayBeRequired) {
    std::string text = "n1";
    for (int i = 2; i <= 64; ++i) text += ", n" + std::to_string(i);
    EXPECT_EQ(names_in(text).size(), 64U);
    // Names that are known already are no new ones.
    EXPECT_EQ(names_in(text + ", any(n1, n2)").size(), 64U);
    EXPECT_THAT(read(text + ", n65"), HasSubstr("'n65' is one name too many; at most 64"));
}

// D1: recursion is bounded, whatever the text.
TEST(Recipients, BracketsAndGroupsNestEightDeep) {
    EXPECT_EQ(read(nested(8)), nested(8));
    EXPECT_THAT(read(nested(9)), HasSubstr("more than 8 deep"));
    // A list without brackets counts like one with them.
    EXPECT_EQ(read("y, " + nested(7)), "all(y, " + nested(7) + ")");
    EXPECT_THAT(read("y, " + nested(8)), HasSubstr("more than 8 deep"));
    std::string brackets;
    for (int i = 0; i < 4000; ++i) brackets += "all(";
    EXPECT_THAT(read(brackets), HasSubstr("more than 8 deep"));
    Recipients::Groups groups{{"g9", "end"}};
    for (int i = 0; i < 9; ++i) groups["g" + std::to_string(i)] = "g" + std::to_string(i + 1);
    EXPECT_EQ(read("g2", groups), "end");
    EXPECT_THAT(read("g1", groups), HasSubstr("group 'g8', character 1: brackets and groups"));
}

// D1: groups that double each other are not written out without bound.
TEST(Recipients, TextsAreBoundedAlsoWithTheirGroupsResolved) {
    EXPECT_THAT(read(std::string(16'385, ' ') + "a"), HasSubstr("at most 16384"));
    EXPECT_THAT(read("g", {{"g", "a" + std::string(16'384, ' ')}}), HasSubstr("group 'g'"));
    std::string hundred;
    for (int i = 0; i < 50; ++i) {
        hundred += (i == 0 ? "any(n" : ", any(n") + std::to_string(i) + ", NEXT)";
    }
    Recipients::Groups groups{{"g7", "n1, n2"}};
    for (int i = 0; i < 7; ++i) {
        std::string text = hundred;
        for (auto at = text.find("NEXT"); at != std::string::npos; at = text.find("NEXT")) {
            text.replace(at, 4, "g" + std::to_string(i + 1));
        }
        groups["g" + std::to_string(i)] = text;
    }
    EXPECT_THAT(read("g4", groups), HasSubstr("with its groups resolved"));
}

TEST(Recipients, AllAreSatisfiedByAllAndFailedByOne) {
    EXPECT_EQ(judged("a, b", ".."), Standing::open);
    EXPECT_EQ(judged("a, b", "+."), Standing::open);
    EXPECT_EQ(judged("a, b", "++"), Standing::satisfied);
    EXPECT_EQ(judged("a, b", "+-"), Standing::failed);
    EXPECT_EQ(judged("a, b", ".-"), Standing::failed);
}

TEST(Recipients, AnyIsSatisfiedByOneAndFailedByAll) {
    EXPECT_EQ(judged("any(a, b)", "+-"), Standing::satisfied);
    EXPECT_EQ(judged("any(a, b)", "-."), Standing::open);
    EXPECT_EQ(judged("any(a, b)", "--"), Standing::failed);
}

TEST(Recipients, ANumberIsSatisfiedByThatManyAndFailedWhenTooFewAreLeft) {
    EXPECT_EQ(judged("2 of (a, b, c)", "+-."), Standing::open);
    EXPECT_EQ(judged("2 of (a, b, c)", "+-+"), Standing::satisfied);
    EXPECT_EQ(judged("2 of (a, b, c)", "--+"), Standing::failed);
}

TEST(Recipients, AnAnswerCountsWhereverItsNameStands) {
    const auto* text = "all(any(a, b), any(a, c))";
    EXPECT_EQ(judged(text, "+.."), Standing::satisfied);
    EXPECT_EQ(judged(text, "-+."), Standing::open);
    EXPECT_EQ(judged(text, "--."), Standing::failed);
}

}  // namespace
}  // namespace weft::reliability
