// Every refusal that has to do with who signed and what they may say, as verify() returns it.
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

constexpr const char* topic = "org.weft.dev.a.b";

class VerifierTrustTest : public ::testing::Test {
protected:
    SigningFixture world;
    Identity alice = world.identity("alice");
    Receiver receiver{world.trust()};
    Frames genuine = support::sign(alice, topic, {"m"});
};

TEST_F(VerifierTrustTest, ACertificateOfAnUnknownCaIsRefused) {
    const Frames frames = support::sign(SigningFixture::stranger("alice"), topic, {"m"});
    EXPECT_EQ(receiver.take(frames), Refusal::issuer_unknown);
}

// A store loads no CA without its list, so verify() says issuer_unknown first; a certificate that
// comes another way is still not believed without a list.
TEST_F(VerifierTrustTest, ACertificateWithoutARevocationListIsNotBelieved) {
    const Identity stranger = SigningFixture::stranger("alice");
    const auto refused =
        world.trust()->current()->judge_signer(*stranger.certificate, Kind::message, receiver.now);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->reason, Refusal::revocation_list_missing);
}

TEST_F(VerifierTrustTest, ACertificateThatIsNoneIsRefused) {
    Frames frames = genuine;
    frames.proof.resize(proof_fixed_bytes);
    EXPECT_EQ(receiver.take(frames), Refusal::certificate_malformed);
    frames.proof += std::string(200, 'x');
    EXPECT_EQ(receiver.take(frames), Refusal::certificate_malformed);
}

// S7: the suite of the certificate is closed too.
TEST_F(VerifierTrustTest, ACertificateOfAnotherSuiteIsRefused) {
    for (const char suite : {'\0', '\2', '\xff'}) {
        Frames frames = genuine;
        frames.proof[proof_fixed_bytes + 4] = suite;
        EXPECT_EQ(receiver.take(frames), Refusal::suite_of_certificate_unknown);
    }
}

TEST_F(VerifierTrustTest, AnAlteredCertificateIsRefused) {
    Frames frames = genuine;
    frames.proof[proof_fixed_bytes + 5] = static_cast<char>(all_roles);
    EXPECT_EQ(receiver.take(frames), Refusal::certificate_signature_bad);
}

TEST_F(VerifierTrustTest, ACertificateThatIsNotYetValidIsRefused) {
    const Identity early = world.identity("early", {.not_before = SigningFixture::now + 3'600});
    const Frames frames = support::sign(early, topic, {"m"});

    EXPECT_EQ(receiver.take(frames), Refusal::certificate_not_yet_valid);
    receiver.now += 3'600;
    EXPECT_TRUE(receiver.take(frames));
}

TEST_F(VerifierTrustTest, AnExpiredCertificateIsRefused) {
    const Identity late =
        world.identity("late", {.not_before = 0, .not_after = SigningFixture::now - 3'600});
    const Frames frames = support::sign(late, topic, {"m"});

    EXPECT_EQ(receiver.take(frames), Refusal::certificate_expired);
    receiver.now -= 3'600;
    EXPECT_TRUE(receiver.take(frames));
}

TEST_F(VerifierTrustTest, ARevokedCertificateIsRefusedAndOthersAreNot) {
    const Identity bob = world.identity("bob");
    const Frames of_bob = support::sign(bob, topic, {"m"});
    world.revoke(alice);

    EXPECT_EQ(receiver.take(genuine), Refusal::certificate_revoked);
    EXPECT_TRUE(receiver.take(of_bob));
}

TEST_F(VerifierTrustTest, AnExpiredListRefusesWhereItIsToldTo) {
    world.let_list_expire(SigningFixture::now - 3'600, WhenListExpired::warn);
    EXPECT_TRUE(receiver.take(genuine));

    world.let_list_expire(SigningFixture::now - 3'600, WhenListExpired::refuse);
    EXPECT_EQ(receiver.take(genuine), Refusal::revocation_list_expired);
}

TEST_F(VerifierTrustTest, AKindWithoutItsRoleIsRefused) {
    const Frames ack = support::sign(alice, topic, {"m"}, Kind::ack);
    EXPECT_EQ(receiver.take(ack), Refusal::role_missing);

    const Identity acker = world.identity("acker", {.roles = support::roles_of({Role::ack})});
    const Frames message = support::sign(acker, topic, {"m"});
    const Frames its_ack = support::sign(acker, topic, {"m"}, Kind::ack);
    EXPECT_EQ(receiver.take(message), Refusal::role_missing);
    EXPECT_TRUE(receiver.take(its_ack));
}

// The certificate's globs are for what it publishes: recipients acknowledge under foreign topics.
TEST_F(VerifierTrustTest, AnAckNeedsNoGlobForItsTopic) {
    const Identity acker =
        world.identity("acker", {.globs = {}, .roles = support::roles_of({Role::ack})});
    const Frames ack = support::sign(acker, "org.weft.dev.ack.alice", {"m"}, Kind::ack);

    EXPECT_TRUE(receiver.take(ack));
}

TEST_F(VerifierTrustTest, ATopicOutsideTheCertificatesGlobsIsRefused) {
    const Identity git = world.identity("git", {.globs = {"org.weft.dev.git.**"}});
    const Identity mute = world.identity("mute", {.globs = {}});

    const Frames granted = support::sign(git, "org.weft.dev.git.push", {"m"});
    const Frames outside = support::sign(git, "org.weft.dev.payroll", {"m"});
    const Frames none = support::sign(mute, topic, {"m"});
    EXPECT_TRUE(receiver.take(granted));
    EXPECT_EQ(receiver.take(outside), Refusal::topic_not_granted);
    EXPECT_EQ(receiver.take(none), Refusal::topic_not_granted);
}

TEST_F(VerifierTrustTest, APolicyThatDoesNotNameTheSignerRefuses) {
    world.set_policy({{"org.weft.dev.a.**", {"bob"}}});
    EXPECT_EQ(receiver.take(genuine), Refusal::policy_denied);

    world.set_policy({{"org.weft.dev.a.**", {"bob", "alice"}}});
    EXPECT_TRUE(receiver.take(genuine));
}

TEST_F(VerifierTrustTest, ANitpickyPolicyRefusesWhatItDoesNotList) {
    world.set_policy({{"org.weft.other", {"alice"}}}, true);
    EXPECT_EQ(receiver.take(genuine), Refusal::policy_unlisted);

    world.set_policy({{"org.weft.other", {"alice"}}}, false);
    EXPECT_TRUE(receiver.take(genuine));
}

// Whoever is refused by trust has proved who they are; a forger learns nothing about trust.
TEST_F(VerifierTrustTest, TheProofIsJudgedBeforeTheSpeaker) {
    world.revoke(alice);
    Frames forged = genuine;
    forged.contents.back() = '!';

    EXPECT_EQ(receiver.take(forged), Refusal::signature_bad);
    EXPECT_EQ(receiver.take(genuine), Refusal::certificate_revoked);
}

TEST_F(VerifierTrustTest, ForeignBytesInARefusalAreEscaped) {
    Frames frames = genuine;
    frames.topic = "a\n\x1b[31m";

    const auto outcome = receiver.take(frames);

    EXPECT_EQ(outcome, Refusal::topic_invalid);
    EXPECT_EQ(outcome.detail().find_first_of("\n\x1b"), std::string::npos);
}

}  // namespace
}  // namespace weft::signing
