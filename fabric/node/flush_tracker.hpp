#pragma once
// Which flushes of a publisher wait for what (see control.hpp for the protocol). Pure: no socket, no
// clock, no thread.
// Threads: not synchronised; the publisher guards it.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weft::fabric {

struct PendingFlush {
    std::string nonce;
    std::uint64_t position = 0;  ///< Messages that must have been handled before the barrier.
    bool sent = false, done = false;
    std::size_t expected = 0, answered = 0;
    bool peer_lost = false;
};

class FlushTracker {
public:
    /// In Mode::relay a flush waits for the relay; else no peer means nothing to wait for.
    explicit FlushTracker(bool needs_peer) : needs_peer_(needs_peer) {}

    void open(std::shared_ptr<PendingFlush> flush) { open_.push_back(std::move(flush)); }
    void close(const std::shared_ptr<PendingFlush>& flush);

    /// `handled` messages have left and `peers` are there: returns the nonces of the barriers to be
    /// sent now. A flush that needs no answer is done at once.
    [[nodiscard]] std::vector<std::string> due(std::uint64_t handled, std::size_t peers);
    /// A peer echoed a nonce. True if that finished a flush.
    bool on_echo(std::string_view nonce);
    /// A peer went away: nobody waits for it any longer. True if that finished a flush.
    bool on_peer_lost();
    [[nodiscard]] bool idle() const noexcept { return open_.empty(); }

private:
    bool needs_peer_;
    std::vector<std::shared_ptr<PendingFlush>> open_;
};

}  // namespace weft::fabric
