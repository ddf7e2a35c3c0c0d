// Acknowledgements for messages that come out of a journal.

#include "reliability/hub/ack_desk.hpp"

#include "tests/unit/reliability/hub/live_world.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using OutcomeIs = Outcome::Verdict;

class AckDeskTest : public LiveWorld {
protected:
    AckDeskTest() {
        issue("b");
        b_ = open("b");
        fabric::SubscriberHooks hooks;
        hooks.deliver = [this](const fabric::Message& message) { stored_.add(message); };
        recorder_ = b_.fabric->subscribe({"org.weft.dev.deploy"}, std::move(hooks));
        EXPECT_TRUE(heard());
    }
    void begin(AckLevel level) {
        desk_.emplace(*a_.fabric, "counter", std::vector<std::string>{"org.weft.dev.deploy"},
                      level);
    }
    /// The journal's copy of it.
    fabric::Message stored(const PendingAcks& asked) {
        std::optional<fabric::Message> found;
        EXPECT_TRUE(eventually([&] {
            for (const fabric::Message& message : stored_.all()) {
                if (message.id() == asked.id()) found = message;
            }
            return found.has_value();
        }));
        return found.value();
    }
    /// The live copy of everything that was asked so far has come.
    void sync() {
        const PendingAcks later = ask("sync");
        const fabric::Message message = stored(later);
        desk_->processed(message);
        EXPECT_TRUE(later.wait()->ok());
    }

    Party b_;
    Seen<fabric::Message> stored_;
    std::optional<AckDesk> desk_;
    std::unique_ptr<fabric::Subscriber> recorder_;
};

TEST_F(AckDeskTest, ReceivedIsSaidWhenTheMessageWasLeasedFromTheJournalWhicheverIsFirst) {
    begin(AckLevel::processed);
    const PendingAcks live_first = ask("one", AckLevel::received);
    sync();
    EXPECT_FALSE(live_first.done()) << "the consumer's side does not have it yet";
    desk_->leased(stored(live_first));
    EXPECT_TRUE(live_first.wait()->ok());
}

TEST_F(AckDeskTest, WhatTheJournalGaveBeforeTheLiveCopyCameIsAnsweredWhenItComes) {
    const PendingAcks received = ask("one", AckLevel::received), processed = ask("two"),
                      rejected = ask("three");
    const fabric::Message first = stored(received), second = stored(processed),
                          third = stored(rejected);
    begin(AckLevel::processed);
    desk_->leased(first);
    desk_->processed(second);
    desk_->rejected(third, "no such host");
    EXPECT_TRUE(received.wait()->ok());
    EXPECT_TRUE(processed.wait()->ok());
    EXPECT_EQ(reason_of(rejected), "no such host");
}

TEST_F(AckDeskTest, ProcessedIsSaidWhenTheHandlerIsDoneAndNotBefore) {
    begin(AckLevel::processed);
    const PendingAcks asked = ask("one");
    const fabric::Message message = stored(asked);
    desk_->leased(message);
    sync();
    EXPECT_FALSE(asked.done());
    desk_->processed(message);
    EXPECT_TRUE(asked.wait()->ok());
    EXPECT_GE(desk_->acks(), 2U);
}

TEST_F(AckDeskTest, WhatIsRejectedIsSaidWithItsReason) {
    begin(AckLevel::processed);
    const PendingAcks asked = ask("one");
    desk_->rejected(stored(asked), "no such host");
    EXPECT_EQ(asked.wait()->verdict(), OutcomeIs::rejected);
    EXPECT_EQ(reason_of(asked), "no such host");
}

TEST_F(AckDeskTest, WhoAsksForMoreThanTheConsumerSaysIsRejectedWithASentence) {
    begin(AckLevel::received);
    const PendingAcks asked = ask("one");
    EXPECT_EQ(asked.wait()->verdict(), OutcomeIs::rejected);
    EXPECT_EQ(reason_of(asked), "consumer 'counter' acknowledges receipt only (ack: received)");
}

TEST_F(AckDeskTest, AWordAboutTheLeaseThatComesLateTakesNothingBack) {
    const PendingAcks asked = ask("one");
    const fabric::Message message = stored(asked);
    begin(AckLevel::processed);
    desk_->processed(message);  // the worker was faster than the feed that leased it
    desk_->leased(message);
    EXPECT_TRUE(asked.wait()->ok());
}

TEST_F(AckDeskTest, WhatAsksForNothingIsNotRememberedAndNotAnswered) {
    begin(AckLevel::processed);
    const std::uint64_t before = desk_->acks();
    const std::size_t seen = stored_.all().size();
    tell("one");
    ASSERT_TRUE(stored_.wait_for(seen + 1));
    const fabric::Message message = stored_.all().back();
    desk_->leased(message);
    desk_->processed(message);
    desk_->rejected(message, "no");
    EXPECT_EQ(desk_->acks(), before);
}

TEST_F(AckDeskTest, WhatFindsNoRoomIsForgottenAndCountedAndTheOthersAreAnswered) {
    desk_.emplace(*a_.fabric, "counter", std::vector<std::string>{"org.weft.dev.deploy"},
                  AckLevel::processed, std::size_t{32} << 10);
    const PendingAcks large =
        ask(std::string(std::size_t{40} << 10, 'x'), AckLevel::processed, short_timeout);
    const fabric::Message large_stored = stored(large);
    EXPECT_EQ(large.wait()->verdict(), OutcomeIs::unknown);
    ASSERT_TRUE(eventually([&] { return desk_->unanswered() == 1; }));
    const std::uint64_t before = desk_->acks();
    desk_->processed(large_stored);
    EXPECT_EQ(desk_->acks(), before) << "nobody knows any more who asked";
    for (int i = 0; i < 100; ++i) {
        const PendingAcks small = ask("small");
        desk_->processed(stored(small));
        EXPECT_TRUE(small.wait()->ok());
    }
    EXPECT_EQ(desk_->unanswered(), 1U) << "what is answered takes no room";
}

TEST_F(AckDeskTest, AfterItStoppedNothingIsSaid) {
    begin(AckLevel::processed);
    const PendingAcks asked = ask("one", AckLevel::processed, short_timeout);
    const fabric::Message message = stored(asked);
    desk_->stop();
    desk_->processed(message);
    EXPECT_EQ(asked.wait()->verdict(), OutcomeIs::unknown);
}

TEST_F(AckDeskTest, ItIsRefusedWhereAnAckWouldCountForNobody) {
    issue("b", {signing::Role::publish});
    const Party b = open("b");
    EXPECT_THROW(AckDesk(*b.fabric, "counter", {"**"}, AckLevel::received), fabric::OpenFailed);
}

}  // namespace
}  // namespace weft::reliability::hub
