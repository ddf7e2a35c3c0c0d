#include "tools/stop_signal.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>

#include "tools/context.hpp"

namespace weft::tools {
namespace {

// A signal handler reaches nothing but globals.
std::atomic<int> wake_fd{-1};
std::atomic<bool> stop_requested{false}, interrupted{false}, reload_requested{false};

void wake() noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_fd.load(std::memory_order_relaxed), &one, sizeof one));
}

void on_signal(int number) {
    const int saved = errno;
    if (number == SIGHUP) {
        // Nobody is woken: whoever reloads asks a few times a second.
        reload_requested = true;
        errno = saved;
        return;
    }
    if (number == SIGINT) interrupted = true;
    // The second Ctrl-C ends a command that hangs on its way out.
    if (stop_requested.exchange(true)) ::_exit(exit_interrupted);
    wake();
    errno = saved;
}

void install(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
}

}  // namespace

StopSignal::StopSignal() {
    const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) throw std::runtime_error("no file descriptor left for an eventfd");
    wake_fd = fd;
    install(on_signal);
}

StopSignal::~StopSignal() {
    install(SIG_DFL);
    ::close(wake_fd.exchange(-1));
}

StopSignal::Woken StopSignal::wait(std::chrono::milliseconds timeout) {
    const bool for_ever = timeout == std::chrono::milliseconds::max();
    const auto deadline =
        std::chrono::steady_clock::now() + (for_ever ? std::chrono::milliseconds{0} : timeout);
    while (true) {
        if (stop_requested) return Woken::stop;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (!for_ever && left.count() <= 0) return Woken::timeout;
        pollfd poll{wake_fd, POLLIN, 0};
        if (::poll(&poll, 1, for_ever ? -1 : static_cast<int>(left.count())) > 0) {
            std::uint64_t count = 0;
            // A stop stays readable for whoever polls fd() beside other things.
            if (!stop_requested) static_cast<void>(!::read(wake_fd, &count, sizeof count));
        }
    }
}

bool StopSignal::take_reload() noexcept {
    return reload_requested.exchange(false);
}

void StopSignal::stop_now() noexcept {
    stop_requested = true;
    wake();
}

int StopSignal::exit_code() const noexcept {
    return interrupted ? exit_interrupted : exit_done;
}
bool StopSignal::requested() const noexcept {
    return stop_requested;
}
int StopSignal::fd() const noexcept {
    return wake_fd;
}

}  // namespace weft::tools
