#include "gateway/esub/cluster/key_topic.hpp"

#include <gtest/gtest.h>

#include "gateway/esub/cluster/token_hash.hpp"

namespace weft::gateway::esub {
namespace {

const fabric::TopicSpace space{"org.weft", "dev"};

TEST(KeyTopics, AKeyIsOneTokenWhateverItsBytes) {
    const KeyTopics topics(space, "esub");
    EXPECT_EQ(topics.topic_of("job-7_a"), "org.weft.dev.esub.job-7_a");
    EXPECT_EQ(topics.topic_of("a.b c"), "org.weft.dev.esub.a%2Eb%20c");
    EXPECT_EQ(topics.glob(), "org.weft.dev.esub.*");
    std::string every;
    for (int byte = 0; byte < 256; byte += 7) every += static_cast<char>(byte);
    const auto topic = topics.topic_of(every);
    ASSERT_TRUE(topic);
    EXPECT_TRUE(fabric::Topic::parse(*topic));
    EXPECT_EQ(topics.key_of(*topic), every);
}

TEST(KeyTopics, AKeyHasOneTopicAndOtherTopicsAreNoKeys) {
    const KeyTopics topics(space, "esub");
    for (const char* none :
         {"org.weft.dev.esub", "org.weft.dev.esub.", "org.weft.dev.rse.a", "org.weft.dev.esub.a.b",
          "org.weft.dev.esub.%61", "org.weft.dev.esub.%2e", "org.weft.dev.esub.%2",
          "org.weft.dev.esub.a*"}) {
        EXPECT_FALSE(topics.key_of(none)) << none;
    }
}

TEST(KeyTopics, AKeyThatIsTooLongForATopicHasNone) {
    const KeyTopics topics(space, "esub");
    EXPECT_TRUE(topics.topic_of(std::string(200, 'a')));
    EXPECT_FALSE(topics.topic_of(std::string(240, 'a')));
    EXPECT_FALSE(topics.topic_of(std::string(100, '.')));
    EXPECT_FALSE(topics.topic_of(""));
}

TEST(KeyTopics, WithoutARootTheWholeFabricIsKeys) {
    const KeyTopics topics(space, "");
    EXPECT_EQ(topics.topic_of("k"), "org.weft.dev.k");
    EXPECT_EQ(topics.key_of("org.weft.dev.k"), "k");
}

TEST(TokenHash, StandsForOneTokenOfOneKey) {
    EXPECT_EQ(token_hash("k", ""), "");
    EXPECT_EQ(token_hash("k", "t").size(), 64U);
    EXPECT_TRUE(same_hash(token_hash("k", "t"), token_hash("k", "t")));
    EXPECT_FALSE(same_hash(token_hash("k", "t"), token_hash("k", "u")));
    EXPECT_FALSE(same_hash(token_hash("k", "t"), token_hash("l", "t")));
    EXPECT_FALSE(same_hash(token_hash("kt", ""), token_hash("k", "t")));
}

}  // namespace
}  // namespace weft::gateway::esub
