#pragma once
// Who waits under which key: one waiter a key. A waiter is WAITING while it is in the table; the
// one who takes it out (a reply, a takeover, its own leaving) has it alone from then on, and it is
// nobody else's to answer. Leaving names the waiter's id, never the key alone, so that nobody
// removes the successor of a waiter that is gone.
// Pure state machine: no I/O, no clock. Threads: one at a time.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weft::gateway::esub {

enum class Look : std::uint8_t { unknown, wrong_token, found };

/// Looks up by a view, without a string of its own.
struct KeyHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const noexcept {
        return std::hash<std::string_view>{}(key);
    }
};

/// Whether somebody with `token` may take over, or join, what is held with `held`.
[[nodiscard]] inline bool may_join(std::string_view held, std::string_view token) noexcept {
    return held.empty() || held == token;
}

template <typename Waiter>
class WaiterTable {
public:
    using Id = std::uint64_t;
    struct Opened {
        bool accepted = false;  ///< False: the key is held with another token.
        std::optional<std::pair<Id, Waiter>> displaced{};
    };

    /// `waiter` is untouched if it is not accepted.
    [[nodiscard]] Opened open(Id id, std::string_view key, std::string_view token,
                              Waiter&& waiter) {
        const auto held = places_.find(key);
        if (held == places_.end()) {
            places_.emplace(std::string{key}, Place{id, std::string{token}, std::move(waiter)});
            return {true, {}};
        }
        if (!may_join(held->second.token, token)) return {};
        Place before =
            std::exchange(held->second, Place{id, std::string{token}, std::move(waiter)});
        return {true, std::pair{before.id, std::move(before.waiter)}};
    }

    [[nodiscard]] Look look(std::string_view key, std::string_view token) const {
        const auto held = places_.find(key);
        if (held == places_.end()) return Look::unknown;
        return held->second.token == token ? Look::found : Look::wrong_token;
    }

    /// Takes the waiter out, if the token is its own.
    [[nodiscard]] Look claim(std::string_view key, std::string_view token,
                             std::optional<std::pair<Id, Waiter>>& claimed) {
        const auto held = places_.find(key);
        if (held == places_.end()) return Look::unknown;
        if (held->second.token != token) return Look::wrong_token;
        claimed.emplace(held->second.id, std::move(held->second.waiter));
        places_.erase(held);
        return Look::found;
    }

    /// The waiter, if it was still waiting; no other.
    [[nodiscard]] std::optional<Waiter> leave(std::string_view key, Id id) {
        const auto held = places_.find(key);
        if (held == places_.end() || held->second.id != id) return std::nullopt;
        std::optional<Waiter> waiter{std::move(held->second.waiter)};
        places_.erase(held);
        return waiter;
    }

    void add_keys(std::vector<std::string>& keys) const {
        for (const auto& [key, place] : places_) keys.push_back(key);
    }
    /// Everybody.
    [[nodiscard]] std::vector<Waiter> take_all() {
        std::vector<Waiter> all;
        all.reserve(places_.size());
        for (auto& [key, place] : places_) all.push_back(std::move(place.waiter));
        places_.clear();
        return all;
    }

private:
    struct Place {
        Id id;
        std::string token;
        Waiter waiter;
    };
    std::unordered_map<std::string, Place, KeyHash, std::equal_to<>> places_;
};

}  // namespace weft::gateway::esub
