// What a subscriber refuses because it was here before, and what it says of what did not come.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "fabric/message/body.hpp"
#include "fabric/node/beacon.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

namespace fs = std::filesystem;
using signing::Kind;
using signing::Refusal;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using support::Frames;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string topic = "org.weft.dev.a";

class SubscriberReplay : public ::testing::Test {
protected:
    void subscribe(const fs::path& state = {}, bool validate = true) {
        auto settings = connected_to({NodeWorld::endpoint});
        settings.validate = validate;
        settings.replay.directory = state;
        settings.replay.kind = "test";
        subscriber_.reset();
        auto hooks = received_.hooks();
        hooks.gap = [this](const Gap& gap) {
            const std::scoped_lock lock(mutex_);
            gaps_.push_back(std::string{gap.signer} + " " + std::to_string(gap.epoch) + " " +
                            std::string{gap.topic} + " " + std::to_string(gap.from) + "-" +
                            std::to_string(gap.to) + " " + std::to_string(gap.count));
        };
        subscriber_ = world_.subscriber(std::move(settings), std::move(hooks));
    }
    void send(const Frames& frames) { port_->send(frames.topic, frames.contents, frames.proof); }
    std::string content(std::uint64_t seq, std::uint64_t epoch = 1, Instant off = {}) const {
        ContentHeader header = sample_header();
        header.seq = seq;
        header.epoch = epoch;
        header.time_us = static_cast<std::uint64_t>(
            static_cast<std::int64_t>(clock_.utc_us()) +
            std::chrono::duration_cast<std::chrono::microseconds>(off).count());
        return encoded(header, "\xC0");
    }
    Frames run(std::vector<std::string> contents, const std::string& to = topic) const {
        return support::sign(git_, to, std::move(contents));
    }
    Frames tail(std::uint64_t last, std::uint64_t epoch = 1, Instant off = {}) const {
        ContentHeader header = sample_header();
        header.seq = 0;
        header.epoch = epoch;
        header.time_us = static_cast<std::uint64_t>(
            static_cast<std::int64_t>(clock_.utc_us()) +
            std::chrono::duration_cast<std::chrono::microseconds>(off).count());
        return support::sign(git_, topic, {encoded(header, tail_beacon(last).bytes())},
                             Kind::beacon);
    }
    /// Everything sent before has been dealt with.
    void settle() {
        const std::string marker = "org.weft.dev.settle." + std::to_string(++settled_);
        send(run({content(1)}, marker));
        ASSERT_TRUE(eventually([&] {
            const auto topics = received_.topics();
            return !topics.empty() && topics.back() == marker;
        }));
    }
    std::vector<std::uint64_t> seqs() const {
        std::vector<std::uint64_t> seqs;
        for (const Message& message : received_.messages()) {
            if (message.topic() == topic) seqs.push_back(message.seq());
        }
        return seqs;
    }
    std::vector<std::string> gaps() const {
        const std::scoped_lock lock(mutex_);
        return gaps_;
    }
    bool missing_becomes(std::uint64_t count) {
        return eventually([&] { return subscriber_->stats().missing == count; });
    }

    ManualClock clock_;
    NodeWorld world_{clock_};
    const support::Identity git_ = world_.signing.identity("git");
    std::unique_ptr<PublishPort> port_ = world_.bare_port();
    const support::TemporaryDirectory dir_;
    mutable std::mutex mutex_;
    std::vector<std::string> gaps_;
    std::uint64_t settled_ = 0;
    Received received_;
    std::unique_ptr<Subscriber> subscriber_;
};

// P1: at once, later, and when nothing is remembered because nothing need be.
TEST_F(SubscriberReplay, AGenuineMessageThatComesAgainIsRefused) {
    subscribe();
    const Frames recorded = run({content(1), content(2)});
    send(recorded);
    send(recorded);
    ASSERT_TRUE(received_.wait_for_refusals(2));
    EXPECT_THAT(received_.reasons(), Each(Refusal::replayed));
    EXPECT_THAT(received_.refused().at(0).detail, HasSubstr("signer 'git', epoch 1, number 1"));
    settle();
    EXPECT_EQ(subscriber_->stats().duplicates, 2u);
    EXPECT_EQ(received_.lines_with("refused replayed"), 0u)
        << "two ways to one receiver are no news";

    clock_.advance(minutes{1});
    send(recorded);
    ASSERT_TRUE(received_.wait_for_refusals(4));
    settle();
    EXPECT_EQ(received_.lines_with("refused replayed"), 1u);
    EXPECT_EQ(subscriber_->stats().duplicates, 2u);

    clock_.advance(minutes{5});
    send(recorded);
    ASSERT_TRUE(received_.wait_for_refusals(6));
    EXPECT_EQ(received_.reasons().back(), Refusal::too_old);
    EXPECT_THAT(seqs(), ElementsAre(1, 2));
}

// P1: from another topic. The topic is signed, so the window need not know.
TEST_F(SubscriberReplay, AMessageCannotComeAgainUnderAnotherTopic) {
    subscribe();
    Frames recorded = run({content(1)});
    send(recorded);
    recorded.topic = "org.weft.dev.b";
    send(recorded);
    ASSERT_TRUE(received_.wait_for_refusals(1));
    EXPECT_THAT(received_.reasons(), ElementsAre(Refusal::signature_bad));
    settle();
    EXPECT_THAT(received_.messages(), SizeIs(2));
}

// P6
TEST_F(SubscriberReplay, AClockThatIsWrongIsNamedWithHowFar) {
    subscribe();
    send(run({content(1, 1, hours{1} + seconds{12})}));
    send(run({content(2, 1, -hours{1})}));

    ASSERT_TRUE(received_.wait_for_refusals(2));
    EXPECT_THAT(received_.reasons(), ElementsAre(Refusal::too_new, Refusal::too_old));
    EXPECT_THAT(received_.refused().at(0).detail,
                HasSubstr("signer 'git': its clock, or ours, is off by 3612 s"));
    EXPECT_THAT(received_.refused().at(1).detail, HasSubstr("off by 3600 s"));
    EXPECT_THAT(received_.messages(), IsEmpty());
}

// P5
TEST_F(SubscriberReplay, NumberZeroIsRefusedAndTheLargestOnesAreOnlyNumbers) {
    subscribe();
    send(
        run({content(0), content(1), content(std::uint64_t{1} << 63), content(~std::uint64_t{0})}));

    ASSERT_TRUE(received_.wait_for(3));
    EXPECT_THAT(received_.reasons(), ElementsAre(Refusal::content_undecodable));
    EXPECT_THAT(received_.refused().at(0).detail, HasSubstr("number is 0"));
    EXPECT_TRUE(missing_becomes(~std::uint64_t{0} - 3));
}

TEST_F(SubscriberReplay, WhatDoesNotComeIsCountedNamedAndTakenOffWhenItComesLate) {
    subscribe();
    const Frames late = run({content(3)});
    send(run({content(1), content(5)}));
    ASSERT_TRUE(received_.wait_for(2));
    EXPECT_THAT(gaps(), ElementsAre("git 1 org.weft.dev.a 2-4 3"));
    EXPECT_TRUE(missing_becomes(3));
    ASSERT_TRUE(received_.wait_for_line("missing 3 messages of topic org.weft.dev.a"));
    EXPECT_EQ(received_.lines_with("from signer 'git': numbers 2 to 4 of epoch 1"), 1u);

    send(late);
    ASSERT_TRUE(received_.wait_for(3));
    EXPECT_TRUE(missing_becomes(2));
    send(run({content(9), content(19)}));
    settle();
    EXPECT_EQ(received_.lines_with("missing "), 1u) << "once a second";
    clock_.advance(seconds{1});
    send(run({content(21)}));
    EXPECT_TRUE(received_.wait_for_line("and 12 in 2 more gaps"));
    EXPECT_EQ(subscriber_->stats().gaps, 4u);
}

TEST_F(SubscriberReplay, ATailBeaconTellsOfALostTailAndIsNotDelivered) {
    subscribe();
    send(run({content(1)}));
    const Frames lost = run({content(2), content(3)});
    const Frames beacon = tail(3);
    send(beacon);
    send(beacon);
    settle();

    EXPECT_THAT(gaps(), ElementsAre("git 1 org.weft.dev.a 2-3 2"));
    EXPECT_EQ(subscriber_->stats().tail_beacons, 2u);
    EXPECT_EQ(subscriber_->stats().other_kinds, 0u);
    EXPECT_THAT(seqs(), ElementsAre(1));
    send(lost);  // it was only slow
    EXPECT_TRUE(missing_becomes(0));
    send(tail(9, 2));  // a run that this receiver does not follow
    send(tail(9, 1, -minutes{6}));
    ASSERT_TRUE(received_.wait_for_refusals(1));
    EXPECT_THAT(received_.reasons(), ElementsAre(Refusal::too_old));
    settle();
    EXPECT_THAT(gaps(), SizeIs(1));
    EXPECT_THAT(seqs(), ElementsAre(1, 2, 3));
}

// P1, P2: with the state of the receiver before it.
TEST_F(SubscriberReplay, NothingPassesAgainAfterARestartOfTheReceiver) {
    subscribe(dir_.path());
    const Frames recorded = run({content(1), content(2)});
    const Frames slow = run({content(3)});
    send(recorded);
    send(run({content(4)}));
    ASSERT_TRUE(received_.wait_for(3));
    subscribe(dir_.path());
    send(recorded);
    ASSERT_TRUE(received_.wait_for_refusals(2));
    EXPECT_THAT(received_.reasons(), Each(Refusal::replayed));
    send(slow);
    ASSERT_TRUE(received_.wait_for(4));
    EXPECT_THAT(seqs(), ElementsAre(1, 2, 4, 3));
    EXPECT_TRUE(fs::exists(dir_.path() / "test.0"));
    EXPECT_FALSE(fs::exists(dir_.path() / "test.1"));
}

// A copy of the file while the receiver runs is what kill -9 leaves behind.
TEST_F(SubscriberReplay, NothingPassesAgainAfterTheReceiverWasKilled) {
    subscribe(dir_.path());
    const Frames recorded = run({content(1), content(2)});
    send(recorded);
    ASSERT_TRUE(received_.wait_for(2));
    const support::TemporaryDirectory after;
    fs::copy_file(dir_.path() / "test.0", after.path() / "test.0");

    subscribe(after.path());
    send(recorded);
    ASSERT_TRUE(received_.wait_for_refusals(2));
    EXPECT_THAT(received_.reasons(), Each(Refusal::replayed));
    clock_.advance(milliseconds{251});
    send(run({content(3)}));
    ASSERT_TRUE(received_.wait_for(3));
    EXPECT_THAT(seqs(), ElementsAre(1, 2, 3));
}

TEST_F(SubscriberReplay, AFileThatIsNoStateIsSaidAndReplaced) {
    std::ofstream(dir_.path() / "test.0") << "something of somebody else";
    const Frames before = run({content(1)});
    clock_.advance(milliseconds{1});
    subscribe(dir_.path());
    ASSERT_TRUE(received_.wait_for_line("is no replay state"));
    send(before);
    ASSERT_TRUE(received_.wait_for_refusals(1));
    EXPECT_THAT(received_.reasons(), ElementsAre(Refusal::replayed));
    clock_.advance(milliseconds{1});
    send(run({content(2)}));
    ASSERT_TRUE(received_.wait_for(1));
    subscriber_.reset();
    std::stringstream text;
    text << std::ifstream(dir_.path() / "test.0").rdbuf();
    EXPECT_TRUE(replay_state_from(text.str()));
    EXPECT_EQ(received_.lines_with("is no replay state"), 1u);
}

TEST_F(SubscriberReplay, WhereNothingCanBeKeptItIsKeptInMemoryAndSaid) {
    std::ofstream(dir_.path() / "file") << "x";
    subscribe(dir_.path() / "file" / "below");
    ASSERT_TRUE(received_.wait_for_line("in memory only"));
    const Frames recorded = run({content(1)});
    send(recorded);
    send(recorded);
    ASSERT_TRUE(received_.wait_for_refusals(1));
    EXPECT_THAT(seqs(), ElementsAre(1));
    EXPECT_EQ(received_.lines_with("in memory only"), 1u);
}

TEST_F(SubscriberReplay, EachReceiverThatRunsHasAFileOfItsOwnUpToSixteen) {
    std::vector<std::unique_ptr<Subscriber>> others;
    Received elsewhere;
    for (int i = 0; i < 17; ++i) {
        auto settings = connected_to({NodeWorld::endpoint});
        settings.replay.directory = dir_.path();
        settings.replay.kind = "test";
        others.push_back(world_.subscriber(settings, elsewhere.hooks()));
    }
    EXPECT_TRUE(fs::exists(dir_.path() / "test.15"));
    EXPECT_FALSE(fs::exists(dir_.path() / "test.16"));
    EXPECT_TRUE(elsewhere.wait_for_line("all 16 files"));
    const Frames recorded = run({content(1)});
    send(recorded);
    ASSERT_TRUE(elsewhere.wait_for(17));
    others.clear();
    // Whoever comes next takes the first file, and knows what the others had.
    fs::remove(dir_.path() / "test.0");
    subscribe(dir_.path());
    send(recorded);
    ASSERT_TRUE(received_.wait_for_refusals(1));
    EXPECT_THAT(received_.reasons(), ElementsAre(Refusal::replayed));
}

TEST_F(SubscriberReplay, WithoutValidationNobodyVouchesForASignerAndNothingIsJudged) {
    subscribe({}, false);
    const Frames recorded = run({content(1, 1, -hours{5})});
    send(recorded);
    send(recorded);
    ASSERT_TRUE(received_.wait_for(2));
    EXPECT_THAT(received_.refused(), IsEmpty());
}

/// Times of the day jump; what passes does not.
class JumpingClock final : public Clock {
public:
    [[nodiscard]] Instant steady() const noexcept override {
        return std::chrono::steady_clock::now().time_since_epoch();
    }
    [[nodiscard]] std::uint64_t utc_us() const noexcept override {
        // Each look is an hour off, once this way, once the other way.
        const std::uint64_t now = static_cast<std::uint64_t>(support::SigningFixture::now);
        return (looks_++ % 2 == 0 ? now + 3600 : now - 3600) * 1'000'000;
    }

private:
    mutable std::atomic<std::uint64_t> looks_{0};
};

// P7
TEST(JumpsOfTheCalendar, NeitherCutShortNorProlongAnyWait) {
    const JumpingClock clock;
    NodeWorld world{clock};
    const auto git = world.signing.identity("git");
    Received received;
    auto settings = connected_to({NodeWorld::endpoint}, {"org.weft.**"});
    settings.replay.on = false;  // what it says of these times is P6
    const auto subscriber = world.subscriber(settings, received.hooks());
    const auto before = std::chrono::steady_clock::now();
    EXPECT_FALSE(subscriber->wait_ready(milliseconds{60}).ready);
    EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds{60});

    const auto publisher = world.publisher(git);
    EXPECT_TRUE(subscriber->wait_ready(patience).ready);
    ASSERT_TRUE(publisher->wait_for_subscriber(topic, patience));
    for (int i = 0; i < 100; ++i) publisher->publish(topic, {{"i", i}});
    EXPECT_TRUE(publisher->flush(patience).complete);
    EXPECT_TRUE(received.wait_for(100));
    const auto idle = std::chrono::steady_clock::now();
    EXPECT_FALSE(publisher->wait_for_subscriber("com.weft", milliseconds{60}));
    EXPECT_GE(std::chrono::steady_clock::now() - idle, milliseconds{60});
}

}  // namespace
}  // namespace weft::fabric
