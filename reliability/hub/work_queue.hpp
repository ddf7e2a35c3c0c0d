#pragma once
// What waits for the workers of one consumer, and what they have in hand. A pure state machine.
//
// Promises: take() gives the lowest number that may be started. With `ordered` the messages of one
//           key are in hand one at a time and are given in the order of their numbers; one that has
//           to wait (again()) holds back the later ones of its key and nothing else.
// Threads:  not synchronised. Time: `now` must not go back.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fabric/message/message.hpp"
#include "fabric/transport/clock.hpp"

namespace weft::reliability::hub {

struct Work {
    std::uint64_t number = 0;  ///< The journal's id, or what was counted as it came: unique.
    std::uint64_t key = 0;     ///< Of its topic and publisher.
    unsigned attempt = 1;
    fabric::Instant lease_until{};  ///< Durable ones.
    fabric::Instant since{};        ///< When it came.
    fabric::Message message;
};

/// Equal for the messages of one topic and publisher.
[[nodiscard]] std::uint64_t key_of(std::string_view topic, std::string_view signer) noexcept;

class WorkQueue {
public:
    explicit WorkQueue(bool ordered) : ordered_(ordered) {}

    /// False: its number is here already; only its lease is taken over.
    bool add(Work work);
    /// The caller has it in hand until done(), again() or drop() of its number.
    [[nodiscard]] std::optional<Work> take(fabric::Instant now);
    /// When something may be taken that waits for its time only.
    [[nodiscard]] std::optional<fabric::Instant> next_due() const;

    /// `number` is in hand (else nothing happens) and is through.
    void done(std::uint64_t number);
    /// It is not through: not before `due`.
    void again(Work work, fabric::Instant due);
    /// What waits of this key leaves. What is in hand stays.
    std::size_t drop_key(std::uint64_t key);
    /// Everything that waits leaves.
    std::size_t drop_waiting();

    [[nodiscard]] bool has(std::uint64_t number) const { return places_.contains(number); }
    [[nodiscard]] bool in_hand(std::uint64_t number) const { return in_hand_.contains(number); }
    [[nodiscard]] std::size_t waiting() const noexcept { return places_.size() - in_hand_.size(); }
    [[nodiscard]] std::size_t in_hand() const noexcept { return in_hand_.size(); }
    /// Of what is in hand, when the one longest there was taken.
    [[nodiscard]] std::optional<fabric::Instant> oldest_in_hand() const;
    /// When the oldest that waits came. Looks at all of them.
    [[nodiscard]] std::optional<fabric::Instant> oldest_waiting() const;

    /// Numbers whose lease ends before `until`; what has been in hand since before `stuck` is left
    /// out.
    [[nodiscard]] std::vector<std::uint64_t> leases_before(fabric::Instant until,
                                                           fabric::Instant stuck) const;
    void set_lease(std::uint64_t number, fabric::Instant until);

private:
    struct Key {
        std::map<std::uint64_t, Work> waiting;  // by number
        std::optional<std::uint64_t> in_hand;
        std::optional<fabric::Instant> not_before;
    };
    struct InHand {
        std::uint64_t key;
        fabric::Instant since, lease_until;
    };
    using Keys = std::unordered_map<std::uint64_t, Key>;

    [[nodiscard]] std::uint64_t lane(const Work& work) const noexcept {
        return ordered_ ? work.key : work.number;
    }
    void ready(std::uint64_t lane, const Key& key);
    void unready(std::uint64_t lane, const Key& key);
    void forget_if_empty(std::uint64_t lane);

    bool ordered_;
    Keys keys_;
    std::set<std::pair<std::uint64_t, std::uint64_t>> ready_;  // (lowest number, lane)
    std::set<std::pair<fabric::Instant, std::uint64_t>> due_;  // (when, lane)
    std::unordered_map<std::uint64_t, std::uint64_t> places_;  // number -> lane
    std::unordered_map<std::uint64_t, InHand> in_hand_;
};

}  // namespace weft::reliability::hub
