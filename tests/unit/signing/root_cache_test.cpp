#include "signing/root_cache.hpp"

#include <gmock/gmock.h>

#include <string>

namespace weft::signing {
namespace {

constexpr std::size_t entries_max = 65'536;
constexpr std::size_t per_signer_max = 64;

Digest number(std::uint32_t n) {
    Digest digest{};
    for (std::size_t byte = 0; byte < 4; ++byte) {
        digest[byte] = static_cast<std::uint8_t>(n >> (8 * byte));
    }
    return digest;
}

TEST(RootCache, HoldsWhatWasEnteredAndNothingElse) {
    RootCache cache(entries_max, per_signer_max);
    cache.enter(number(1), number(100));

    EXPECT_TRUE(cache.holds(number(1), number(100)));
    EXPECT_FALSE(cache.holds(number(1), number(101)));
    EXPECT_FALSE(cache.holds(number(2), number(100)));
    EXPECT_EQ(cache.size(), 1U);
    EXPECT_EQ(cache.counts().hits, 1U);
    EXPECT_EQ(cache.counts().misses, 2U);
}

// C1: signature, root, count and signer each make another key.
TEST(RootCache, KeyCoversTheSignedBytesAndTheSignature) {
    const std::string signature(64, 's');
    std::string altered = signature;
    altered[63] = 't';
    const Digest key = RootCache::key_of(signed_root(number(1), 3, number(9)), signature);

    EXPECT_EQ(key, RootCache::key_of(signed_root(number(1), 3, number(9)), signature));
    EXPECT_NE(key, RootCache::key_of(signed_root(number(1), 3, number(9)), altered));
    EXPECT_NE(key, RootCache::key_of(signed_root(number(1), 3, number(8)), signature));
    EXPECT_NE(key, RootCache::key_of(signed_root(number(1), 4, number(9)), signature));
    EXPECT_NE(key, RootCache::key_of(signed_root(number(2), 3, number(9)), signature));
}

// C2: a signer has a ring of 64; its oldest root goes first, and only its own.
TEST(RootCache, ASignerPushesOutItsOwnOldestRootOnly) {
    RootCache cache(entries_max, per_signer_max);
    cache.enter(number(1), number(7));
    for (std::uint32_t root = 0; root < 65; ++root) cache.enter(number(2), number(root));

    EXPECT_EQ(cache.size(), 65U);
    EXPECT_EQ(cache.counts().evicted, 1U);
    EXPECT_TRUE(cache.holds(number(1), number(7)));
    EXPECT_FALSE(cache.holds(number(2), number(0)));
    for (std::uint32_t root = 1; root < 65; ++root) {
        EXPECT_TRUE(cache.holds(number(2), number(root))) << root;
    }
}

TEST(RootCache, ARingThatWentRoundManyTimesHoldsTheLast64) {
    RootCache cache(entries_max, per_signer_max);
    for (std::uint32_t root = 0; root < 1'000; ++root) {
        cache.enter(number(1), number(root));
        ASSERT_TRUE(cache.holds(number(1), number(root))) << root;
    }

    EXPECT_EQ(cache.size(), 64U);
    for (std::uint32_t root = 936; root < 1'000; ++root) {
        EXPECT_TRUE(cache.holds(number(1), number(root))) << root;
    }
    EXPECT_FALSE(cache.holds(number(1), number(935)));
}

// C2: never more than 65,536 entries, whoever signs.
TEST(RootCache, NeverHoldsMoreThanItsBound) {
    RootCache cache(entries_max, per_signer_max);
    for (std::uint32_t signer = 0; signer < 1'100; ++signer) {
        for (std::uint32_t root = 0; root < 64; ++root) {
            cache.enter(number(signer), number(root));
            ASSERT_LE(cache.size(), entries_max);
        }
    }

    EXPECT_EQ(cache.size(), entries_max);
    EXPECT_EQ(cache.counts().evicted, 1'100U * 64 - entries_max);
}

TEST(RootCache, SignersOfOneRootEachAreBoundedToo) {
    RootCache cache(100, per_signer_max);
    for (std::uint32_t signer = 0; signer < 1'000; ++signer) cache.enter(number(signer), number(0));

    EXPECT_EQ(cache.size(), 100U);
    EXPECT_FALSE(cache.holds(number(899), number(0)));
    EXPECT_TRUE(cache.holds(number(900), number(0)));
}

TEST(RootCache, ForgetsTheSignerThatWasUsedLongestAgo) {
    RootCache cache(3, 2);
    cache.enter(number(1), number(10));
    cache.enter(number(2), number(20));
    cache.enter(number(3), number(30));
    ASSERT_TRUE(cache.holds(number(1), number(10)));  // Now 2 is the one used longest ago.

    cache.enter(number(4), number(40));

    EXPECT_TRUE(cache.holds(number(1), number(10)));
    EXPECT_FALSE(cache.holds(number(2), number(20)));
    EXPECT_TRUE(cache.holds(number(3), number(30)));
    EXPECT_TRUE(cache.holds(number(4), number(40)));
}

// C4.
TEST(RootCache, AnotherTrustGenerationForgetsEverything) {
    RootCache cache(entries_max, per_signer_max);
    cache.use_generation(1);
    cache.enter(number(1), number(10));

    cache.use_generation(1);
    EXPECT_TRUE(cache.holds(number(1), number(10)));

    cache.use_generation(2);
    EXPECT_FALSE(cache.holds(number(1), number(10)));
    EXPECT_EQ(cache.size(), 0U);
    EXPECT_EQ(cache.counts().evicted, 0U);

    cache.enter(number(1), number(10));
    EXPECT_TRUE(cache.holds(number(1), number(10)));
}

// C2: asking is not entering.
TEST(RootCache, LookingUpWhatIsUnknownChangesNothing) {
    RootCache cache(entries_max, per_signer_max);
    cache.enter(number(1), number(10));

    for (std::uint32_t forged = 0; forged < 100'000; ++forged) {
        EXPECT_FALSE(cache.holds(number(forged % 3), number(1'000 + forged)));
    }

    EXPECT_EQ(cache.size(), 1U);
    EXPECT_TRUE(cache.holds(number(1), number(10)));
}

}  // namespace
}  // namespace weft::signing
