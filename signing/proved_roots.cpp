#include "signing/proved_roots.hpp"

namespace weft::signing {

bool ProvedRoots::follow(std::uint64_t generation) {
    if (generation < generation_) return false;
    generation_ = generation;
    roots_.use_generation(generation);
    return true;
}

bool ProvedRoots::holds(std::uint64_t generation, const Digest& signer, const Digest& key) {
    const std::scoped_lock lock(mutex_);
    return follow(generation) && roots_.holds(signer, key);
}

void ProvedRoots::enter(std::uint64_t generation, const Digest& signer, const Digest& key) {
    const std::scoped_lock lock(mutex_);
    // Two that check the same root at once both enter it.
    if (follow(generation) && !roots_.holds(signer, key)) roots_.enter(signer, key);
}

}  // namespace weft::signing
