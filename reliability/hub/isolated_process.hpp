#pragma once
// One process of an isolated plugin, as the hub sees it: started, given a message at a time, killed
// with its group where it does not do as it must.
//
// A thread of its own hears what the process says between messages, and does what it asks for.
// While a message is under way, whoever handed it over reads the socket itself (plugin_socket.hpp),
// so that a verdict costs no change of threads. What the process wants published is left to the
// thread even then, and the worker only waits: a deadline is kept whatever the process or a publish
// does.
//
// Threads:   any; handle() by one at a time.
// Ownership: refers to `surroundings`. The destructor kills the process.
// Limits:    frames as plugin_frames.hpp says, the socket as plugin_socket.hpp says.
// Errors:    whatever the process does wrong ends it, and problem() says why.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tl/expected.hpp>

#include "reliability/hub/child_process.hpp"
#include "reliability/hub/consumer_settings.hpp"
#include "reliability/hub/descriptor.hpp"
#include "reliability/hub/handler.hpp"
#include "reliability/hub/line_cutter.hpp"
#include "reliability/hub/plugin_frames.hpp"
#include "reliability/hub/plugin_socket.hpp"

namespace weft::reliability::hub {

class IsolatedProcess {
public:
    using Instant = std::chrono::steady_clock::time_point;
    /// For loading the plugin and its start(), where `timeout` is shorter: nothing hangs on it.
    static constexpr std::chrono::milliseconds start_patience_min{10'000};

    /// Starts `program` hub-plugin; the plugin itself is ready later. The error is a sentence.
    [[nodiscard]] static tl::expected<std::unique_ptr<IsolatedProcess>, std::string> start(
        const ConsumerSettings& settings, Surroundings& surroundings, const std::string& program);
    ~IsolatedProcess();
    IsolatedProcess(const IsolatedProcess&) = delete;
    IsolatedProcess& operator=(const IsolatedProcess&) = delete;

    enum class Waited { ready, ended, too_late, interrupted };
    [[nodiscard]] Waited wait_ready(Instant deadline);
    /// After `ready`. A process that has no verdict at the deadline, or when interrupt() comes, is
    /// killed; so is one that breaks the rules.
    [[nodiscard]] Verdict handle(const fabric::Message& message, unsigned attempt,
                                 Instant deadline);
    /// Ends wait_ready() or handle(), now or when the next one comes.
    void interrupt();

    /// Asks it to stop its plugin and to exit.
    void ask_to_stop();
    /// False if it still runs.
    [[nodiscard]] bool wait_end(Instant deadline);
    void kill(const std::string& why);

    /// Nothing can be handed to it any more: it has ended, or was killed.
    [[nodiscard]] bool has_ended() const;
    /// Its last words have been read, too.
    [[nodiscard]] bool is_concluded() const;
    /// Why it ended: "its process was killed by signal 11 (SIGSEGV)"; "" while it runs.
    [[nodiscard]] std::string problem() const;
    [[nodiscard]] pid_t pid() const noexcept { return child_->pid(); }

private:
    IsolatedProcess(const ConsumerSettings& settings, Surroundings& surroundings);

    void follow();
    int pause_ms() const;
    bool read_socket();
    bool read_output();
    bool obey_all();
    void await_verdict(Instant deadline);
    bool hear();
    bool obey(const frames::ToHub& said);
    void kill_for(const tl::expected<frames::ToHub, std::string>& said);
    bool obey_one(const frames::Started&);
    bool obey_one(const frames::Failed& said);
    bool obey_one(const frames::Publish& said);
    bool obey_one(const frames::Log& said);
    bool obey_one(const frames::Judged& said);
    void conclude();
    bool post(const frames::ToProcess& said);
    /// These two with the mutex held.
    [[nodiscard]] bool over() const;
    [[nodiscard]] std::string killed_sentence() const;

    const std::string name_;
    const std::chrono::milliseconds timeout_;
    Surroundings& surroundings_;
    Instant start_deadline_;
    Descriptor interrupt_;  ///< An eventfd: interrupt() came.
    std::unique_ptr<ChildProcess> child_;
    PluginSocket socket_;
    LineCutter output_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool ended_ = false;  ///< conclude() is through.
    bool ready_ = false, stopping_ = false, leaving_ = false, interrupted_ = false;
    std::string failed_;        ///< What start() said.
    std::string killed_;        ///< Why we did it.
    std::string problem_;       ///< Once it has ended.
    std::uint64_t number_ = 0;  ///< Of the last message; changed by handle() alone.
    std::optional<fabric::MessageId> current_;
    std::optional<Verdict> verdict_;

    std::thread thread_;  // Last: uses everything above.
};

}  // namespace weft::reliability::hub
