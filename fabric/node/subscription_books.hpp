#pragma once
// Whose subscriptions a relay passes on to publishers, and how many one connection may have.
//
// libzmq says who subscribes, but not whose subscriptions end with a connection; it says only once
// that nobody has a prefix any longer. So the books keep two truths that need no more: what each
// living connection asked for, and what was passed on. When more different prefixes are wanted than
// there is room for, everything is asked of the publishers instead: honest subscribers lose
// nothing, and the relay's own socket still sends each only what it wants.
// Pure: no socket, no clock. Threads: not synchronised.
// Limits:  see Limits; a connection costs at most its own limit, in prefixes of prefix_bytes_max.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace weft::fabric {

class SubscriptionBooks {
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };

public:
    using Prefixes = std::unordered_set<std::string, Hash, std::equal_to<>>;
    struct Limits {
        std::size_t per_connection = 10'000;
        std::size_t prefixes = 100'000;  ///< Different ones passed on.
    };
    /// A connection that was refused so often is ended: each refused subscription costs libzmq
    /// memory all the same.
    static constexpr std::size_t refusals_max = 1'000;

    explicit SubscriptionBooks(Limits limits) : limits_(limits) {}

    enum class Verdict {
        pass_on,          ///< New to the publishers.
        known,            ///< They have been asked already.
        pass_everything,  ///< No room: ask the publishers for every topic, from now on.
        refused,          ///< This connection has too many.
        end_connection,   ///< The same, and it does not stop.
    };
    /// `connection` 0: not known, and not limited. Control prefixes count, but are not passed on:
    /// `passes` is false for them, and the verdict for a good one is `known`.
    [[nodiscard]] Verdict on_subscribe(std::uint64_t connection, std::string_view prefix,
                                       bool passes);
    /// A request of a living connection, which proves nothing, or with `connection` 0 libzmq's word
    /// that nobody has this prefix any longer. True: tell the publishers.
    [[nodiscard]] bool on_unsubscribe(std::uint64_t connection, std::string_view prefix);
    void on_connection_gone(std::uint64_t connection);

    /// Everybody is gone, and what was passed on has been taken back.
    void clear();

    /// What was passed on, besides everything.
    [[nodiscard]] const Prefixes& prefixes() const noexcept { return passed_on_; }
    [[nodiscard]] std::size_t passed_on() const noexcept { return passed_on_.size(); }
    [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }
    [[nodiscard]] bool asks_for_everything() const noexcept { return everything_; }

private:
    struct Holder {
        Prefixes prefixes;
        std::size_t refused = 0;
    };

    Limits limits_;
    std::unordered_map<std::uint64_t, Holder> connections_;
    Prefixes passed_on_;
    bool everything_ = false;
};

}  // namespace weft::fabric
