#pragma once
// The hub's end of the socket to an isolated plugin's process.
//
// Anybody sends, at any time. Two threads may read, one at a time: the worker while its message is
// under way, so that a verdict comes to it without a thread between, and the watcher at all other
// times. Reading is a turn that is taken and given back; taking never waits, except for the
// watcher's last one.
//
// The watcher polls watch_fd(), which is silent while the turn is the worker's, and so costs
// nothing then.
//
// Threads:   as each function says. Ownership: not of the socket, which must outlive it.
// Limits:    the watcher does not read while more than unread_bytes_max wait for the process.
// Errors:    a socket that ends or cannot be watched is `over()`; sending to it does nothing.

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "reliability/hub/descriptor.hpp"
#include "reliability/hub/plugin_frames.hpp"

namespace weft::reliability::hub {

class PluginSocket {
public:
    static constexpr std::size_t unread_bytes_max = std::size_t{1} << 20;

    PluginSocket();
    /// False if no descriptor is left. Before the first use.
    [[nodiscard]] bool is_open() const noexcept { return watched_.is_open() && nudge_.is_open(); }
    /// Once, before any other thread uses it. `fd` does not block.
    void follow(int fd);

    /// What the kernel does not take at once the watcher sends later. Any thread.
    void send(std::string_view frame);

    // The watcher's.
    /// Readable once watch() has something to do.
    [[nodiscard]] int watch_fd() const noexcept { return watched_.get(); }
    /// Sends what waits. True if there is something to read and the turn is the watcher's now.
    [[nodiscard]] bool watch();
    void watched();
    /// Waits for the turn, and never gives it back.
    void take_for_good();

    // The worker's.
    /// False while the watcher reads: then it also reads the verdict.
    [[nodiscard]] bool take();
    void give_back();
    /// Gives back, and the watcher's next frame is this one.
    void give_back_with(std::string payload);
    /// Gives back, and it is over.
    void give_up();

    // Of whoever has the turn.
    enum class Got { something, nothing, end };
    [[nodiscard]] Got read();
    /// As frames::Reader::next().
    [[nodiscard]] tl::expected<std::optional<std::string>, std::string> next();

    /// Nothing will come any more, or nothing good. Any thread.
    [[nodiscard]] bool is_over() const;

private:
    /// With the mutex held, as are the next two.
    void settle_interest();
    void return_turn();
    void write_on();

    int fd_ = -1;
    const Descriptor watched_;  ///< An epoll with what the watcher waits for.
    const Descriptor nudge_;    ///< An eventfd in it, for what is no news of the socket.

    mutable std::mutex mutex_;
    std::condition_variable returned_;
    enum class Turn { nobody, watcher, worker } turn_ = Turn::nobody;
    std::string unsent_;
    std::uint32_t interest_ = 0;  ///< What the epoll waits for on the socket.
    bool over_ = false;

    std::optional<std::string> deferred_;  ///< Of whoever has the turn, as is the next.
    frames::Reader reader_;
};

}  // namespace weft::reliability::hub
