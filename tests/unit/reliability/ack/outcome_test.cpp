#include "reliability/ack/outcome.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace weft::reliability {
namespace {

using std::chrono::microseconds;
using State = RecipientAnswer::State;
using Verdict = Outcome::Verdict;
using ::testing::HasSubstr;
using ::testing::Not;

Recipients parsed(const std::string& text) {
    auto recipients = Recipients::parse(text);
    EXPECT_TRUE(recipients) << recipients.error();
    return recipients ? *recipients : Recipients();
}

RecipientAnswer acknowledged(const std::string& name, AckLevel level = AckLevel::received,
                             microseconds after = microseconds{1200}) {
    RecipientAnswer answer;
    answer.name = name;
    answer.state = State::acknowledged;
    answer.level = level;
    answer.after = after;
    return answer;
}

RecipientAnswer silent(const std::string& name) {
    RecipientAnswer answer;
    answer.name = name;
    return answer;
}

RecipientAnswer rejected(const std::string& name, const std::string& reason) {
    RecipientAnswer answer;
    answer.name = name;
    answer.state = State::rejected;
    answer.after = microseconds{3'000'000};
    answer.reason = reason;
    return answer;
}

using Answers = std::vector<RecipientAnswer>;

bool full(const std::string& recipients, AckLevel asked, const Answers& answers) {
    return FullSet::of(parsed(recipients), asked, answers).has_value();
}

// A5: success has one door; each way of having not quite enough is tried at it.

TEST(FullSet, ExistsWhenEnoughAcknowledgedAtTheLevel) {
    EXPECT_TRUE(full("a", AckLevel::received, {acknowledged("a")}));
    EXPECT_TRUE(full("a, b", AckLevel::received, {acknowledged("a"), acknowledged("b")}));
    EXPECT_TRUE(full("any(a, b)", AckLevel::received, {silent("a"), acknowledged("b")}));
    EXPECT_TRUE(full("any(a, b)", AckLevel::received, {rejected("a", ""), acknowledged("b")}));
    EXPECT_TRUE(full("2 of (a, b, c)", AckLevel::processed,
                     {acknowledged("a", AckLevel::processed), silent("b"),
                      acknowledged("c", AckLevel::processed)}));
    EXPECT_TRUE(full("a", AckLevel::received, {acknowledged("a", AckLevel::processed)}));
    EXPECT_TRUE(full("a", AckLevel::stored, {acknowledged("a", AckLevel::stored)}));
}

TEST(FullSet, DoesNotExistForNobody) {
    EXPECT_FALSE(FullSet::of(Recipients(), AckLevel::received, Answers{}));
    EXPECT_FALSE(FullSet::of(Recipients(), AckLevel::received, Answers{acknowledged("a")}));
}

TEST(FullSet, DoesNotExistWhileOneIsMissing) {
    EXPECT_FALSE(full("a, b", AckLevel::received, {acknowledged("a"), silent("b")}));
    EXPECT_FALSE(full("a, b", AckLevel::received, {silent("a"), acknowledged("b")}));
    EXPECT_FALSE(full("a, b", AckLevel::received, {acknowledged("a"), rejected("b", "no")}));
    EXPECT_FALSE(full("any(a, b)", AckLevel::received, {silent("a"), silent("b")}));
    EXPECT_FALSE(
        full("2 of (a, b, c)", AckLevel::received, {silent("a"), acknowledged("b"), silent("c")}));
    EXPECT_FALSE(full("all(a, any(b, c))", AckLevel::received,
                      {silent("a"), acknowledged("b"), acknowledged("c")}));
}

TEST(FullSet, DoesNotExistForTooFewOrTooManyAnswers) {
    EXPECT_FALSE(full("a, b", AckLevel::received, {acknowledged("a")}));
    EXPECT_FALSE(full("a, b", AckLevel::received, {}));
    EXPECT_FALSE(full("a", AckLevel::received, {acknowledged("a"), acknowledged("b")}));
}

TEST(FullSet, DoesNotExistForAnswersOfOthersOrInAnotherOrder) {
    EXPECT_FALSE(full("a, b", AckLevel::received, {acknowledged("b"), acknowledged("a")}));
    EXPECT_FALSE(full("a, b", AckLevel::received, {acknowledged("a"), acknowledged("a")}));
    EXPECT_FALSE(full("a", AckLevel::received, {acknowledged("mallory")}));
    EXPECT_FALSE(full("a", AckLevel::received, {acknowledged("")}));
}

TEST(FullSet, DoesNotExistForAWeakerOrAnotherLevel) {  // A4
    EXPECT_FALSE(full("a", AckLevel::processed, {acknowledged("a", AckLevel::received)}));
    EXPECT_FALSE(full("a", AckLevel::processed, {acknowledged("a", AckLevel::stored)}));
    EXPECT_FALSE(full("a", AckLevel::stored, {acknowledged("a", AckLevel::processed)}));
    EXPECT_FALSE(full("a", AckLevel::stored, {acknowledged("a", AckLevel::received)}));
    EXPECT_FALSE(full("a", AckLevel::received, {acknowledged("a", AckLevel::rejected)}));
    EXPECT_FALSE(full("a", AckLevel::rejected, {acknowledged("a", AckLevel::rejected)}));
    RecipientAnswer without = acknowledged("a");
    without.level.reset();
    EXPECT_FALSE(full("a", AckLevel::received, {without}));
    // Not even beside enough others: who made these answers has counted wrongly.
    EXPECT_FALSE(
        full("any(a, b)", AckLevel::processed,
             {acknowledged("a", AckLevel::processed), acknowledged("b", AckLevel::received)}));
}

TEST(FullSet, DoesNotExistForTooWeakAnswersThatAreToldOf) {
    RecipientAnswer weak = silent("a");
    weak.level = AckLevel::received;
    EXPECT_FALSE(full("a", AckLevel::processed, {weak}));
}

Outcome::About about(const std::string& recipients, AckLevel level = AckLevel::processed) {
    Outcome::About about;
    about.id = *fabric::MessageId::parse("0190a5c4-0000-7000-8000-000000000001");
    about.topic = "org.weft.dev.deploy";
    about.recipients = recipients;
    about.level = level;
    about.timeout = microseconds{300'000};
    about.elapsed = microseconds{12'345};
    return about;
}

Outcome success() {
    const Answers answers{acknowledged("a", AckLevel::processed),
                          acknowledged("b", AckLevel::processed, microseconds{12'300})};
    return {*FullSet::of(parsed("a, b"), AckLevel::processed, answers), about("all(a, b)"),
            answers};
}

TEST(OutcomeDeathTest, CannotBeASuccessWithTheFullSetOfAnotherPublish) {  // A5
    const Answers answers{acknowledged("a", AckLevel::processed)};
    const auto proof = FullSet::of(parsed("a"), AckLevel::processed, answers);
    ASSERT_TRUE(proof);
    EXPECT_DEATH(Outcome(*proof, about("a", AckLevel::stored), answers), "");
    EXPECT_DEATH(Outcome(*proof, about("a"), Answers{silent("a")}), "");
    EXPECT_DEATH(Outcome(*proof, about("a"), Answers{}), "");
    EXPECT_DEATH(Outcome(Verdict::acknowledged, about("a"), answers), "");
}

TEST(Outcome, IsOkOnlyWhenAcknowledged) {
    EXPECT_TRUE(success().ok());
    for (const Verdict verdict : {Verdict::rejected, Verdict::unknown, Verdict::aborted}) {
        EXPECT_FALSE(Outcome(verdict, about("a"), {silent("a")}).ok());
    }
}

TEST(Outcome, SaysOfASuccessWhoDidWhatAndWhen) {
    EXPECT_EQ(success().sentence(),
              "org.weft.dev.deploy 0190a5c4-0000-7000-8000-000000000001 was acknowledged by "
              "all(a, b) after 12.3 ms: a processed it after 1.2 ms; b processed it after 12.3 ms");
}

TEST(Outcome, SaysOfAMissingAckThatItIsUnknownAndWhoIsMissingFirst) {
    const Outcome outcome(Verdict::unknown, about("all(a, b)"),
                          {acknowledged("a", AckLevel::processed), silent("b")});

    EXPECT_EQ(outcome.sentence(),
              "org.weft.dev.deploy 0190a5c4-0000-7000-8000-000000000001 was not acknowledged by "
              "all(a, b) within 300 ms: b did not answer (unknown: it may have the message or "
              "not); a processed it after 1.2 ms");
    EXPECT_EQ(outcome.table(),
              "a  processed       1.2 ms\n"
              "b  did not answer          unknown whether it has it\n");
}

TEST(Outcome, NeverCallsUnknownAFailure) {
    for (const Verdict verdict : {Verdict::unknown, Verdict::aborted}) {
        const Outcome outcome(verdict, about("all(a, b)"), {silent("a"), silent("b")});
        EXPECT_THAT(outcome.sentence() + outcome.table(), Not(HasSubstr("fail")));
        EXPECT_THAT(outcome.sentence(), HasSubstr("unknown"));
        EXPECT_THAT(outcome.table(), HasSubstr("unknown"));
    }
}

TEST(Outcome, SaysWhoRejectedAndWhyInEscapedWords) {
    const Outcome outcome(Verdict::rejected, about("all(a, b)"),
                          {silent("a"), rejected("b", "disk\nfull \x1b[31m")});

    EXPECT_THAT(outcome.sentence(),
                HasSubstr("cannot be acknowledged by all(a, b) any more: b rejected it after 3.0 s "
                          "(disk\\x0afull \\x1b[31m); a did not answer"));
    EXPECT_EQ(outcome.table(),
              "a  did not answer         unknown whether it has it\n"
              "b  rejected        3.0 s  disk\\x0afull \\x1b[31m\n");
}

TEST(Outcome, SaysWhatWasTooWeak) {
    RecipientAnswer weak = silent("a");
    weak.level = AckLevel::received;
    weak.after = microseconds{900};
    const Outcome outcome(Verdict::unknown, about("a"), {weak});

    EXPECT_THAT(outcome.sentence(), HasSubstr("a said only \"received\" after 900 us (unknown: it "
                                              "may have processed it or not)"));
    EXPECT_EQ(outcome.table(), "a  only received  900 us  unknown whether it has processed it\n");
}

TEST(Outcome, SaysWhatDidNotCount) {
    RecipientAnswer answer = silent("a");
    answer.ignored.wrong_signer = 1;
    answer.ignored.last = "it is signed by mallory";
    Outcome one(Verdict::unknown, about("a"), {answer});
    EXPECT_THAT(one.sentence(), HasSubstr("1 ACK in its name did not count: it is signed by "
                                          "mallory)"));
    answer.ignored.wrong_bytes = 2;
    answer.ignored.wrong_role = 3;
    answer.ignored.refused = 4;
    Outcome more(Verdict::unknown, about("a"), {answer});
    EXPECT_THAT(more.table(), HasSubstr("; 10 ACKs in its name did not count, the last: it is "));
}

TEST(Outcome, SaysThatAPublisherWasClosedAndThatNothingHadBeenSent) {
    Outcome::About unsent;
    unsent.recipients = "a";
    EXPECT_THAT(Outcome(Verdict::aborted, unsent, {silent("a")}).sentence(),
                HasSubstr("a message that had not been sent yet was not acknowledged by a when its "
                          "publisher was closed after 0 us"));
}

TEST(Outcome, CountsManyNamesInsteadOfNamingThem) {
    Answers answers;
    std::string names;
    for (int i = 0; i < 64; ++i) {
        const std::string name = "recipient" + std::to_string(i) + std::string(150, 'x');
        names += (i == 0 ? "" : ", ") + name;
        answers.push_back(i % 2 == 0 ? silent(name) : acknowledged(name, AckLevel::processed));
    }
    const Outcome outcome(Verdict::unknown, about("all(" + names + ")"), answers);

    EXPECT_LT(outcome.sentence().size(), 3000U);
    EXPECT_THAT(outcome.sentence(), HasSubstr("; 24 more are unknown; 32 more acknowledged it"));
}

TEST(Outcome, ShowsTimesAsPeopleSayThem) {
    const auto shown = [](microseconds span) {
        const std::string text =
            Outcome(Verdict::unknown, about("a"), {acknowledged("a", AckLevel::processed, span)})
                .sentence();
        return text.substr(text.rfind("after ") + 6);
    };
    EXPECT_EQ(shown(microseconds{-5}), "0 us");
    EXPECT_EQ(shown(microseconds{999}), "999 us");
    EXPECT_EQ(shown(microseconds{1000}), "1.0 ms");
    EXPECT_EQ(shown(microseconds{99'949}), "99.9 ms");
    EXPECT_EQ(shown(microseconds{99'990}), "100 ms");
    EXPECT_EQ(shown(microseconds{999'600}), "1.0 s");
    EXPECT_EQ(shown(microseconds{119'960'000}), "2.0 min");
    EXPECT_EQ(shown(microseconds{7'200'000'000}), "2.0 h");
    EXPECT_EQ(shown(microseconds::max()).back(), 'h');
}

TEST(Outcome, VerdictsAndStatesHaveNames) {
    EXPECT_EQ(name_of(Verdict::acknowledged), "acknowledged");
    EXPECT_EQ(name_of(Verdict::rejected), "rejected");
    EXPECT_EQ(name_of(Verdict::unknown), "unknown");
    EXPECT_EQ(name_of(Verdict::aborted), "aborted");
    EXPECT_EQ(name_of(State::acknowledged), "acknowledged");
    EXPECT_EQ(name_of(State::rejected), "rejected");
    EXPECT_EQ(name_of(State::unknown), "unknown");
}

}  // namespace
}  // namespace weft::reliability
