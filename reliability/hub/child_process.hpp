#pragma once
// A program that we start, in a process group of its own, and that never outlives us.
//
// Each has a thread of ours that starts it, reads its stderr and waits for its end. It starts it,
// too, because Linux kills a child with the *thread* that started it (PR_SET_PDEATHSIG): this one
// lives exactly as long as the child. So start() may be called by a thread that ends soon.
//
// When the program has ended, whatever it started and left in its group is killed, so that nothing
// holds our pipes or works on; only what moved to another group (setsid) escapes.
//
// In the child: our signals, their dispositions and masks are reset, every descriptor but 0, 1, 2
// (and 3) is closed, the kernel's oom killer prefers it to us, and there is never a shell: a script
// needs a first line such as #!/bin/sh.
//
// Threads:   start() from any. terminate(), kill_now(), has_ended(), ended() from any; the pipes
//            belong to one thread at a time.
// Ownership: the destructor kills the group, and returns once the program is gone.
// Errors:    start() says why as a sentence.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace weft::reliability::hub {

struct ChildOrder {
    /// The program, looked for in our PATH where it has no '/', and its arguments.
    std::vector<std::string> argv;
    /// NAME=value, beside the little of ours that is passed on (program_environment.hpp).
    std::vector<std::string> environment{};
    std::uint64_t memory = 0;   ///< Bytes of address space (RLIMIT_AS); 0: no limit.
    bool pipe_output = true;    ///< False: stdout is ours.
    bool extra_socket = false;  ///< A stream socket as the child's descriptor 3.
    /// Called by the child's thread with each line of stderr, without its line break; at most
    /// `error_line_bytes_max` of it, then `cut` is true. Never after the destructor has returned.
    /// Without it stderr is ours.
    std::function<void(std::string_view line, bool cut)> on_error_line{};

    static constexpr std::size_t error_line_bytes_max = std::size_t{1} << 20;
};

class ChildProcess {
public:
    /// How it ended: "exited with status 3", "was killed by signal 11 (SIGSEGV)".
    struct End {
        bool well = false;  ///< Status 0.
        std::string sentence;
    };

    /// Returns once the program runs, or with a sentence: "cannot run './x': No such file or
    /// directory". `order.argv` is not empty (asserted).
    [[nodiscard]] static tl::expected<std::unique_ptr<ChildProcess>, std::string> start(
        ChildOrder order);
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    [[nodiscard]] pid_t pid() const noexcept;  ///< Of its group, too.

    /// Our ends, not blocking; -1 where there is none or it was closed.
    [[nodiscard]] int in() const noexcept;   ///< Its stdin. Writing may raise SIGPIPE.
    [[nodiscard]] int out() const noexcept;  ///< Its stdout; see pipe_output.
    [[nodiscard]] int extra() const noexcept;
    void close_in() noexcept;

    /// For poll(): readable once it has ended. What it wrote before is still in its pipes then;
    /// never wait for their end of file.
    [[nodiscard]] int ended_fd() const noexcept;
    [[nodiscard]] bool has_ended() const;
    /// Nothing while it runs.
    [[nodiscard]] std::optional<End> ended() const;
    /// False if it still runs after `patience`.
    bool wait(std::chrono::milliseconds patience) const;

    /// SIGTERM to the group, and SIGKILL if it has not ended after `grace`. Returns once it has
    /// ended; at most `kill_patience` after SIGKILL, which only a process that hangs in the kernel
    /// survives that long.
    void terminate(std::chrono::milliseconds grace);
    /// SIGKILL to the group.
    void kill_now();

    static constexpr std::chrono::milliseconds kill_patience{2'000};

private:
    struct State;
    explicit ChildProcess(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace weft::reliability::hub
