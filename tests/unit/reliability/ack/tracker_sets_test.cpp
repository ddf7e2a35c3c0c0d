// Many publishes at once: each has its own set of names and its own answers (A3).
#include <map>
#include <random>

#include "reliability/ack/tracker.hpp"
#include "tests/unit/reliability/ack/tracker_fixture.hpp"

namespace weft::reliability {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using AckTrackerSetsTest = AckTrackerTest;

TEST_F(AckTrackerSetsTest, ASecondPublishToTheSameSetDoesNotInheritTheFirstOnesAcks) {  // A3
    const auto same = recipients("a, b");
    for (const std::uint64_t number : {1, 2}) {
        ASSERT_TRUE(tracker_.open(nonce_of(number),
                                  {.recipients = same,
                                   .timeout = milliseconds{300},
                                   .waiter = std::make_shared<NumberedWaiter>(number)},
                                  1));
        bind(number);
        ack(number, "a");
        if (number == 1) ack(number, "b");
    }
    EXPECT_THAT(verdicts(), ElementsAre("1 acknowledged"));
    tick(seconds{1});
    EXPECT_THAT(verdicts(), ElementsAre("2 unknown"));
}

TEST_F(AckTrackerSetsTest, AChangedSetIsTheNewSet) {  // A3: not failing for ever after a change
    publish(1, "a, b");
    tick(seconds{1});
    EXPECT_THAT(verdicts(), ElementsAre("1 unknown"));
    publish(2, "a", AckLevel::received, milliseconds{300}, seconds{1});
    ack(2, "a");
    EXPECT_THAT(verdicts(), ElementsAre("2 acknowledged"));
}

TEST_F(AckTrackerSetsTest, AllAcksOfADayEndNoLaterPublishOfTheSameId) {  // A2
    publish(1, "a");
    ack(1, "a");
    EXPECT_THAT(verdicts(), ElementsAre("1 acknowledged"));
    // The same id and digest, published once more with a nonce of its own.
    AckSubject again = subject(1);
    again.nonce = nonce_of(2);
    EXPECT_TRUE(open(2, "a"));
    tracker_.bind(nonce_of(2), std::make_shared<const SentMessage>(
                                   SentMessage{"org.weft.dev.deploy", "content", again}));
    for (int i = 0; i < 100; ++i) ack(1, "a", AckLevel::processed);
    EXPECT_THAT(verdicts(), IsEmpty());
    ack(again, "a", AckLevel::received);
    EXPECT_THAT(verdicts(), ElementsAre("2 acknowledged"));
}

/// Ten names, and a thousand publishes to different sets of them. Half of the sets answer whole,
/// the others lack one; forged, wrong and repeated ACKs come between, in a random order.
TEST_F(AckTrackerSetsTest, AThousandPublishesWithVaryingSetsEndAsTheirOwnAnswersSay) {  // A3
    std::mt19937_64 random(20260101);
    struct Event {
        std::uint64_t number;
        std::string name, signer;
        int spoil;  // 0: genuine
    };
    std::vector<Event> events;
    std::map<std::uint64_t, bool> complete;
    for (std::uint64_t number = 1; number <= 1000; ++number) {
        std::vector<std::string> names;
        for (const char name : std::string("abcdefghij")) {
            if (random() % 3 == 0) names.emplace_back(1, name);
        }
        if (names.empty()) names.emplace_back("a");
        std::string text;
        for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
        publish(number, text);
        complete[number] = random() % 2 == 0;
        const std::size_t missing = complete[number] ? names.size() : random() % names.size();
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (i != missing) events.push_back({number, names[i], names[i], 0});
            const std::string other = names[(i + 1) % names.size()] + "x";
            events.push_back({number, names[i], other, 0});
            events.push_back({number, names[i], names[i], 1 + static_cast<int>(random() % 4)});
        }
    }
    std::shuffle(events.begin(), events.end(), random);
    for (const Event& event : events) {
        AckSubject about = subject(event.number);
        if (event.spoil == 1) about.digest[0] ^= 0x80;
        if (event.spoil == 2) about.epoch -= 1;
        if (event.spoil == 3) about.nonce = nonce_of(event.number % 1000 + 1);
        const auto level = event.spoil == 4 ? static_cast<AckLevel>(77) : AckLevel::received;
        ack_signed(about, event.name, level, {event.signer, true, true});
    }
    tick(seconds{1});

    std::map<std::string, int> ended;
    for (const auto& verdict : verdicts()) ++ended[verdict];
    ASSERT_EQ(ended.size(), 1000U);
    for (const auto& [number, whole] : complete) {
        const std::string expected =
            std::to_string(number) + (whole ? " acknowledged" : " unknown");
        EXPECT_EQ(ended[expected], 1) << expected;
    }
    expect_nothing_kept();
}

}  // namespace
}  // namespace weft::reliability
