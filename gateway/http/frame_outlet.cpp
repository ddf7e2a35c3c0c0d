#include "gateway/http/frame_outlet.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace weft::gateway {
namespace {

constexpr std::size_t batch_items_max = 64;
/// Then the io thread goes on: who came to send one frame does not work for others for long.
constexpr int batches_max = 8;
constexpr long gone = -1, blocked = 0;

Opcode opcode_of(const SendQueue::Item& item) noexcept {
    if (item.control != 0) return static_cast<Opcode>(item.control);
    return item.is_text ? Opcode::text : Opcode::binary;
}

}  // namespace

void FrameOutlet::open(int socket) {
    const std::lock_guard lock(socket_mutex_);
    socket_ = socket;
}

void FrameOutlet::close() {
    queue.close();
    const std::lock_guard lock(socket_mutex_);
    socket_ = -1;
}

bool FrameOutlet::is_direct() const {
    const std::lock_guard lock(socket_mutex_);
    return socket_ >= 0;
}

bool FrameOutlet::is_telling() const {
    const std::lock_guard lock(socket_mutex_);
    return is_telling_;
}

FrameOutlet::Flushed FrameOutlet::flush() {
    for (int batches = 0;;) {
        if (batch_.empty()) {
            if (!load()) return Flushed::all;
            if (++batches > batches_max) return Flushed::blocked;
        }
        const bool tells = answered_for().has_value();
        const long bytes = write_some(tells);
        if (bytes > 0) advance(static_cast<std::size_t>(bytes));
        if (bytes == gone) drop();
        if (tells) {
            const std::lock_guard lock(socket_mutex_);
            is_telling_ = false;
        }
        if (bytes == blocked) return Flushed::blocked;
        if (bytes == gone) return Flushed::failed;
    }
}

bool FrameOutlet::load() {
    if (!batch_.empty()) return true;
    if (!queue.take(batch_items_max, batch_)) return false;  // Who puts next is at it already.
    next_ = written_ = 0;
    heads_.clear();
    for (const auto& item : batch_) heads_.emplace_back(opcode_of(item), item.bytes->size());
    return true;
}

const std::vector<iovec>& FrameOutlet::rest() {
    rest_.clear();
    std::size_t skipped = written_;
    const auto add = [&](const char* bytes, std::size_t size) {
        const std::size_t before = std::min(size, skipped);
        skipped -= before;
        if (before == size) return;
        // The system only reads them.
        rest_.push_back({const_cast<char*>(bytes) + before, size - before});
    };
    for (std::size_t i = next_; i < batch_.size(); ++i) {
        add(heads_[i].bytes.data(), heads_[i].size);
        add(batch_[i].bytes->data(), batch_[i].bytes->size());
    }
    return rest_;
}

void FrameOutlet::advance(std::size_t bytes) {
    written_ += bytes;
    while (next_ < batch_.size()) {
        SendQueue::Item& item = batch_[next_];
        const std::size_t whole = heads_[next_].size + item.bytes->size();
        if (written_ < whole) return;
        written_ -= whole;
        ++next_;
        queue.taken(item.bytes->size());
        // Who is told may put more, which this thread then finds: it is awake still.
        item.sent.say(true);
    }
    batch_.clear();
}

std::optional<std::size_t> FrameOutlet::answered_for() const {
    std::size_t bytes = 0;
    bool is_asked = false;
    for (std::size_t i = next_; i < batch_.size(); ++i) {
        bytes += batch_[i].bytes->size();
        is_asked = is_asked || (batch_[i].sent && batch_[i].control == 0);
    }
    return is_asked ? std::optional(bytes) : std::nullopt;
}

void FrameOutlet::drop() {
    batch_.clear();
}

long FrameOutlet::write_some(bool looks_first) {
    const std::vector<iovec>& parts = rest();
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    const std::lock_guard lock(socket_mutex_);
    if (socket_ < 0) return gone;
    is_telling_ = looks_first;
    if (looks_first) {
        // Nothing that somebody answers for goes to a client that has left already.
        pollfd look{socket_, POLLRDHUP, 0};
        if (::poll(&look, 1, 0) != 0) return gone;
    }
    const ssize_t bytes = ::sendmsg(socket_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (bytes > 0) return bytes;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? blocked : gone;
}

}  // namespace weft::gateway
