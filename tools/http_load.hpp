#pragma once
// Many keep-alive connections, one request under way on each, from one thread.
// Threads: the caller's. Errors: counted; a connection that fails is opened again after a while.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tl/expected.hpp>

#include "tools/http_target.hpp"
#include "tools/latency.hpp"

namespace weft::tools {

struct HttpLoad {
    HttpTarget target;
    std::string body;  ///< Not empty: POST, else GET.
    std::size_t connections = 64;
    std::chrono::milliseconds duration{5000};
};

struct HttpLoadResult {
    std::uint64_t requests = 0;  ///< Answered.
    std::uint64_t bytes = 0;     ///< Received.
    std::uint64_t not_connected = 0;
    std::uint64_t broken = 0;  ///< Closed or unreadable before the answer was whole.
    std::map<unsigned, std::uint64_t> statuses;
    Latency latency;
    double seconds = 0;

    /// With every answer that is not 2xx or 3xx.
    [[nodiscard]] std::uint64_t errors() const;
};

/// Until the duration is over, or `stopped` says so, which is asked now and then.
[[nodiscard]] tl::expected<HttpLoadResult, std::string> run_http_load(
    const HttpLoad& load, const std::function<bool()>& stopped);

}  // namespace weft::tools
