#pragma once
// Lets each request that changes something pass once: it must name this life of the service, be
// fresh, and have a nonce that was not here before. The life is what makes it hold over a restart:
// nonces are forgotten then, and with them everything that was signed for the old life.
// A state machine: no clock; times come in.
// Threads: confined to the service's thread.
// Limits:  nonces_max are remembered. One more pushes out the one with the oldest time, and from
//          then on nothing up to that time passes.
// Units:   microseconds since 1970 UTC.

#include <cstdint>
#include <set>
#include <string_view>
#include <utility>

#include "reliability/ack/request.hpp"

namespace weft::reliability {

class RequestGuard {
public:
    enum class Verdict : std::uint8_t { pass, other_life, too_old, too_new, replayed };

    RequestGuard(std::uint64_t life, std::uint64_t past_us, std::uint64_t future_us,
                 std::size_t nonces_max = 65'536);

    /// Remembers what passes.
    [[nodiscard]] Verdict judge(std::uint64_t life, const Nonce& nonce, std::uint64_t time_us,
                                std::uint64_t now_us);
    [[nodiscard]] std::size_t remembered() const noexcept { return seen_.size(); }

private:
    const std::uint64_t life_, past_us_, future_us_;
    const std::size_t nonces_max_;
    std::set<std::pair<std::uint64_t, Nonce>> seen_;  // by time
    std::uint64_t floor_us_ = 0;
};
[[nodiscard]] std::string_view sentence_for(RequestGuard::Verdict verdict) noexcept;

}  // namespace weft::reliability
