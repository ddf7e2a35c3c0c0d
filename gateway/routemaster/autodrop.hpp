#pragma once
// When the journal is to be made smaller for Routemaster's sake (M85). Pure; confined to one
// thread.

#include <cstdint>
#include <optional>

namespace weft::gateway::routemaster {

/// Above `max - free` bytes the oldest go until `max - 2 free` are left. Halfway to it there is a
/// warning, once until it has been below again.
class Autodrop {
public:
    struct Step {
        bool warn = false;
        std::optional<std::uint64_t> shrink_to{};  ///< Bytes.
    };

    /// `max` 0: never.
    Autodrop(std::uint64_t max, std::uint64_t free) : max_(max), free_(free) {}
    [[nodiscard]] Step step(std::uint64_t bytes) noexcept {
        Step step;
        if (max_ == 0) return step;
        if (bytes > high() - free_ / 2 && !warned_) step.warn = warned_ = true;
        if (bytes <= low()) warned_ = false;
        if (bytes > high()) step.shrink_to = low();
        return step;
    }
    [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
    [[nodiscard]] std::uint64_t low() const noexcept { return max_ - 2 * free_; }
    [[nodiscard]] std::uint64_t high() const noexcept { return max_ - free_; }

private:
    const std::uint64_t max_, free_;
    bool warned_ = false;
};

}  // namespace weft::gateway::routemaster
