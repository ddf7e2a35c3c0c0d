#include "reliability/service/request_guard.hpp"

#include <algorithm>

namespace weft::reliability {

RequestGuard::RequestGuard(std::uint64_t life, std::uint64_t past_us, std::uint64_t future_us,
                           std::size_t nonces_max)
    : life_(life), past_us_(past_us), future_us_(future_us), nonces_max_(nonces_max) {}

RequestGuard::Verdict RequestGuard::judge(std::uint64_t life, const Nonce& nonce,
                                          std::uint64_t time_us, std::uint64_t now_us) {
    if (life != life_) return Verdict::other_life;
    if (time_us > now_us && time_us - now_us > future_us_) return Verdict::too_new;
    // The floor never falls, also if the clock does: what was forgotten stays refused.
    const std::uint64_t oldest = now_us > past_us_ ? now_us - past_us_ : 0;
    while (!seen_.empty() && seen_.begin()->first < oldest) {
        floor_us_ = std::max(floor_us_, seen_.begin()->first);
        seen_.erase(seen_.begin());
    }
    if (time_us < oldest || time_us <= floor_us_) return Verdict::too_old;
    if (!seen_.emplace(time_us, nonce).second) return Verdict::replayed;
    if (seen_.size() > nonces_max_) {
        floor_us_ = seen_.begin()->first;
        seen_.erase(seen_.begin());
    }
    return Verdict::pass;
}

std::string_view sentence_for(RequestGuard::Verdict verdict) noexcept {
    using Verdict = RequestGuard::Verdict;
    switch (verdict) {
        case Verdict::pass:
            return "";
        case Verdict::other_life:
            return "the request was made for another life of this journal's service; ask again "
                   "with the life of this answer";
        case Verdict::too_old:
            return "the request is older than fabric.replay.past allows; set the clocks right";
        case Verdict::too_new:
            return "the request is from further ahead than fabric.replay.future allows; set the "
                   "clocks right";
        case Verdict::replayed:
            return "this very request was here before; each must have a nonce of its own";
    }
    return "";
}

}  // namespace weft::reliability
