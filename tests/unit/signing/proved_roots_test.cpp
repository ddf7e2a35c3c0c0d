#include "signing/proved_roots.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "signing/verifier.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::signing {
namespace {

using support::Frames;
using support::Identity;
using support::Receiver;
using support::SigningFixture;

constexpr const char* topic = "org.weft.dev.a.b";

Digest number(std::uint8_t n) {
    Digest digest{};
    digest[0] = n;
    return digest;
}

// C4.
TEST(ProvedRoots, BelongToOneGenerationOfTrust) {
    ProvedRoots roots;
    roots.enter(1, number(1), number(100));
    EXPECT_TRUE(roots.holds(1, number(1), number(100)));
    EXPECT_FALSE(roots.holds(1, number(2), number(100)));

    EXPECT_FALSE(roots.holds(2, number(1), number(100)));
    EXPECT_FALSE(roots.holds(1, number(1), number(100)));
    roots.enter(1, number(1), number(100));  // By a verifier that has not seen the new one yet.
    EXPECT_FALSE(roots.holds(1, number(1), number(100)));
    EXPECT_FALSE(roots.holds(2, number(1), number(100)));
}

TEST(ProvedRoots, ThatTwoEnterAtOnceTakeOneEntry) {
    ProvedRoots roots;
    roots.enter(1, number(1), number(1));
    for (std::size_t time = 0; time < ProvedRoots::roots_per_signer_max; ++time) {
        roots.enter(1, number(1), number(100));
    }
    EXPECT_TRUE(roots.holds(1, number(1), number(1)));
}

class SharedTrust : public ::testing::Test {
protected:
    SigningFixture world;
    Identity alice = world.identity("alice");
    Receiver one{world.trust()}, other{world.trust()};
    std::vector<Frames> batch = support::sign_batch(alice, {{topic, {"m0"}}, {topic, {"m1"}}});
};

TEST_F(SharedTrust, ARootThatOneVerifierProvedIsNotPaidForByAnother) {
    ASSERT_TRUE(one.take(batch[0]));
    ASSERT_EQ(one.stats().signatures_checked, 2U);  // The certificate's and the root's.
    EXPECT_TRUE(other.take(batch[1]));
    EXPECT_EQ(other.stats().signatures_checked, 1U);
    // Whoever has spent its budget pays nothing for it either.
    Receiver spent{world.trust()};
    ASSERT_TRUE(spent.take(support::sign(alice, topic, {"before"})));  // Knows the certificate.
    spent.peer = {"tcp://forger:1", 0};
    EXPECT_TRUE(spent.take(batch[0]));
}

// C1.
TEST_F(SharedTrust, AnAlteredSignatureIsRefusedAlthoughAnotherProvedTheRoot) {
    ASSERT_TRUE(one.take(batch[0]));
    Frames altered = batch[1];
    altered.proof[12] = static_cast<char>(altered.proof[12] ^ 1);
    EXPECT_EQ(other.take(altered), Refusal::signature_bad);
    EXPECT_EQ(one.take(altered), Refusal::signature_bad);
}

// C3.
TEST_F(SharedTrust, WhatAnotherProvedDoesNotSaveARevokedSigner) {
    ASSERT_TRUE(one.take(batch[0]));
    world.revoke(alice);
    EXPECT_EQ(other.take(batch[1]), Refusal::certificate_revoked);
    EXPECT_EQ(one.take(batch[1]), Refusal::certificate_revoked);
}

TEST_F(SharedTrust, VerifiersInSeveralThreadsShareIt) {
    std::vector<Frames> frames;
    for (int i = 0; i < 50; ++i) frames.push_back(support::sign(alice, topic, {std::to_string(i)}));
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            Receiver mine{world.trust()};
            for (const Frames& each : frames) EXPECT_TRUE(mine.take(each));
        });
    }
}

}  // namespace
}  // namespace weft::signing
