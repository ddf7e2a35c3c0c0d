// Replies on their way to the gateway that has the key: what each answer of an owner, or none,
// makes of them. Nothing is sent.

#include "gateway/esub/cluster/forwarder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "gateway/esub/answers.hpp"
#include "gateway/esub/cluster/token_hash.hpp"
#include "tests/unit/gateway/esub/asking_bridge.hpp"

namespace weft::gateway::esub {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EsubForwarder : public ::testing::Test {
protected:
    /// Those who have every key, the first one first.
    std::optional<Directory::Owner> find(const std::set<std::string>& but) {
        for (const std::string& node : owners_) {
            if (but.contains(node)) continue;
            Directory::Owner owner;
            owner.node = node;
            owner.key.key = "k";
            owner.members = members_;
            return owner;
        }
        return std::nullopt;
    }
    void rep(const std::string& key = "k", bool psub_only = false) {
        forwarder_.rep({key, "secret", psub_only}, std::make_shared<const std::string>("body"),
                       [this](Told told) { told_.push_back(told.verdict); });
    }
    void claim(Kind kind) {
        forwarder_.claim(kind, *find({}), "secret",
                         [this](Told told) { told_.push_back(told.verdict); });
    }
    static std::string words(Verdict verdict) { return std::string{words_of(verdict).text}; }

    std::vector<std::string> owners_{"b"};
    std::size_t members_ = 1;
    AskingBridge bridge_;
    std::vector<Verdict> told_;
    Forwarder forwarder_{
        bridge_,
        [this](std::string_view, bool, const std::set<std::string>& but) { return find(but); },
        KeyTopics({"org.weft", "dev"}, "esub"),
        Forwarder::Times{milliseconds{2000}, milliseconds{1000}}};
};

TEST_F(EsubForwarder, IsDeliveredOnlyOnceItsOwnerSaidSo) {
    rep();
    ASSERT_THAT(bridge_.asked, SizeIs(1));
    EXPECT_THAT(told_, IsEmpty());
    const PublishRequest& request = bridge_.asked[0].request;
    EXPECT_EQ(request.topic, "org.weft.dev.esub.k");
    EXPECT_EQ(request.body, "body");
    EXPECT_EQ(request.recipients.text(), "b");
    EXPECT_EQ(request.mode, PublishRequest::Mode::acknowledged);
    EXPECT_EQ(request.level, reliability::AckLevel::processed);
    bridge_.asked[0].acknowledge();
    EXPECT_THAT(told_, ElementsAre(Verdict::delivered));
}

TEST_F(EsubForwarder, TheTokenItselfNeverLeaves) {
    rep();
    ASSERT_THAT(bridge_.asked, SizeIs(1));
    EXPECT_EQ(bridge_.asked[0].header("esub-token-hash"), token_hash("k", "secret"));
    for (const auto& [name, value] : bridge_.asked[0].request.headers) {
        EXPECT_EQ(value.find("secret"), std::string::npos) << name;
    }
}

TEST_F(EsubForwarder, ASilentOwnerIsAskedOnceMoreUnderTheSameNumber) {
    rep();
    bridge_.asked[0].fail({""});
    ASSERT_THAT(bridge_.asked, SizeIs(2));
    EXPECT_THAT(told_, IsEmpty());
    EXPECT_NE(bridge_.asked[0].header("esub-rid"), "");
    EXPECT_EQ(bridge_.asked[1].header("esub-rid"), bridge_.asked[0].header("esub-rid"));
    EXPECT_EQ(*bridge_.asked[0].request.ack_timeout + *bridge_.asked[1].request.ack_timeout,
              milliseconds{3000})
        << "2 s, and 1 s for the member";
    bridge_.asked[1].fail({""});
    ASSERT_THAT(bridge_.asked, SizeIs(2));
    EXPECT_THAT(told_, ElementsAre(Verdict::no_answer));
}

TEST_F(EsubForwarder, ALargePoolIsNotWaitedForWithoutEnd) {
    members_ = 1'000'000;
    rep();
    ASSERT_THAT(bridge_.asked, SizeIs(1));
    EXPECT_LE(*bridge_.asked[0].request.ack_timeout, milliseconds{62'000});
}

TEST_F(EsubForwarder, WhoeverHasItByNowIsAskedNextAndNobodyTwice) {
    owners_ = {"b", "c", "d", "e"};
    rep();
    for (std::size_t i = 0; i < 3; ++i) {
        ASSERT_THAT(bridge_.asked, SizeIs(i + 1));
        EXPECT_EQ(bridge_.asked[i].request.recipients.text(), owners_[i]);
        bridge_.asked[i].fail({words(Verdict::unknown_key)});
    }
    EXPECT_THAT(bridge_.asked, SizeIs(3)) << "three are enough";
    EXPECT_THAT(told_, ElementsAre(Verdict::unknown_key));
}

TEST_F(EsubForwarder, TheOwnersWordsAreThoseOfTheReply) {
    for (const Verdict verdict :
         {Verdict::wrong_token, Verdict::no_listeners, Verdict::no_answer}) {
        rep();
        bridge_.asked.back().fail({words(verdict)});
    }
    EXPECT_THAT(told_,
                ElementsAre(Verdict::wrong_token, Verdict::no_listeners, Verdict::no_answer));
    EXPECT_THAT(bridge_.asked, SizeIs(3));
}

TEST_F(EsubForwarder, WordsThatNobodyKnowsAreNoAnswer) {
    rep();
    bridge_.asked[0].fail({"200 OK, trust me"});
    bridge_.asked[1].fail({words(Verdict::wrong_token), words(Verdict::delivered)});
    EXPECT_THAT(told_, ElementsAre(Verdict::no_answer)) << "one was asked, not two";
}

TEST_F(EsubForwarder, WhatCouldNotBeSentIsNotSentAgain) {
    rep();
    bridge_.asked[0].refuse(BridgeError::Kind::busy);
    EXPECT_THAT(bridge_.asked, SizeIs(1));
    EXPECT_THAT(told_, ElementsAre(Verdict::no_answer));
}

TEST_F(EsubForwarder, NobodyIsAskedForAKeyThatNobodyHasOrThatIsNoTopic) {
    rep(std::string(300, 'k'));
    owners_.clear();
    rep();
    EXPECT_THAT(bridge_.asked, IsEmpty());
    EXPECT_THAT(told_, ElementsAre(Verdict::unknown_key, Verdict::unknown_key));
}

TEST_F(EsubForwarder, AClaimIsForItsOwnerAloneAndHasNoBody) {
    owners_ = {"b", "c"};
    claim(Kind::psub);
    ASSERT_THAT(bridge_.asked, SizeIs(1));
    EXPECT_EQ(bridge_.asked[0].header("esub-claim"), "psub");
    EXPECT_EQ(bridge_.asked[0].request.body, "");
    bridge_.asked[0].fail({words(Verdict::unknown_key)});
    EXPECT_THAT(bridge_.asked, SizeIs(1)) << "that it has none is good enough";
    EXPECT_THAT(told_, ElementsAre(Verdict::unknown_key));
}

TEST_F(EsubForwarder, EachReplyHasANumberOfItsOwn) {
    std::set<std::string> numbers;
    for (int i = 0; i < 100; ++i) {
        rep();
        numbers.insert(bridge_.asked.back().header("esub-rid"));
    }
    EXPECT_THAT(numbers, SizeIs(100));
}

}  // namespace
}  // namespace weft::gateway::esub
