#pragma once
// Which flushes of a publisher wait for what (see control.hpp for the protocol). Pure: no socket,
// no clock, no thread, and nonces come in.
//
// An echo does not say who sent it, so echoes are only counted. When a peer comes or goes while a
// barrier is on its way, the count no longer tells who has answered: the flush begins a new round
// with a new nonce. Otherwise the echo of one that left, or of one that came late, would stand for
// a peer that has not answered.
// Threads: not synchronised; the publisher guards it.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weft::fabric {

struct PendingFlush {
    std::string nonce;           ///< Of the barrier that is on its way; another one each round.
    std::uint64_t position = 0;  ///< Messages that must have been handled before the barrier.
    bool sent = false, done = false;
    std::size_t expected = 0, answered = 0;
    bool peer_lost = false;
};

class FlushTracker {
public:
    using MakeNonce = std::function<std::string()>;

    /// In Mode::relay a flush waits for the relay; else no peer means nothing to wait for.
    FlushTracker(bool needs_peer, MakeNonce make_nonce)
        : needs_peer_(needs_peer), make_nonce_(std::move(make_nonce)) {}

    void open(std::shared_ptr<PendingFlush> flush) { open_.push_back(std::move(flush)); }
    void close(const std::shared_ptr<PendingFlush>& flush);

    /// `handled` messages have left and `peers` are there: returns the nonces of the barriers to be
    /// sent now. A flush that needs no answer is done at once.
    [[nodiscard]] std::vector<std::string> due(std::uint64_t handled, std::size_t peers);
    /// A peer echoed a nonce. True if that finished a flush.
    bool on_echo(std::string_view nonce);
    /// A peer came: barriers on their way are sent again.
    void on_peer_joined();
    /// A peer went away: barriers are sent again to those that are left. Where a peer is needed
    /// (a relay) the flush is over instead: what was sent may be lost with it. True if that
    /// finished a flush.
    bool on_peer_lost();
    [[nodiscard]] bool idle() const noexcept { return open_.empty(); }

private:
    static void begin_again(PendingFlush& flush);

    bool needs_peer_;
    MakeNonce make_nonce_;
    std::vector<std::shared_ptr<PendingFlush>> open_;
};

}  // namespace weft::fabric
