#include "reliability/hub/child_process.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "reliability/hub/child_launch.hpp"
#include "reliability/hub/descriptor.hpp"
#include "reliability/hub/line_cutter.hpp"

namespace weft::reliability::hub {
namespace {

ChildProcess::End end_of(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) {
        return {info.si_status == 0, "exited with status " + std::to_string(info.si_status)};
    }
    const char* name = ::sigabbrev_np(info.si_status);
    return {false, "was killed by signal " + std::to_string(info.si_status) +
                       (name == nullptr ? "" : " (SIG" + std::string{name} + ")")};
}

/// Signals belong to the threads that wait for them, and our handlers never run in a child.
void block_all_signals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

/// Shared with the thread, which outlives the ChildProcess where a program hangs in the kernel.
struct ChildProcess::State {
    explicit State(ChildOrder given) : order(std::move(given)) {}

    ChildOrder order;
    Launched launched;
    Descriptor ended_event;
    std::thread thread;

    std::mutex voice_mutex;  ///< Held while the order's callback is called. Never with `mutex`.
    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    bool started = false;  ///< Or failed to.
    std::string failure;
    std::optional<End> end;
    bool reaped = false;  ///< Its pid may be another's.

    void run();
    void follow();
    bool read_errors(LineCutter& lines);
    void conclude(LineCutter& lines);
    void signal_group(int number);
    bool wait_end(std::chrono::milliseconds patience) const;
};

void ChildProcess::State::run() {
    block_all_signals();
    auto result = launch(order);
    {
        const std::scoped_lock lock(mutex);
        started = true;
        if (result)
            launched = std::move(*result);
        else
            failure = result.error();
        changed.notify_all();
    }
    if (result) follow();
}

void ChildProcess::State::follow() {
    LineCutter lines(ChildOrder::error_line_bytes_max, [this](std::string_view line, bool cut) {
        const std::scoped_lock lock(voice_mutex);
        if (order.on_error_line) order.on_error_line(line, cut);
    });
    // Not pidfd_open(): the header of glibc 2.36 forgets to say that it is C.
    const Descriptor exit(static_cast<int>(::syscall(SYS_pidfd_open, launched.pid, 0)));
    // Where the kernel cannot tell (before Linux 5.3), we look.
    const int pause_ms = exit.is_open() ? -1 : 20;
    bool errors_open = launched.err.is_open();
    for (;;) {
        std::array<pollfd, 2> fds{
            {{exit.get(), POLLIN, 0}, {errors_open ? launched.err.get() : -1, POLLIN, 0}}};
        ::poll(fds.data(), fds.size(), pause_ms);
        if (fds[1].revents != 0) errors_open = read_errors(lines);
        siginfo_t info{};
        // It stays a zombie for now, so that its number and its group's are nobody else's.
        const int waited =
            ::waitid(P_PID, static_cast<id_t>(launched.pid), &info, WEXITED | WNOWAIT | WNOHANG);
        if (waited < 0 && errno == EINTR) continue;
        if (waited < 0 || info.si_pid != 0) break;
    }
    conclude(lines);
}

/// False at the end of the stream.
bool ChildProcess::State::read_errors(LineCutter& lines) {
    std::array<char, 65'536> bytes;
    const ssize_t got = ::read(launched.err.get(), bytes.data(), bytes.size());
    if (got > 0) lines.take({bytes.data(), static_cast<std::size_t>(got)});
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

void ChildProcess::State::conclude(LineCutter& lines) {
    signal_group(SIGKILL);
    // Its last words, before anybody hears of its end; not those of what escaped its group.
    for (int reads = 0; launched.err.is_open() && reads < 32; ++reads) {
        pollfd more{launched.err.get(), POLLIN, 0};
        if (::poll(&more, 1, 0) <= 0 || !read_errors(lines)) break;
    }
    lines.finish();
    const std::scoped_lock lock(mutex);
    siginfo_t info{};
    int result = 0;
    do {
        result = ::waitid(P_PID, static_cast<id_t>(launched.pid), &info, WEXITED);
    } while (result < 0 && errno == EINTR);
    reaped = true;
    end = result == 0 ? end_of(info) : End{false, "ended, and something else has reaped it"};
    changed.notify_all();
    const std::uint64_t one = 1;
    static_cast<void>(!::write(ended_event.get(), &one, sizeof one));
}

void ChildProcess::State::signal_group(int number) {
    const std::scoped_lock lock(mutex);
    if (!reaped && launched.pid > 0) ::kill(-launched.pid, number);
}

bool ChildProcess::State::wait_end(std::chrono::milliseconds patience) const {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, patience, [&] { return end.has_value(); });
}

tl::expected<std::unique_ptr<ChildProcess>, std::string> ChildProcess::start(ChildOrder order) {
    assert(!order.argv.empty());
    auto state = std::make_shared<State>(std::move(order));
    state->ended_event = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!state->ended_event.is_open()) {
        return tl::make_unexpected("cannot make an eventfd: " + std::string{std::strerror(errno)});
    }
    try {
        state->thread = std::thread([state] { state->run(); });
    } catch (const std::system_error& error) {
        return tl::make_unexpected("cannot start a thread: " + std::string{error.what()});
    }
    {
        std::unique_lock lock(state->mutex);
        state->changed.wait(lock, [&] { return state->started; });
    }
    if (!state->failure.empty()) {
        state->thread.join();
        return tl::make_unexpected(state->failure);
    }
    return std::unique_ptr<ChildProcess>(new ChildProcess(std::move(state)));
}

ChildProcess::ChildProcess(std::shared_ptr<State> state) : state_(std::move(state)) {}

ChildProcess::~ChildProcess() {
    kill_now();
    if (has_ended()) {
        state_->thread.join();
        return;
    }
    const std::scoped_lock lock(state_->voice_mutex);
    state_->order.on_error_line = nullptr;
    state_->thread.detach();
}

pid_t ChildProcess::pid() const noexcept {
    return state_->launched.pid;
}
int ChildProcess::in() const noexcept {
    return state_->launched.in.get();
}
int ChildProcess::out() const noexcept {
    return state_->launched.out.get();
}
int ChildProcess::extra() const noexcept {
    return state_->launched.extra.get();
}
void ChildProcess::close_in() noexcept {
    state_->launched.in.close();
}
int ChildProcess::ended_fd() const noexcept {
    return state_->ended_event.get();
}

bool ChildProcess::has_ended() const {
    return ended().has_value();
}

std::optional<ChildProcess::End> ChildProcess::ended() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->end;
}

bool ChildProcess::wait(std::chrono::milliseconds patience) const {
    return state_->wait_end(patience);
}

void ChildProcess::terminate(std::chrono::milliseconds grace) {
    state_->signal_group(SIGTERM);
    if (!wait(grace)) kill_now();
}

void ChildProcess::kill_now() {
    state_->signal_group(SIGKILL);
    wait(kill_patience);
}

}  // namespace weft::reliability::hub
