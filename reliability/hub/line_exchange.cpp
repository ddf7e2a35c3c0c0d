#include "reliability/hub/line_exchange.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

namespace weft::reliability::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Is = Exchanged::Is;

/// How long a program that has closed an end may take to end itself: then that is what is said.
constexpr milliseconds closing_patience{1'000};

/// write(), where a reader that is gone is EPIPE and never a signal to this process.
ssize_t write_without_signal(int fd, std::string_view bytes) {
    sigset_t pipe_signal, before;
    ::sigemptyset(&pipe_signal);
    ::sigaddset(&pipe_signal, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    const int error = errno;
    if (written < 0 && error == EPIPE && ::sigismember(&before, SIGPIPE) == 0) {
        const timespec at_once{};
        ::sigtimedwait(&pipe_signal, nullptr, &at_once);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = error;
    return written;
}

class Exchange {
public:
    Exchange(const ExchangeEnds& ends, std::string_view line, steady_clock::time_point deadline,
             std::size_t answer_bytes_max)
        : ends_(ends),
          rest_(line),
          line_bytes_(line.size()),
          deadline_(deadline),
          bytes_max_(answer_bytes_max) {}

    Exchanged run() {
        for (;;) {
            const bool writing = !rest_.empty() && !closed_in_;
            std::array<pollfd, 4> fds{{{ends_.wake, POLLIN, 0},
                                       {closed_out_ ? -1 : ends_.out, POLLIN, 0},
                                       {ends_.ended, POLLIN, 0},
                                       {writing ? ends_.in : -1, POLLOUT, 0}}};
            const auto left =
                std::chrono::ceil<milliseconds>(deadline_ - steady_clock::now()).count();
            if (left <= 0) return over();
            const int ready = ::poll(fds.data(), fds.size(),
                                     static_cast<int>(std::min<std::int64_t>(left, 60'000)));
            if (ready < 0 && errno != EINTR) return over();
            if (ready <= 0) continue;
            if (fds[0].revents != 0) return {Is::woken};
            if (fds[1].revents != 0) {
                read_some();
                if (auto result = settled()) return std::move(*result);
            }
            if (fds[2].revents != 0) return last_words();
            if (fds[3].revents != 0) write_some();
        }
    }

private:
    void shorten() { deadline_ = std::min(deadline_, steady_clock::now() + closing_patience); }

    /// False if there is nothing to read now.
    bool read_some() {
        std::array<char, 65'536> bytes;
        const ssize_t got = ::read(ends_.out, bytes.data(), bytes.size());
        if (got > 0) {
            searched_ = answer_.size();
            answer_.append(bytes.data(), static_cast<std::size_t>(got));
            return true;
        }
        if (got < 0 && errno == EINTR) return true;
        if (got < 0 && errno == EAGAIN) return false;
        closed_out_ = true;
        shorten();
        return false;
    }

    void write_some() {
        const ssize_t written = write_without_signal(ends_.in, rest_);
        if (written > 0) rest_.remove_prefix(static_cast<std::size_t>(written));
        if (written >= 0 || errno == EAGAIN || errno == EINTR) return;
        closed_in_ = true;
        shorten();
    }

    /// The pipe tells how much of the message nobody has read. One byte may be left: a reader of
    /// JSON can stop before the line break.
    [[nodiscard]] bool message_is_read() const {
        return rest_.empty() && unread().value_or(0) <= 1;
    }

    [[nodiscard]] std::optional<std::size_t> unread() const {
        int bytes = 0;
        if (::ioctl(ends_.in, FIONREAD, &bytes) != 0 || bytes < 0) return std::nullopt;
        return static_cast<std::size_t>(bytes);
    }

    std::optional<Exchanged> settled() {
        const std::size_t end = answer_.find('\n', searched_);
        if (end == std::string::npos) {
            if (answer_.size() <= bytes_max_) return std::nullopt;
            return Exchanged{Is::too_long, answer_.substr(0, 4'096)};
        }
        if (end > bytes_max_) return Exchanged{Is::too_long, answer_.substr(0, 4'096)};
        if (end + 1 < answer_.size()) {
            return Exchanged{Is::more, answer_.substr(end + 1, 4'096)};
        }
        answer_.resize(end);
        return Exchanged{message_is_read() ? Is::answered : Is::early, std::move(answer_)};
    }

    /// It has ended: what it still said is in its pipe, and counts.
    Exchanged last_words() {
        while (!closed_out_ && read_some()) {
            if (auto result = settled()) return std::move(*result);
        }
        const bool untouched = answer_.empty() && unread() == line_bytes_ - rest_.size();
        return {Is::ended, std::move(answer_), untouched};
    }

    Exchanged over() {
        return {closed_in_    ? Is::closed_in
                : closed_out_ ? Is::closed_out
                              : Is::timed_out,
                std::move(answer_)};
    }

    ExchangeEnds ends_;
    std::string_view rest_;  ///< Of the message.
    std::size_t line_bytes_;
    steady_clock::time_point deadline_;
    std::size_t bytes_max_;
    std::string answer_;
    std::size_t searched_ = 0;
    bool closed_in_ = false, closed_out_ = false;
};

}  // namespace

Exchanged exchange_line(const ExchangeEnds& ends, std::string_view line,
                        steady_clock::time_point deadline, std::size_t answer_bytes_max) {
    return Exchange(ends, line, deadline, answer_bytes_max).run();
}

std::optional<std::string> said_unasked(int out) {
    std::array<char, 4'096> bytes;
    const ssize_t got = ::read(out, bytes.data(), bytes.size());
    if (got <= 0) return std::nullopt;
    return std::string(bytes.data(), static_cast<std::size_t>(got));
}

}  // namespace weft::reliability::hub
