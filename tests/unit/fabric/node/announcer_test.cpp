#include "fabric/node/announcer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fabric/node/beacon.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"
#include "tests/unit/fabric/node/node_world.hpp"
#include "tests/unit/fabric/node/scripted_port.hpp"

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

constexpr Instant start = std::chrono::hours{1};
const std::string topic = "org.weft.dev.beacon.git";
const std::string endpoint = "tcp://10.0.0.7:40001";

class AnnouncerTest : public ::testing::Test {
protected:
    support::SigningFixture world_;
    WorldClock clock_;
    ScriptedTransport scripted_;
    Line& line_ = *scripted_.line;
    Announcer announcer_{
        support::must(Publisher::open(scripted_, clock_, settings(), shared(world_.identity("git")),
                                      world_.trust())),
        topic, endpoint};

private:
    static PublisherSettings settings() {
        auto settings = through_relay();
        settings.room_timeout = milliseconds{0};
        settings.close_timeout = milliseconds{0};
        return settings;
    }
};

TEST_F(AnnouncerTest, SaysASignedBeaconAtOnce) {
    line_.join();

    announcer_.tick(start);

    ASSERT_TRUE(line_.wait_for_messages(1));
    support::Receiver receiver(world_.trust());
    const auto frames = line_.messages().at(0);
    ASSERT_TRUE(receiver.take(frames));
    EXPECT_EQ(receiver.run.kind, signing::Kind::beacon);
    EXPECT_EQ(receiver.run.signer->name(), "git");
    EXPECT_EQ(frames.topic, topic);
    ASSERT_EQ(receiver.run.items.size(), 1u);
    DecodedContent content;
    ASSERT_TRUE(decode_content(receiver.run.items[0].content, content));
    const Message beacon(std::make_shared<RunBytes>(), content, receiver.run.items[0].content, {});
    EXPECT_THAT(announced_endpoints(beacon), ElementsAre(endpoint));
    EXPECT_EQ(announcer_.endpoint(), endpoint);
}

TEST_F(AnnouncerTest, RepeatsItselfEachSecond) {
    line_.join();
    announcer_.tick(start);
    ASSERT_TRUE(line_.wait_for_messages(1));

    announcer_.tick(start + milliseconds{999});
    announcer_.tick(start + seconds{1});
    ASSERT_TRUE(line_.wait_for_messages(2));
    announcer_.tick(start + milliseconds{1999});
    announcer_.tick(start + seconds{2});

    ASSERT_TRUE(line_.wait_for_messages(3));
    EXPECT_EQ(line_.messages().size(), 3u);
}

TEST_F(AnnouncerTest, WhileTheRelayIsAwayOneAnnouncementWaitsAndNoMore) {
    for (int second = 0; second < 60; ++second) announcer_.tick(start + seconds{second});

    line_.join();
    ASSERT_TRUE(line_.wait_for_messages(1));
    ASSERT_TRUE(line_.wait_until_read());
    std::size_t items = 0;
    for (const auto& run : line_.messages()) {
        for (signing::ItemReader reader(run.contents); !reader.at_end(); ++items) {
            ASSERT_TRUE(reader.next());
        }
    }

    EXPECT_EQ(items, 1u);
    announcer_.tick(start + seconds{60});
    EXPECT_TRUE(line_.wait_for_messages(2));
}

TEST(AnnouncedAddress, WhatNamesAHostStaysAsItIs) {
    for (const char* bound :
         {"tcp://127.0.0.1:40001", "tcp://10.0.0.7:40001", "tcp://[::1]:40001",
          "tcp://git.example.org:40001", "ipc:///run/x", "inproc://x", "nonsense", ""}) {
        EXPECT_EQ(announced_address(bound, "tcp://127.0.0.1:9940"), bound);
    }
}

TEST(AnnouncedAddress, AWildcardBecomesTheAddressTowardsTheRelay) {
    EXPECT_EQ(announced_address("tcp://0.0.0.0:40001", "tcp://127.0.0.1:9940"),
              "tcp://127.0.0.1:40001");
    EXPECT_EQ(announced_address("tcp://[::]:40001", "tcp://127.0.0.1:9940"),
              "tcp://127.0.0.1:40001");
    EXPECT_EQ(announced_address("tcp://*:40001", "tcp://localhost:9940").find("tcp://*"),
              std::string::npos);
}

TEST(AnnouncedAddress, WithoutAWayToARelayItIsLoopback) {
    EXPECT_EQ(announced_address("tcp://0.0.0.0:40001", "ipc:///run/weft/relay"),
              "tcp://127.0.0.1:40001");
    EXPECT_EQ(announced_address("tcp://*:40001", "nonsense"), "tcp://127.0.0.1:40001");
    EXPECT_EQ(announced_address("tcp://*:40001", ""), "tcp://127.0.0.1:40001");
}

}  // namespace
}  // namespace weft::fabric
