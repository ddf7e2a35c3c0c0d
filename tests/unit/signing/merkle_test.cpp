#include "signing/merkle.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "signing/proof.hpp"

namespace weft::signing {
namespace {

constexpr std::string_view topic = "org.weft.dev.a.b";

/// The fingerprint of the published vectors: bytes 0 to 31.
Digest counting_fingerprint() {
    Digest fingerprint;
    std::iota(fingerprint.begin(), fingerprint.end(), std::uint8_t{0});
    return fingerprint;
}

Cid cid_of(const Digest& fingerprint) {
    Cid cid;
    std::copy_n(fingerprint.begin(), cid.size(), cid.begin());
    return cid;
}

Cid counting_cid() {
    return cid_of(counting_fingerprint());
}

std::string hex_of(const Digest& digest) {
    return hex(bytes_of(digest));
}

Digest number(std::size_t n) {
    Digest digest{};
    digest[0] = static_cast<std::uint8_t>(n >> 8U);
    digest[1] = static_cast<std::uint8_t>(n & 0xFFU);
    return digest;
}

std::vector<Digest> messages(std::size_t count) {
    std::vector<Digest> digests;
    for (std::size_t m = 0; m < count; ++m) digests.push_back(number(m));
    return digests;
}

std::vector<Digest> leaves_of(std::uint16_t n) {
    std::vector<Digest> leaves;
    for (std::uint16_t i = 0; i < n; ++i) {
        leaves.push_back(leaf_digest(counting_cid(), i, n, number(i)));
    }
    return leaves;
}

/// The batch sizes of rule S4: 1 to 70, 255 and 256.
std::vector<std::uint16_t> batch_sizes() {
    std::vector<std::uint16_t> sizes(70);
    std::iota(sizes.begin(), sizes.end(), std::uint16_t{1});
    sizes.push_back(255);
    sizes.push_back(256);
    return sizes;
}

std::string path_of(const MerkleTree& tree, std::uint16_t i) {
    std::string path;
    tree.append_path(i, path);
    return path;
}

TEST(Merkle, MessageDigestMatchesThePublishedVector) {
    EXPECT_EQ(hex_of(message_digest(topic, "m0")),
              "28b621454d590568cb8dba6ae03f1de44ff3ae8d33ebc921d3f99936c2861ec8");
}

TEST(Merkle, RunDigestsMatchThePublishedVectors) {
    const std::vector<Digest> all{message_digest(topic, "m0"), message_digest(topic, "m1"),
                                  message_digest(topic, "m2")};

    EXPECT_EQ(hex_of(run_digest(counting_cid(), Kind::message, {all.data(), 1})),
              "4a79c8a1086e014d8876619a81d065ab3f0cb594dca087e9cc2dd21b43422597");
    EXPECT_EQ(hex_of(run_digest(counting_cid(), Kind::message, all)),
              "490c70080a6327afc939994e296bf5846796dba394b7d7b9783d0634445b11af");
}

TEST(Merkle, RootOfOneRunIsItsLeafAndMatchesThePublishedVector) {
    const std::vector<Digest> all{message_digest(topic, "m0"), message_digest(topic, "m1"),
                                  message_digest(topic, "m2")};
    const Digest leaf =
        leaf_digest(counting_cid(), 0, 1, run_digest(counting_cid(), Kind::message, all));
    MerkleTree tree;
    tree.build(counting_cid(), std::vector{leaf});

    EXPECT_EQ(hex_of(tree.root()),
              "771ec6d87ec7a0a12270ed394ee2187f1872a1e827142ac8bc106cd705823431");
    EXPECT_EQ(path_of(tree, 0), "");
}

TEST(Merkle, TreeOfThreeRunsMatchesThePublishedVectors) {
    std::vector<Digest> leaves;
    for (std::uint16_t i = 0; i < 3; ++i) {
        const std::vector m{message_digest(topic, "m" + std::to_string(i))};
        leaves.push_back(
            leaf_digest(counting_cid(), i, 3, run_digest(counting_cid(), Kind::message, m)));
    }
    MerkleTree tree;
    tree.build(counting_cid(), leaves);

    EXPECT_EQ(hex_of(leaves[0]),
              "3fe341be7df38097df8c36675379c3a65fef373fd863612629a2062855d6dbde");
    EXPECT_EQ(hex_of(tree.root()),
              "c504137198d42da778eea4ca6d6c81eb25e7cbc89e94c1dc5b2a90c7e5d97fea");
    EXPECT_EQ(hex(path_of(tree, 2)),
              "54e378ed52b288e289ca26af283d435482c152726c845abeafcd5b90ef73f557");
}

TEST(Merkle, SignedBytesAre83AndHoldTagSuiteFingerprintCountAndRoot) {
    const SignedRoot bytes = signed_root(counting_fingerprint(), 0x0102, number(7));

    ASSERT_EQ(bytes.size(), 83U);
    EXPECT_EQ(std::string(bytes.data(), 16), std::string("weft1.root\0\0\0\0\0\0", 16));
    EXPECT_EQ(hex({bytes.data() + 16, 1}), "01");
    EXPECT_EQ(hex({bytes.data() + 17, 32}), hex_of(counting_fingerprint()));
    EXPECT_EQ(hex({bytes.data() + 49, 2}), "0102");
    EXPECT_EQ(hex({bytes.data() + 51, 32}), hex_of(number(7)));
}

TEST(Merkle, EveryPathLeadsToTheRoot) {
    MerkleTree tree;
    for (const std::uint16_t n : batch_sizes()) {
        const std::vector<Digest> leaves = leaves_of(n);
        tree.build(counting_cid(), leaves);
        for (std::uint16_t i = 0; i < n; ++i) {
            const std::string path = path_of(tree, i);
            ASSERT_EQ(path.size(), 32 * path_length(i, n)) << "leaf " << i << " of " << n;
            ASSERT_EQ(root_from_path(counting_cid(), leaves[i], i, n, path), tree.root())
                << "leaf " << i << " of " << n;
        }
    }
}

// S4: for a genuine (i, n) no other pair leads to the same signed bytes, whether its path is cut at
// either end or made longer until its length is the one that the other pair demands.
TEST(Merkle, NoOtherPositionOrCountLeadsToTheSameSignedBytes) {
    MerkleTree tree;
    for (const std::uint16_t n :
         std::initializer_list<std::uint16_t>{1, 2, 3, 7, 8, 70, 255, 256}) {
        tree.build(counting_cid(), leaves_of(n));
        const SignedRoot genuine = signed_root(counting_fingerprint(), n, tree.root());
        for (const int of_n : {0, n / 2, n - 1}) {
            const auto i = static_cast<std::uint16_t>(of_n);
            const std::string path = path_of(tree, i);
            for (const std::uint16_t other_n : batch_sizes()) {
                for (std::uint16_t other_i = 0; other_i < other_n; ++other_i) {
                    if (other_i == i && other_n == n) continue;
                    const std::size_t demanded = 32 * path_length(other_i, other_n);
                    std::string front = path, back = path;
                    front.resize(demanded, '\x5a');
                    if (back.size() > demanded) back.erase(0, back.size() - demanded);
                    back.resize(demanded, '\x5a');
                    const Digest leaf = leaf_digest(counting_cid(), other_i, other_n, number(i));
                    for (const std::string& tried : {front, back}) {
                        const Digest root =
                            root_from_path(counting_cid(), leaf, other_i, other_n, tried);
                        ASSERT_NE(signed_root(counting_fingerprint(), other_n, root), genuine)
                            << i << " of " << n << " passed as " << other_i << " of " << other_n;
                    }
                }
            }
        }
    }
}

// S4.
TEST(Merkle, APermutedPathLeadsToAnotherRoot) {
    MerkleTree tree;
    for (const std::uint16_t n : std::initializer_list<std::uint16_t>{4, 7, 70, 255, 256}) {
        const std::vector<Digest> leaves = leaves_of(n);
        tree.build(counting_cid(), leaves);
        const std::string path = path_of(tree, 1);
        for (std::size_t first = 0; first < path.size(); first += 32) {
            for (std::size_t second = first + 32; second < path.size(); second += 32) {
                std::string permuted = path;
                std::swap_ranges(permuted.begin() + static_cast<std::ptrdiff_t>(first),
                                 permuted.begin() + static_cast<std::ptrdiff_t>(first + 32),
                                 permuted.begin() + static_cast<std::ptrdiff_t>(second));
                EXPECT_NE(root_from_path(counting_cid(), leaves[1], 1, n, permuted), tree.root());
            }
        }
    }
}

// S4: a node cannot pose as a leaf, nor a node of one level or place as one of another.
TEST(Merkle, TagLevelAndPositionTellNodesAndLeavesApart) {
    const Cid cid = counting_cid();
    const Digest left = number(1), right = number(2);
    std::set<Digest> seen;
    seen.insert(leaf_digest(cid, 0, 1, left));
    for (std::uint8_t level = 1; level <= 8; ++level) {
        for (std::uint16_t j = 0; j < 128; ++j) {
            seen.insert(node_digest(cid, level, j, left, right));
        }
    }
    seen.insert(node_digest(cid, 1, 0, right, left));

    EXPECT_EQ(seen.size(), 1U + 8 * 128 + 1);
}

// S4: k is inside the run digest, and so is the order of its messages.
TEST(Merkle, RunsOfAnotherLengthOrderKindOrSignerHaveAnotherDigest) {
    std::set<Digest> seen;
    const std::vector<Digest> all = messages(256);
    for (const std::uint16_t k : batch_sizes()) {
        seen.insert(run_digest(counting_cid(), Kind::message, {all.data(), k}));
    }
    std::vector<Digest> swapped = messages(70);
    std::swap(swapped[3], swapped[4]);
    seen.insert(run_digest(counting_cid(), Kind::message, swapped));
    seen.insert(run_digest(counting_cid(), Kind::ack, {all.data(), 70}));
    seen.insert(run_digest(counting_cid(), Kind::beacon, {all.data(), 70}));
    seen.insert(run_digest(Cid{}, Kind::message, {all.data(), 70}));

    EXPECT_EQ(seen.size(), batch_sizes().size() + 4);
}

// S5, over the very same leaves: only pairing the last one with itself would give one root.
TEST(Merkle, ALastLeafRepeatedGivesAnotherRoot) {
    for (const std::uint16_t n : std::initializer_list<std::uint16_t>{1, 3, 5, 7, 9, 69, 255}) {
        std::vector<Digest> leaves = leaves_of(n);
        MerkleTree odd, doubled;
        odd.build(counting_cid(), leaves);
        leaves.push_back(leaves.back());
        doubled.build(counting_cid(), leaves);

        EXPECT_NE(odd.root(), doubled.root()) << n;
    }
}

// S5: the batch of three and the batch of four whose last run is repeated.
TEST(Merkle, BatchesOfThreeAndOfFourWithTheLastRepeatedHaveDifferentRoots) {
    const auto root_of = [](const std::vector<std::size_t>& runs) {
        std::vector<Digest> leaves;
        const auto n = static_cast<std::uint16_t>(runs.size());
        for (std::uint16_t i = 0; i < n; ++i) {
            leaves.push_back(leaf_digest(counting_cid(), i, n, number(runs[i])));
        }
        MerkleTree tree;
        tree.build(counting_cid(), leaves);
        return tree.root();
    };

    EXPECT_NE(root_of({0, 1, 2}), root_of({0, 1, 2, 2}));
}

// S5: seen from the path: the last of three has one sibling, two levels up.
TEST(Merkle, ALastNodeWithoutASiblingMovesUpUnchanged) {
    const std::vector<Digest> leaves = leaves_of(3);
    MerkleTree tree;
    tree.build(counting_cid(), leaves);

    const Digest pair = node_digest(counting_cid(), 1, 0, leaves[0], leaves[1]);
    EXPECT_EQ(tree.root(), node_digest(counting_cid(), 2, 0, pair, leaves[2]));
}

TEST(Merkle, ATreeForgetsItsLastBatchWhenItIsBuiltAgain) {
    MerkleTree used, fresh;
    used.build(counting_cid(), leaves_of(256));
    used.build(counting_cid(), leaves_of(5));
    fresh.build(counting_cid(), leaves_of(5));

    EXPECT_EQ(used.root(), fresh.root());
    EXPECT_EQ(path_of(used, 4), path_of(fresh, 4));
}

}  // namespace
}  // namespace weft::signing
