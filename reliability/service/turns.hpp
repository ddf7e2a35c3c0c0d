#pragma once
// Whose request is next: peers in turn, so that one who asks much makes nobody else wait for more
// than one of its requests. A state machine.
// Threads: one.
// Limits:  TurnLimits; a request beyond them is not taken. A peer without requests costs nothing.

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weft::reliability {

struct TurnLimits {
    std::size_t per_peer = 64;  ///< That wait or are worked on.
    std::size_t all = 4096;
    std::size_t bytes = std::size_t{64} << 20;  ///< Of those that wait, together.
};

template <class Job>
class Turns {
public:
    explicit Turns(const TurnLimits& limits) : limits_(limits) {}

    /// False: it was not taken.
    [[nodiscard]] bool push(std::string_view peer, Job job, std::size_t bytes) {
        const auto known = peers_.find(peer);
        if (open_ >= limits_.all || (waiting_ > 0 && bytes_ + bytes > limits_.bytes) ||
            (known != peers_.end() && known->second.open >= limits_.per_peer)) {
            return false;
        }
        Peer& of = known != peers_.end() ? known->second : peers_[std::string{peer}];
        if (of.jobs.empty()) ring_.emplace_back(peer);
        of.jobs.emplace_back(std::move(job), bytes);
        ++of.open, ++open_, ++waiting_;
        bytes_ += bytes;
        return true;
    }
    /// The next one to work on; finish() when that is done.
    [[nodiscard]] std::optional<Job> pop() {
        if (ring_.empty()) return std::nullopt;
        std::string name = std::move(ring_.front());
        ring_.pop_front();
        Peer& peer = peers_.find(name)->second;
        auto [job, bytes] = std::move(peer.jobs.front());
        peer.jobs.pop_front();
        --waiting_;
        bytes_ -= bytes;
        if (!peer.jobs.empty()) ring_.push_back(std::move(name));
        return std::move(job);
    }
    void finish(std::string_view peer) {
        const auto known = peers_.find(peer);
        if (known == peers_.end()) return;
        --open_;
        if (--known->second.open == 0) peers_.erase(known);
    }

    [[nodiscard]] std::size_t open() const noexcept { return open_; }
    [[nodiscard]] std::size_t peers() const noexcept { return peers_.size(); }

private:
    struct Peer {
        std::deque<std::pair<Job, std::size_t>> jobs;
        std::size_t open = 0;
    };

    const TurnLimits limits_;
    std::map<std::string, Peer, std::less<>> peers_;
    std::deque<std::string> ring_;  // who has a request that waits, each once
    std::size_t open_ = 0, waiting_ = 0, bytes_ = 0;
};

}  // namespace weft::reliability
