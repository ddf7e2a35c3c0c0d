#include "gateway/http/direct_answer.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <utility>

namespace weft::gateway {
namespace {

bool has_closed(int socket) {
    pollfd look{socket, POLLRDHUP, 0};
    return ::poll(&look, 1, 0) != 0;
}

}  // namespace

void DirectAnswer::open(int socket, bool vouches) {
    const std::lock_guard lock(mutex_);
    vouches_ = vouches;
    state_ = State::open;
    socket_ = socket;
}

DirectAnswer::State DirectAnswer::shut() {
    const std::lock_guard lock(mutex_);
    if (state_ == State::open) state_ = State::closed;
    socket_ = -1;
    return state_;
}

bool DirectAnswer::is_done() const {
    const std::lock_guard lock(mutex_);
    return state_ == State::done;
}

bool DirectAnswer::is_done_or_tell() {
    const std::lock_guard lock(mutex_);
    tells_ = true;
    return state_ == State::done;
}

DirectAnswer::Written DirectAnswer::write(std::string_view head, std::string_view body,
                                          bool reports) {
    // The system only reads them.
    std::array<iovec, 2> parts = {iovec{const_cast<char*>(head.data()), head.size()},
                                  iovec{const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = body.empty() ? 1 : 2;
    const std::lock_guard lock(mutex_);
    if (state_ != State::open) return {State::closed};
    if (reports && (!vouches_ || body.size() > sure_bytes)) return {State::closed};
    const int socket = std::exchange(socket_, -1);
    state_ = State::closed;
    if (reports && has_closed(socket)) return {State::closed};
    const ssize_t sent = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent <= 0) return {State::closed};
    const auto bytes = static_cast<std::size_t>(sent);
    state_ = bytes == head.size() + body.size() ? State::done : State::partial;
    return {state_, bytes, tells_};
}

}  // namespace weft::gateway
