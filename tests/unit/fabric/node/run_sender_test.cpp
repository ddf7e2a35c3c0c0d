#include "fabric/node/run_sender.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "fabric/message/codec.hpp"
#include "fabric/message/value.hpp"
#include "signing/verifier.hpp"
#include "tests/support/signing_fixture.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using signing::Kind;
using support::Frames;
using ::testing::ElementsAre;

/// Keeps what it is given.
class RecordingPort final : public PublishPort {
public:
    void send(std::string_view topic, std::string_view contents, std::string_view proof) override {
        sent.push_back({std::string{topic}, std::string{contents}, std::string{proof}});
    }
    bool next_subscription(SubscriptionEvent&) override { return false; }
    void wait(std::chrono::milliseconds) override {}
    void wake() override {}
    [[nodiscard]] std::string bound() const override { return ""; }

    std::vector<Frames> sent;
};

struct Sent {
    std::string topic, content;
    Kind kind;
    friend bool operator==(const Sent&, const Sent&) = default;
};

class RunSenderTest : public ::testing::Test {
protected:
    RunSenderTest() {
        queue_.set_link_up(true);
        queue_.on_subscription("", true);
    }

    void put(const std::string& topic, const std::string& content, Kind kind = Kind::message) {
        const auto claimed = queue_.claim(topic, kind, content.size(), clock_.steady());
        ASSERT_TRUE(claimed);
        if (claimed->slot == nullptr) return;
        std::memcpy(claimed->content, content.data(), content.size());
        claimed->slot->digest = signing::message_digest(topic, content);
        OutgoingQueue::commit(*claimed);
    }
    void send_all() {
        while (auto batch = queue_.take()) {
            sender_.send(*batch, queue_, port_, clock_.steady());
            queue_.recycle(std::move(batch));
        }
    }
    /// What a receiver believes of all that was sent; each run within the limits.
    std::vector<Sent> verified() {
        support::Receiver receiver(world_.trust());
        std::vector<Sent> all;
        for (const Frames& run : port_.sent) {
            EXPECT_TRUE(receiver.take(run)) << run.topic;
            EXPECT_LE(receiver.run.items.size(), signing::run_messages_max);
            EXPECT_TRUE(run.contents.size() <= RunSender::run_bytes_max ||
                        receiver.run.items.size() == 1);
            for (const auto& item : receiver.run.items) {
                EXPECT_TRUE(item.present);
                all.push_back({run.topic, std::string{item.content}, receiver.run.kind});
            }
        }
        return all;
    }
    /// Messages in each run that was sent.
    std::vector<std::size_t> run_lengths() const {
        std::vector<std::size_t> lengths;
        for (const Frames& run : port_.sent) {
            std::size_t length = 0;
            for (signing::ItemReader items(run.contents); !items.at_end(); ++length) {
                if (!items.next()) return {};
            }
            lengths.push_back(length);
        }
        return lengths;
    }

    support::SigningFixture world_;
    const support::Identity git_ = world_.identity("git");
    ManualClock clock_;
    OutgoingQueue queue_{clock_, nullptr};
    RecordingPort port_;
    RunSender sender_{std::make_unique<signing::BatchSigner>(git_.key, git_.certificate)};
};

TEST_F(RunSenderTest, OneMessageIsOneRunUnderOneSignature) {
    put("a", "hello");

    send_all();

    EXPECT_THAT(verified(), ElementsAre(Sent{"a", "hello", Kind::message}));
    EXPECT_EQ(sender_.counters().sent, 1u);
    EXPECT_EQ(sender_.counters().runs, 1u);
    EXPECT_EQ(sender_.counters().signatures, 1u);
}

TEST_F(RunSenderTest, NeighboursOfOneTopicShareARunAndTheOrderStays) {
    put("a", "1");
    put("a", "2");
    put("b", "3");
    put("a", "4");

    send_all();

    EXPECT_THAT(run_lengths(), ElementsAre(2, 1, 1));
    EXPECT_THAT(verified(),
                ElementsAre(Sent{"a", "1", Kind::message}, Sent{"a", "2", Kind::message},
                            Sent{"b", "3", Kind::message}, Sent{"a", "4", Kind::message}));
    EXPECT_EQ(sender_.counters().signatures, 1u);
}

TEST_F(RunSenderTest, ARunHasAtMost256Messages) {
    for (int i = 0; i < 600; ++i) put("a", std::to_string(i));

    send_all();

    EXPECT_THAT(run_lengths(), ElementsAre(256, 256, 88));
    EXPECT_EQ(verified().size(), 600u);
    EXPECT_EQ(sender_.counters().signatures, 1u);
}

TEST_F(RunSenderTest, ARunHasAtMost256KibibytesUnlessOneMessageIsLarger) {
    constexpr std::size_t limit = RunSender::run_bytes_max;
    put("a", std::string(limit / 2 - 4, 'x'));
    put("a", std::string(limit / 2 - 4, 'y'));  // fills the run to the last byte
    put("a", std::string(limit / 2 - 4, 'z'));
    put("a", std::string(limit / 2 - 3, 'u'));  // one byte too much for it
    put("a", std::string(limit * 3, 'v'));
    put("a", "w");

    send_all();

    EXPECT_THAT(run_lengths(), ElementsAre(2, 1, 1, 1, 1));
    EXPECT_EQ(port_.sent.front().contents.size(), limit);
    EXPECT_EQ(verified().size(), 6u);
}

TEST_F(RunSenderTest, ATreeHasAtMost256Runs) {
    for (int i = 0; i < 600; ++i) put(i % 2 == 0 ? "a" : "b", std::to_string(i));

    send_all();

    EXPECT_EQ(port_.sent.size(), 600u);
    EXPECT_EQ(verified().size(), 600u);
    EXPECT_EQ(sender_.counters().runs, 600u);
    EXPECT_EQ(sender_.counters().signatures, 3u);  // 256, 256 and 88 runs
}

TEST_F(RunSenderTest, ARunThatGrowsAfterTheTreeIsFullStaysInIt) {
    for (int i = 0; i < 256; ++i) put(i % 2 == 0 ? "a" : "b", std::to_string(i));
    put("b", "one more for the last run");

    send_all();

    EXPECT_EQ(run_lengths().back(), 2u);
    EXPECT_EQ(sender_.counters().signatures, 1u);
    EXPECT_EQ(verified().size(), 257u);
}

TEST_F(RunSenderTest, KindsDoNotShareARun) {
    put("a", "1", Kind::message);
    put("a", "2", Kind::beacon);
    put("a", "3", Kind::message);

    send_all();

    EXPECT_THAT(verified(), ElementsAre(Sent{"a", "1", Kind::message}, Sent{"a", "2", Kind::beacon},
                                        Sent{"a", "3", Kind::message}));
    EXPECT_THAT(run_lengths(), ElementsAre(1, 1, 1));
}

TEST_F(RunSenderTest, WhatNobodyWantsAnyLongerIsNeitherSignedNorSent) {
    queue_.set_link_up(false);
    put("a", "1");
    put("b", "2");
    put("a", "3");
    queue_.on_subscription("", false);
    queue_.on_subscription("a", true);
    queue_.set_link_up(true);

    send_all();

    // Not one run: what is left of the batch is not side by side.
    EXPECT_THAT(run_lengths(), ElementsAre(1, 1));
    EXPECT_THAT(verified(),
                ElementsAre(Sent{"a", "1", Kind::message}, Sent{"a", "3", Kind::message}));
    EXPECT_EQ(sender_.counters().unwanted, 1u);
    EXPECT_EQ(sender_.counters().sent, 2u);
}

TEST_F(RunSenderTest, ABatchThatNobodyWantsCostsNoSignature) {
    queue_.set_link_up(false);
    put("a", "1");
    queue_.on_subscription("", false);

    send_all();

    EXPECT_TRUE(port_.sent.empty());
    EXPECT_EQ(sender_.counters().signatures, 0u);
    EXPECT_EQ(sender_.counters().unwanted, 1u);
}

TEST_F(RunSenderTest, WithoutASignerProofsAreEmpty) {
    RunSender unsigned_sender(nullptr);
    put("a", "1");
    put("a", "2");
    put("b", "3");

    const auto batch = queue_.take();
    unsigned_sender.send(*batch, queue_, port_, clock_.steady());

    EXPECT_THAT(run_lengths(), ElementsAre(2, 1));
    for (const Frames& run : port_.sent) EXPECT_EQ(run.proof, "");
    EXPECT_EQ(unsigned_sender.counters().signatures, 0u);
    EXPECT_EQ(unsigned_sender.counters().sent, 3u);
}

TEST_F(RunSenderTest, WhateverIsPutInComesOutVerifiedAndInOrder) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        port_.sent.clear();
        std::vector<Sent> expected;
        const unsigned topics = 1 + random() % 4;
        const std::size_t count = 1 + random() % 900;
        for (std::size_t i = 0; i < count; ++i) {
            const std::string topic = "t" + std::to_string(random() % topics);
            const std::size_t bytes = random() % 40 == 0 ? random() % 400'000 : random() % 100;
            const Kind kind = random() % 30 == 0 ? Kind::beacon : Kind::message;
            expected.push_back({topic, std::string(bytes, static_cast<char>('a' + i % 26)), kind});
            put(topic, expected.back().content, kind);
            if (random() % 200 == 0) send_all();  // batches of every size
        }
        send_all();
        EXPECT_TRUE(verified() == expected);
    }
}

/// What each tail beacon of `runs` says; each must verify and be alone in its run.
std::vector<std::string> tails_in(support::SigningFixture& world, const std::vector<Frames>& runs) {
    std::vector<std::string> said;
    support::Receiver receiver(world.trust());
    for (const Frames& run : runs) {
        if (!receiver.take(run) || receiver.run.kind != Kind::beacon) continue;
        DecodedContent content;
        EXPECT_EQ(receiver.run.items.size(), 1u);
        EXPECT_TRUE(decode_content(receiver.run.items.at(0).content, content));
        EXPECT_EQ(content.header.seq, 0u);
        EXPECT_EQ(content.header.epoch, 7u);
        said.push_back(run.topic + " " +
                       std::to_string(from_msgpack(content.body).value()["last"].integer_or(-1)));
    }
    return said;
}

TEST_F(RunSenderTest, QuietTopicsGetATailBeaconEachUnderOneSignature) {
    put("a", "1");
    put("a", "2");
    put("b", "3");
    put("c", "4", Kind::beacon);
    send_all();
    const auto before = sender_.counters();
    port_.sent.clear();
    const RunSender::Speaker speaker{7, "a test", clock_.utc_us()};

    sender_.send_tails(speaker, queue_, port_, clock_.steady() + std::chrono::milliseconds{249});
    EXPECT_TRUE(port_.sent.empty());
    sender_.send_tails(speaker, queue_, port_, clock_.steady() + std::chrono::milliseconds{250});

    EXPECT_THAT(tails_in(world_, port_.sent), ElementsAre("a 2", "b 1"));
    EXPECT_EQ(sender_.counters().tail_beacons, 2u);
    EXPECT_EQ(sender_.counters().signatures, before.signatures + 1);
    EXPECT_EQ(sender_.counters().sent, before.sent);
    EXPECT_EQ(sender_.counters().runs, before.runs);
    // They use up no numbers.
    const auto next = queue_.claim("a", Kind::message, 1, clock_.steady());
    ASSERT_TRUE(next);
    EXPECT_EQ(next->seq, 3u);
}

TEST_F(RunSenderTest, TailBeaconsOfOneTickAreBounded) {
    for (int i = 0; i < 1000; ++i) put("t" + std::to_string(i), "x");
    send_all();
    port_.sent.clear();
    const RunSender::Speaker speaker{7, "a test", clock_.utc_us()};
    const Instant late = clock_.steady() + std::chrono::seconds{1};

    for (std::size_t expected : {256u, 256u, 256u, 232u, 0u}) {
        sender_.send_tails(speaker, queue_, port_, late);
        EXPECT_EQ(tails_in(world_, port_.sent).size(), expected);
        port_.sent.clear();
    }
}

TEST_F(RunSenderTest, NobodyIsToldTheTailOfWhatNobodyWants) {
    put("a", "1");
    send_all();
    queue_.on_subscription("", false);
    port_.sent.clear();

    sender_.send_tails({7, "a test", clock_.utc_us()}, queue_, port_,
                       clock_.steady() + std::chrono::seconds{1});

    EXPECT_TRUE(port_.sent.empty());
}

TEST_F(RunSenderTest, WithoutASignerThereAreNoTailBeacons) {
    RunSender unsigned_sender(nullptr);
    put("a", "1");
    const auto batch = queue_.take();
    unsigned_sender.send(*batch, queue_, port_, clock_.steady());
    port_.sent.clear();

    unsigned_sender.send_tails({7, "a test", clock_.utc_us()}, queue_, port_,
                               clock_.steady() + std::chrono::seconds{1});

    EXPECT_TRUE(port_.sent.empty());
}

}  // namespace
}  // namespace weft::fabric
