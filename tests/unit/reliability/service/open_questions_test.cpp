#include "reliability/service/open_questions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::reliability {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class OpenQuestionsTest : public ::testing::Test {
protected:
    static RemoteSettings settings() {
        RemoteSettings made;
        made.under_way_max = 2;
        made.waits_under_way_max = 1;
        return made;
    }
    void add(Operation operation, bool in_turn = false, bool again = true) {
        Question question;
        question.operation = operation;
        question.in_turn = in_turn;
        question.again = again;
        open_.add(std::move(question), {}, seconds{0});
    }
    /// Sends what may be sent; how many that was.
    int send(fabric::Instant now = seconds{0}) {
        int sent = 0;
        OpenQuestions::Number number = 0;
        while (open_.next(number) != nullptr) {
            numbers_.push_back(number);
            open_.sent(number, Nonce{static_cast<char>(++nonces_)}, now);
            ++sent;
        }
        return sent;
    }

    const RemoteSettings settings_ = settings();
    OpenQuestions open_{settings_};
    std::vector<OpenQuestions::Number> numbers_;
    int nonces_ = 0;
};

TEST_F(OpenQuestionsTest, SoManyAreUnderWayAndWaitsAreCountedApart) {
    for (int i = 0; i < 3; ++i) add(Operation::read);
    for (int i = 0; i < 2; ++i) add(Operation::wait);

    EXPECT_EQ(send(), 3);
    static_cast<void>(open_.settle(numbers_[0]));
    EXPECT_EQ(send(), 1);
}

TEST_F(OpenQuestionsTest, AnswersToEachNonceOfAQuestionAreItsOwn) {
    add(Operation::read);
    send();
    EXPECT_TRUE(open_.tick(seconds{2}).empty());
    EXPECT_EQ(send(seconds{2}), 1);

    EXPECT_EQ(open_.asked_by(Nonce{'\x01'}), numbers_[0]);
    EXPECT_EQ(open_.asked_by(Nonce{'\x02'}), numbers_[0]);
    EXPECT_EQ(open_.asked_by(Nonce{'\x03'}), 0u);
    static_cast<void>(open_.settle(numbers_[0]));
    EXPECT_EQ(open_.asked_by(Nonce{'\x01'}), 0u);
}

TEST_F(OpenQuestionsTest, PatienceEndsAlsoForWhatWasNeverSent) {
    for (int i = 0; i < 3; ++i) add(Operation::read);
    send();

    EXPECT_TRUE(open_.tick(milliseconds{4999}).empty());
    EXPECT_EQ(open_.tick(seconds{5}).size(), 3u);
    EXPECT_EQ(open_.next_due(), std::nullopt);
}

TEST_F(OpenQuestionsTest, WhatMustNotBeAskedTwiceIsGivenUpAfterOneTime) {
    add(Operation::state_apply, false, false);
    send();

    const auto over = open_.tick(seconds{2});

    ASSERT_EQ(over.size(), 1u);
    EXPECT_EQ(over[0].nonces.size(), 1u);
}

TEST_F(OpenQuestionsTest, InTurnMeansOneAfterTheOther) {
    for (int i = 0; i < 3; ++i) add(Operation::submit, true);
    EXPECT_EQ(send(), 1);
    static_cast<void>(open_.settle(numbers_[0]));
    EXPECT_EQ(send(), 1);
    EXPECT_LT(numbers_[0], numbers_[1]);
    // One that asks again keeps its turn.
    open_.ask_again(numbers_[1]);
    EXPECT_EQ(send(), 1);
    EXPECT_EQ(numbers_[2], numbers_[1]);
}

TEST_F(OpenQuestionsTest, WhenTheJournalHasStartedAnewWhatIsUnderWayIsAskedAgain) {
    add(Operation::wait);
    add(Operation::state_apply, false, false);
    ASSERT_EQ(send(), 2);

    open_.ask_all_again();

    EXPECT_EQ(send(), 1);
    EXPECT_EQ(open_.of(numbers_[2]).question.operation, Operation::wait);
}

TEST_F(OpenQuestionsTest, AllAreSettledAtTheEnd) {
    for (int i = 0; i < 4; ++i) add(Operation::submit, true);
    add(Operation::read);
    send();

    EXPECT_EQ(open_.settle_all().size(), 5u);
    EXPECT_EQ(send(), 0);
}

}  // namespace
}  // namespace weft::reliability
