#include "tests/support/process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "tests/support/child.hpp"
#include "tests/support/sanitizer_reports.hpp"
#include "tests/support/temp_dir.hpp"

namespace weft::testing {
namespace {

bool read_available(Descriptor& fd, std::string& into) {
    std::array<char, 65536> buffer;
    while (true) {
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got > 0) {
            into.append(buffer.data(), static_cast<std::size_t>(got));
        } else if (got == 0) {
            return false;
        } else if (errno != EINTR) {
            return errno == EAGAIN;
        }
    }
}

}  // namespace

struct Process::State {
    std::string command_line;
    TempDir home;
    pid_t pid = -1;
    Descriptor pid_fd, wake_fd;

    mutable std::mutex mutex;
    std::condition_variable changed;
    // Guarded by the mutex:
    std::array<std::string, 2> text;
    std::array<std::size_t, 2> searched{};  // where the next wait_for_line begins
    std::string to_write;
    bool input_closing = false;
    std::optional<int> exit_code;

    // The pump's own:
    Descriptor in;
    std::array<Descriptor, 2> streams;
    std::thread pump;  // last: joined by ~State before the rest goes

    ~State() {
        if (pid <= 0) return;
        if (is_sanitized) end_by_itself();
        // Not reaped before this, so that the id belongs to nobody else: see note_end().
        ::kill(-pid, SIGKILL);
        ::kill(pid, SIGKILL);  // in case it has not come to its setpgid yet
        if (pump.joinable()) pump.join();
        ::waitpid(pid, nullptr, 0);
        note_reports();
    }

    void end_by_itself() noexcept;
    void note_reports() const noexcept;
    void launch(const std::vector<std::string>& arguments, const ProcessOptions& options);
    void run_pump();
    void pump_once();
    void feed();
    void note_end();
    void wake() {
        const std::uint64_t one = 1;
        static_cast<void>(!::write(wake_fd.get(), &one, sizeof one));
    }

    std::string describe() const;  // with the mutex held
    std::optional<std::string> next_match(Stream stream,
                                          const std::function<bool(const std::string&)>& matches);
    std::string wait_for_line(Stream stream, const std::string& wanted,
                              const std::function<bool(const std::string&)>& matches,
                              std::chrono::milliseconds timeout);
};

/// What leaks, and what races at the end, is seen only in a program that comes to its end.
void Process::State::end_by_itself() noexcept {
    std::unique_lock lock(mutex);
    if (exit_code) return;
    ::kill(pid, SIGTERM);
    ::kill(pid, SIGCONT);
    if (!changed.wait_for(lock, patience, [this] { return exit_code.has_value(); })) {
        std::fprintf(stderr, "did not end within %d s, so that leaks are not known: %s\n",
                     static_cast<int>(patience.count()), command_line.c_str());
    }
}

void Process::State::note_reports() const noexcept {
    std::string reports = reports_in(home.path());
    // UBSan, and whoever was given no options, such as a program of a hub.
    if (has_report(text[0] + text[1])) reports += "a report of a sanitizer is in what it printed";
    if (!reports.empty()) note_report(reports + describe());
}

void Process::State::launch(const std::vector<std::string>& arguments,
                            const ProcessOptions& options) {
    assert(!arguments.empty());
    for (const std::string& argument : arguments) {
        command_line += (command_line.empty() ? "" : " ") + argument;
    }
    to_write = options.stdin_text;
    input_closing = !options.keep_stdin_open;

    Child child = start_child({arguments, options.cwd, home.path(), options.environment});
    pid = child.pid;
    pid_fd = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    wake_fd = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!pid_fd.is_open() || !wake_fd.is_open()) fail_with_errno("pidfd_open or eventfd");
    in = std::move(child.in);
    streams = {std::move(child.out), std::move(child.err)};
    set_nonblocking(in);
    for (const Descriptor& stream : streams) set_nonblocking(stream);
    pump = std::thread([this] { run_pump(); });
}

/// Moves bytes until the process has ended and what it wrote is here. Programs that it left behind
/// may hold its streams open for ever, so the end of the streams is not waited for.
void Process::State::run_pump() {
    // A child that does not read its input must not end the test program.
    sigset_t broken_pipe;
    ::sigemptyset(&broken_pipe);
    ::sigaddset(&broken_pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    while (true) {
        {
            const std::lock_guard lock(mutex);
            if (exit_code) return;
            feed();
        }
        pump_once();
    }
}

void Process::State::pump_once() {
    bool wants_input = false;
    {
        const std::lock_guard lock(mutex);
        wants_input = in.is_open() && !to_write.empty();
    }
    // A negative descriptor is skipped by poll.
    std::array<pollfd, 5> polled{{{streams[0].get(), POLLIN, 0},
                                  {streams[1].get(), POLLIN, 0},
                                  {wants_input ? in.get() : -1, POLLOUT, 0},
                                  {wake_fd.get(), POLLIN, 0},
                                  {pid_fd.get(), POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), -1) < 0) return;  // EINTR: the loop comes again
    const std::lock_guard lock(mutex);
    if (polled[3].revents != 0) {
        std::uint64_t count = 0;
        static_cast<void>(!::read(wake_fd.get(), &count, sizeof count));
    }
    for (std::size_t i = 0; i < streams.size(); ++i) {
        if (streams[i].is_open() && polled[i].revents != 0 &&
            !read_available(streams[i], text[i])) {
            streams[i].close();
        }
    }
    if (polled[4].revents != 0) note_end();
    changed.notify_all();
}

/// With the mutex held.
void Process::State::feed() {
    while (in.is_open() && !to_write.empty()) {
        const ssize_t put = ::write(in.get(), to_write.data(), to_write.size());
        if (put > 0) {
            to_write.erase(0, static_cast<std::size_t>(put));
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            in.close();  // nobody reads any more
        }
    }
    if (input_closing) in.close();
}

/// With the mutex held, once the process has ended: all that it wrote is in the pipes.
void Process::State::note_end() {
    for (std::size_t i = 0; i < streams.size(); ++i) {
        if (streams[i].is_open()) static_cast<void>(read_available(streams[i], text[i]));
    }
    // WNOWAIT leaves it a zombie: its id, which is its group's too, stays taken until ~State.
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0) {
        info.si_code = CLD_KILLED;
    }
    exit_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    in.close();
}

std::string Process::State::describe() const {
    std::string text_of_all = "\n--- command: " + command_line + "\n--- state: ";
    text_of_all += exit_code ? "ended with " + std::to_string(*exit_code) : "running";
    text_of_all += "\n--- stdout:\n" + text[0] + "\n--- stderr:\n" + text[1] + "\n---";
    return text_of_all;
}

std::optional<std::string> Process::State::next_match(
    Stream stream, const std::function<bool(const std::string&)>& matches) {
    const auto index = static_cast<std::size_t>(stream);
    std::size_t begin = searched[index];
    while (begin < text[index].size()) {
        std::size_t end = text[index].find('\n', begin);
        // The last line may lack its newline, but only an end proves that it is whole.
        if (end == std::string::npos && !exit_code) break;
        end = std::min(end, text[index].size());
        std::string line = text[index].substr(begin, end - begin);
        begin = end + 1;
        searched[index] = begin;
        if (matches(line)) return line;
    }
    return std::nullopt;
}

std::string Process::State::wait_for_line(Stream stream, const std::string& wanted,
                                          const std::function<bool(const std::string&)>& matches,
                                          std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    std::unique_lock lock(mutex);
    while (true) {
        if (auto line = next_match(stream, matches)) return *line;
        const char* name = stream == Stream::out ? "stdout" : "stderr";
        if (exit_code) {
            throw std::runtime_error("the process ended without the line '" + wanted + "' on " +
                                     name + describe());
        }
        if (changed.wait_until(lock, deadline) == std::cv_status::timeout) {
            if (auto line = next_match(stream, matches)) return *line;
            throw std::runtime_error("no line '" + wanted + "' on " + name + " within " +
                                     std::to_string(timeout.count()) + " ms" + describe());
        }
    }
}

Process::Process(std::unique_ptr<State> state) : state_(std::move(state)) {}
Process::~Process() = default;
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&&) noexcept = default;

Process Process::start(const std::vector<std::string>& argv, ProcessOptions options) {
    auto state = std::make_unique<State>();
    state->launch(argv, options);
    return Process(std::move(state));
}

std::string Process::wait_for_line(Stream stream, std::string_view part,
                                   std::chrono::milliseconds timeout) {
    const std::string wanted(part);
    return state_->wait_for_line(
        stream, wanted,
        [&](const std::string& line) { return line.find(wanted) != std::string::npos; }, timeout);
}

std::string Process::wait_for_line(Stream stream, const std::regex& pattern,
                                   std::chrono::milliseconds timeout) {
    return state_->wait_for_line(
        stream, "(a pattern)",
        [&](const std::string& line) { return std::regex_search(line, pattern); }, timeout);
}

void Process::write_stdin(std::string_view bytes) {
    {
        const std::lock_guard lock(state_->mutex);
        if (state_->input_closing) {
            throw std::runtime_error("standard input is closed" + state_->describe());
        }
        state_->to_write += bytes;
    }
    state_->wake();
}

void Process::close_stdin() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->input_closing = true;
    }
    state_->wake();
}

void Process::signal(int number) {
    const std::lock_guard lock(state_->mutex);
    // It is not reaped before ~State, so the id cannot be somebody else's.
    if (!state_->exit_code) ::kill(state_->pid, number);
}

int Process::wait(std::chrono::milliseconds timeout) {
    std::unique_lock lock(state_->mutex);
    if (!state_->changed.wait_for(lock, timeout, [&] { return state_->exit_code.has_value(); })) {
        throw std::runtime_error("the process did not end within " +
                                 std::to_string(timeout.count()) + " ms" + state_->describe());
    }
    return *state_->exit_code;
}

bool Process::has_ended() const {
    const std::lock_guard lock(state_->mutex);
    return state_->exit_code.has_value();
}

int Process::pid() const noexcept {
    return state_->pid;
}

std::string Process::out() const {
    const std::lock_guard lock(state_->mutex);
    return state_->text[0];
}

std::string Process::err() const {
    const std::lock_guard lock(state_->mutex);
    return state_->text[1];
}

std::string Process::output() const {
    const std::lock_guard lock(state_->mutex);
    return state_->describe();
}

Finished run(const std::vector<std::string>& argv, ProcessOptions options,
             std::chrono::milliseconds timeout) {
    Process process = Process::start(argv, std::move(options));
    const int exit_code = process.wait(timeout);
    return {exit_code, process.out(), process.err()};
}

std::string weft_program() {
    return WEFT_PROGRAM;
}

namespace {

/// True if nobody listens there now.
bool can_be_bound(std::uint16_t port) {
    const Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int yes = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (!fd.is_open()) fail_with_errno("no socket");
    static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
    return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// Held until this process ends: no other test takes the port meanwhile, whatever binds it or not.
bool is_ours(std::uint16_t port) {
    static std::mutex mutex;
    static std::vector<Descriptor> held;
    const auto folder =
        std::filesystem::temp_directory_path() / ("weft-test-ports-" + std::to_string(::getuid()));
    std::error_code made;
    std::filesystem::create_directories(folder, made);
    const std::string file = (folder / std::to_string(port)).string();
    Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock.is_open()) fail_with_errno("cannot open " + file);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return false;
    const std::scoped_lock guard(mutex);
    held.push_back(std::move(lock));
    return true;
}

}  // namespace

std::uint16_t free_port() {
    // Below those that the kernel gives to who asks for any (32768 on): a server that is away for a
    // moment finds its port free again.
    constexpr int first = 20'000, count = 12'000, attempts = 1000;
    static thread_local std::mt19937 random{std::random_device{}()};
    for (int i = 0; i < attempts; ++i) {
        const auto port = static_cast<std::uint16_t>(first + static_cast<int>(random() % count));
        if (can_be_bound(port) && is_ours(port)) return port;
    }
    throw std::runtime_error("no free port between 20000 and 32000 on 127.0.0.1");
}

}  // namespace weft::testing
