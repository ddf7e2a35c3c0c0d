#pragma once
// Lets a thread that is not the connection's write a whole answer to the connection's socket,
// instead of waking up the io thread to do it. The io thread says when that may be, takes the
// permission back before it writes or closes, and finds out what happened when it next has to do
// with the connection: nobody wakes it up for that.
// Who answers is one (Exchange sees to that), so there is one writer and the io thread.
//
// Threads:   as each function says. Ownership: part of a Turn; the socket is the connection's and
// is not touched any more once shut() has returned.

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <mutex>
#include <string_view>

namespace weft::gateway {

/// So much fits into the window of every client that reads at all.
inline constexpr std::size_t sure_bytes = std::size_t{16} << 10U;

class DirectAnswer {
public:
    enum class State {
        closed,   ///< Only the io thread writes.
        open,     ///< Another thread may.
        partial,  ///< It has begun; the io thread is told, and gets the rest.
        done,     ///< All of it was taken by the operating system.
    };

    // By the io thread:
    /// `vouches`: what has left is there, so who asks may be told so at once.
    void open(int socket, bool vouches);
    /// What has happened; nobody else writes any more, or begins to.
    State shut();
    [[nodiscard]] bool is_done() const;
    /// The same; if it is not, who answers tells the io thread when it is.
    [[nodiscard]] bool is_done_or_tell();

    struct Written {
        State state;            ///< Not `open`. `closed`: nothing was written, nor will be.
        std::size_t bytes = 0;  ///< Of head and body together.
        bool tell = false;      ///< The io thread waits for it.
    };
    /// By the thread that answers, once. `reports`: somebody is told that the client has it, so
    /// nothing is written where that could not be said at once: to another system, to a client that
    /// has closed its half or all of the connection, or more than sure_bytes.
    [[nodiscard]] Written write(std::string_view head, std::string_view body, bool reports);

private:
    mutable std::mutex mutex_;
    State state_ = State::closed;
    int socket_ = -1;
    bool vouches_ = false;
    bool tells_ = false;
};

}  // namespace weft::gateway
