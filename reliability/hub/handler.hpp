#pragma once
// Between the hub's workers and what handles a message: a plugin in this process, a program, or a
// plugin in a process of its own. The hub does not know which it is.
//
// A HandlerHost belongs to one consumer and makes one Handler for each of its workers.
//
// Threads: start(), make() and stop() by one thread at a time, stop() after the last handle() has
//          returned or was given up. One Handler is used by one worker's thread; give_up() comes
//          from any thread, also while handle() runs.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "fabric/message/message.hpp"
#include "fabric/message/message_id.hpp"
#include "reliability/hub/consumer_settings.hpp"

namespace weft::reliability::hub {

/// What became of one message.
struct Verdict {
    enum class Is {
        done,    ///< Processed.
        retry,   ///< Comes again.
        reject,  ///< A dead letter at once.
        left     ///< give_up() ended it, or the hub stops: not an attempt.
    };
    Is is = Is::done;
    std::string reason{};
};

/// What a consumer wants published. Views.
struct Wanted {
    std::string_view topic;  ///< May be short.
    std::string_view body;
    std::string_view content_type;  ///< "" means msgpack.
    std::vector<std::pair<std::string_view, std::string_view>> headers{};
    bool durable = false;
};

/// What a consumer may reach of the hub. Any thread. Lives longer than every HandlerHost.
class Surroundings {
public:
    enum class Level { debug, info, warning, error };
    virtual ~Surroundings() = default;

    /// `parent` is the message that caused it; MessageId{}: none. The error is a sentence.
    [[nodiscard]] virtual tl::expected<fabric::MessageId, std::string> publish(
        const Wanted& wanted, const fabric::MessageId& parent) = 0;
    /// One line, without a line break, under the consumer's name.
    virtual void log(Level level, std::string_view consumer, std::string_view line) = 0;
    [[nodiscard]] virtual std::string_view hub_name() const = 0;
};

class Handler {
public:
    virtual ~Handler() = default;
    /// Blocks until the verdict; at most settings.timeout where HandlerHost::keeps_timeout().
    [[nodiscard]] virtual Verdict handle(const fabric::Message& message, unsigned attempt) = 0;
    /// Ends the handle() under way as soon as possible, and each later one at once, with `left`.
    virtual void give_up() = 0;
};

class HandlerHost {
public:
    virtual ~HandlerHost() = default;
    /// Loads and starts what is needed before the first message. The error is a sentence that says
    /// what is wrong and what would be right; the caller adds the line of the configuration.
    [[nodiscard]] virtual tl::expected<void, std::string> start() = 0;
    [[nodiscard]] virtual std::unique_ptr<Handler> make() = 0;
    /// Ends what start() began, at most after `patience`; what has a process is killed then.
    virtual void stop(std::chrono::milliseconds patience) = 0;
    /// False: a handle() that hangs cannot be ended (a plugin in this process).
    [[nodiscard]] virtual bool keeps_timeout() const = 0;
    /// "pid 4711", or "": what an operator wants to see of it.
    [[nodiscard]] virtual std::string details() const = 0;
};

/// The one that `settings` asks for. `program` is the path of our own executable, for
/// `isolate: true`. Does not start it.
[[nodiscard]] std::unique_ptr<HandlerHost> make_handler_host(const ConsumerSettings& settings,
                                                             Surroundings& surroundings,
                                                             const std::string& program);

}  // namespace weft::reliability::hub
