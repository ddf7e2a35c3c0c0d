#pragma once
// What a benchmark drives: a publisher and a subscriber side, each run in a process of its own.
// Threads: each function runs in a child process of one thread, made by fork before any other
// exists.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/signing_fixture.hpp"

namespace weft::bench {

struct Load {
    std::uint64_t messages = 0;
    std::size_t body_bytes = 256;
    std::uint64_t rate = 0;  ///< Messages a second; 0: as fast as can be.
    std::size_t topics = 1;  ///< More than one: taken at random, so that no runs form.
    bool with_latency = false;
};

/// What the subscriber side saw. Plain data: it crosses a pipe.
struct Seen {
    std::uint64_t messages = 0;
    double seconds = 0;
    double p50_us = 0, p99_us = 0;
};

/// One kind of peer. Both functions run in child processes; `endpoint` is free for this round.
class Peer {
public:
    virtual ~Peer() = default;
    [[nodiscard]] virtual std::string name() const = 0;
    /// Publishes the load once a subscriber is there, and returns when all was handed over.
    virtual void publish(const std::string& endpoint, const Load& load) const = 0;
    /// Receives until load.messages came, or nothing came for five seconds.
    [[nodiscard]] virtual Seen receive(const std::string& endpoint, const Load& load) const = 0;
};

/// A PUB/SUB pair of bare libzmq: topic frame and body frame, nothing else.
[[nodiscard]] std::unique_ptr<Peer> raw_zmq();
/// weft, direct. Signed: signs and validates; else neither.
[[nodiscard]] std::unique_ptr<Peer> weft_direct(bool is_signed, support::SigningFixture& world,
                                                const support::Identity& identity);

[[nodiscard]] std::vector<std::string> topics_of(const Load& load);
/// Nanoseconds of CLOCK_MONOTONIC, the same in every process of this machine.
[[nodiscard]] std::uint64_t now_ns();
/// Waits, spinning with yield, until message number `index` is due.
void pace(const Load& load, std::uint64_t start_ns, std::uint64_t index);

/// Counts arrivals and keeps their latencies. The first 8 bytes of a body are its time of sending
/// where load.with_latency.
class Arrivals {
public:
    explicit Arrivals(const Load& load) : load_(load) {}
    void add(std::string_view body);
    [[nodiscard]] bool complete() const { return count_ >= load_.messages; }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] Seen seen();

private:
    Load load_;
    std::uint64_t count_ = 0, first_ns_ = 0, last_ns_ = 0;
    std::vector<std::uint32_t> latencies_ns_;
};

}  // namespace weft::bench
