#pragma once
// Remembers the nodes of the trees whose root signatures verified lately. The runs of one batch
// share most of their paths: the first costs its whole path and one Ed25519 check, each further one
// is hashed only up to the first node that an earlier run has proved, which on average is the
// second. What stands above that node is compared byte by byte. The answer is the one that hashing
// the whole path would give: a known node has one hash preimage only, and every hash of the path is
// either computed or compared with a proved one.
//
// Threads:   confined to its verifier's thread.
// Ownership: holds copies of hashes.
// Limits:    trees_max trees of at most 520 nodes, about 17 KiB each, the least recently used goes
//            first. Nothing enters before its root's signature verified, so a stranger cannot push
//            anything out. Trees of one run are not kept: the root cache serves them.

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string_view>
#include <vector>

#include "signing/certificate.hpp"
#include "signing/digest.hpp"
#include "signing/proof.hpp"

namespace weft::signing {

class TreeCache {
public:
    static constexpr std::size_t trees_max = 16;

    /// True only if this leaf, under this path, signature and certificate, is proved by what is
    /// remembered; false says nothing, and the caller hashes and checks as usual.
    [[nodiscard]] bool proves(const Digest& signer, const Cid& cid, const ProofFields& proof,
                              const Digest& leaf);
    /// Only ever after the whole path led to a root whose signature verified.
    void enter(const Digest& signer, const Cid& cid, const ProofFields& proof, const Digest& leaf);
    /// Every entry belongs to one trust generation (C4).
    void clear() noexcept { trees_.clear(); }

private:
    static constexpr std::size_t nodes_max = 520;  // 256 + 128 + … + 1, and one more a level
    struct Tree {
        Digest signer;
        std::array<char, 64> signature;
        std::uint16_t n = 0;
        std::bitset<nodes_max> known;
        std::vector<Digest> nodes;  // level after level, the leaves first
    };
    struct Step {
        std::size_t place;
        Digest node;
    };

    [[nodiscard]] static bool is_of(const Tree& tree, const Digest& signer,
                                    const ProofFields& proof) noexcept;
    [[nodiscard]] bool climb(Tree& tree, const Cid& cid, const ProofFields& proof,
                             const Digest& leaf);
    void learn(Tree& tree) const;

    std::list<Tree> trees_;     // the most recently used first
    std::vector<Step> learnt_;  // of the path in hand, until it is proved
};

}  // namespace weft::signing
