#include "reliability/hub/plugin_socket.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

namespace weft::reliability::hub {
namespace {

bool would_block() {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/// Readable until somebody reads it.
void nudge(const Descriptor& event) {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(event.get(), &one, sizeof one));
}

}  // namespace

PluginSocket::PluginSocket()
    : watched_(::epoll_create1(EPOLL_CLOEXEC)), nudge_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (is_open()) ::epoll_ctl(watched_.get(), EPOLL_CTL_ADD, nudge_.get(), &event);
}

void PluginSocket::follow(int fd) {
    const std::scoped_lock lock(mutex_);
    fd_ = fd;
    interest_ = EPOLLIN;
    epoll_event event{};
    event.events = interest_;
    if (::epoll_ctl(watched_.get(), EPOLL_CTL_ADD, fd_, &event) == 0) return;
    over_ = true;  // the kernel has no room: nobody would hear the process
    nudge(nudge_);
}

/// Twice for each message, so it must cost little. An end of the stream is news even to who asks
/// for none, but with EPOLLONESHOT only once.
void PluginSocket::settle_interest() {
    std::uint32_t wanted = 0;
    if (!over_ && turn_ != Turn::worker && unsent_.size() <= unread_bytes_max) wanted |= EPOLLIN;
    if (!over_ && !unsent_.empty()) wanted |= EPOLLOUT;
    if (wanted == 0) wanted = EPOLLONESHOT;
    if (wanted == interest_) return;
    epoll_event event{};
    event.events = interest_ = wanted;
    ::epoll_ctl(watched_.get(), EPOLL_CTL_MOD, fd_, &event);
}

void PluginSocket::send(std::string_view frame) {
    const std::scoped_lock lock(mutex_);
    if (over_) return;
    const bool first = unsent_.empty();
    if (first) {
        const ssize_t sent = ::send(fd_, frame.data(), frame.size(), MSG_NOSIGNAL);
        if (sent > 0) frame.remove_prefix(static_cast<std::size_t>(sent));
        // It reads no more; its end comes next.
        if (sent < 0 && !would_block()) return;
    }
    if (frame.empty()) return;
    unsent_ += frame;
    settle_interest();
}

void PluginSocket::write_on() {
    if (unsent_.empty()) return;
    const ssize_t sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent > 0) unsent_.erase(0, static_cast<std::size_t>(sent));
    if (sent < 0 && !would_block()) unsent_.clear();
    settle_interest();
}

bool PluginSocket::watch() {
    std::array<epoll_event, 2> news{};  // taken, so that what comes once is over
    ::epoll_wait(watched_.get(), news.data(), static_cast<int>(news.size()), 0);
    std::uint64_t count = 0;
    static_cast<void>(!::read(nudge_.get(), &count, sizeof count));
    const std::scoped_lock lock(mutex_);
    write_on();
    if (over_ || turn_ != Turn::nobody || unsent_.size() > unread_bytes_max) return false;
    turn_ = Turn::watcher;
    return true;
}

void PluginSocket::watched() {
    const std::scoped_lock lock(mutex_);
    assert(turn_ == Turn::watcher);
    return_turn();
}

void PluginSocket::take_for_good() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [&] { return turn_ != Turn::worker; });
    turn_ = Turn::watcher;
}

bool PluginSocket::take() {
    const std::scoped_lock lock(mutex_);
    if (over_ || turn_ != Turn::nobody) return false;
    turn_ = Turn::worker;
    settle_interest();
    return true;
}

void PluginSocket::return_turn() {
    turn_ = Turn::nobody;
    settle_interest();
    returned_.notify_all();
}

void PluginSocket::give_back() {
    const std::scoped_lock lock(mutex_);
    assert(turn_ == Turn::worker);
    return_turn();
}

void PluginSocket::give_back_with(std::string payload) {
    const std::scoped_lock lock(mutex_);
    assert(turn_ == Turn::worker);
    deferred_ = std::move(payload);
    return_turn();
    nudge(nudge_);
}

void PluginSocket::give_up() {
    const std::scoped_lock lock(mutex_);
    assert(turn_ == Turn::worker);
    over_ = true;
    return_turn();
    nudge(nudge_);
}

PluginSocket::Got PluginSocket::read() {
    std::array<char, 65'536> bytes;
    const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (got < 0) return would_block() ? Got::nothing : Got::end;
    if (got == 0) return Got::end;
    reader_.take({bytes.data(), static_cast<std::size_t>(got)});
    return Got::something;
}

tl::expected<std::optional<std::string>, std::string> PluginSocket::next() {
    if (deferred_) return std::exchange(deferred_, std::nullopt);
    return reader_.next();
}

bool PluginSocket::is_over() const {
    const std::scoped_lock lock(mutex_);
    return over_;
}

}  // namespace weft::reliability::hub
