#pragma once
// What esub counts: requests with their durations, and who is connected. Threads: any; counting
// takes no lock.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "gateway/esub/target.hpp"
#include "gateway/metrics/exposition.hpp"

namespace weft::gateway::esub {

class Metrics {
public:
    Metrics(std::string prefix, bool confirms) : prefix_(std::move(prefix)), confirms_(confirms) {}

    struct Request {
        Route route;  ///< ping and metrics are not counted.
        bool success, has_token;
        std::chrono::nanoseconds took;
    };
    void observe(const Request& request) noexcept;

    std::atomic<std::uint64_t> subs{0}, psubs{0}, preps{0};  ///< Now.

    void add_to(Figures& figures) const;

private:
    static constexpr std::size_t counted_routes = 6;
    static constexpr std::array<double, 11> bounds = {.005, .01, .025, .05, .1, .25,
                                                      .5,   1,   2.5,  5,   10};
    struct Series {
        std::array<std::atomic<std::uint64_t>, bounds.size() + 1> buckets{};
        std::atomic<std::uint64_t> nanoseconds{0};
    };
    [[nodiscard]] static std::size_t index(Route route, bool success, bool has_token) noexcept {
        return (static_cast<std::size_t>(route) * 2 + (success ? 1 : 0)) * 2 + (has_token ? 1 : 0);
    }

    const std::string prefix_;
    const bool confirms_;
    std::array<Series, counted_routes * 4> series_{};
};

}  // namespace weft::gateway::esub
