// Gateways that hear each other over the in-process transport, and somebody who is none.

#include "gateway/esub/cluster/membership.hpp"

#include "tests/unit/gateway/esub/cluster_world.hpp"

namespace weft::gateway::esub {
namespace {

using fabric::eventually;
using fabric::patience;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EsubMembership : public ClusterWorld {
protected:
    EsubMembership() {
        settings_.beat = std::chrono::milliseconds{50};
        a_ = open("a");
        membership_ = std::make_unique<Membership>(
            *a_.fabric, settings_,
            [this](Kind, const std::string& key, std::uint64_t) { displaced_.add(key); });
        membership_->start();
    }
    ~EsubMembership() override { membership_->stop(); }

    [[nodiscard]] bool knows(const std::string& key) {
        return membership_->find(key, false).has_value();
    }
    [[nodiscard]] reliability::Party open_heard(const std::string& name) {
        reliability::Party party = open(name);
        EXPECT_TRUE(party.fabric->publisher().wait_for_subscriber(
            "org.weft.dev.gateway.esub." + name, patience));
        return party;
    }

    reliability::Party a_;
    reliability::Seen<std::string> displaced_;
    std::unique_ptr<Membership> membership_;
};

TEST_F(EsubMembership, KnowsWhatOpensAndClosesAtAnotherGatewayAndThatItStopped) {
    const reliability::Party b = open("b");
    Membership other(*b.fabric, settings_, [](Kind, const std::string&, std::uint64_t) {});
    other.use_address("10.0.0.2:8090/esub");
    other.start();
    other.opened(Kind::sub, "k", "secret", false, 1);
    ASSERT_TRUE(eventually([&] { return knows("k"); }));
    const auto owner = membership_->find("k", false);
    EXPECT_EQ(owner->node, "b");
    EXPECT_EQ(owner->address, "10.0.0.2:8090/esub");
    EXPECT_EQ(owner->key.token_hash.find("secret"), std::string::npos);
    other.closed(Kind::sub, "k", 1);
    EXPECT_TRUE(eventually([&] { return !knows("k"); }));
    other.opened(Kind::sub, "m", "", false, 2);
    ASSERT_TRUE(eventually([&] { return knows("m"); }));
    other.stop();
    EXPECT_TRUE(eventually([&] { return !knows("m"); }));
}

TEST_F(EsubMembership, AStrangerCannotAnnounceForAnotherGateway) {
    const reliability::Party stranger = open_heard("git");
    say(stranger, "b", encode(delta(1, 1, {open_key("stolen", 1)})));
    say(stranger, "a", encode(delta(1, 1, {open_key("ours", 1)})));
    // What it says for itself comes behind that.
    say(stranger, "git", encode(delta(1, 1, {open_key("its-own", 1)})));
    ASSERT_TRUE(eventually([&] { return knows("its-own"); }));
    EXPECT_FALSE(knows("stolen"));
    EXPECT_FALSE(knows("ours"));
    EXPECT_THAT(membership_->keys_of("b"), IsEmpty());
}

TEST_F(EsubMembership, WhatIsNoAnnouncementIsPassedOver) {
    const reliability::Party b = open_heard("b");
    say(b, "b", fabric::Value("nonsense"));
    say(b, "b", fabric::Value(fabric::Value::Map{{"type", "delta"}, {"open", 7}}));
    Announcement bad = delta(1, 1, {open_key("k", 1)});
    bad.address = "h:1\r\nX: y";
    say(b, "b", encode(bad));
    say(b, "b", encode(delta(1, 1, {open_key("good", 1)})));
    ASSERT_TRUE(eventually([&] { return knows("good"); }));
    EXPECT_FALSE(knows("k"));
}

TEST_F(EsubMembership, AWaiterWhoseKeyOpenedLaterElsewhereIsDisplaced) {
    membership_->opened(Kind::sub, "k", "", false, 5);
    const reliability::Party b = open_heard("b");
    say(b, "b", encode(delta(1, 1, {open_key("k", 1, INT64_MAX)})));
    ASSERT_TRUE(displaced_.wait_for(1));
    EXPECT_THAT(displaced_.all(), ElementsAre("k"));
}

TEST_F(EsubMembership, WhoFallsSilentIsDeadAndItsNameIsNotFreeForOutsiders) {
    const reliability::Party b = open_heard("b");
    say(b, "b", encode(delta(1, 1, {open_key("k", 1)})));
    ASSERT_TRUE(eventually([&] { return knows("k"); }));
    EXPECT_TRUE(eventually([&] { return !knows("k"); }));
    EXPECT_EQ(membership_->stats().dead, 1U);
    EXPECT_FALSE(membership_->hear_outsider("b", delta(9, 1, {})));
    EXPECT_TRUE(membership_->hear_outsider("out", delta(9, 1, {})));
}

}  // namespace
}  // namespace weft::gateway::esub
