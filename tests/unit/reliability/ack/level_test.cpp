#include "reliability/ack/level.hpp"

#include <gtest/gtest.h>

namespace weft::reliability {
namespace {

constexpr AckLevel rejected = AckLevel::rejected, received = AckLevel::received,
                   stored = AckLevel::stored, processed = AckLevel::processed;

// A4
TEST(AckLevel, WhoStoredOrProcessedHasReceived) {
    EXPECT_TRUE(satisfies(received, received));
    EXPECT_TRUE(satisfies(received, stored));
    EXPECT_TRUE(satisfies(received, processed));
}

// A4: received must not be taken for processed.
TEST(AckLevel, AWeakerWordIsNotEnough) {
    EXPECT_FALSE(satisfies(processed, received));
    EXPECT_FALSE(satisfies(stored, received));
}

TEST(AckLevel, ToStoreAndToProcessDoNotStandForEachOther) {
    EXPECT_TRUE(satisfies(stored, stored));
    EXPECT_TRUE(satisfies(processed, processed));
    EXPECT_FALSE(satisfies(stored, processed));
    EXPECT_FALSE(satisfies(processed, stored));
}

TEST(AckLevel, ARejectionSatisfiesNothingAndNobodyAsksForOne) {
    for (const AckLevel level : {rejected, received, stored, processed}) {
        EXPECT_FALSE(satisfies(level, rejected));
        EXPECT_FALSE(satisfies(rejected, level));
    }
}

TEST(AckLevel, HasNamesThatPublishersMayAskFor) {
    for (const AckLevel level : {received, stored, processed}) {
        EXPECT_EQ(parse_level(name_of(level)), level);
    }
    EXPECT_EQ(name_of(rejected), "rejected");
    for (const auto* text : {"rejected", "", "Received", "received ", "acknowledged"}) {
        EXPECT_EQ(parse_level(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace weft::reliability
