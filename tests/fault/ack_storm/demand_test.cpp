// The storm's own idea of the truth: a wrong one would see nothing, or cry at nothing.
#include "tests/fault/ack_storm/demand.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "reliability/ack/recipients.hpp"

namespace weft::fault::storm {
namespace {

using reliability::AckLevel;

Demand demand(std::vector<Demand::Group> groups, AckLevel level = AckLevel::processed) {
    Demand made;
    made.groups = std::move(groups);
    made.level = level;
    return made;
}

TEST(StormDemand, EndsAsItsMembersTrulyAnswer) {
    const Member* good = member("good1");
    const Member* silent = member("silent");
    const Member* refuser = member("refuser");
    const Chance refuses{.flaky_answers = false, .refuser_refuses = true};
    EXPECT_EQ(demand({{1, {good}}}).ending(refuses), Ending::acknowledged);
    EXPECT_EQ(demand({{2, {good, silent}}}).ending(refuses), Ending::unknown);
    EXPECT_EQ(demand({{1, {good, silent}}}).ending(refuses), Ending::acknowledged);
    EXPECT_EQ(demand({{2, {good, refuser}}}).ending(refuses), Ending::rejected);
    EXPECT_EQ(demand({{2, {good, refuser}}}).ending(Chance{}), Ending::acknowledged);
    EXPECT_EQ(demand({{1, {good}}, {1, {refuser, silent}}}).ending(refuses), Ending::unknown);
}

TEST(StormDemand, WeakStoredAndForgedWordsAreNoAcknowledgements) {
    const Chance answers{.flaky_answers = true, .refuser_refuses = false};
    EXPECT_EQ(truth_of(Part::weak, AckLevel::received, answers), Truth::acknowledges);
    EXPECT_EQ(truth_of(Part::weak, AckLevel::processed, answers), Truth::says_nothing);
    EXPECT_EQ(truth_of(Part::flaky, AckLevel::stored, answers), Truth::says_nothing);
    EXPECT_EQ(truth_of(Part::good, AckLevel::stored, answers), Truth::rejects);
    for (const AckLevel level : {AckLevel::received, AckLevel::stored, AckLevel::processed}) {
        EXPECT_EQ(truth_of(Part::forger, level, answers), Truth::says_nothing);
        EXPECT_EQ(truth_of(Part::replayer, level, answers), Truth::says_nothing);
    }
}

TEST(StormDemand, ComesInEveryShapeAndItsTextMeansWhatItCounts) {
    Random random(3);
    std::set<std::size_t> sizes;
    std::map<Ending, int> endings;
    int prompt = 0;
    for (int i = 0; i < 2000; ++i) {
        const Demand made = random_demand(random);
        const Chance chance{.flaky_answers = random.permille(500),
                            .refuser_refuses = random.permille(500)};
        const auto parsed = reliability::Recipients::parse(made.text());
        ASSERT_TRUE(parsed) << made.text() << ": " << parsed.error();
        const auto members = made.members();
        ASSERT_EQ(parsed->names().size(), members.size()) << made.text();
        std::vector<reliability::Recipients::Answer> answers;
        for (const Member* one : members) {
            const Truth truth = truth_of(one->part, made.level, chance);
            using Answer = reliability::Recipients::Answer;
            answers.push_back(truth == Truth::acknowledges ? Answer::acknowledged
                              : truth == Truth::rejects    ? Answer::rejected
                                                           : Answer::none);
        }
        using Standing = reliability::Recipients::Standing;
        const Standing standing = parsed->judge(answers);
        const Ending ending = made.ending(chance);
        EXPECT_EQ(standing == Standing::satisfied, ending == Ending::acknowledged) << made.text();
        EXPECT_EQ(standing == Standing::failed, ending == Ending::rejected) << made.text();
        if (made.is_prompt()) {
            ++prompt;
            EXPECT_NE(ending, Ending::unknown) << made.text();
        }
        sizes.insert(members.size());
        ++endings[ending];
    }
    EXPECT_THAT(sizes, ::testing::ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(endings.size(), 3U);
    EXPECT_GT(prompt, 500);
}

}  // namespace
}  // namespace weft::fault::storm
