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
//          a gap in the sequence. A connection's subscriptions are limited
//          (subscription_books.hpp).
// With CURVE: when somebody who was let in may no longer be there, its side is opened anew on the
//          same endpoint. Everybody else comes back within a fraction of a second; what was queued
//          for them is lost, as with any connection that breaks.

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "fabric/node/subscription_books.hpp"
#include "fabric/transport/curve.hpp"
#include "fabric/transport/gate_stats.hpp"
#include "fabric/transport/transport.hpp"

namespace weft::fabric {

struct RelaySettings {
    std::string inbound, outbound;  ///< Endpoints to bind; tcp://host:0 takes a free port.
    ZmqOptions socket;
    SubscriptionBooks::Limits subscriptions{};
    /// Barriers and probes answered in a second, each; what exceeds it is counted.
    std::uint32_t controls_per_second = 10'000;
    std::shared_ptr<Curve> curve{};  ///< Null: no CURVE. Else only who may is let in (N1).
};

struct RelayStats {
    std::uint64_t messages = 0, bytes = 0;                  ///< ZeroMQ messages (runs) passed on.
    std::uint64_t not_three_frames = 0, topic_invalid = 0;  ///< Dropped.
    std::uint64_t subscriptions_too_long = 0;               ///< Not passed on.
    std::uint64_t subscriptions_over_limit = 0;             ///< Of a connection that has too many.
    std::uint64_t connections_ended = 0;                    ///< They went on subscribing beyond it.
    std::uint64_t asked_for_everything = 0;  ///< 1: too many different prefixes are wanted.
    std::uint64_t barriers_over_limit = 0, probes_over_limit = 0;  ///< Not answered.
    std::uint64_t control_malformed = 0, subscriptions_malformed = 0;
    std::uint64_t handshakes_failed = 0;      ///< Noise, or a peer that was gone too early.
    std::uint64_t accepts_failed = 0;         ///< Such as no descriptor left.
    std::uint64_t subscriptions_of_gone = 0;  ///< Read after their connection had ended.
    GateStats gate;                           ///< With CURVE: who was let in.
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
