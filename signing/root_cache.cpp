#include "signing/root_cache.hpp"

#include <cassert>

namespace weft::signing {

RootCache::RootCache(std::size_t entries_max, std::size_t per_signer_max)
    : entries_max_(entries_max), per_signer_max_(per_signer_max) {
    assert(per_signer_max >= 1 && entries_max >= per_signer_max);
}

Digest RootCache::key_of(const SignedRoot& root, std::string_view signature) {
    return TaggedHash("weft1.rootkey").add(bytes_of(root)).add(signature).finish();
}

void RootCache::use_generation(std::uint64_t generation) {
    if (generation == generation_) return;
    generation_ = generation;
    by_signer_.clear();
    rings_.clear();
    size_ = 0;
}

bool RootCache::holds(const Digest& signer, const Digest& key) {
    const auto found = by_signer_.find(signer);
    if (found != by_signer_.end()) {
        const Ring& ring = *found->second;
        // Newest first: the runs of a batch follow one another.
        std::size_t at = ring.newest;
        for (std::size_t tried = 0; tried < ring.keys.size(); ++tried) {
            if (ring.keys[at] == key) {
                rings_.splice(rings_.begin(), rings_, found->second);
                ++counts_.hits;
                return true;
            }
            at = (at == 0 ? ring.keys.size() : at) - 1;
        }
    }
    ++counts_.misses;
    return false;
}

void RootCache::enter(const Digest& signer, const Digest& key) {
    Ring& ring = ring_of(signer);
    if (ring.keys.size() == per_signer_max_) {
        ring.newest = (ring.newest + 1) % per_signer_max_;
        ring.keys[ring.newest] = key;
        ++counts_.evicted;
        return;
    }
    // The ring in hand is at the front, so what is forgotten is another signer's.
    if (size_ == entries_max_) forget_least_recently_used();
    ring.keys.push_back(key);
    ring.newest = ring.keys.size() - 1;
    ++size_;
}

RootCache::Ring& RootCache::ring_of(const Digest& signer) {
    if (const auto found = by_signer_.find(signer); found != by_signer_.end()) {
        rings_.splice(rings_.begin(), rings_, found->second);
    } else {
        rings_.push_front(Ring{signer, {}, 0});
        by_signer_.emplace(signer, rings_.begin());
    }
    return rings_.front();
}

void RootCache::forget_least_recently_used() {
    const Ring& last = rings_.back();
    assert(&last != &rings_.front());
    size_ -= last.keys.size();
    counts_.evicted += last.keys.size();
    by_signer_.erase(last.signer);
    rings_.pop_back();
}

}  // namespace weft::signing
