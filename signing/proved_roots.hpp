#pragma once
// Root signatures that some verifier of this process has proved, for the others: what a recorder
// has believed a moment ago is read from the journal by others at once, and an Ed25519 check is
// most of what reading a single message costs. As RootCache, it knows nothing of who may speak
// (C3).
//
// Threads:   any; the lock is held for a lookup.
// Limits:    as of RootCache; what is forgotten is checked again.

#include <cstdint>
#include <mutex>

#include "signing/root_cache.hpp"

namespace weft::signing {

class ProvedRoots {
public:
    static constexpr std::size_t roots_per_signer_max = 64;
    static constexpr std::size_t roots_max = 16'384;

    /// Proved under this trust generation? An older one than the newest that was named here proves
    /// nothing; a newer one forgets everything (C4).
    [[nodiscard]] bool holds(std::uint64_t generation, const Digest& signer, const Digest& key);
    /// Only ever after the signature of `key` verified (C1).
    void enter(std::uint64_t generation, const Digest& signer, const Digest& key);

private:
    /// Under the lock. False: the generation is over.
    bool follow(std::uint64_t generation);

    std::mutex mutex_;
    std::uint64_t generation_ = 0;
    RootCache roots_{roots_max, roots_per_signer_max};
};

}  // namespace weft::signing
