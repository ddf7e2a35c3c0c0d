#include "gateway/bridge/newest_ids.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/signing_fixture.hpp"

namespace {

using namespace weft;
using gateway::NewestIds;
using reliability::JournalId;

reliability::TopicFilter filter(const std::vector<std::string>& globs) {
    return reliability::TopicFilter{support::globs_of(globs)};
}

TEST(NewestIds, AQuietTopicStaysKnownHoweverMuchOthersGet) {
    NewestIds newest{0};
    newest.stored("a", 1);
    for (JournalId id = 2; id < 100'000; ++id) newest.stored("busy", id);
    EXPECT_TRUE(newest.may_have(0, filter({"a"})));
    EXPECT_FALSE(newest.may_have(1, filter({"a"})));
    EXPECT_FALSE(newest.may_have(1, filter({"a", "a.b.**", "never"})));
    EXPECT_TRUE(newest.may_have(99'998, filter({"bus?"})));
}

TEST(NewestIds, NothingIsKnownOfWhatWasStoredBefore) {
    NewestIds newest{100};
    EXPECT_TRUE(newest.may_have(99, filter({"a"})));
    EXPECT_FALSE(newest.may_have(100, filter({"a"})));
    newest.stored("a", 101);
    newest.forget(150);
    EXPECT_TRUE(newest.may_have(149, filter({"b"})));
    EXPECT_FALSE(newest.may_have(150, filter({"b"})));
}

TEST(NewestIds, AGlobThatWritesATopicInAnotherWayFindsIt) {
    NewestIds newest{0};
    newest.stored("a.*", 1);
    EXPECT_TRUE(newest.may_have(0, filter({"a.[*]"})));
    EXPECT_FALSE(newest.may_have(1, filter({"a.[*]"})));
}

TEST(NewestIds, OneTopicTooManyForgetsTheOldestAndSaysSo) {
    NewestIds newest{0};
    for (JournalId id = 1; id <= NewestIds::topics_max + 1; ++id) {
        newest.stored("x." + std::to_string(id), id);
    }
    EXPECT_TRUE(newest.may_have(0, filter({"never"})));
    EXPECT_FALSE(newest.may_have(1, filter({"never"})));
    EXPECT_TRUE(newest.may_have(1, filter({"x.2"})));
    EXPECT_FALSE(newest.may_have(2, filter({"x.2"})));
}

/// Against a list of everything: it may be in doubt, and must never be wrong.
TEST(NewestIds, NeverSaysNothingWhereThereIsSomething) {
    std::mt19937 random{7};
    const auto below = [&](std::size_t end) { return random() % end; };
    const std::vector<std::string> globs = {"t.0",  "t.1",    "t.1.2", "t.**", "t.1.**", "t.*",
                                            "t.?0", "**.199", "u.**",  "u.5",  "[t].3",  "t.4.**"};
    for (int round = 0; round < 12; ++round) {
        // Few topics that come again and again, or more than are remembered.
        const bool few = round % 3 != 0;
        NewestIds newest{50};
        std::vector<std::pair<JournalId, std::string>> all;  // By rising ids.
        JournalId head = 50;
        std::size_t sure = 0;
        for (std::size_t i = 0; i < (few ? 5'000U : 60'000U); ++i) {
            head += 1 + below(3);
            std::string topic = (below(9) == 0 ? "u." : "t.") +
                                std::to_string(below(few ? 30 : 4 * NewestIds::topics_max));
            if (below(4) == 0) topic += '.' + std::to_string(below(3));
            newest.stored(topic, head);
            all.emplace_back(head, topic);
            if (few && below(2'000) == 0) newest.forget(head);
            if (below(few ? 20 : 100) != 0) continue;
            const auto& some = all[below(all.size())];
            const auto asked = filter({globs[below(globs.size())], some.second});
            const JournalId after =
                below(2) == 0 ? head - std::min<JournalId>(head, below(40)) : some.first - below(2);
            if (newest.may_have(after, asked)) continue;
            ++sure;
            for (auto one = all.rbegin(); one != all.rend() && one->first > after; ++one) {
                ASSERT_FALSE(asked.matches(one->second)) << one->second << " " << one->first;
            }
        }
        EXPECT_GT(sure, 0U);
    }
}

}  // namespace
