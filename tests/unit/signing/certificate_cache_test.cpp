#include "signing/certificate_cache.hpp"

#include <gmock/gmock.h>

#include <string>

#include "tests/support/signing_fixture.hpp"

namespace weft::signing {
namespace {

using support::Identity;
using support::SigningFixture;

TEST(CertificateCache, FindsACertificateByAllOfItsBytes) {
    const SigningFixture world;
    const Identity alice = world.identity("alice");
    CertificateCache cache(10);
    cache.enter(alice.certificate);

    std::string altered = alice.certificate->bytes();
    ASSERT_NE(cache.find(alice.certificate->bytes()), nullptr);
    EXPECT_EQ(cache.find(alice.certificate->bytes())->certificate, alice.certificate);
    altered.back() = static_cast<char>(altered.back() ^ 1);
    EXPECT_EQ(cache.find(altered), nullptr);
    EXPECT_EQ(cache.find(""), nullptr);
}

TEST(CertificateCache, ForgetsTheOneThatWasUsedLongestAgo) {
    const SigningFixture world;
    const Identity first = world.identity("first"), second = world.identity("second"),
                   third = world.identity("third");
    CertificateCache cache(2);
    cache.enter(first.certificate);
    cache.enter(second.certificate);
    ASSERT_NE(cache.find(first.certificate->bytes()), nullptr);

    cache.enter(third.certificate);

    EXPECT_EQ(cache.size(), 2U);
    EXPECT_NE(cache.find(first.certificate->bytes()), nullptr);
    EXPECT_EQ(cache.find(second.certificate->bytes()), nullptr);
    EXPECT_NE(cache.find(third.certificate->bytes()), nullptr);
}

TEST(CertificateCache, IsEmptyWhenItIsCleared) {
    const SigningFixture world;
    const Identity alice = world.identity("alice");
    CertificateCache cache(2);
    cache.enter(alice.certificate);

    cache.clear();

    EXPECT_EQ(cache.size(), 0U);
    EXPECT_EQ(cache.find(alice.certificate->bytes()), nullptr);
}

TEST(GrantedTopics, HoldsWhatWasEnteredAndNothingElse) {
    GrantedTopics topics;
    topics.enter("org.weft.a");

    EXPECT_TRUE(topics.holds("org.weft.a"));
    EXPECT_FALSE(topics.holds("org.weft.b"));
    EXPECT_FALSE(topics.holds("org.weft"));
    EXPECT_FALSE(topics.holds(""));
}

TEST(GrantedTopics, NeverHoldsMoreThanItsBound) {
    GrantedTopics topics;
    for (int topic = 0; topic < 10'000; ++topic) topics.enter("t" + std::to_string(topic));

    std::size_t held = 0;
    for (int topic = 0; topic < 10'000; ++topic) {
        if (topics.holds("t" + std::to_string(topic))) ++held;
    }
    EXPECT_LE(held, GrantedTopics::topics_max);
    EXPECT_GT(held, 0U);
    EXPECT_TRUE(topics.holds("t9999"));
}

}  // namespace
}  // namespace weft::signing
