// A webhook reads no longer than its owner may.
#include "gateway/webhooks/owners.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "gateway/webhooks/details.hpp"
#include "tests/support/fake_delivery_engine.hpp"

namespace weft::gateway::webhooks {
namespace {

using delivery::Subscription;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OwnersTest : public ::testing::Test {
protected:
    void make(const std::string& id, const std::string& owner, const std::string& glob) {
        Subscription webhook;
        webhook.id = id;
        webhook.kind = std::string{kind};
        webhook.owner = owner;
        webhook.interests = {{*signing::TopicGlob::parse(glob)}};
        engine_.put(webhook, std::nullopt, [](const auto&) {});
    }
    void grant(const std::string& name, const std::string& glob) {
        Principal who;
        who.name = name;
        who.read = {*signing::TopicGlob::parse(glob)};
        tokens_[name] = who;
    }
    [[nodiscard]] Subscription of(const std::string& id) { return engine_.of(id).subscription; }

    support::WallClock clock_;
    support::FakeBridge bridge_{clock_};
    support::FakeDeliveryEngine engine_{bridge_};
    std::map<std::string, Principal> tokens_;
    Owners owners_{engine_, [this](const std::string& name) -> std::optional<Principal> {
                       const auto found = tokens_.find(name);
                       if (found == tokens_.end()) return std::nullopt;
                       return found->second;
                   }};
};

TEST_F(OwnersTest, WhoMayReadItGoesOn) {
    grant("ci", "org.weft.dev.git.**");
    make("a", "ci", "org.weft.dev.git.*");
    make("b", "", "org.weft.dev.**");
    owners_.look();
    EXPECT_EQ(of("a").state, Subscription::State::active);
    EXPECT_EQ(of("b").state, Subscription::State::active) << "made without a token";
}

TEST_F(OwnersTest, OneWhoseTokenIsRevokedIsPausedWithAReason) {
    grant("ci", "org.weft.dev.git.**");
    make("a", "ci", "org.weft.dev.git.*");
    tokens_.clear();
    owners_.look();
    EXPECT_EQ(of("a").state, Subscription::State::paused);
    EXPECT_THAT(of("a").reason, HasSubstr("'ci' was revoked"));
}

TEST_F(OwnersTest, OneWhoseOwnerMayReadLessIsPausedUntilItIsResumedWithTheGrant) {
    grant("ci", "org.weft.dev.other.**");
    make("a", "ci", "org.weft.dev.git.*");
    owners_.look();
    EXPECT_EQ(of("a").state, Subscription::State::paused);
    EXPECT_THAT(of("a").reason, HasSubstr("may not read all of 'org.weft.dev.git.*'"));
    const auto resume = [&] {
        engine_.set_state("a", Subscription::State::active, "", [](const auto&) {});
        owners_.look();
    };
    resume();
    EXPECT_EQ(of("a").state, Subscription::State::paused) << "resuming gives no grant";
    grant("ci", "org.weft.dev.**");
    resume();
    EXPECT_EQ(of("a").state, Subscription::State::active);
    EXPECT_THAT(of("a").reason, IsEmpty());
}

TEST_F(OwnersTest, AnAdminsGoesOnAndOtherStatesAreLeftAlone) {
    grant("root", "org.weft.dev.other.*");
    tokens_["root"].admin = true;
    make("a", "root", "org.weft.dev.git.*");
    make("b", "gone", "org.weft.dev.git.*");
    engine_.set_state("b", Subscription::State::disabled, "410", [](const auto&) {});
    owners_.look();
    EXPECT_EQ(of("a").state, Subscription::State::active);
    EXPECT_EQ(of("b").state, Subscription::State::disabled);
    EXPECT_EQ(of("b").reason, "410");
}

}  // namespace
}  // namespace weft::gateway::webhooks
