// Mode::integrity, which is `validate: false`: nobody is asked whom to believe, but what is signed
// must be unaltered, and nothing counts as verified (D2).
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "signing/verifier.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::signing {
namespace {

using support::Frames;
using support::Identity;
using support::Receiver;
using support::SigningFixture;
using ::testing::Each;

constexpr const char* topic = "org.weft.dev.a.b";

class VerifierIntegrityTest : public ::testing::Test {
protected:
    Receiver receiver{nullptr, Receiver::Mode::integrity};
    Identity stranger = SigningFixture::stranger("stranger");
};

TEST_F(VerifierIntegrityTest, ASignedRunOfAnybodyPassesAndIsNotVerified) {
    const Frames frames = support::sign(stranger, topic, {"m0", "m1"});

    ASSERT_TRUE(receiver.take(frames));

    EXPECT_FALSE(receiver.run.verified);
    ASSERT_NE(receiver.run.signer, nullptr);
    EXPECT_EQ(receiver.run.signer->name(), "stranger");
    EXPECT_EQ(receiver.run.items[1].digest, message_digest(topic, "m1"));
}

TEST_F(VerifierIntegrityTest, AnAlteredRunIsRefused) {
    Frames frames = support::sign(stranger, topic, {"m0", "m1"});
    frames.contents.back() = '!';
    EXPECT_EQ(receiver.take(frames), Refusal::signature_bad);
}

TEST_F(VerifierIntegrityTest, ACertificateThatIsNoneIsRefused) {
    Frames frames = support::sign(stranger, topic, {"m"});
    frames.proof.resize(proof_fixed_bytes + 10);
    EXPECT_EQ(receiver.take(frames), Refusal::certificate_malformed);
}

TEST_F(VerifierIntegrityTest, ForgeriesSpendTheBudgetHereToo) {
    receiver.peer = {"tcp://forger:1", 2};
    Frames forged = support::sign(stranger, topic, {"m"});
    forged.contents.back() = '!';
    Frames no_certificate = forged;
    no_certificate.proof.resize(proof_fixed_bytes + 10);

    EXPECT_EQ(receiver.take(forged), Refusal::signature_bad);
    EXPECT_EQ(receiver.take(no_certificate), Refusal::certificate_malformed);
    EXPECT_EQ(receiver.take(forged), Refusal::peer_over_budget);
}

TEST_F(VerifierIntegrityTest, TrustIsNotAskedEvenIfItIsThere) {
    SigningFixture world;
    const Identity alice = world.identity("alice", {.globs = {}});
    world.revoke(alice);
    Receiver with_trust(world.trust(), Receiver::Mode::integrity);
    const Frames frames = support::sign(alice, topic, {"m"});

    EXPECT_TRUE(with_trust.take(frames));
    EXPECT_FALSE(with_trust.run.verified);
}

TEST_F(VerifierIntegrityTest, AnUnsignedRunPassesWithoutSignerOrDigests) {
    const Frames signed_run = support::sign(stranger, topic, {"m"});
    ASSERT_TRUE(receiver.take(signed_run));
    const Frames frames = support::unsigned_frames(topic, {"m0", "", "m2"});

    ASSERT_TRUE(receiver.take(frames));

    EXPECT_EQ(receiver.run.signer, nullptr);
    EXPECT_FALSE(receiver.run.verified);
    EXPECT_EQ(receiver.run.kind, Kind::message);
    ASSERT_EQ(receiver.run.items.size(), 3U);
    EXPECT_EQ(receiver.run.items[0].content, "m0");
    EXPECT_EQ(receiver.run.items[2].content, "m2");
    for (const RunItem& item : receiver.run.items) EXPECT_THAT(item.digest, Each(0));
}

TEST_F(VerifierIntegrityTest, AnUnsignedRunHasOneTo256Messages) {
    const Frames longest = support::unsigned_frames(topic, std::vector<std::string>(256, "m"));
    EXPECT_TRUE(receiver.take(longest));

    EXPECT_EQ(receiver.take(support::unsigned_frames(topic, {})), Refusal::run_length_invalid);
    EXPECT_EQ(receiver.take(support::unsigned_frames(topic, std::vector<std::string>(257, "m"))),
              Refusal::run_length_invalid);
}

TEST_F(VerifierIntegrityTest, AnUnsignedRunThatEndsWithinAnItemIsRefused) {
    Frames frames = support::unsigned_frames(topic, {"m0", "m1"});
    frames.contents.pop_back();
    EXPECT_EQ(receiver.take(frames), Refusal::contents_malformed);
}

// A digest that nothing covers is not handed on as if it had been checked.
TEST_F(VerifierIntegrityTest, AnUnsignedRunMayLeaveMessagesOutButNotAll) {
    Frames frames{topic, {}, {}};
    append_left_out(message_digest(topic, "m0"), frames.contents);
    EXPECT_EQ(receiver.take(frames), Refusal::nothing_present);

    append_item("m1", frames.contents);
    ASSERT_TRUE(receiver.take(frames));
    EXPECT_FALSE(receiver.run.items[0].present);
    EXPECT_THAT(receiver.run.items[0].digest, Each(0));
}

// Only runs whose proof held enter the caches: strangers cannot push anybody out for free.
TEST_F(VerifierIntegrityTest, RootsAreCachedOnlyAfterTheyHeld) {
    const Frames good = support::sign(stranger, topic, {"m"});
    Frames bad = good;
    bad.contents.back() = '!';

    ASSERT_FALSE(receiver.take(bad));
    EXPECT_EQ(receiver.stats().roots_cached, 0U);
    ASSERT_TRUE(receiver.take(good));
    ASSERT_TRUE(receiver.take(good));
    EXPECT_EQ(receiver.stats().roots_cached, 1U);
    EXPECT_EQ(receiver.stats().root_hits, 1U);
}

}  // namespace
}  // namespace weft::signing
