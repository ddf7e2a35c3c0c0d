#pragma once
// Runs one consumer: its feed, its workers, and what handles its messages.
//
// Threads:   `workers` of its own, those of the feed. start() and stop() by the owner, one after
//            the other; status() from any thread.
// Ownership: surroundings, clock and what the feed needs must outlive it. If a plugin in this
//            process does not return from consume(), stop() leaves its thread behind, alive: what
//            it touches is never freed, and the process can only end by std::_Exit.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "reliability/hub/ack_desk.hpp"
#include "reliability/hub/consumer_settings.hpp"
#include "reliability/hub/feed.hpp"
#include "reliability/hub/handler.hpp"

namespace weft::reliability::hub {

/// What an operator sees of one consumer.
struct ConsumerStatus {
    std::string name, kind, topics;
    std::string state;  ///< running, waiting, stuck, failed, stopped, disabled.
    std::string why;    ///< A sentence where it is not running.
    std::string details;
    std::size_t waiting = 0, in_hand = 0;
    std::chrono::milliseconds oldest_in_hand{};
    FeedStats feed;
    std::string last_error;
    std::uint64_t last_error_us = 0;  ///< 0: there was none.
    bool durable = false;
};

class Runner {
public:
    struct Parts {
        ConsumerSettings settings;
        Surroundings& surroundings;
        const fabric::Clock& clock;
        std::unique_ptr<HandlerHost> host;
        /// Makes the feed for this bench; `settings` is the runner's own copy.
        std::function<std::unique_ptr<Feed>(const ConsumerSettings& settings, Bench& bench,
                                            AckDesk* desk)>
            make_feed;
        std::unique_ptr<AckDesk> desk{};  ///< For a durable consumer with `ack`.
    };
    explicit Runner(Parts parts);
    ~Runner();
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    /// The error is the handler's: a sentence.
    [[nodiscard]] tl::expected<void, std::string> start();

    struct Left {
        std::size_t messages = 0;  ///< Given back, or lost where it is not durable.
        std::size_t stuck = 0;     ///< Workers that did not come back.
    };
    /// What is in hand may take until `deadline`. Blocks until then at most, or a little longer.
    Left stop(fabric::Instant deadline);

    [[nodiscard]] ConsumerStatus status() const;
    [[nodiscard]] const ConsumerSettings& settings() const noexcept;
    /// Says once what hangs. Call it about once a second.
    void look();

private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace weft::reliability::hub
