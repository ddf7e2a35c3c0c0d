// Holes in what a subscriber receives, filled from journals, over the in-process transport. The
// publisher is a bare port, so that the test says what is lost on the way.

#include "reliability/repair/repairing_subscriber.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "fabric/node/beacon.hpp"
#include "fabric/node/control.hpp"
#include "reliability/ack_consumer.hpp"
#include "tests/unit/reliability/reliable_world.hpp"
#include "tests/unit/reliability/repair/shelf_journal.hpp"

namespace weft::reliability {
namespace {

using namespace std::chrono_literals;
using fabric::Message;
using fabric::SubscriberHooks;
using support::Frames;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string topic = "org.weft.dev.a";
constexpr std::uint64_t epoch = 7;

class Repairing : public ReliableWorld {
protected:
    Repairing() {
        issue("mallory");
        issue("a");
        git_ = identity_of("mallory");
        limits_.sure_after = 50ms;
        limits_.ask_after = 1ms;
        limits_.ask_again = 5ms;
    }

    /// What the wrapper of verification will do: here trust is that of now.
    VerifyStored verify() {
        auto verifier = std::make_shared<signing::Verifier>(world_.signing.trust(),
                                                            signing::Verifier::Mode::validate);
        return [verifier](const StoredRun& run) -> tl::expected<std::vector<Message>, std::string> {
            signing::VerifiedRun verified;
            const auto believed =
                verifier->verify({run.topic, run.contents, run.proof}, {"journal", 5000},
                                 support::SigningFixture::now, 0, verified);
            if (!believed) {
                return tl::make_unexpected(std::string{signing::name_of(believed.error().reason)});
            }
            auto bytes = std::make_shared<fabric::RunBytes>(run.topic, run.contents, run.proof);
            bytes->signer = verified.signer;
            bytes->verified = verified.verified;
            std::vector<Message> messages;
            JournalId id = run.first;
            for (const signing::RunItem& item : verified.items) {
                const JournalId own = id++;
                if (own < run.from || own > run.to) continue;
                const auto offset =
                    static_cast<std::size_t>(item.content.data() - run.contents.data());
                const auto content = bytes->contents.substr(offset, item.content.size());
                fabric::DecodedContent decoded;
                if (!fabric::decode_content(content, decoded)) continue;
                messages.emplace_back(bytes, std::move(decoded), content, item.digest);
            }
            return messages;
        };
    }
    RepairOptions repair() {
        RepairOptions options;
        for (const auto& journal : journals_) options.journals.push_back({"j", journal});
        options.verify = verify();
        options.limits = limits_;
        options.lost = [this](const Lost& lost) {
            out_.add("lost " + std::to_string(lost.from) + "-" + std::to_string(lost.to));
        };
        return options;
    }
    SubscriberHooks hooks() {
        SubscriberHooks hooks;
        hooks.deliver = [this](const Message& message) {
            messages_.add(message);
            out_.add(std::to_string(message.seq()));
        };
        hooks.gap = [this](const fabric::Gap& gap) { gaps_.add(gap.to - gap.from + 1); };
        return hooks;
    }
    void subscribe() { subscribe(hooks(), repair()); }
    void subscribe(SubscriberHooks hooks, RepairOptions options) {
        port_ = world_.bare_port("tcp://127.0.0.1:5");
        a_ = open("a");
        subscriber_ = std::make_unique<RepairingSubscriber>(
            *a_.fabric, std::vector<std::string>{"a"}, std::move(hooks), std::move(options));
        wait_for_subscriber();
    }
    void wait_for_subscriber() {
        ASSERT_TRUE(eventually([&] {
            fabric::SubscriptionEvent event;
            return port_->next_subscription(event) && event.prefix == fabric::barrier_prefix;
        }));
    }

    static std::string content(std::uint64_t seq, std::chrono::seconds age = 0s) {
        fabric::ContentHeader header = fabric::sample_header();
        header.epoch = epoch;
        header.seq = seq;
        header.time_us =
            static_cast<std::uint64_t>(support::SigningFixture::now - age.count()) * 1'000'000;
        return fabric::encoded(header, "\xC0");
    }
    Frames frames(const std::vector<std::uint64_t>& seqs, std::chrono::seconds age = 0s) {
        std::vector<std::string> contents;
        for (const std::uint64_t seq : seqs) contents.push_back(content(seq, age));
        return support::sign(*git_, topic, contents);
    }
    void send(const Frames& frames) { port_->send(frames.topic, frames.contents, frames.proof); }
    void live(const std::vector<std::uint64_t>& seqs) {
        for (const std::uint64_t seq : seqs) send(frames({seq}));
    }
    void put(ShelfJournal& journal, const std::vector<std::uint64_t>& seqs,
             std::chrono::seconds age = 0s) {
        journal.put("mallory", frames(seqs, age));
    }
    void tail_beacon(std::uint64_t last) {
        fabric::ContentHeader header = fabric::sample_header();
        header.epoch = epoch;
        header.time_us = static_cast<std::uint64_t>(support::SigningFixture::now) * 1'000'000;
        send(support::sign(*git_, topic,
                           {fabric::encoded(header, fabric::tail_beacon(last).bytes())},
                           signing::Kind::beacon));
    }
    [[nodiscard]] RepairStats stats() const { return subscriber_->stats().repair; }

    std::optional<support::Identity> git_;
    RepairLimits limits_;
    std::vector<std::shared_ptr<ShelfJournal>> journals_{std::make_shared<ShelfJournal>()};
    Seen<std::string> out_;
    Seen<Message> messages_;
    Seen<std::uint64_t> gaps_;
    std::unique_ptr<fabric::PublishPort> port_;
    Party a_;
    std::unique_ptr<RepairingSubscriber> subscriber_;
};

TEST_F(Repairing, WhatIsMissingComesOutOfTheJournalInItsPlace) {
    put(*journals_[0], {1, 2, 3, 4, 5});
    subscribe();

    live({1, 4, 5});

    ASSERT_TRUE(out_.wait_for(5));
    EXPECT_THAT(out_.all(), ElementsAre("1", "2", "3", "4", "5"));
    std::vector<bool> replayed;
    for (const Message& message : messages_.all()) replayed.push_back(message.replayed());
    EXPECT_THAT(replayed, ElementsAre(false, true, true, false, false));
    EXPECT_EQ(messages_.all()[1].journal_id(), 102u);
    EXPECT_EQ(messages_.all()[0].journal_id(), std::nullopt);
    EXPECT_TRUE(messages_.all()[1].verified());
    EXPECT_THAT(gaps_.all(), ElementsAre(2u));
    EXPECT_EQ(subscriber_->stats().received.missing, 2u);
    EXPECT_EQ(stats().repaired, 2u);
    EXPECT_EQ(stats().holes_open, 0u);
}

TEST_F(Repairing, ALostTailIsFoundByItsBeaconAndFilled) {
    put(*journals_[0], {1, 2, 3});
    subscribe();

    live({1});
    tail_beacon(3);

    ASSERT_TRUE(out_.wait_for(3));
    EXPECT_THAT(out_.all(), ElementsAre("1", "2", "3"));
}

TEST_F(Repairing, WhatOneJournalLacksAnotherMayHave) {
    journals_.push_back(std::make_shared<ShelfJournal>());
    put(*journals_[0], {2, 4});
    put(*journals_[1], {3, 5});
    subscribe();

    live({1, 6});

    ASSERT_TRUE(out_.wait_for(6));
    EXPECT_THAT(out_.all(), ElementsAre("1", "2", "3", "4", "5", "6"));
    EXPECT_EQ(stats().given_up_messages, 0u);
}

TEST_F(Repairing, TheJournalThatHelpedLastIsAskedFirst) {
    journals_.push_back(std::make_shared<ShelfJournal>());
    put(*journals_[1], {2, 4});
    subscribe();
    live({1, 3});
    ASSERT_TRUE(out_.wait_for(3));
    const std::size_t before = journals_[0]->asked().size();
    EXPECT_GT(before, 0u);

    live({5});

    ASSERT_TRUE(out_.wait_for(5));
    EXPECT_THAT(journals_[0]->asked(), SizeIs(before));
}

TEST_F(Repairing, WhatNoJournalHasIsLostAloudAndTheRestGoesOn) {
    put(*journals_[0], {3});
    subscribe();

    live({1, 5, 6});

    ASSERT_TRUE(out_.wait_for(6));
    EXPECT_THAT(out_.all(), ElementsAre("1", "lost 2-2", "3", "lost 4-4", "5", "6"));
    EXPECT_TRUE(a_.warned("lost 1 messages of topic org.weft.dev.a from signer 'mallory'"));
    EXPECT_TRUE(a_.warned("no journal has them"));
    EXPECT_EQ(stats().given_up_messages, 2u);
}

TEST_F(Repairing, AJournalThatIsAwayIsNamedAskedAgainAndUsedWhenItIsBack) {
    journals_[0]->be_away(true);
    put(*journals_[0], {2});
    subscribe();
    live({1, 3});
    ASSERT_TRUE(a_.warned("gap repair: journal j: away"));
    EXPECT_TRUE(eventually([&] { return journals_[0]->asked().size() > 1; }));
    EXPECT_THAT(out_.all(), ElementsAre("1"));

    journals_[0]->be_away(false);

    ASSERT_TRUE(out_.wait_for(3));
    EXPECT_THAT(out_.all(), ElementsAre("1", "2", "3"));
    EXPECT_GT(subscriber_->stats().journal_failed, 0u);
}

TEST_F(Repairing, WhereEveryJournalIsAwayTheHoleIsGivenUpAfterTheWait) {
    journals_[0]->be_away(true);
    limits_.wait = 100ms;
    subscribe();

    live({1, 3});

    ASSERT_TRUE(out_.wait_for(3));
    EXPECT_THAT(out_.all(), ElementsAre("1", "lost 2-2", "3"));
    EXPECT_TRUE(a_.warned("did not come within reliability.repair.wait"));
}

// P3: a partition of an hour heals, although live messages may be five minutes old.
TEST_F(Repairing, WhatIsOlderThanTheReplayWindowComesOutOfAJournalAllTheSame) {
    put(*journals_[0], {2, 3}, 3600s);
    subscribe();

    live({1});
    send(frames({2}, 3600s));
    live({4});

    ASSERT_TRUE(out_.wait_for(4));
    EXPECT_THAT(out_.all(), ElementsAre("1", "2", "3", "4"));
    EXPECT_TRUE(messages_.all()[1].replayed());
    const auto too_old = static_cast<std::size_t>(signing::Refusal::too_old);
    EXPECT_EQ(subscriber_->stats().received.refused[too_old], 1u);
}

// P3: no copy of what was seen is shown, neither live nor out of the journal.
TEST_F(Repairing, CopiesOfWhatWasRepairedAreDropped) {
    put(*journals_[0], {1, 2, 3, 4});
    subscribe();
    live({1, 3});
    ASSERT_TRUE(out_.wait_for(3));

    live({2, 2, 3, 1, 5});

    ASSERT_TRUE(out_.wait_for(5));
    EXPECT_THAT(out_.all(), ElementsAre("1", "2", "3", "4", "5"));
    const auto replayed = static_cast<std::size_t>(signing::Refusal::replayed);
    EXPECT_TRUE(eventually([&] {
        const auto stats = subscriber_->stats();
        return stats.repair.duplicates_dropped + stats.received.refused[replayed] == 4;
    }));
}

// P3, over a restart: what was repaired is in the receiver's memory as if it had come live.
TEST_F(Repairing, CopiesOfWhatWasRepairedAreRefusedAfterARestartToo) {
    const auto state = world_.signing.directory() / "seen";
    std::filesystem::create_directory(state);
    const std::string more = "fabric: { replay: { state: '" + state.string() + "' } }";
    put(*journals_[0], {2, 3});
    port_ = world_.bare_port("tcp://127.0.0.1:5");
    a_ = open("a", more);
    subscriber_ = std::make_unique<RepairingSubscriber>(*a_.fabric, std::vector<std::string>{"a"},
                                                        hooks(), repair());
    wait_for_subscriber();
    live({1, 4});
    ASSERT_TRUE(out_.wait_for(4));
    subscriber_.reset();
    subscriber_ = std::make_unique<RepairingSubscriber>(*a_.fabric, std::vector<std::string>{"a"},
                                                        hooks(), repair());
    wait_for_subscriber();

    live({2, 3, 4, 5});

    ASSERT_TRUE(out_.wait_for(5));
    EXPECT_THAT(out_.all(), ElementsAre("1", "2", "3", "4", "5"));
    const auto replayed = static_cast<std::size_t>(signing::Refusal::replayed);
    EXPECT_EQ(subscriber_->stats().received.refused[replayed], 3u);
}

TEST_F(Repairing, WhatDoesNotVerifyIsNotShown) {
    Frames forged = frames({2});
    forged.proof[20] = static_cast<char>(forged.proof[20] ^ 1);
    journals_[0]->put("mallory", forged);
    limits_.wait = 200ms;
    subscribe();

    live({1, 3});

    ASSERT_TRUE(out_.wait_for(3));
    EXPECT_THAT(out_.all(), ElementsAre("1", "lost 2-2", "3"));
    EXPECT_TRUE(a_.warned("is refused: signature_bad"));
    EXPECT_GT(subscriber_->stats().stored_refused, 0u);
}

// P5
TEST_F(Repairing, AClaimedNumberCostsAFewSmallQuestions) {
    subscribe();
    const std::uint64_t huge = std::uint64_t{1} << 63;

    live({1, huge});

    ASSERT_TRUE(out_.wait_for(3));
    EXPECT_THAT(out_.all(),
                ElementsAre("1", "lost 2-" + std::to_string(huge - 1), std::to_string(huge)));
    for (const StreamRange& range : journals_[0]->asked()) {
        EXPECT_LT(range.to - range.from, 10'000u);
    }
    EXPECT_LT(journals_[0]->asked().size(), 200u);
}

TEST_F(Repairing, WhatWasMissedBeforeItWasStartedIsNoHole) {
    put(*journals_[0], {48, 49});
    subscribe();

    live({50, 51});

    ASSERT_TRUE(out_.wait_for(2));
    EXPECT_THAT(out_.all(), ElementsAre("50", "51"));
    EXPECT_THAT(journals_[0]->asked(), IsEmpty());
}

TEST_F(Repairing, WithoutJournalsItIsThePlainSubscriber) {
    journals_.clear();
    subscribe();

    live({1, 3, 2});

    ASSERT_TRUE(out_.wait_for(3));
    EXPECT_THAT(out_.all(), ElementsAre("1", "3", "2"));
    EXPECT_THAT(gaps_.all(), ElementsAre(1u));
}

TEST_F(Repairing, JournalsWithoutAnythingThatVerifiesAreAnError) {
    a_ = open("a");
    RepairOptions options = repair();
    options.verify = nullptr;

    EXPECT_THROW(RepairingSubscriber(*a_.fabric, {"a"}, hooks(), options), fabric::OpenFailed);
}

TEST_F(Repairing, AConsumerThatThrowsHarmsNobodyButItself) {
    put(*journals_[0], {2});
    SubscriberHooks throwing = hooks();
    throwing.deliver = [this, deliver = throwing.deliver](const Message& message) {
        deliver(message);
        if (message.replayed()) throw std::runtime_error("no\nthanks");
    };
    subscribe(std::move(throwing), repair());

    live({1, 3});

    ASSERT_TRUE(out_.wait_for(3));
    EXPECT_TRUE(eventually([&] { return subscriber_->stats().consumer_failed == 1; }));
    EXPECT_TRUE(a_.warned("threw at message"));
}

TEST_F(Repairing, AtTheEndWhatIsHeldIsHandedOverAndWhatIsMissingIsLost) {
    journals_[0]->be_away(true);
    subscribe();
    live({1, 3, 4});
    ASSERT_TRUE(eventually([&] { return stats().held == 2; }));

    subscriber_->stop();

    EXPECT_THAT(out_.all(), ElementsAre("1", "lost 2-2", "3", "4"));
    EXPECT_EQ(stats().held, 0u);
}

TEST_F(Repairing, CountsWhatItDidUnderNames) {
    put(*journals_[0], {2});
    subscribe();
    live({1, 3, 5});
    ASSERT_TRUE(out_.wait_for(5));
    subscriber_->stop();

    fabric::Counters counters;
    add(counters, subscriber_->stats());

    EXPECT_EQ(counters.value("weft_messages_repaired_total", "journal"), 1u);
    EXPECT_EQ(counters.value("weft_messages_given_up_total"), 1u);
    EXPECT_EQ(counters.value("weft_gaps_given_up_total", "not_stored"), 1u);
    EXPECT_EQ(counters.value("weft_messages_missing"), 2u);
    EXPECT_EQ(counters.value("weft_messages_received_total"), 3u);
}

TEST_F(Repairing, ManyHolesAreFilledWhileMoreArrives) {
    std::vector<std::uint64_t> all, some;
    for (std::uint64_t seq = 1; seq <= 3000; ++seq) {
        all.push_back(seq);
        if (seq % 7 != 3 && (seq < 1000 || seq > 1500)) some.push_back(seq);
    }
    for (std::size_t i = 0; i < all.size(); i += 100) {
        put(*journals_[0], {all.begin() + static_cast<std::ptrdiff_t>(i),
                            all.begin() + static_cast<std::ptrdiff_t>(i + 100)});
    }
    subscribe();

    live(some);

    ASSERT_TRUE(out_.wait_for(3000));
    std::vector<std::uint64_t> seqs;
    for (const Message& message : messages_.all()) seqs.push_back(message.seq());
    EXPECT_EQ(seqs, all);
    EXPECT_EQ(stats().repaired, all.size() - some.size());
}

TEST_F(Repairing, AConsumerHandlesWhatWasRepairedInItsPlace) {
    put(*journals_[0], {2});
    port_ = world_.bare_port("tcp://127.0.0.1:5");
    a_ = open("a");
    ConsumerOptions options;
    options.repair = repair();
    AckConsumer consumer(
        *a_.fabric, {"a"},
        [this](const Delivery& delivery) { out_.add(std::to_string(delivery.message().seq())); },
        options);
    wait_for_subscriber();

    live({1, 3});

    ASSERT_TRUE(out_.wait_for(3));
    EXPECT_THAT(out_.all(), ElementsAre("1", "2", "3"));
    EXPECT_EQ(consumer.stats().repairing.repair.repaired, 1u);
}

}  // namespace
}  // namespace weft::reliability
