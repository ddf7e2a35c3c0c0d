#pragma once
// Remembers root signatures that verified, so that the runs of one batch cost one Ed25519 check
// between them. It knows nothing else: validity, revocation, globs and policy are judged again for
// every run, cached root or not (C3).
//
// Threads:   confined to its verifier's thread.
// Ownership: holds copies of keys only.
// Limits:    a ring for each signer, `per_signer_max` deep, in all at most `entries_max` (C2). When
//            the cache is full, the signer that was used longest ago is forgotten whole; a stranger
//            cannot bring that about, because nothing enters without a signature that verified.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "signing/digest.hpp"
#include "signing/merkle.hpp"

namespace weft::signing {

class RootCache {
public:
    struct Counts {
        std::uint64_t hits = 0, misses = 0, evicted = 0;  ///< Flushes do not count as evictions.
    };

    /// `entries_max` >= `per_signer_max` >= 1 (asserted).
    RootCache(std::size_t entries_max, std::size_t per_signer_max);

    /// The key of one signed root: a hash over the 83 signed bytes and the signature, so that a
    /// genuine root under an altered signature is another entry (C1).
    [[nodiscard]] static Digest key_of(const SignedRoot& root, std::string_view signature);

    /// Every entry belongs to one trust generation; another one forgets them all (C4).
    void use_generation(std::uint64_t generation);
    /// Looks `key` up, counts the answer, and marks a known signer as used.
    [[nodiscard]] bool holds(const Digest& signer, const Digest& key);
    /// Only ever after the signature of `key` verified (C1). The oldest of a full ring goes.
    void enter(const Digest& signer, const Digest& key);

    /// A run was proved by nodes of a tree whose root is known: a hit without a lookup.
    void count_hit() noexcept { ++counts_.hits; }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

private:
    struct Ring {
        Digest signer;
        std::vector<Digest> keys;
        std::size_t newest = 0;
    };
    using Rings = std::list<Ring>;
    struct FirstBytes {  // Fingerprints are SHA-256 already.
        std::size_t operator()(const Digest& digest) const noexcept {
            std::size_t value = 0;
            std::memcpy(&value, digest.data(), sizeof value);
            return value;
        }
    };

    Ring& ring_of(const Digest& signer);
    void forget_least_recently_used();

    const std::size_t entries_max_, per_signer_max_;
    Rings rings_;  // The most recently used signer first.
    std::unordered_map<Digest, Rings::iterator, FirstBytes> by_signer_;
    std::size_t size_ = 0;
    std::uint64_t generation_ = 0;
    Counts counts_;
};

}  // namespace weft::signing
