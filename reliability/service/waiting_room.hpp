#pragma once
// Requests that wait for the head of a journal to move. A state machine: no clock, no journal.
// Threads: one.
// Limits:  WaitLimits; beyond them park() says no.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "reliability/ack/request.hpp"
#include "reliability/journal/position.hpp"

namespace weft::reliability {

inline constexpr std::chrono::milliseconds wait_max{60'000};

struct WaitLimits {
    std::size_t per_peer = 256, all = 8192;
};

class WaitingRoom {
public:
    struct Waiting {
        std::string peer;
        Nonce nonce{};
    };

    explicit WaitingRoom(const WaitLimits& limits) : limits_(limits) {}

    [[nodiscard]] bool park(Waiting who, JournalId after, fabric::Instant deadline);
    /// Those that may go: the head is beyond what they have, or their time is over.
    [[nodiscard]] std::vector<Waiting> leave(JournalId head, fabric::Instant now);
    [[nodiscard]] std::vector<Waiting> all_leave();
    /// When somebody's time is over next.
    [[nodiscard]] std::optional<fabric::Instant> next_deadline() const;
    [[nodiscard]] std::size_t parked() const noexcept { return by_after_.size(); }

private:
    struct Place {
        Waiting who;
        fabric::Instant deadline;
    };
    /// What it has, and a number of its own.
    using Key = std::pair<JournalId, std::uint64_t>;
    using Places = std::map<Key, Place>;
    void go(Places::iterator at, std::vector<Waiting>& going);

    const WaitLimits limits_;
    Places by_after_;
    std::set<std::pair<fabric::Instant, Key>> by_deadline_;
    std::uint64_t next_ = 0;
    std::map<std::string, std::size_t, std::less<>> peers_;
};

}  // namespace weft::reliability
