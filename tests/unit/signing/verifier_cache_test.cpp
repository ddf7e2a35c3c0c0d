// Rules C1 to C5: what a verifier remembers, and what a forger may cost.
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

class VerifierCacheTest : public ::testing::Test {
protected:
    SigningFixture world;
    Identity alice = world.identity("alice");
    Receiver receiver{world.trust()};
    std::vector<Frames> batch =
        support::sign_batch(alice, {{topic, {"m0"}}, {topic, {"m1"}}, {topic, {"m2"}}});
    Frames forged = with_bad_signature(batch[0]);

    static Frames with_bad_signature(Frames frames) {
        frames.proof[12] = static_cast<char>(frames.proof[12] ^ 1);
        return frames;
    }
    static Frames with_bad_certificate(Frames frames) {
        frames.proof.back() = static_cast<char>(frames.proof.back() ^ 1);
        return frames;
    }
};

// C1.
TEST_F(VerifierCacheTest, AnAlteredSignatureIsRefusedAlthoughTheRootIsCached) {
    ASSERT_TRUE(receiver.take(batch[0]));
    ASSERT_EQ(receiver.stats().roots_cached, 1U);

    for (std::size_t byte = 12; byte < 76; ++byte) {
        Frames frames = batch[1];
        frames.proof[byte] = static_cast<char>(frames.proof[byte] ^ 1);
        EXPECT_EQ(receiver.take(frames), Refusal::signature_bad) << byte;
    }
    EXPECT_EQ(receiver.stats().root_hits, 0U);
    EXPECT_TRUE(receiver.take(batch[1]));
    EXPECT_EQ(receiver.stats().root_hits, 1U);
}

// C1: a signature that failed is checked again, however often it comes.
TEST_F(VerifierCacheTest, AFailureIsNeverRemembered) {
    for (int time = 0; time < 3; ++time) EXPECT_EQ(receiver.take(forged), Refusal::signature_bad);
    EXPECT_EQ(receiver.stats().roots_cached, 0U);
    EXPECT_TRUE(receiver.take(batch[0]));
}

// C2: a flood of bad proofs moves neither the size of the cache nor what honest runs hit in it.
TEST_F(VerifierCacheTest, AFloodOfBadProofsChangesNeitherSizeNorHits) {
    ASSERT_TRUE(receiver.take(batch[0]));
    const VerifierStats before = receiver.stats();
    const Peer honest = receiver.peer;
    constexpr std::uint64_t flood = 200'000;
    constexpr std::uint64_t paid = 50;

    receiver.peer = {"tcp://forger:1", paid};
    Frames bad = batch[0];
    for (std::uint64_t number = 0; number < flood; ++number) {
        for (std::size_t byte = 0; byte < 8; ++byte) {
            bad.proof[20 + byte] = static_cast<char>(number >> (8 * byte));
        }
        const auto outcome = receiver.take(bad);
        ASSERT_TRUE(number < paid ? outcome == Refusal::signature_bad
                                  : outcome == Refusal::peer_over_budget)
            << outcome;
    }
    receiver.peer = honest;

    EXPECT_EQ(receiver.stats().roots_cached, before.roots_cached);
    EXPECT_EQ(receiver.stats().roots_evicted, 0U);
    EXPECT_EQ(receiver.stats().signatures_checked, before.signatures_checked + paid);
    EXPECT_TRUE(receiver.take(batch[1]));
    EXPECT_TRUE(receiver.take(batch[2]));
    EXPECT_EQ(receiver.stats().root_hits, before.root_hits + 2);
}

// C2: a ring of 64 for each signer.
TEST_F(VerifierCacheTest, ASignerHasAtMost64RootsRemembered) {
    const Identity bob = world.identity("bob");
    const Frames of_bob = support::sign(bob, topic, {"b"});
    ASSERT_TRUE(receiver.take(of_bob));
    for (int batch_number = 0; batch_number < 100; ++batch_number) {
        const Frames frames = support::sign(alice, topic, {std::to_string(batch_number)});
        ASSERT_TRUE(receiver.take(frames));
    }

    EXPECT_EQ(receiver.stats().roots_cached, 1U + Verifier::roots_per_signer_max);
    EXPECT_EQ(receiver.stats().roots_evicted, 100U - Verifier::roots_per_signer_max);
    EXPECT_TRUE(receiver.take(of_bob));
    EXPECT_EQ(receiver.stats().root_hits, 1U);
}

// C3: revoked between two messages of one batch.
TEST_F(VerifierCacheTest, ARevokedSignersNextRunIsRefusedAlthoughItsRootWasCached) {
    ASSERT_TRUE(receiver.take(batch[0]));

    world.revoke(alice);

    EXPECT_EQ(receiver.take(batch[1]), Refusal::certificate_revoked);
    EXPECT_EQ(receiver.take(batch[0]), Refusal::certificate_revoked);
}

// C3, with a hit: the reload emptied the cache, the first refused run filled it again.
TEST_F(VerifierCacheTest, ACachedRootDoesNotSaveARevokedSigner) {
    world.revoke(alice);
    ASSERT_EQ(receiver.take(batch[0]), Refusal::certificate_revoked);
    ASSERT_EQ(receiver.stats().roots_cached, 1U);

    EXPECT_EQ(receiver.take(batch[1]), Refusal::certificate_revoked);
    EXPECT_EQ(receiver.stats().root_hits, 1U);
}

// C3: expired between two messages of one batch, with nothing reloaded.
TEST_F(VerifierCacheTest, ACachedRootDoesNotSaveAnExpiredSigner) {
    ASSERT_TRUE(receiver.take(batch[0]));

    receiver.now = alice.certificate->not_after() + clock_skew_seconds + 1;

    EXPECT_EQ(receiver.take(batch[1]), Refusal::certificate_expired);
    EXPECT_EQ(receiver.stats().root_hits, 1U);
    receiver.now = SigningFixture::now;
    EXPECT_TRUE(receiver.take(batch[1]));
}

// C3: what was granted is remembered for its topic only.
TEST_F(VerifierCacheTest, ACachedRootDoesNotSaveATopicThatIsNotGranted) {
    const Identity git = world.identity("git", {.globs = {"org.weft.dev.git.**"}});
    const auto mixed = support::sign_batch(
        git, {{"org.weft.dev.git.push", {"m"}}, {"org.weft.dev.payroll", {"m"}}});

    for (int time = 0; time < 3; ++time) {
        EXPECT_TRUE(receiver.take(mixed[0]));
        EXPECT_EQ(receiver.take(mixed[1]), Refusal::topic_not_granted);
    }
    EXPECT_EQ(receiver.stats().root_hits, 5U);
}

// C4: one miss after a reload, then hits again. The counters themselves never go back.
TEST_F(VerifierCacheTest, AReloadIsOneMissAndThenHitsAgain) {
    ASSERT_TRUE(receiver.take(batch[0]));
    ASSERT_TRUE(receiver.take(batch[1]));
    const VerifierStats before = receiver.stats();
    ASSERT_EQ(before.root_hits, 1U);
    ASSERT_EQ(before.cache_flushes, 0U);

    world.set_policy({{"org.weft.**", {"alice"}}});

    ASSERT_TRUE(receiver.take(batch[2]));
    EXPECT_EQ(receiver.stats().root_hits, before.root_hits);
    EXPECT_EQ(receiver.stats().root_misses, before.root_misses + 1);
    EXPECT_EQ(receiver.stats().cache_flushes, 1U);
    EXPECT_EQ(receiver.stats().signatures_checked, before.signatures_checked + 2);

    for (const Frames& frames : batch) ASSERT_TRUE(receiver.take(frames));
    EXPECT_EQ(receiver.stats().root_hits, before.root_hits + 3);
    EXPECT_EQ(receiver.stats().root_misses, before.root_misses + 1);
    EXPECT_EQ(receiver.stats().cache_flushes, 1U);
}

// C4: a topic that was granted before is not granted for good.
TEST_F(VerifierCacheTest, AReloadForgetsWhichTopicsWereGranted) {
    ASSERT_TRUE(receiver.take(batch[0]));

    world.set_policy({{"org.weft.**", {"bob"}}});
    EXPECT_EQ(receiver.take(batch[1]), Refusal::policy_denied);

    world.set_policy({{"org.weft.**", {"alice"}}});
    EXPECT_TRUE(receiver.take(batch[1]));
}

// C5.
TEST_F(VerifierCacheTest, APeerOverItsBudgetIsRefusedWithoutAnotherCheck) {
    receiver.peer = {"tcp://forger:1", 3};
    for (int time = 0; time < 3; ++time) EXPECT_EQ(receiver.take(forged), Refusal::signature_bad);
    const std::uint64_t paid = receiver.stats().signatures_checked;

    EXPECT_EQ(receiver.take(forged), Refusal::peer_over_budget);
    EXPECT_EQ(receiver.take(batch[0]), Refusal::peer_over_budget);
    EXPECT_EQ(receiver.stats().signatures_checked, paid);
}

// C5.
TEST_F(VerifierCacheTest, OtherPeersAreUnaffectedByAForger) {
    receiver.peer = {"tcp://forger:1", 1};
    ASSERT_EQ(receiver.take(forged), Refusal::signature_bad);
    ASSERT_EQ(receiver.take(batch[0]), Refusal::peer_over_budget);

    receiver.peer = {"tcp://honest:1", 1};
    EXPECT_TRUE(receiver.take(batch[0]));
}

// C5.
TEST_F(VerifierCacheTest, APeerRecoversInTheNextSecond) {
    receiver.peer = {"tcp://forger:1", 1};
    receiver.steady_ms = 41'999;
    ASSERT_EQ(receiver.take(forged), Refusal::signature_bad);
    ASSERT_EQ(receiver.take(batch[0]), Refusal::peer_over_budget);

    receiver.steady_ms = 42'000;
    EXPECT_TRUE(receiver.take(batch[0]));
}

// C5: a relay that carries a forger's runs still carries everybody's, where no check is due.
TEST_F(VerifierCacheTest, ARunUnderACachedRootPassesFromAPeerOverItsBudget) {
    receiver.peer = {"tcp://relay:1", 1};
    ASSERT_TRUE(receiver.take(batch[0]));
    ASSERT_EQ(receiver.take(forged), Refusal::signature_bad);

    EXPECT_TRUE(receiver.take(batch[1]));
}

// C5: certificates are paid for from the same budget, and bad ones are never remembered.
TEST_F(VerifierCacheTest, BadCertificatesSpendTheBudgetToo) {
    receiver.peer = {"tcp://forger:1", 2};
    const Frames bad = with_bad_certificate(batch[0]);

    EXPECT_EQ(receiver.take(bad), Refusal::certificate_signature_bad);
    EXPECT_EQ(receiver.take(bad), Refusal::certificate_signature_bad);
    EXPECT_EQ(receiver.take(bad), Refusal::peer_over_budget);
    EXPECT_EQ(receiver.take(batch[0]), Refusal::peer_over_budget);
    EXPECT_EQ(receiver.stats().contents_hashed, 0U);
}

// C5: being refused by policy, time or revocation is no forgery.
TEST_F(VerifierCacheTest, TrustDecisionsDoNotSpendTheBudget) {
    receiver.peer = {"tcp://relay:1", 1};
    world.set_policy({{"org.weft.**", {"bob"}}});
    for (int time = 0; time < 5; ++time) {
        const Frames frames = support::sign(alice, topic, {std::to_string(time)});
        EXPECT_EQ(receiver.take(frames), Refusal::policy_denied);
    }
    receiver.now = alice.certificate->not_after() + SigningFixture::day;
    for (int time = 0; time < 5; ++time) {
        const Frames frames = support::sign(alice, topic, {std::to_string(time)});
        EXPECT_EQ(receiver.take(frames), Refusal::certificate_expired);
    }
    world.revoke(alice);
    receiver.now = SigningFixture::now;
    for (int time = 0; time < 5; ++time) {
        const Frames frames = support::sign(alice, topic, {std::to_string(time)});
        EXPECT_EQ(receiver.take(frames), Refusal::certificate_revoked);
    }
}

}  // namespace
}  // namespace weft::signing
