#include "signing/certificate_cache.hpp"

#include <cassert>
#include <functional>

namespace weft::signing {

bool GrantedTopics::holds(std::string_view topic) const noexcept {
    return !topic.empty() && topics_[place_of(topic)] == topic;
}

void GrantedTopics::enter(std::string_view topic) {
    topics_[place_of(topic)] = topic;
}

std::size_t GrantedTopics::place_of(std::string_view topic) noexcept {
    return std::hash<std::string_view>{}(topic) % topics_max;
}

CertificateCache::CertificateCache(std::size_t entries_max) : entries_max_(entries_max) {
    assert(entries_max >= 1);
}

CertificateCache::Entry* CertificateCache::find(std::string_view bytes) {
    // Runs of one sender follow one another: comparing is cheaper than hashing.
    if (!entries_.empty() && entries_.front().certificate->bytes() == bytes) {
        return &entries_.front();
    }
    const auto found = by_bytes_.find(bytes);
    if (found == by_bytes_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &entries_.front();
}

CertificateCache::Entry& CertificateCache::enter(std::shared_ptr<const Certificate> certificate) {
    assert(!by_bytes_.contains(certificate->bytes()));
    if (by_bytes_.size() == entries_max_) {
        by_bytes_.erase(entries_.back().certificate->bytes());
        entries_.pop_back();
    }
    entries_.push_front(Entry{std::move(certificate), {}});
    by_bytes_.emplace(entries_.front().certificate->bytes(), entries_.begin());
    return entries_.front();
}

void CertificateCache::clear() noexcept {
    by_bytes_.clear();
    entries_.clear();
}

}  // namespace weft::signing
