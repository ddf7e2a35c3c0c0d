#pragma once
// Certificates that a verifier has read and believed, by their raw bytes, each with the topics that
// its owner was granted lately. A hit saves the CA's signature check and the matching of globs;
// validity time and revocation are judged again for every run (C3).
//
// Threads:   confined to its verifier's thread.
// Ownership: shares the certificates.
// Limits:    `entries_max` certificates; the one that was used longest ago goes first. In each,
//            GrantedTopics::topics_max topics.

#include <array>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "signing/certificate.hpp"

namespace weft::signing {

/// Topics that globs and policy allow one signer, under one trust generation. Refusals are not
/// kept: they are rare and write a sentence anyway. A table with one place for each hash: two
/// topics that share a place push each other out, and nobody but their own signer pays for that.
class GrantedTopics {
public:
    static constexpr std::size_t topics_max = 64;

    [[nodiscard]] bool holds(std::string_view topic) const noexcept;
    void enter(std::string_view topic);

private:
    [[nodiscard]] static std::size_t place_of(std::string_view topic) noexcept;
    std::array<std::string, topics_max> topics_;  // "" is no topic: a free place.
};

class CertificateCache {
public:
    struct Entry {
        std::shared_ptr<const Certificate> certificate;
        GrantedTopics granted;
    };

    explicit CertificateCache(std::size_t entries_max);  ///< At least 1 (asserted).

    /// Null if unknown. Valid until the next enter() or clear().
    [[nodiscard]] Entry* find(std::string_view bytes);
    /// `certificate` must not be in the cache yet (asserted).
    Entry& enter(std::shared_ptr<const Certificate> certificate);
    void clear() noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return by_bytes_.size(); }

private:
    using Entries = std::list<Entry>;

    const std::size_t entries_max_;
    Entries entries_;  // The most recently used first.
    std::unordered_map<std::string_view, Entries::iterator> by_bytes_;  // Views into entries_.
};

}  // namespace weft::signing
