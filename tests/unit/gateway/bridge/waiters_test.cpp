#include "gateway/bridge/waiters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/support/signing_fixture.hpp"

namespace weft::gateway {
namespace {

using fabric::Instant;
using reliability::TopicFilter;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using Came = Waiters::Came;
using Ticket = Waiters::Ticket;

TopicFilter globs(const std::vector<std::string>& texts) {
    return TopicFilter(support::globs_of(texts));
}

/// Who was called is noted by name.
class Room {
public:
    explicit Room(const WaiterLimits& limits = {}) : waiters(limits) {}

    Waiters::Added add(const std::string& name, reliability::JournalId after,
                       const TopicFilter& filter, Instant deadline = milliseconds{1000}) {
        Waiters::OnWoken done = [this, name](Woken why) { called.emplace_back(name, why); };
        return waiters.add(after, filter, deadline, done);
    }
    std::vector<std::pair<std::string, Woken>> call() {
        called.clear();
        while (auto woken = waiters.take_woken()) woken->first(woken->second);
        return called;
    }

    Waiters waiters;
    std::vector<std::pair<std::string, Woken>> called;
};

TEST(Waiters, AreWokenOnceByATopicThatTheyWaitFor) {
    Room room;
    EXPECT_EQ(room.add("commits", 0, globs({"git.**"})).came, Came::waits);
    room.add("all", 0, {});
    room.add("deploys", 0, globs({"deploy", "git.commit"}));
    room.add("others", 0, globs({"x.*"}));
    room.waiters.stored(1, "git.commit");
    EXPECT_THAT(room.call(), ::testing::UnorderedElementsAre(Pair("commits", Woken::stored),
                                                             Pair("all", Woken::stored),
                                                             Pair("deploys", Woken::stored)));
    room.waiters.stored(2, "git.commit");
    EXPECT_THAT(room.call(), IsEmpty());
    EXPECT_EQ(room.waiters.waiting(), 1U);
}

TEST(Waiters, AreNotWokenByWhatTheyHaveReadAlready) {
    Room room;
    room.add("ahead", 5, globs({"git.**"}));
    for (reliability::JournalId id = 1; id <= 5; ++id) room.waiters.stored(id, "git.commit");
    EXPECT_THAT(room.call(), IsEmpty());
    room.waiters.stored(6, "git.commit");
    EXPECT_THAT(room.call(), ElementsAre(Pair("ahead", Woken::stored)));
}

TEST(Waiters, WhoComesALittleLateIsToldAtOnce) {
    Room room;
    room.waiters.stored(1, "git.commit");
    room.waiters.stored(2, "git.commit");
    room.waiters.stored(3, "deploy");
    EXPECT_EQ(room.add("late", 1, globs({"git.*"})).came, Came::already);
    EXPECT_EQ(room.add("has it", 2, globs({"git.*"})).came, Came::waits);
    EXPECT_EQ(room.add("all", 2, {}).came, Came::already);
    EXPECT_EQ(room.add("all of it", 3, {}).came, Came::waits);
}

TEST(Waiters, WhoseIdIsOlderThanWhatIsRememberedWaitsUntilTheJournalIsAsked) {
    WaiterLimits limits;
    limits.remembered = 2;
    Room room(limits);
    room.waiters.stored(1, "a");
    room.waiters.stored(2, "b");
    EXPECT_EQ(room.add("still known", 0, globs({"z"})).came, Came::waits);
    room.waiters.stored(3, "c");
    const auto old = room.add("old", 0, globs({"z"}));
    EXPECT_EQ(old.came, Came::unknown);
    room.waiters.came(old.ticket);
    EXPECT_THAT(room.call(), ElementsAre(Pair("old", Woken::stored)));
    room.waiters.came(old.ticket);  // too late
    EXPECT_THAT(room.call(), IsEmpty());

    room.waiters.skipped(9);
    EXPECT_EQ(room.add("skipped", 8, globs({"z"})).came, Came::unknown);
    EXPECT_EQ(room.add("head", 9, globs({"z"})).came, Came::waits);
}

TEST(Waiters, GoWhenTheirTimeIsOver) {
    Room room;
    room.add("soon", 0, globs({"a"}), milliseconds{10});
    room.add("later", 0, {}, milliseconds{20});
    EXPECT_EQ(room.waiters.next_deadline(), milliseconds{10});
    room.waiters.tick(milliseconds{9});
    EXPECT_THAT(room.call(), IsEmpty());
    room.waiters.tick(milliseconds{10});
    EXPECT_THAT(room.call(), ElementsAre(Pair("soon", Woken::timeout)));
    EXPECT_EQ(room.waiters.next_deadline(), milliseconds{20});
    room.waiters.all(Woken::stopped);
    EXPECT_THAT(room.call(), ElementsAre(Pair("later", Woken::stopped)));
    EXPECT_FALSE(room.waiters.next_deadline());
}

TEST(Waiters, WhoIsForgottenIsNotCalledAlsoIfTheyWereWokenAlready) {
    Room room;
    const Ticket waits = room.add("waits", 0, globs({"a"})).ticket;
    const Ticket woken = room.add("woken", 0, globs({"b"})).ticket;
    room.waiters.stored(1, "b");
    EXPECT_TRUE(room.waiters.forget(waits));
    EXPECT_TRUE(room.waiters.forget(woken));
    EXPECT_FALSE(room.waiters.forget(woken));
    EXPECT_FALSE(room.waiters.forget(77));
    room.waiters.stored(2, "a");
    EXPECT_THAT(room.call(), IsEmpty());
    EXPECT_EQ(room.waiters.waiting(), 0U);
}

TEST(Waiters, AreBounded) {
    WaiterLimits limits;
    limits.waiters = 2;
    Room room(limits);
    room.add("one", 0, {});
    const Ticket two = room.add("two", 0, {}).ticket;
    EXPECT_EQ(room.add("three", 0, {}).came, Came::full);
    static_cast<void>(room.waiters.forget(two));
    EXPECT_EQ(room.add("three", 0, {}).came, Came::waits);
}

TEST(Waiters, AFilterMayNameAGlobTwiceAndShareItWithOthers) {
    Room room;
    const Ticket twice = room.add("twice", 0, globs({"a", "a", "a.**"})).ticket;
    room.add("same", 0, globs({"a"}));
    static_cast<void>(room.waiters.forget(twice));
    room.waiters.stored(1, "a");
    EXPECT_THAT(room.call(), ElementsAre(Pair("same", Woken::stored)));
    room.add("twice", 1, globs({"a", "a", "a.**"}));
    room.waiters.stored(2, "a");
    EXPECT_THAT(room.call(), ElementsAre(Pair("twice", Woken::stored)));
}

TEST(Waiters, ThatAreManyAreEachWokenByTheirOwnTopic) {
    Room room;
    constexpr int count = 10'000;
    for (int i = 0; i < count; ++i) {
        room.add(std::to_string(i), 0, globs({"key." + std::to_string(i)}));
    }
    for (int i = 0; i < count; ++i) {
        room.waiters.stored(static_cast<reliability::JournalId>(i) + 1,
                            "key." + std::to_string(count - 1 - i));
        ASSERT_THAT(room.call(), ElementsAre(Pair(std::to_string(count - 1 - i), Woken::stored)));
    }
}

}  // namespace
}  // namespace weft::gateway
