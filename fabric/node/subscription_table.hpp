#pragma once
// What the subscribers of one publisher asked for: prefixes, each with how many asked.
// Pure; bounded: a stranger who subscribes without end only makes matches() say yes to all.
// Threads: not synchronised.

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace weft::fabric {

class SubscriptionTable {
public:
    static constexpr std::size_t prefixes_max = 100'000;

    void add(std::string_view prefix);
    void remove(std::string_view prefix);
    void clear();  ///< Nobody is there any more.
    /// Does anybody want this topic?
    [[nodiscard]] bool matches(std::string_view topic) const;
    /// Relays and subscribers that answer barriers (see control.hpp).
    [[nodiscard]] std::size_t peers() const noexcept { return peers_; }
    /// Changes whenever matches() may answer otherwise than before.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
    [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };
    std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> prefixes_;
    std::array<std::uint32_t, 256> of_length_{};  // how many prefixes of each length there are
    std::size_t peers_ = 0;
    std::uint64_t generation_ = 1;
    bool overflowed_ = false;
};

}  // namespace weft::fabric
