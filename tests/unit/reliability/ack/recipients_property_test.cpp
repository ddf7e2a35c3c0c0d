// Random expressions: their text means the same again, and judge() agrees with trying every way in
// which those who have not answered may still answer.

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "reliability/ack/recipients.hpp"

namespace weft::reliability {
namespace {

using Answer = Recipients::Answer;
using Standing = Recipients::Standing;

/// An expression as its author thinks of it, written down in one of many ways.
struct Expression {
    std::string name;
    std::size_t needed = 0;
    std::vector<Expression> parts;

    [[nodiscard]] bool holds(const std::set<std::string>& acknowledged) const {
        if (parts.empty()) return acknowledged.contains(name);
        std::size_t count = 0;
        for (const Expression& part : parts) count += part.holds(acknowledged) ? 1 : 0;
        return count >= needed;
    }
};

class Author {
public:
    explicit Author(std::uint64_t seed) : random_(seed) {}

    std::size_t pick(std::size_t count) { return random_() % count; }

    Expression expression(int depth) {
        if (depth == 0 || pick(3) == 0) return {std::string(1, char('a' + pick(6))), 0, {}};
        Expression made;
        std::set<std::string> seen;
        for (std::size_t i = 0, count = 1 + pick(4); i < count; ++i) {
            Expression part = expression(depth - 1);
            if (seen.insert(canonical(part)).second) made.parts.push_back(std::move(part));
        }
        made.needed = 1 + pick(made.parts.size());
        return made;
    }

    std::string written(const Expression& expression) {
        if (expression.parts.empty()) return space() + expression.name + space();
        const std::size_t count = expression.parts.size();
        std::string text = std::to_string(expression.needed) + " " + space() + "of";
        if (expression.needed == count && pick(2) == 0) text = "all";
        if (expression.needed == 1 && pick(2) == 0) text = "any";
        if (groups_wanted && pick(4) == 0) {
            const std::string group = "group" + std::to_string(groups.size());
            groups[group] = "";  // Its name is taken while its parts are written.
            groups[group] = text + "(" + list(expression) + ")";
            return group;
        }
        return space() + text + space() + "(" + list(expression) + ")" + space();
    }

    bool groups_wanted = false;
    Recipients::Groups groups;

private:
    /// As text() would write it: a list of one is what it holds.
    static std::string canonical(const Expression& expression) {
        if (expression.parts.empty()) return expression.name;
        if (expression.parts.size() == 1) return canonical(expression.parts.front());
        std::string text = std::to_string(expression.needed) + "(";
        for (const Expression& part : expression.parts) text += canonical(part) + ",";
        return text + ")";
    }
    std::string list(const Expression& expression) {
        std::string text;
        for (const Expression& part : expression.parts) {
            text += (text.empty() ? "" : ",") + written(part);
        }
        return text;
    }
    std::string space() { return std::string(pick(3) == 0 ? pick(3) : 0, ' '); }

    std::mt19937_64 random_;
};

/// By trying all: can it still hold, must it?
Standing brute_force(const Expression& expression, const std::vector<std::string>& names,
                     const std::vector<Answer>& answers) {
    std::set<std::string> least, most;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (answers[i] == Answer::acknowledged) least.insert(names[i]);
        if (answers[i] == Answer::none) most.insert(names[i]);
    }
    const std::vector<std::string> undecided(most.begin(), most.end());
    bool can = false, must = true;
    for (std::size_t chosen = 0; chosen < std::size_t{1} << undecided.size(); ++chosen) {
        std::set<std::string> acknowledged = least;
        for (std::size_t i = 0; i < undecided.size(); ++i) {
            if ((chosen >> i & 1) != 0) acknowledged.insert(undecided[i]);
        }
        (expression.holds(acknowledged) ? can : must) = expression.holds(acknowledged);
    }
    if (must) return Standing::satisfied;
    return can ? Standing::open : Standing::failed;
}

TEST(RecipientsProperty, TheTextOfAnExpressionMeansTheSameAgain) {
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        Author author(seed);
        author.groups_wanted = seed % 2 == 0;
        const std::string text = author.written(author.expression(4));
        const auto recipients = Recipients::parse(text, author.groups);
        ASSERT_TRUE(recipients) << "seed " << seed << ", " << text << ": " << recipients.error();
        const auto again = Recipients::parse(recipients->text());
        ASSERT_TRUE(again) << "seed " << seed << ", " << recipients->text();
        EXPECT_EQ(again->text(), recipients->text()) << "seed " << seed;
        EXPECT_EQ(again->names(), recipients->names()) << "seed " << seed;
    }
}

TEST(RecipientsProperty, JudgingAgreesWithTryingEveryAnswerThatMayStillCome) {
    std::set<Standing> seen;
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        Author author(seed);
        const Expression expression = author.expression(3);
        const std::string text = author.written(expression);
        const auto recipients = Recipients::parse(text);
        ASSERT_TRUE(recipients) << "seed " << seed << ", " << text << ": " << recipients.error();
        for (int round = 0; round < 5; ++round) {
            std::vector<Answer> answers(recipients->names().size());
            for (Answer& answer : answers) answer = static_cast<Answer>(author.pick(3));
            const Standing expected = brute_force(expression, recipients->names(), answers);
            ASSERT_EQ(recipients->judge(answers), expected) << "seed " << seed << ", " << text;
            seen.insert(expected);
        }
    }
    EXPECT_EQ(seen.size(), 3U) << "all three were tried";
}

// An answer never takes back what others have decided.
TEST(RecipientsProperty, OneMoreAnswerOnlyDecidesWhatWasOpen) {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        Author author(seed);
        const auto recipients = Recipients::parse(author.written(author.expression(3)));
        ASSERT_TRUE(recipients);
        std::vector<Answer> answers(recipients->names().size());
        Standing before = recipients->judge(answers);
        for (Answer& answer : answers) {
            answer = author.pick(2) == 0 ? Answer::acknowledged : Answer::rejected;
            const Standing after = recipients->judge(answers);
            ASSERT_TRUE(before == Standing::open || after == before) << "seed " << seed;
            before = after;
        }
        EXPECT_NE(before, Standing::open) << "all have answered, seed " << seed;
    }
}

}  // namespace
}  // namespace weft::reliability
