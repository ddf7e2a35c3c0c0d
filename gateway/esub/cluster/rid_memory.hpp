#pragma once
// What came of replies that other gateways forwarded, for a while: whoever asks again under the
// same number gets the same answer, and nothing is delivered twice.
// Pure state machine: no I/O; `now` comes in. Threads: one at a time.
// Limits:  `entries_max`; beyond, the oldest that were answered are forgotten, and where none was,
//          begin() says full.

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "gateway/esub/elsewhere.hpp"

namespace weft::gateway::esub {

/// `Asker` is whoever is to be told.
template <typename Asker>
class RidMemory {
public:
    explicit RidMemory(std::chrono::milliseconds keep = std::chrono::seconds{60},
                       std::size_t entries_max = 65'536)
        : keep_(keep), entries_max_(entries_max) {}

    enum class State : std::uint8_t { fresh, pending, done, full };
    struct Begun {
        State state = State::fresh;
        Verdict verdict = Verdict::unknown_key;  ///< done alone.
    };
    /// fresh: deliver it, then finish(). pending: finish() will give `asker` back.
    [[nodiscard]] Begun begin(const std::string& rid, Asker asker, fabric::Instant now) {
        expire(now);
        const auto found = entries_.find(rid);
        if (found != entries_.end()) {
            if (found->second.verdict) return {State::done, *found->second.verdict};
            found->second.askers.push_back(std::move(asker));
            return {State::pending};
        }
        if (entries_.size() >= entries_max_) {
            if (done_.empty()) return {State::full};
            forget_oldest();
        }
        entries_[rid].askers.push_back(std::move(asker));
        return {State::fresh};
    }
    /// Everybody who is to be told.
    [[nodiscard]] std::vector<Asker> finish(const std::string& rid, Verdict verdict,
                                            fabric::Instant now) {
        const auto found = entries_.find(rid);
        if (found == entries_.end() || found->second.verdict) return {};
        found->second.verdict = verdict;
        done_.emplace_back(now, rid);
        return std::exchange(found->second.askers, {});
    }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    struct Entry {
        std::optional<Verdict> verdict;
        std::vector<Asker> askers;
    };
    void forget_oldest() {
        entries_.erase(done_.front().second);
        done_.pop_front();
    }
    void expire(fabric::Instant now) {
        while (!done_.empty() && now - done_.front().first >= keep_) forget_oldest();
    }

    const std::chrono::milliseconds keep_;
    const std::size_t entries_max_;
    std::unordered_map<std::string, Entry> entries_;
    std::deque<std::pair<fabric::Instant, std::string>> done_;
};

}  // namespace weft::gateway::esub
