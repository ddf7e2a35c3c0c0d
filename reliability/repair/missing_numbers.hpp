#pragma once
// The numbers of one stream that have not come, as intervals: what a number claims costs nothing,
// however large. Pure.
// Threads: not synchronised.

#include <cstddef>
#include <cstdint>
#include <map>

#include "fabric/transport/clock.hpp"

namespace weft::reliability {

class MissingNumbers {
public:
    struct Hole {
        std::uint64_t from = 0, to = 0;  ///< Both included.
        std::uint64_t order = 0;         ///< Rises with each hole that was opened, of any stream.
        fabric::Instant opened{};
    };

    /// Above everything that is missing already.
    void open(const Hole& hole);
    /// False if `seq` is not missing. What is left of its hole keeps order and time.
    bool take(std::uint64_t seq);
    /// The numbers of the first hole up to `to`, which lies in it.
    void take_first_through(std::uint64_t to);

    [[nodiscard]] bool empty() const noexcept { return holes_.empty(); }
    [[nodiscard]] std::size_t holes() const noexcept { return holes_.size(); }
    /// Not of nothing.
    [[nodiscard]] Hole first() const;
    [[nodiscard]] bool has(std::uint64_t seq) const;
    /// Whether anything from `from` to `to` is missing.
    [[nodiscard]] bool any_in(std::uint64_t from, std::uint64_t to) const;
    /// Where a question that begins with the first hole should end: at most `numbers` long, and
    /// over holes that follow closely.
    [[nodiscard]] std::uint64_t question_end(std::uint64_t numbers) const;

private:
    struct Rest {
        std::uint64_t to, order;
        fabric::Instant opened;
    };
    using Holes = std::map<std::uint64_t, Rest>;
    [[nodiscard]] Holes::const_iterator hole_of(std::uint64_t seq) const;
    Holes holes_;  // by their first number
};

}  // namespace weft::reliability
