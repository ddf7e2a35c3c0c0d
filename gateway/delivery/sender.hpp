#pragma once
// Makes HTTP requests for the engine: the seam between it and libcurl (curl_sender.hpp).
//
// Threads:   every function from any thread; `done` in a thread of the sender, once, also before
//            send() returns; it must not block.
// Limits:    the answer is read up to answer_max and kept up to answer_kept; headers up to
//            headers_max; no redirect is followed, nothing is decompressed (rule W3).
// Errors:    a result without a status says in a sentence what happened.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weft::gateway::delivery {

struct SendRequest {
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

struct SendResult {
    int status = 0;     ///< 0: no answer, or none that was complete.
    std::string error;  ///< A sentence; "" where there was an answer.
    std::string answer_begin{};
    std::optional<std::chrono::seconds> retry_after{};
    std::chrono::microseconds took{};
    bool cancelled = false;
};

class Sender {
public:
    static constexpr std::size_t answer_max = std::size_t{64} << 10;
    static constexpr std::size_t answer_kept = 256;
    static constexpr std::size_t headers_max = std::size_t{16} << 10;

    virtual ~Sender() = default;
    using Ticket = std::uint64_t;  ///< Never 0.
    using OnSent = std::function<void(SendResult)>;
    /// POST. Whoever calls bounds how many are under way.
    virtual Ticket send(SendRequest request, OnSent done) = 0;
    /// Ends it soon, as cancelled; nothing happens if it has ended.
    virtual void cancel(Ticket ticket) = 0;
    /// Cancels everything, and refuses what comes later. Returns once no `done` runs any more.
    virtual void stop() = 0;
};

}  // namespace weft::gateway::delivery
