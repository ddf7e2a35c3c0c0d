#include "signing/tree_cache.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "signing/merkle.hpp"

namespace weft::signing {

bool TreeCache::is_of(const Tree& tree, const Digest& signer, const ProofFields& proof) noexcept {
    return tree.n == proof.n &&
           std::memcmp(tree.signature.data(), proof.signature.data(), tree.signature.size()) == 0 &&
           tree.signer == signer;
}

bool TreeCache::proves(const Digest& signer, const Cid& cid, const ProofFields& proof,
                       const Digest& leaf) {
    const auto found = std::find_if(trees_.begin(), trees_.end(),
                                    [&](const Tree& tree) { return is_of(tree, signer, proof); });
    if (found == trees_.end()) return false;
    trees_.splice(trees_.begin(), trees_, found);
    if (!climb(*found, cid, proof, leaf)) return false;
    learn(*found);
    return true;
}

/// From the leaf up, hashing until a known node is reached, comparing from there on. Leaves in
/// learnt_ what the climb computed and what the path brought.
bool TreeCache::climb(Tree& tree, const Cid& cid, const ProofFields& proof, const Digest& leaf) {
    learnt_.clear();
    Digest node = leaf;
    std::string_view path = proof.path;
    std::size_t position = proof.i;
    std::size_t level_begin = 0;
    std::uint8_t level = 1;
    bool proved = false;
    for (std::size_t count = proof.n;; count = (count + 1) / 2, position /= 2, ++level) {
        if (!proved) {
            if (tree.known[level_begin + position]) {
                if (tree.nodes[level_begin + position] != node) return false;
                proved = true;
            } else {
                learnt_.push_back({level_begin + position, node});
            }
        }
        if (count == 1) return proved;
        const std::size_t sibling = position ^ 1U;
        if (sibling < count) {
            const std::size_t place = level_begin + sibling;
            const std::string_view given = path.substr(0, sizeof(Digest));
            path.remove_prefix(sizeof(Digest));
            if (proved) {
                // Whatever is known has known siblings all the way up.
                if (!tree.known[place] || bytes_of(tree.nodes[place]) != given) return false;
            } else {
                Digest other;
                std::copy(given.begin(), given.end(), other.begin());
                learnt_.push_back({place, other});
                const bool is_left = position % 2 == 0;
                node = node_digest(cid, level, static_cast<std::uint16_t>(position / 2),
                                   is_left ? node : other, is_left ? other : node);
            }
        }
        level_begin += count;
    }
}

void TreeCache::learn(Tree& tree) const {
    for (const Step& step : learnt_) {
        tree.known[step.place] = true;
        tree.nodes[step.place] = step.node;
    }
}

void TreeCache::enter(const Digest& signer, const Cid& cid, const ProofFields& proof,
                      const Digest& leaf) {
    if (proof.n == 1) return;
    const auto found = std::find_if(trees_.begin(), trees_.end(),
                                    [&](const Tree& tree) { return is_of(tree, signer, proof); });
    if (found != trees_.end()) return;
    if (trees_.size() == trees_max) {
        // Its memory serves again.
        trees_.splice(trees_.begin(), trees_, std::prev(trees_.end()));
    } else {
        trees_.emplace_front();
        trees_.front().nodes.resize(nodes_max);
    }
    Tree& tree = trees_.front();
    tree.signer = signer;
    std::copy(proof.signature.begin(), proof.signature.end(), tree.signature.begin());
    tree.n = proof.n;
    tree.known.reset();
    static_cast<void>(climb(tree, cid, proof, leaf));  // nothing is known yet: it only gathers
    learn(tree);
}

}  // namespace weft::signing
