// The storm cries at each kind of wrong outcome, and at no true one.
#include "tests/fault/ack_storm/verdicts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reliability/ack/recipients.hpp"

namespace weft::fault::storm {
namespace {

using reliability::AckLevel;
using reliability::Outcome;
using reliability::RecipientAnswer;
using State = RecipientAnswer::State;
using Verdict = Outcome::Verdict;

class StormVerdicts : public ::testing::Test {
protected:
    /// An id that makes the refuser refuse, or not.
    static fabric::MessageId id(bool refuses) {
        Random random(5);
        while (true) {
            const auto bytes = random.bytes<std::array<char, 16>>();
            const auto made = *fabric::MessageId::from_bytes({bytes.data(), bytes.size()});
            if (refuser_refuses(made) == refuses) return made;
        }
    }
    static RecipientAnswer acknowledged(const std::string& name,
                                        AckLevel level = AckLevel::processed) {
        RecipientAnswer answer;
        answer.name = name;
        answer.state = State::acknowledged;
        answer.level = level;
        return answer;
    }
    static RecipientAnswer rejected(const std::string& name, const std::string& reason) {
        RecipientAnswer answer;
        answer.name = name;
        answer.state = State::rejected;
        answer.reason = reason;
        return answer;
    }
    static RecipientAnswer nothing(const std::string& name) {
        RecipientAnswer answer;
        answer.name = name;
        return answer;
    }

    void settle(std::size_t needed, const std::vector<RecipientAnswer>& answers, Verdict verdict) {
        Asked asked;
        asked.demand.level = AckLevel::processed;
        Demand::Group group{needed, {}};
        for (const RecipientAnswer& answer : answers) group.members.push_back(member(answer.name));
        asked.demand.groups.push_back(group);
        Outcome::About about;
        about.id = id_;
        about.topic = "org.weft.dev.storm.0";
        about.recipients = asked.demand.text();
        about.level = asked.demand.level;
        if (verdict == Verdict::acknowledged) {
            const auto recipients = reliability::Recipients::parse(asked.demand.text());
            const auto full = reliability::FullSet::of(*recipients, about.level, answers);
            ASSERT_TRUE(full);
            verdicts_.settled(asked, Outcome(*full, about, answers));
        } else {
            verdicts_.settled(asked, Outcome(verdict, about, answers));
        }
    }

    fabric::MessageId id_ = id(true);
    Verdicts verdicts_;
};

TEST_F(StormVerdicts, TrueOutcomesAreNoViolations) {
    settle(1, {acknowledged("good1")}, Verdict::acknowledged);
    settle(1, {acknowledged("good1"), nothing("silent")}, Verdict::acknowledged);
    settle(2, {acknowledged("good1"), nothing("forger")}, Verdict::unknown);
    settle(2, {nothing("good1"), rejected("refuser", reason_of_refusal(id_))}, Verdict::rejected);
    const Tally tally = verdicts_.tally();
    EXPECT_THAT(tally.first, ::testing::IsEmpty());
    EXPECT_EQ(tally.violations(), 0U);
    EXPECT_EQ(tally.lost, 0U);
    EXPECT_EQ(tally.acknowledged, 2U);
    EXPECT_EQ(tally.unknown, 1U);
    EXPECT_EQ(tally.rejected, 1U);
}

TEST_F(StormVerdicts, ASuccessOfWhoDidNotAcknowledgeIsFalse) {
    settle(2, {acknowledged("good1"), acknowledged("silent")}, Verdict::acknowledged);
    settle(1, {acknowledged("weak")}, Verdict::acknowledged);
    settle(1, {acknowledged("refuser")}, Verdict::acknowledged);
    EXPECT_EQ(verdicts_.tally().false_successes, 3U);
}

TEST_F(StormVerdicts, AFailureThatBlamesTheWrongOneIsSeen) {
    settle(2, {rejected("good1", "forged"), nothing("silent")}, Verdict::rejected);
    EXPECT_GE(verdicts_.tally().wrongly_blamed, 2U);
    settle(2, {acknowledged("forger"), nothing("silent")}, Verdict::unknown);
    EXPECT_GE(verdicts_.tally().wrongly_blamed, 3U);
}

TEST_F(StormVerdicts, ARefusalInSomebodyElsesWordsIsSeen) {
    settle(1, {rejected("refuser", "not with another message")}, Verdict::rejected);
    EXPECT_EQ(verdicts_.tally().wrongly_blamed, 1U);
}

TEST_F(StormVerdicts, AGenuineAnswerThatIsMissingIsCountedAsLostAndNoViolation) {
    settle(2, {acknowledged("good1"), nothing("good2")}, Verdict::unknown);
    settle(1, {rejected("good1", "late: its deadline passed 4 ms ago while it waited here")},
           Verdict::rejected);
    EXPECT_EQ(verdicts_.tally().lost, 2U);
    EXPECT_EQ(verdicts_.tally().violations(), 0U);
}

TEST_F(StormVerdicts, AnUnknownOfWhoAllAnsweredAndAnAbortAreSeen) {
    settle(1, {acknowledged("good1")}, Verdict::unknown);
    EXPECT_GE(verdicts_.tally().other_violations, 1U);
    settle(1, {nothing("silent")}, Verdict::aborted);
    EXPECT_GE(verdicts_.tally().other_violations, 2U);
}

TEST_F(StormVerdicts, OneThatEndsTwiceOrAsAnotherIsSeen) {
    Asked asked;
    asked.demand.level = AckLevel::processed;
    asked.demand.groups.push_back({1, {member("silent")}});
    Outcome::About about;
    about.id = id_;
    about.level = AckLevel::processed;
    const Outcome outcome(Verdict::unknown, about, {nothing("silent")});
    verdicts_.settled(asked, outcome);
    EXPECT_EQ(verdicts_.tally().violations(), 0U);
    verdicts_.settled(asked, outcome);
    EXPECT_EQ(verdicts_.tally().violations(), 1U);
    verdicts_.returned(asked, id(false));
    EXPECT_EQ(verdicts_.tally().violations(), 2U);
}

}  // namespace
}  // namespace weft::fault::storm
