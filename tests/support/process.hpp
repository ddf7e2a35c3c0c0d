#pragma once
// Programs under test, as a user at a shell has them: argv, two output streams, an exit code.
//
//   Process relay = Process::start({weft_program(), "relay"}, {.cwd = dir.path()});
//   relay.wait_for_line(Stream::out, "ready");
//   relay.signal(SIGTERM);
//   EXPECT_EQ(relay.wait(), 0) << relay.output();
//
//   const Finished done = run({weft_program(), "--version"});
//   EXPECT_EQ(done.exit_code, 0) << done.err;
//
// The environment is clean: PATH, a fixed locale and time zone, HOME and the XDG directories in a
// directory of the process's own, sanitizer options; nothing else, so no WEFT_* of the caller.
// A child leads a process group of its own. When its Process goes, the whole group is killed; when
// the test program dies, or the thread that started the child ends, the kernel kills the child.
// Threads:   every function from any thread, but one wait_for_line() for a stream at a time.
// Ownership: moves, does not copy.
// Limits:    every wait has a deadline; nothing sleeps.
// Errors:    std::runtime_error with a sentence and the whole output so far, which GoogleTest
//            reports as the failure of the test.

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace weft::testing {

/// Long enough for a sanitized build on a busy machine; a test that passes never waits for it.
inline constexpr std::chrono::seconds patience{30};

struct ProcessOptions {
    std::filesystem::path cwd{};  ///< Empty: that of the test program.
    /// Added to the clean environment, or in place of a part of it.
    std::map<std::string, std::string> environment{};
    std::string stdin_text{};      ///< Written at the start.
    bool keep_stdin_open = false;  ///< Else standard input ends behind stdin_text.
};

enum class Stream { out, err };

class Process {
public:
    /// argv[0] is a path, or a name that is looked for in PATH.
    [[nodiscard]] static Process start(const std::vector<std::string>& argv,
                                       ProcessOptions options = {});
    ~Process();
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    /// The first line with this text in it, without its newline, behind the line that the last call
    /// for this stream returned. Throws at the deadline, or once the process has ended without it.
    std::string wait_for_line(Stream stream, std::string_view part,
                              std::chrono::milliseconds timeout = patience);
    /// The same with a pattern that some part of the line matches.
    std::string wait_for_line(Stream stream, const std::regex& pattern,
                              std::chrono::milliseconds timeout = patience);

    /// Queues the bytes and returns at once; only with keep_stdin_open, and not after
    /// close_stdin().
    void write_stdin(std::string_view bytes);
    /// Standard input ends once all that was queued has been written.
    void close_stdin();

    /// To the process alone, not to its group. Nothing happens if it has ended.
    void signal(int number);
    /// The exit code; 128 + n if signal n ended it, as shells say it. Throws at the deadline.
    int wait(std::chrono::milliseconds timeout = patience);
    [[nodiscard]] bool has_ended() const;

    [[nodiscard]] int pid() const noexcept;
    [[nodiscard]] std::string out() const;     ///< All of standard output so far.
    [[nodiscard]] std::string err() const;     ///< All of standard error so far.
    [[nodiscard]] std::string output() const;  ///< Command line, state and both, for messages.

private:
    struct State;
    explicit Process(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

struct Finished {
    int exit_code = -1;
    std::string out, err;
};

/// Starts a program and waits for its end.
[[nodiscard]] Finished run(const std::vector<std::string>& argv, ProcessOptions options = {},
                           std::chrono::milliseconds timeout = patience);

/// The `weft` of this build.
[[nodiscard]] std::string weft_program();

/// A TCP port of 127.0.0.1 that nobody uses now, and that no other test is given while this process
/// lives. It is none that the kernel gives to who binds port 0. Let programs bind port 0 themselves
/// where they can.
[[nodiscard]] std::uint16_t free_port();

}  // namespace weft::testing
