#pragma once
// Percentiles of many spans in little memory: buckets that grow by about 2 %, from 1 µs to 100 s.
// Threads: one.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace weft::tools {

class Latency {
public:
    void add(double microseconds) {
        const double bucket = std::log(std::max(microseconds, 1.0)) / step;
        ++buckets_[std::min(static_cast<std::size_t>(bucket), buckets_.size() - 1)];
        ++count_;
        max_ = std::max(max_, microseconds);
    }
    /// The span that `share` of all stay within, in microseconds; 0 without any.
    [[nodiscard]] double percentile(double share) const {
        const double wanted = share * static_cast<double>(count_);
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            seen += buckets_[i];
            if (count_ > 0 && static_cast<double>(seen) >= wanted) {
                return std::min(std::exp(step * static_cast<double>(i + 1)), max_);
            }
        }
        return max_;
    }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] double max() const { return max_; }

private:
    static constexpr double step = 0.02;
    std::array<std::uint64_t, 930> buckets_{};
    std::uint64_t count_ = 0;
    double max_ = 0;
};

}  // namespace weft::tools
