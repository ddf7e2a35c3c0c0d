#include "fabric/node/subscription_table.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "fabric/node/control.hpp"

namespace weft::fabric {
namespace {

TEST(SubscriptionTable, NobodyWantsAnythingAtFirst) {
    const SubscriptionTable table;

    EXPECT_FALSE(table.matches("org.weft.dev.a"));
    EXPECT_EQ(table.peers(), 0u);
}

TEST(SubscriptionTable, APrefixMatchesWhatBeginsWithItByteForByte) {
    SubscriptionTable table;
    table.add("org.weft.dev.git");

    EXPECT_TRUE(table.matches("org.weft.dev.git"));
    EXPECT_TRUE(table.matches("org.weft.dev.git.commit"));
    EXPECT_TRUE(table.matches("org.weft.dev.github"));
    EXPECT_FALSE(table.matches("org.weft.dev.gi"));
    EXPECT_FALSE(table.matches("org.weft.dev.mail"));
}

TEST(SubscriptionTable, TheEmptyPrefixMatchesEveryTopic) {
    SubscriptionTable table;
    table.add("");

    EXPECT_TRUE(table.matches("a"));
    EXPECT_TRUE(table.matches(std::string(255, 'x')));
}

TEST(SubscriptionTable, APrefixIsWantedUntilTheLastWhoAskedForItLeft) {
    SubscriptionTable table;
    table.add("a.");
    table.add("a.");

    table.remove("a.");
    EXPECT_TRUE(table.matches("a.b"));
    table.remove("a.");
    EXPECT_FALSE(table.matches("a.b"));
}

TEST(SubscriptionTable, RemovingWhatNobodyAskedForChangesNothing) {
    SubscriptionTable table;
    table.add("a.");
    const auto generation = table.generation();

    table.remove("b.");
    table.remove(barrier_prefix);

    EXPECT_TRUE(table.matches("a.b"));
    EXPECT_EQ(table.peers(), 0u);
    EXPECT_EQ(table.generation(), generation);
}

TEST(SubscriptionTable, TheGenerationChangesWithTheAnswersAndOnlyThen) {
    SubscriptionTable table;
    const auto none = table.generation();
    table.add("a.");
    const auto one = table.generation();
    EXPECT_NE(one, none);

    table.add("a.");
    EXPECT_EQ(table.generation(), one);
    table.remove("a.");
    EXPECT_EQ(table.generation(), one);
    table.remove("a.");
    EXPECT_NE(table.generation(), one);
}

TEST(SubscriptionTable, PeersAreThoseWhoSubscribedToBarriers) {
    SubscriptionTable table;
    table.add(barrier_prefix);
    table.add(barrier_prefix);
    EXPECT_EQ(table.peers(), 2u);

    table.remove(barrier_prefix);
    EXPECT_EQ(table.peers(), 1u);
}

TEST(SubscriptionTable, ControlTopicsAreNoTopicsThatAnybodyPublishes) {
    SubscriptionTable table;
    table.add(barrier_prefix);
    table.add(std::string{probe_prefix} + std::string(nonce_bytes, '0'));
    table.add(std::string{echo_prefix} + std::string(nonce_bytes, '0'));

    EXPECT_FALSE(table.matches("a"));
    EXPECT_FALSE(table.matches(std::string{barrier_prefix} + "x"));
}

TEST(SubscriptionTable, APrefixLongerThanAnyTopicMatchesNothingAndTakesNoRoom) {
    SubscriptionTable table;
    const auto generation = table.generation();

    table.add(std::string(256, 'x'));

    EXPECT_EQ(table.generation(), generation);
    EXPECT_FALSE(table.matches(std::string(255, 'x')));
    EXPECT_FALSE(table.matches(std::string(300, 'x')));
}

TEST(SubscriptionTable, WhoSubscribesWithoutEndOnlyMakesEverythingWanted) {
    SubscriptionTable table;
    for (std::size_t i = 0; i < SubscriptionTable::prefixes_max; ++i) {
        table.add("stranger." + std::to_string(i));
    }
    EXPECT_FALSE(table.overflowed());
    EXPECT_FALSE(table.matches("org.weft.dev.a"));
    const auto generation = table.generation();

    table.add("one.more");

    EXPECT_TRUE(table.overflowed());
    EXPECT_TRUE(table.matches("org.weft.dev.a"));
    EXPECT_NE(table.generation(), generation);
    table.remove("one.more");
    EXPECT_TRUE(table.matches("org.weft.dev.a"));
}

TEST(SubscriptionTable, AfterEverybodyIsGoneNothingIsWantedAndItCountsFromTheStart) {
    SubscriptionTable table;
    for (std::size_t i = 0; i <= SubscriptionTable::prefixes_max; ++i) {
        table.add("a" + std::to_string(i));
    }
    table.add(barrier_prefix);
    ASSERT_TRUE(table.overflowed());
    const auto generation = table.generation();

    table.clear();

    EXPECT_FALSE(table.matches("a1"));
    EXPECT_EQ(table.peers(), 0u);
    EXPECT_NE(table.generation(), generation);
    table.add("a1");
    EXPECT_TRUE(table.matches("a1"));
    table.remove("a1");
    EXPECT_FALSE(table.matches("a1"));
}

TEST(SubscriptionTable, AnswersAsAListOfPrefixesWould) {
    std::mt19937 random(20240607);
    const auto text = [&] {
        std::string made(random() % 5, ' ');
        for (char& c : made) c = static_cast<char>('a' + random() % 3);
        return made;
    };
    SubscriptionTable table;
    std::multiset<std::string> model;
    for (int step = 0; step < 20'000; ++step) {
        const std::string prefix = text();
        if (random() % 2 == 0) {
            table.add(prefix);
            model.insert(prefix);
        } else if (const auto found = model.find(prefix); found != model.end()) {
            table.remove(prefix);
            model.erase(found);
        }
        const std::string topic = text();
        bool wanted = false;
        for (const std::string& one : model) wanted = wanted || topic.starts_with(one);
        ASSERT_EQ(table.matches(topic), wanted) << "step " << step << ", topic " << topic;
    }
}

}  // namespace
}  // namespace weft::fabric
