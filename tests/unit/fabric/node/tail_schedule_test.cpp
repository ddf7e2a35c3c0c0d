#include "fabric/node/tail_schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fabric/node/outgoing_queue.hpp"

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TailScheduleTest : public ::testing::Test {
protected:
    std::vector<std::string> due_at(Instant now, std::size_t max = 1000) {
        std::vector<TailSchedule::Tail> due;
        schedule_.take_due(now, max, due);
        std::vector<std::string> said;
        for (const auto& tail : due) said.push_back(tail.topic->text + std::to_string(tail.last));
        return said;
    }
    static OutgoingTopic topic(const std::string& text) {
        OutgoingTopic topic;
        topic.text = text;
        return topic;
    }

    TailSchedule schedule_;
    OutgoingTopic a_ = topic("a"), b_ = topic("b");
};

TEST_F(TailScheduleTest, ATopicIsSpokenOfSixTimesEverMoreSeldomThenNoMore) {
    schedule_.sent(a_, 5, Instant{0});
    std::vector<std::int64_t> said;
    for (Instant now{0}; now < seconds{120}; now += milliseconds{50}) {
        if (!due_at(now).empty()) {
            said.push_back(std::chrono::duration_cast<milliseconds>(now).count());
        }
    }
    EXPECT_THAT(said, ElementsAre(250, 1250, 3250, 7250, 15250, 31250));
    EXPECT_EQ(schedule_.topics(), 0u);
}

TEST_F(TailScheduleTest, WhoSpeaksIsNotSpokenOfUntilItIsQuietAgain) {
    for (int i = 0; i < 10; ++i) {
        schedule_.sent(a_, static_cast<std::uint64_t>(i), milliseconds{200 * i});
        EXPECT_THAT(due_at(milliseconds{200 * i + 199}), IsEmpty());
    }
    EXPECT_THAT(due_at(milliseconds{2050}), ElementsAre("a9"));
    // In the long pauses, too.
    EXPECT_THAT(due_at(milliseconds{3050}), ElementsAre("a9"));
    schedule_.sent(a_, 10, milliseconds{3100});
    EXPECT_THAT(due_at(milliseconds{3349}), IsEmpty());
    EXPECT_THAT(due_at(milliseconds{3350}), ElementsAre("a10"));
    EXPECT_THAT(due_at(milliseconds{4349}), IsEmpty());
    EXPECT_EQ(schedule_.topics(), 1u);
}

TEST_F(TailScheduleTest, NoMoreAreTakenThanAskedForAndTheRestFollows) {
    schedule_.sent(a_, 1, Instant{0});
    schedule_.sent(b_, 1, Instant{0});
    EXPECT_THAT(due_at(seconds{1}, 1), ElementsAre("a1"));
    EXPECT_THAT(due_at(seconds{1}, 1), ElementsAre("b1"));
    EXPECT_THAT(due_at(seconds{1}, 1), IsEmpty());
}

TEST_F(TailScheduleTest, MoreTopicsThanAReceiverFollowsAreLeftOutAndCounted) {
    std::vector<OutgoingTopic> topics(TailSchedule::topics_max + 5);
    for (OutgoingTopic& topic : topics) schedule_.sent(topic, 1, Instant{0});
    EXPECT_EQ(schedule_.topics(), TailSchedule::topics_max);
    EXPECT_EQ(schedule_.left_out(), 5u);
    schedule_.sent(topics.front(), 2, seconds{1});
    EXPECT_EQ(schedule_.left_out(), 5u);
    EXPECT_EQ(due_at(milliseconds{250}, 100'000).size(), TailSchedule::topics_max - 1);
}

}  // namespace
}  // namespace weft::fabric
