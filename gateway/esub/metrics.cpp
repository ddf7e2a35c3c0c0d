#include "gateway/esub/metrics.hpp"

#include <algorithm>

namespace weft::gateway::esub {

void Metrics::observe(const Request& request) noexcept {
    if (static_cast<std::size_t>(request.route) >= counted_routes) return;
    Series& series = series_[index(request.route, request.success, request.has_token)];
    const double seconds = std::chrono::duration<double>(request.took).count();
    const auto* const bound = std::lower_bound(bounds.begin(), bounds.end(), seconds);
    series.buckets[static_cast<std::size_t>(bound - bounds.begin())].fetch_add(
        1, std::memory_order_relaxed);
    series.nanoseconds.fetch_add(
        static_cast<std::uint64_t>(std::max<std::int64_t>(request.took.count(), 0)),
        std::memory_order_relaxed);
}

void Metrics::add_to(Figures& figures) const {
    const std::string name = prefix_ + "_http_request";
    for (std::size_t route = 0; route < counted_routes; ++route) {
        for (const bool success : {false, true}) {
            for (const bool has_token : {false, true}) {
                const auto which = static_cast<Route>(route);
                const Series& series = series_[index(which, success, has_token)];
                Figures::Histogram histogram;
                std::uint64_t seen = 0;
                for (std::size_t i = 0; i < bounds.size(); ++i) {
                    seen += series.buckets[i];
                    histogram.buckets.emplace_back(bounds[i], seen);
                }
                histogram.count = seen + series.buckets.back();
                if (histogram.count == 0) continue;
                histogram.sum = static_cast<double>(series.nanoseconds) / 1e9;
                figures.histogram(name, "Requests by what they took.", std::move(histogram),
                                  {{"route", std::string{name_of(which)}},
                                   {"method", std::string{method_of(which)}},
                                   {"success", success ? "true" : "false"},
                                   {"auth", has_token ? "true" : "false"},
                                   {"confirmed", confirms_ ? "true" : "false"}});
            }
        }
    }
    const auto now = [&](const char* what, const std::atomic<std::uint64_t>& value) {
        figures.gauge(prefix_ + what, "Connected now.", static_cast<double>(value));
    };
    now("_sub_connected", subs);
    now("_psub_connected", psubs);
    now("_prep_connected", preps);
}

}  // namespace weft::gateway::esub
