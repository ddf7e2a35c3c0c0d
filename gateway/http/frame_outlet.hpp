#pragma once
// The sending end of a WebSocket: its queue, and the frames that are on their way. Whoever puts the
// first item into an empty queue writes it at once, with what others put meanwhile, all of it in
// one call of the system; so nothing waits for another thread to wake up. Where the socket takes no
// more the io thread goes on. One thread at a time is awake (SendQueue): the frames on their way
// are its own, and go with its word "blocked" to the io thread.
//
// Threads:   as each function says. Ownership: shared by handlers and the connection; the socket is
// the connection's, and is not touched any more once close() has returned.

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "gateway/http/send_queue.hpp"
#include "gateway/http/websocket_frames.hpp"

namespace weft::gateway {

class FrameOutlet {
public:
    explicit FrameOutlet(std::size_t bytes_max) : queue(bytes_max) {}

    SendQueue queue;

    enum class Flushed {
        all,      ///< Nothing is left, and nobody is awake any more.
        blocked,  ///< The rest is the io thread's.
        failed,   ///< The connection is over; what was on its way is gone.
    };

    /// Any thread may write to `socket` from now on; only for sockets that do not wait.
    void open(int socket);
    /// Nobody writes to the socket any more. Any thread, also while others write.
    void close();
    /// False: write_blocked() and advance() are all there is.
    [[nodiscard]] bool is_direct() const;
    /// By who is awake.
    [[nodiscard]] Flushed flush();
    /// Something is being written that somebody answers for, and who answers has not been told yet
    /// how that went: what the client says now may be about it, and has to wait. Any thread; waits
    /// for a write that is under way.
    [[nodiscard]] bool is_telling() const;

    // By who is awake, for who writes in another way:
    /// Takes the next batch if there is none; false: nothing is left, and nobody is awake any more.
    [[nodiscard]] bool load();
    /// What is left of the batch, at least a byte; good until advance().
    [[nodiscard]] const std::vector<iovec>& rest();
    /// So much of it was written; tells who wants to know.
    void advance(std::size_t bytes);
    /// Somebody answers for what is left of the batch: its bytes. Nothing: nobody does.
    [[nodiscard]] std::optional<std::size_t> answered_for() const;
    /// Lets go of the batch; who wants to know is told that it was not sent.
    void drop();

private:
    [[nodiscard]] long write_some(bool looks_first);

    mutable std::mutex socket_mutex_;
    int socket_ = -1;
    bool is_telling_ = false;
    std::vector<SendQueue::Item> batch_;
    std::vector<FrameHead> heads_;
    std::vector<iovec> rest_;
    std::size_t next_ = 0;     ///< The first that is not wholly written.
    std::size_t written_ = 0;  ///< Of that one, its head included.
};

}  // namespace weft::gateway
