#pragma once
// What a benchmark drives: a publisher and a subscriber side, each run in a process of its own, and
// what stands between them, if anything does.
// Threads: each function runs in a child process of one thread, made by fork before any other
// exists.

#include <cstdint>
#include <filesystem>
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
    std::size_t subscribers = 1;
    std::size_t in_flight = 1;  ///< Where each is answered: how many may wait at a time.
    bool with_latency = false;
};

/// What one subscriber saw. Plain data: it crosses a pipe.
struct Seen {
    std::uint64_t messages = 0;
    double seconds = 0;
    double p50_us = 0, p99_us = 0;
    std::uint64_t refused = 0;  ///< Forgeries, besides the messages.
};

/// Where the two sides of one round meet, and how subscribers say that they are there: a pipe that
/// every child inherits.
class Meeting {
public:
    Meeting(std::string publish, std::string subscribe, std::string flood);
    ~Meeting();
    Meeting(const Meeting&) = delete;
    Meeting& operator=(const Meeting&) = delete;

    const std::string publish_at, subscribe_at;
    const std::string flood_at;                 ///< A further publisher to connect to; "": none.
    void i_am_ready() const;                    ///< A subscriber: what is published now arrives.
    void await_ready(std::size_t count) const;  ///< The publisher; throws after 30 seconds.

private:
    int ends_[2];
};

/// Processes between or beside the two sides, killed with this object.
class Middle {
public:
    explicit Middle(std::vector<int> pids) : pids_(std::move(pids)) {}
    ~Middle();
    Middle(const Middle&) = delete;
    Middle& operator=(const Middle&) = delete;
    std::string publish_at, subscribe_at;
    std::string flood_at;  ///< "": none.

private:
    std::vector<int> pids_;
};

/// One kind of peer. publish() and receive() run in child processes.
class Peer {
public:
    virtual ~Peer() = default;
    [[nodiscard]] virtual std::string name() const = 0;
    /// Null: the subscriber connects to the publisher.
    [[nodiscard]] virtual std::unique_ptr<Middle> middle() const { return nullptr; }
    /// Publishes the load once every subscriber is there, and returns when all was handed over.
    virtual void publish(const Meeting& meeting, const Load& load) const = 0;
    /// Receives until load.messages came, or nothing came for five seconds.
    [[nodiscard]] virtual Seen receive(const Meeting& meeting, const Load& load) const = 0;
};

/// A PUB/SUB pair of bare libzmq: topic frame and body frame, nothing else; `curve`: encrypted.
[[nodiscard]] std::unique_ptr<Peer> raw_zmq(bool curve = false);
/// NATS core through a nats-server of its own, unsigned.
[[nodiscard]] std::unique_ptr<Peer> nats_core();

struct WeftKind {
    std::string name;
    bool is_signed = true;  ///< Signs and validates; else neither.
    bool through_relay = false;
    bool curve = false;           ///< Encrypted; direct only.
    bool beside_stopped = false;  ///< With a second subscriber that subscribes, then stops reading.
    bool beside_slow = false;     ///< With one that reads a kilobyte a second.
    bool beside_flood = false;    ///< With a publisher of forged proofs, as fast as it can; direct.
};
[[nodiscard]] std::unique_ptr<Peer> weft_peer(WeftKind kind, support::SigningFixture& world,
                                              const support::Identity& identity);

/// A publish that one recipient acknowledges, and a NATS request with its reply; see ack_peers.cpp.
[[nodiscard]] std::unique_ptr<Peer> weft_ack(support::SigningFixture& world);
[[nodiscard]] std::unique_ptr<Peer> nats_request();
/// A durable publish, and JetStream's asynchronous one; see durable_peers.cpp. `disk`: where their
/// stores lie.
[[nodiscard]] std::unique_ptr<Peer> weft_durable(support::SigningFixture& world,
                                                 const std::filesystem::path& disk);
[[nodiscard]] std::unique_ptr<Peer> jetstream(const std::filesystem::path& disk);

[[nodiscard]] std::vector<std::string> topics_of(const Load& load);
[[nodiscard]] std::uint16_t free_port();
[[nodiscard]] inline std::string free_endpoint() {
    return "tcp://127.0.0.1:" + std::to_string(free_port());
}
/// Nanoseconds of CLOCK_MONOTONIC, the same in every process of this machine.
[[nodiscard]] std::uint64_t now_ns();
/// Waits, spinning with yield, until message number `index` is due.
void pace(const Load& load, std::uint64_t start_ns, std::uint64_t index);

/// The bodies and topics of a load, in the same order for every kind of peer.
class Source {
public:
    explicit Source(const Load& load);
    /// Waits until message `index` is due and returns its topic; body() is then its body.
    const std::string& next(std::uint64_t index);
    [[nodiscard]] const std::string& body() const noexcept { return body_; }

private:
    const Load load_;
    const std::vector<std::string> topics_;
    std::string body_;
    std::uint64_t random_ = 1, start_ns_ = 0;
};

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
