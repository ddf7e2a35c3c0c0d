#pragma once
// What one subscriber was given, judged as it comes: nothing out of order, nothing missing, and
// twice only what a kill allows. An event is known by its `t`, which the gateway makes rise within
// a topic; the number in its url is the publisher's, who counts. Threads: any; one at a time is
// served.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::fault {

struct DeliveredFigures {
    std::uint64_t events = 0;        ///< Taken, each once.
    std::uint64_t requests = 0;      ///< Good and bad.
    std::uint64_t repeated = 0;      ///< Taken again.
    std::uint64_t most_at_once = 0;  ///< Of a single return to what was taken before.
    std::uint64_t returns = 0;       ///< How often it began again with what was taken before.
    std::chrono::milliseconds longest_silence{};  ///< Between two requests.
    std::string wrong{};                          ///< The first thing that was; "" is good.
};

class Delivered {
public:
    /// A request came; `taken`: it will be told so. What is not taken must come again as it was.
    void request(std::string_view body, bool taken,
                 std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now());
    [[nodiscard]] DeliveredFigures figures() const;
    /// Of the numbers 0 to count-1: how many never came.
    [[nodiscard]] std::uint64_t missing(std::uint64_t count) const;

private:
    void say(std::string wrong);

    mutable std::mutex mutex_;
    DeliveredFigures figures_;
    std::vector<bool> seen_;     // by number
    std::int64_t newest_t_ = 0;  // taken
    std::int64_t last_t_ = 0;    // of the last request that was taken
    std::string refused_;        // the body that must come again; "": none
    std::uint64_t back_ = 0;     // events of the return that is going on
    std::optional<std::chrono::steady_clock::time_point> last_request_;
};

}  // namespace weft::fault
