#include "fabric/node/endpoint_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weft::fabric {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Instant start = std::chrono::hours{1};

std::string endpoint(int port) {
    return "tcp://10.0.0.1:" + std::to_string(port);
}

TEST(EndpointDirectory, KeepsFixedEndpointsOnceAndInOrder) {
    const EndpointDirectory directory({endpoint(2), endpoint(1), endpoint(2)});

    EXPECT_THAT(directory.fixed(), ElementsAre(endpoint(2), endpoint(1)));
}

TEST(EndpointDirectory, LeavesOutThoseThatAnnounceThemselves) {
    const EndpointDirectory directory({"tcp://*:0", "tcp://0.0.0.0:5000", "tcp://10.0.0.1:0",
                                       "ipc:///run/weft/git", endpoint(1)});

    EXPECT_THAT(directory.fixed(), ElementsAre("ipc:///run/weft/git", endpoint(1)));
}

TEST(EndpointDirectory, AnAnnouncementIsFollowedOnceHoweverOftenItIsRepeated) {
    EndpointDirectory directory({});

    EXPECT_THAT(directory.on_announcement("git", endpoint(1), start).connect,
                ElementsAre(endpoint(1)));
    EXPECT_THAT(directory.on_announcement("git", endpoint(1), start + seconds{1}).connect,
                IsEmpty());
}

TEST(EndpointDirectory, AnAnnouncementThatIsNotRepeatedIsForgotten) {
    EndpointDirectory directory({});
    ASSERT_FALSE(directory.on_announcement("git", endpoint(1), start).connect.empty());

    EXPECT_THAT(directory.expire(start + EndpointDirectory::keep).disconnect, IsEmpty());
    EXPECT_THAT(directory.expire(start + EndpointDirectory::keep + Instant{1}).disconnect,
                ElementsAre(endpoint(1)));
    EXPECT_THAT(directory.on_announcement("git", endpoint(1), start + seconds{20}).connect,
                ElementsAre(endpoint(1)));
}

TEST(EndpointDirectory, ARepeatedAnnouncementLivesOn) {
    EndpointDirectory directory({});
    ASSERT_FALSE(directory.on_announcement("git", endpoint(1), start).connect.empty());
    ASSERT_TRUE(directory.on_announcement("git", endpoint(1), start + seconds{9}).connect.empty());

    EXPECT_THAT(directory.expire(start + seconds{19}).disconnect, IsEmpty());
    EXPECT_THAT(directory.expire(start + seconds{20}).disconnect, ElementsAre(endpoint(1)));
}

TEST(EndpointDirectory, WhatIsFixedIsNeitherConnectedAgainNorDisconnected) {
    EndpointDirectory directory({endpoint(1)});

    EXPECT_THAT(directory.on_announcement("git", endpoint(1), start).connect, IsEmpty());
    EXPECT_THAT(directory.expire(start + seconds{60}).disconnect, IsEmpty());
}

TEST(EndpointDirectory, NobodyCanAnnounceTheRelayAwayByFallingSilent) {
    EndpointDirectory directory({}, endpoint(9941));

    EXPECT_THAT(directory.on_announcement("mallory", endpoint(9941), start).connect, IsEmpty());
    EXPECT_THAT(directory.expire(start + seconds{60}).disconnect, IsEmpty());
    EXPECT_THAT(directory.fixed(), IsEmpty());
}

TEST(EndpointDirectory, AnEndpointThatTwoNamesAnnounceStaysUntilBothAreSilent) {
    EndpointDirectory directory({});
    EXPECT_THAT(directory.on_announcement("git", endpoint(1), start).connect,
                ElementsAre(endpoint(1)));
    EXPECT_THAT(directory.on_announcement("mail", endpoint(1), start + seconds{5}).connect,
                IsEmpty());

    EXPECT_THAT(directory.expire(start + seconds{11}).disconnect, IsEmpty());
    EXPECT_THAT(directory.expire(start + seconds{16}).disconnect, ElementsAre(endpoint(1)));
}

TEST(EndpointDirectory, AnEndpointOfTwoNamesThatFallSilentTogetherIsDisconnectedOnce) {
    EndpointDirectory directory({});
    ASSERT_FALSE(directory.on_announcement("git", endpoint(1), start).connect.empty());
    ASSERT_TRUE(directory.on_announcement("ci", endpoint(1), start).connect.empty());

    EXPECT_THAT(directory.expire(start + seconds{20}).disconnect, ElementsAre(endpoint(1)));
}

TEST(EndpointDirectory, EndpointsOfOneNameExpireEachByItself) {
    EndpointDirectory directory({});
    ASSERT_FALSE(directory.on_announcement("git", endpoint(1), start).connect.empty());
    ASSERT_FALSE(directory.on_announcement("git", endpoint(2), start + seconds{5}).connect.empty());

    EXPECT_THAT(directory.expire(start + seconds{11}).disconnect, ElementsAre(endpoint(1)));
    EXPECT_THAT(directory.expire(start + seconds{16}).disconnect, ElementsAre(endpoint(2)));
}

TEST(EndpointDirectory, WhatNobodyCouldReachIsNotFollowedAndIsCounted) {
    EndpointDirectory directory({});
    std::uint64_t counted = 0;
    for (const char* bad :
         {"", "nonsense", "tcp://*:5000", "tcp://10.0.0.1:0", "tcp://0.0.0.0:1", "tcp://[::]:1",
          "ipc:///tmp/x", "inproc://x", "tcp://10.0.0.1", "tcp://10.0.0.1:70000", "tcp://a\nb:1"}) {
        const auto changes = directory.on_announcement("git", bad, start);
        EXPECT_THAT(changes.connect, IsEmpty()) << bad;
        EXPECT_EQ(directory.not_followed(), ++counted) << bad;
    }
}

TEST(EndpointDirectory, OneNameHasAtMostSoManyEndpoints) {
    EndpointDirectory directory({});
    for (std::size_t i = 0; i < EndpointDirectory::endpoints_per_name_max; ++i) {
        const auto one = endpoint(1000 + static_cast<int>(i));
        ASSERT_THAT(directory.on_announcement("git", one, start).connect, ElementsAre(one));
    }

    EXPECT_THAT(directory.on_announcement("git", endpoint(1), start).connect, IsEmpty());
    EXPECT_EQ(directory.not_followed(), 1u);
    // The limit is the name's own.
    EXPECT_THAT(directory.on_announcement("mail", endpoint(1), start).connect,
                ElementsAre(endpoint(1)));
}

TEST(EndpointDirectory, AtMostSoManyNamesAreFollowed) {
    EndpointDirectory directory({});
    for (std::size_t i = 0; i < EndpointDirectory::announcers_max; ++i) {
        const auto changes =
            directory.on_announcement("name" + std::to_string(i), endpoint(1), start);
        ASSERT_EQ(changes.connect.size(), i == 0 ? 1u : 0u);
    }

    EXPECT_THAT(directory.on_announcement("one.more", endpoint(2), start).connect, IsEmpty());
    EXPECT_EQ(directory.not_followed(), 1u);
    // Those that are known go on, and silence makes room.
    EXPECT_THAT(directory.on_announcement("name0", endpoint(3), start + seconds{5}).connect,
                ElementsAre(endpoint(3)));
    ASSERT_THAT(directory.expire(start + seconds{11}).disconnect, ::testing::Contains(endpoint(1)));
    EXPECT_THAT(directory.on_announcement("one.more", endpoint(2), start + seconds{11}).connect,
                ElementsAre(endpoint(2)));
}

TEST(EndpointDirectory, ANameBringsItsEndpointsAndTakesAwayThoseThatItNoLongerHas) {
    EndpointDirectory directory({});
    EXPECT_THAT(directory.on_resolved("git", {endpoint(1), endpoint(2)}).connect,
                ElementsAre(endpoint(1), endpoint(2)));

    const auto changes = directory.on_resolved("git", {endpoint(2), endpoint(3)});

    EXPECT_THAT(changes.connect, ElementsAre(endpoint(3)));
    EXPECT_THAT(changes.disconnect, ElementsAre(endpoint(1)));
}

TEST(EndpointDirectory, WhoHasASecondReasonToBeConnectedStaysSo) {
    EndpointDirectory directory({endpoint(1)});
    EXPECT_THAT(directory.on_resolved("git", {endpoint(1), endpoint(2)}).connect,
                ElementsAre(endpoint(2)));
    EXPECT_THAT(directory.on_resolved("build", {endpoint(2)}).connect, IsEmpty());
    EXPECT_THAT(directory.on_resolved("git", {}).disconnect, IsEmpty());

    EXPECT_THAT(directory.on_resolved("build", {}).disconnect, ElementsAre(endpoint(2)));
}

TEST(EndpointDirectory, FollowsOnlySoManyEndpointsOfOneName) {
    EndpointDirectory directory({});
    std::vector<std::string> many;
    for (int i = 1; i <= 300; ++i) many.push_back(endpoint(i));

    EXPECT_EQ(directory.on_resolved("git", many).connect.size(),
              EndpointDirectory::endpoints_per_name_max);
    EXPECT_EQ(directory.not_followed(), 300 - EndpointDirectory::endpoints_per_name_max);
}

}  // namespace
}  // namespace weft::fabric
