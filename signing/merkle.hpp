#pragma once
// The tree of suite 1: every hash between a message digest and the 83 bytes that Ed25519 signs.
//
//   run   R = H("weft1.run",  cid | u8 kind | u16 k | M_0 | ... | M_{k-1})
//   leaf      H("weft1.leaf", cid | u16 i | u16 n | R)              one leaf a run
//   node      H("weft1.node", cid | u8 level >= 1 | u16 j | left | right)
//   signed    "weft1.root" padded to 16 | u8 suite=1 | fingerprint (32) | u16 n | root (32)
//
// A last node without a sibling moves up unchanged and is never paired with itself (S5). Tag,
// level, position, n and k stand inside the hashes, so that no part of a tree passes as another
// part or as part of another tree (S4).
// Threads:   free functions from any thread; a MerkleTree belongs to one.
// Limits:    n and k are 1 to 256 (asserted: callers have checked them).

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "signing/certificate.hpp"
#include "signing/digest.hpp"
#include "signing/trust_store.hpp"

namespace weft::signing {

[[nodiscard]] Digest run_digest(const Cid& cid, Kind kind, std::span<const Digest> messages);
[[nodiscard]] Digest leaf_digest(const Cid& cid, std::uint16_t i, std::uint16_t n,
                                 const Digest& run);
[[nodiscard]] Digest node_digest(const Cid& cid, std::uint8_t level, std::uint16_t j,
                                 const Digest& left, const Digest& right);

/// The root that `leaf` as number i of n leads to. `path` holds path_length(i, n) hashes of 32
/// bytes from the leaf up (asserted).
[[nodiscard]] Digest root_from_path(const Cid& cid, const Digest& leaf, std::uint16_t i,
                                    std::uint16_t n, std::string_view path);

inline constexpr std::size_t signed_root_bytes = 16 + 1 + 32 + 2 + 32;
using SignedRoot = std::array<char, signed_root_bytes>;

/// The bytes under a root signature. The suite and the whole fingerprint are among them (S2, S7).
[[nodiscard]] SignedRoot signed_root(const Digest& fingerprint, std::uint16_t n,
                                     const Digest& root);

[[nodiscard]] inline std::string_view bytes_of(const SignedRoot& root) noexcept {
    return {root.data(), root.size()};
}

/// All levels of one tree. Build it again for the next batch: its memory is kept.
class MerkleTree {
public:
    void build(const Cid& cid, std::span<const Digest> leaves);
    /// The root of the last build(), which must have happened (asserted).
    [[nodiscard]] const Digest& root() const;
    /// The path of leaf i, from the leaf up: what root_from_path() takes.
    void append_path(std::uint16_t i, std::string& path) const;

private:
    std::vector<Digest> nodes_;  // Level after level, the leaves first.
    std::size_t leaves_ = 0;
};

}  // namespace weft::signing
