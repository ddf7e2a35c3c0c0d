#include "signing/failure_budget.hpp"

#include <limits>

namespace weft::signing {

namespace {

constexpr std::uint64_t second_of(std::uint64_t steady_ms) noexcept {
    return steady_ms / 1000;
}

}  // namespace

bool FailureBudget::spent(std::string_view peer, std::uint32_t failures_per_second,
                          std::uint64_t steady_ms) const {
    if (failures_per_second == 0) return true;
    const auto found = by_name_.find(peer);
    if (found == by_name_.end()) return false;
    const Failures& failures = *found->second;
    return failures.second == second_of(steady_ms) && failures.count >= failures_per_second;
}

void FailureBudget::count_failure(std::string_view peer, std::uint64_t steady_ms) {
    const std::uint64_t second = second_of(steady_ms);
    const auto found = by_name_.find(peer);
    if (found == by_name_.end()) {
        if (by_name_.size() == peers_max) {
            by_name_.erase(failed_.back().peer);
            failed_.pop_back();
        }
        failed_.push_front(Failures{std::string(peer), second, 1});
        by_name_.emplace(failed_.front().peer, failed_.begin());
        return;
    }
    failed_.splice(failed_.begin(), failed_, found->second);
    Failures& failures = failed_.front();
    if (failures.second != second) {
        failures.second = second;
        failures.count = 0;
    }
    if (failures.count < std::numeric_limits<std::uint32_t>::max()) ++failures.count;
}

}  // namespace weft::signing
