#pragma once
// Counts failed proofs by connection, so that forging costs the forger (C5): one Ed25519 check is
// some 34 us of ours, and a peer that failed too often this second is owed no more of them.
// Pure: time comes in as steady milliseconds.
//
// Threads:   confined to its verifier's thread.
// Ownership: copies the names of peers that failed; peers that never fail cost nothing.
// Limits:    peers_max names. One more pushes out the peer whose last failure is longest ago, which
//            depends on the order of calls only.

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace weft::signing {

class FailureBudget {
public:
    static constexpr std::size_t peers_max = 4'096;

    /// True if `peer` failed `failures_per_second` times or more in the second of `steady_ms`.
    /// Seconds are those of the steady clock, so a peer recovers when the next one begins. A
    /// budget of 0 is always spent.
    [[nodiscard]] bool spent(std::string_view peer, std::uint32_t failures_per_second,
                             std::uint64_t steady_ms) const;
    void count_failure(std::string_view peer, std::uint64_t steady_ms);

    [[nodiscard]] std::size_t peers() const noexcept { return by_name_.size(); }

private:
    struct Failures {
        std::string peer;
        std::uint64_t second;
        std::uint32_t count;
    };
    using Failed = std::list<Failures>;

    Failed failed_;  // The most recent failure first.
    std::unordered_map<std::string_view, Failed::iterator> by_name_;  // Views into failed_.
};

}  // namespace weft::signing
