#pragma once
// Answers to requests that carry an Idempotency-Key: the same key of the same client and route gets
// the answer of the first one again, and publishes nothing.
//
// Only successes are kept: what failed may be tried again under its key. In memory: after a restart
// a key is new. Threads: any. Limits: entries_max, for keep_for each; the oldest go first.

#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "fabric/transport/clock.hpp"
#include "gateway/http/message.hpp"

namespace weft::gateway::native {

class Idempotency {
public:
    static constexpr std::size_t entries_max = 10'000, key_bytes_max = 255;
    static constexpr std::chrono::hours keep_for{24};

    explicit Idempotency(const fabric::Clock& clock) : clock_(clock) {}

    enum class Begun {
        first,      ///< Do it, then end() with its answer.
        under_way,  ///< The first one has not been answered yet.
        repeated,   ///< `answer` is that of the first one.
        other,      ///< The key was used for another request.
    };
    struct Begin {
        Begun begun = Begun::first;
        std::optional<Response> answer{};
    };
    /// `key` names client, route and key; `fingerprint` what was asked.
    [[nodiscard]] Begin begin(const std::string& key, std::size_t fingerprint);
    void end(const std::string& key, const Response& response);

private:
    struct Entry {
        std::size_t fingerprint = 0;
        std::optional<Response> answer;
        fabric::Instant at{};
    };
    void forget_old();

    const fabric::Clock& clock_;
    std::mutex mutex_;
    std::unordered_map<std::string, Entry> entries_;
    std::deque<std::pair<fabric::Instant, std::string>> order_;
};

}  // namespace weft::gateway::native
