#include "signing/tree_cache.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "signing/merkle.hpp"

namespace weft::signing {
namespace {

/// One tree over n leaves, with the proof of each.
class Batch {
public:
    Batch(std::uint16_t n, char seed) : n_(n), signature_(64, seed) {
        for (std::uint16_t i = 0; i < n; ++i) {
            leaves.push_back(TaggedHash("test").add(signature_).add_u16(i).add_u16(n).finish());
        }
        tree_.build(cid, leaves);
        for (std::uint16_t i = 0; i < n; ++i) {
            paths.emplace_back();
            tree_.append_path(i, paths.back());
        }
    }
    [[nodiscard]] ProofFields proof(std::uint16_t i, std::string_view path) const {
        return {Kind::message, i, n_, 1, signature_, path, {}};
    }
    [[nodiscard]] ProofFields proof(std::uint16_t i) const { return proof(i, paths[i]); }

    static constexpr Cid cid{1, 2, 3};
    static constexpr Digest signer{7};
    std::vector<Digest> leaves;
    std::vector<std::string> paths;

private:
    std::uint16_t n_;
    std::string signature_;
    MerkleTree tree_;
};

const std::vector<std::uint16_t> sizes{2,  3,  4,  5,  6,  7,  8,   9,   15,  16,
                                       17, 31, 33, 64, 65, 70, 127, 128, 255, 256};

bool proves(TreeCache& cache, const Batch& batch, std::uint16_t i) {
    return cache.proves(Batch::signer, Batch::cid, batch.proof(i), batch.leaves[i]);
}

void enter(TreeCache& cache, const Batch& batch, std::uint16_t i) {
    cache.enter(Batch::signer, Batch::cid, batch.proof(i), batch.leaves[i]);
}

TEST(TreeCache, ProvesEveryLeafOfATreeOfWhichItHasSeenOne) {
    for (const std::uint16_t n : sizes) {
        for (const int first : {0, n / 2, n - 1}) {
            TreeCache cache;
            const Batch batch(n, 'a');
            enter(cache, batch, static_cast<std::uint16_t>(first));
            for (std::uint16_t i = 0; i < n; ++i) {
                ASSERT_TRUE(proves(cache, batch, i)) << "leaf " << i << " of " << n;
            }
        }
    }
}

TEST(TreeCache, KnowsNothingOfATreeThatWasNotEntered) {
    TreeCache cache;
    const Batch known(8, 'a');
    const Batch other(8, 'b');
    enter(cache, known, 0);
    for (std::uint16_t i = 0; i < 8; ++i) EXPECT_FALSE(proves(cache, other, i));
}

// S4: each of these would be refused by hashing the whole path, warm cache or not.
TEST(TreeCache, ProvesNothingUnderAnAlteredPathLeafPositionOrSigner) {
    for (const std::uint16_t n : sizes) {
        TreeCache cache;
        const Batch batch(n, 'a');
        enter(cache, batch, 0);
        for (std::uint16_t warm = 0; warm < n; warm = static_cast<std::uint16_t>(warm + 3)) {
            ASSERT_TRUE(proves(cache, batch, warm));
        }
        for (std::uint16_t i = 0; i < n; ++i) {
            for (std::size_t byte = 0; byte < batch.paths[i].size(); byte += 31) {
                std::string path = batch.paths[i];
                path[byte] = static_cast<char>(path[byte] ^ 1);
                ASSERT_FALSE(
                    cache.proves(Batch::signer, Batch::cid, batch.proof(i, path), batch.leaves[i]))
                    << "byte " << byte << " of the path of " << i << " of " << n;
            }
            Digest leaf = batch.leaves[i];
            leaf[31] ^= 1;
            ASSERT_FALSE(cache.proves(Batch::signer, Batch::cid, batch.proof(i), leaf));
            ASSERT_FALSE(cache.proves(Digest{8}, Batch::cid, batch.proof(i), batch.leaves[i]));
            const auto next = static_cast<std::uint16_t>((i + 1) % n);
            ASSERT_FALSE(
                cache.proves(Batch::signer, Batch::cid, batch.proof(i), batch.leaves[next]));
        }
    }
}

// A path that failed must leave nothing behind.
TEST(TreeCache, LearnsNothingFromWhatItDidNotProve) {
    TreeCache cache;
    const Batch batch(16, 'a');
    enter(cache, batch, 0);
    const Digest forged{66};
    // Leaf 9 forged together with its path: if any of it stayed, leaf 8 would meet it as sibling.
    EXPECT_FALSE(cache.proves(Batch::signer, Batch::cid, batch.proof(9), forged));
    EXPECT_FALSE(cache.proves(Batch::signer, Batch::cid, batch.proof(9), forged));
    EXPECT_TRUE(proves(cache, batch, 8));
    EXPECT_TRUE(proves(cache, batch, 9));
}

// C1.
TEST(TreeCache, AnAlteredSignatureMeetsNoTree) {
    TreeCache cache;
    const Batch batch(4, 'a');
    enter(cache, batch, 0);
    for (std::size_t byte = 0; byte < 64; ++byte) {
        std::string signature(64, 'a');
        signature[byte] = 'b';
        ProofFields proof = batch.proof(1);
        proof.signature = signature;
        EXPECT_FALSE(cache.proves(Batch::signer, Batch::cid, proof, batch.leaves[1]));
    }
}

// C2.
TEST(TreeCache, ForgetsTheTreeThatWasUsedLongestAgo) {
    TreeCache cache;
    const Batch kept(4, 'k');
    enter(cache, kept, 0);
    const Batch old(4, 'o');
    enter(cache, old, 0);
    for (std::size_t i = 0; i + 1 < TreeCache::trees_max; ++i) {
        ASSERT_TRUE(proves(cache, kept, 1));
        enter(cache, Batch(4, static_cast<char>(i + 1)), 0);
    }
    EXPECT_TRUE(proves(cache, kept, 2));
    EXPECT_FALSE(proves(cache, old, 1));
}

// C4.
TEST(TreeCache, ForgetsEverythingWhenTrustChanges) {
    TreeCache cache;
    const Batch batch(4, 'a');
    enter(cache, batch, 0);
    cache.clear();
    EXPECT_FALSE(proves(cache, batch, 1));
}

}  // namespace
}  // namespace weft::signing
