#pragma once
// All chance of a simulated run comes from one seed, by arithmetic that is the same everywhere.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "fabric/transport/clock.hpp"

namespace weft::fault {

/// splitmix64.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t value = state_ += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
    /// From 0 to `limit` - 1; 0 if that is nothing.
    std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : next() % limit; }
    /// Both ends included.
    std::uint64_t between(std::uint64_t low, std::uint64_t high) {
        return low + below(high - low + 1);
    }
    fabric::Instant between(fabric::Instant low, fabric::Instant high) {
        return low + fabric::Instant{static_cast<std::int64_t>(
                         below(static_cast<std::uint64_t>((high - low).count()) + 1))};
    }
    bool permille(std::uint64_t chance) { return below(1000) < chance; }
    template <typename T>
    const T& one_of(const std::vector<T>& choices) {
        return choices[below(choices.size())];
    }
    /// Fills an array of bytes.
    template <typename Bytes>
    Bytes bytes() {
        Bytes out{};
        for (std::size_t at = 0; at < out.size(); at += 8) {
            const std::uint64_t value = next();
            std::memcpy(out.data() + at, &value, std::min<std::size_t>(8, out.size() - at));
        }
        return out;
    }

private:
    std::uint64_t state_;
};

}  // namespace weft::fault
