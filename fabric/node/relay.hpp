#pragma once
// The meeting point for those who cannot bind a port: publishers connect to its inbound side,
// subscribers to its outbound side. It passes on the very bytes it got, and only what somebody
// subscribed to; it can read nothing into them and change nothing unnoticed, since receivers
// verify.
//
// Threads: run() in one thread; stop(), stats() and bound endpoints from any, stop() also from a
//          signal handler.
// Limits:  a frame larger than frame_bytes_max costs its sender the connection; messages for a slow
//          subscriber beyond the high-water mark are dropped by libzmq, and seen by the receiver as
//          a gap in the sequence.
// With CURVE: when somebody who was let in may no longer be there, its side is opened anew on the
//          same endpoint. Everybody else comes back within a fraction of a second; what was queued
//          for them is lost, as with any connection that breaks.

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "fabric/transport/curve.hpp"
#include "fabric/transport/gate_stats.hpp"
#include "fabric/transport/transport.hpp"

namespace weft::fabric {

struct RelaySettings {
    std::string inbound, outbound;  ///< Endpoints to bind; tcp://host:0 takes a free port.
    ZmqOptions socket;
    std::shared_ptr<Curve> curve{};  ///< Null: no CURVE. Else only who may is let in (N1).
};

struct RelayStats {
    std::uint64_t messages = 0, bytes = 0;                  ///< ZeroMQ messages (runs) passed on.
    std::uint64_t not_three_frames = 0, topic_invalid = 0;  ///< Dropped.
    std::uint64_t subscriptions_too_long = 0;               ///< Not passed on.
    GateStats gate;                                         ///< With CURVE: who was let in.
};

class Relay {
public:
    /// Binds both sides. The error names the endpoint and, for a port in use, who has it.
    [[nodiscard]] static tl::expected<std::unique_ptr<Relay>, std::string> open(
        const RelaySettings& settings);
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    [[nodiscard]] const std::string& inbound() const noexcept;  ///< With the real port.
    [[nodiscard]] const std::string& outbound() const noexcept;
    void run();  ///< Until stop().
    void stop() noexcept;
    [[nodiscard]] RelayStats stats() const noexcept;

private:
    struct Core;
    explicit Relay(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace weft::fabric
