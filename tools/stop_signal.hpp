#pragma once
// SIGINT and SIGTERM as something that a command can wait for; SIGHUP as a flag to ask for.
// Threads: one StopSignal in a process; wait() in one thread, everything else from any.

#include <chrono>

namespace weft::tools {

class StopSignal {
public:
    /// From now on the signals no longer end the process; a second one does, with exit code 130.
    StopSignal();
    ~StopSignal();
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;

    enum class Woken { stop, timeout };
    /// Waits for a signal, stop_now(), or the timeout; no timeout: for ever.
    Woken wait(std::chrono::milliseconds timeout = std::chrono::milliseconds::max());
    /// True once after each SIGHUP (several that came at once count as one).
    [[nodiscard]] bool take_reload() noexcept;
    /// The same as a signal, but with exit code 0.
    void stop_now() noexcept;
    /// 130 after Ctrl-C; 0 after SIGTERM or stop_now().
    [[nodiscard]] int exit_code() const noexcept;
    [[nodiscard]] bool requested() const noexcept;
    /// Readable once a signal came: for polling it beside standard input.
    [[nodiscard]] int fd() const noexcept;
};

}  // namespace weft::tools
