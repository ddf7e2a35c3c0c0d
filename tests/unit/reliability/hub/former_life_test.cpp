// A durable consumer's message that killed its hub too often: a dead letter like any other.

#include "reliability/hub/former_life.hpp"

#include "tests/unit/reliability/hub/durable_world.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DurableFeedFormerLifeTest : public DurableWorld {
protected:
    static constexpr const char* killed = "the hub ended while the consumer had it in hand";

    DurableFeedFormerLifeTest() { settings_.max_attempts = 1; }

    /// Killed with message 1 in hand and 2 waiting.
    void die() {
        for (const char* topic : {"a", "b"}) journal_->put(topic);
        begin();
        EXPECT_EQ(take().number, 1U);
        kill();
    }
    [[nodiscard]] bool waits() const {
        return eventually(
            [&] { return life_->feed->waiting_for() == "waits for the journal: it went away"; });
    }
};

TEST_F(DurableFeedFormerLifeTest, WhatBecomesADeadLetterByThatIsPublished) {
    settings_.max_attempts = 2;
    die();
    begin();
    EXPECT_EQ(take().attempt, 2U);
    EXPECT_THAT(life_->buried(), IsEmpty()) << "it has another attempt";
    EXPECT_TRUE(
        surroundings_.wait_for_line("message 1 was in hand when the last one ended; "
                                    "it comes again"));
    kill();
    begin();
    EXPECT_THAT(process(1), ElementsAre(2));
    EXPECT_THAT(life_->buried(), ElementsAre(Burial{1, 2, killed}));
    EXPECT_THAT(*groups_->dead("counter"), SizeIs(1));
    EXPECT_EQ(stats().given_up, 1U);
    EXPECT_EQ(stats().dead_unsaid, 0U);
    EXPECT_TRUE(surroundings_.wait_for_line(
        "error counter: gave up message 1 after 2 attempts: " + std::string{killed} +
        "; `weft cursor dead counter` has it"));
}

TEST_F(DurableFeedFormerLifeTest, WhoeverWasKilledBeforeItWasPublishedLeavesThatToTheNextOne) {
    die();
    door_.shut_at_read();
    begin();
    ASSERT_TRUE(waits());
    EXPECT_THAT(life_->buried(), IsEmpty());
    ASSERT_THAT(*groups_->dead("counter"), SizeIs(1));
    kill();
    begin();
    EXPECT_THAT(process(1), ElementsAre(2));
    EXPECT_THAT(life_->buried(), ElementsAre(Burial{1, 1, killed}));
}

TEST_F(DurableFeedFormerLifeTest, ItIsPublishedOnceHoweverOftenTheJournalIsAwayMeanwhile) {
    die();
    door_.shut_at_read();
    begin();
    ASSERT_TRUE(waits());
    door_.open();
    EXPECT_THAT(process(1), ElementsAre(2));
    EXPECT_THAT(life_->buried(), ElementsAre(Burial{1, 1, killed}));
    finish();
    begin();
    EXPECT_TRUE(position_becomes(2));
    EXPECT_TRUE(eventually([&] { return life_->feed->waiting_for().empty(); }));
    EXPECT_THAT(life_->buried(), IsEmpty()) << "the marks do not name it any more";
}

TEST_F(DurableFeedFormerLifeTest, SoIsOneWhoseLeaseEndedBeforeWeWereHereAgain) {
    die();
    clock_.pass(60s);
    EXPECT_THAT(others_get(), IsEmpty()) << "both had their one attempt";
    begin();
    journal_->put("a");
    EXPECT_THAT(process(1), ElementsAre(3));
    EXPECT_THAT(life_->buried(),
                ElementsAre(Burial{1, 1, "it was not acknowledged within its lease"}));
}

TEST_F(DurableFeedFormerLifeTest, WhatAnotherOneGaveUpIsPublishedThere) {
    settings_.max_attempts = 2;
    die();
    clock_.pass(60s);
    EXPECT_THAT(others_get(), ElementsAre(1, 2));
    ASSERT_TRUE(groups_->bury("counter", "other", 1, "never"));
    ASSERT_TRUE(groups_->ack("counter", "other", {2}));
    begin();
    journal_->put("a");
    EXPECT_THAT(process(1), ElementsAre(3));
    EXPECT_THAT(life_->buried(), IsEmpty());
    EXPECT_EQ(stats().given_up, 0U);
}

TEST_F(DurableFeedFormerLifeTest, WhatCannotBePublishedIsCountedAndSaid) {
    bury_answer_ = false;
    die();
    begin();
    EXPECT_THAT(process(1), ElementsAre(2));
    EXPECT_THAT(life_->buried(), SizeIs(1));
    EXPECT_EQ(stats().given_up, 1U);
    EXPECT_EQ(stats().dead_unsaid, 1U);
}

TEST_F(DurableFeedFormerLifeTest, WhatWasTrimmedBeforeItCouldBeReadIsCountedAndSaid) {
    die();
    door_.shut_at_read();
    begin();
    ASSERT_TRUE(waits());
    ASSERT_TRUE(journal_->trim(2));
    door_.open();
    EXPECT_THAT(process(1), ElementsAre(2));
    EXPECT_THAT(life_->buried(), IsEmpty());
    EXPECT_EQ(stats().dead_unsaid, 1U);
    EXPECT_TRUE(surroundings_.wait_for_line(
        "not published: the journal does not have the message any more"));
}

}  // namespace
}  // namespace weft::reliability::hub
