#pragma once
// How messages move: the seam between the nodes and libzmq. The in-process transport serves tests
// and simulations; zmq_transport serves the rest.
//
// A message is three frames: topic, contents, proof. A subscription is a prefix of the topic frame.
// Threads:   a port belongs to the one thread that uses it; only wake() may be called from others.
// Ownership: views that receive() gives live until the next call on that port.

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace weft::fabric {

/// One message as it arrived. `frames` counts all of its frames; the views are filled from the
/// first three. Anything but three is not a message of ours.
struct Arrival {
    std::size_t frames = 0;
    std::string_view topic, contents, proof;
};

struct SubscriptionEvent {
    bool subscribed = false;  ///< False: a subscriber unsubscribed or went away.
    std::string prefix;
    /// It went away. Where strangers may connect only this ends a subscription: libzmq also hands
    /// on the unsubscription of one that never subscribed, so a request proves nothing.
    bool gone = false;
    /// Every subscriber is gone at once, and nothing else is said here: those that may will come
    /// back and subscribe anew.
    bool all_gone = false;
};

class PublishPort {
public:
    virtual ~PublishPort() = default;
    /// To whoever subscribed to a prefix of `topic`; never blocks. What a slow peer's high-water
    /// mark drops is not seen here: receivers find it by its sequence number.
    virtual void send(std::string_view topic, std::string_view contents,
                      std::string_view proof) = 0;
    /// The next thing that subscribers did; false if there is none now.
    virtual bool next_subscription(SubscriptionEvent& event) = 0;
    /// Waits for a subscription, a wake() or the timeout.
    virtual void wait(std::chrono::milliseconds timeout) = 0;
    virtual void wake() = 0;  ///< Any thread.
    /// Where it is bound, with the real port; "" if it connected.
    [[nodiscard]] virtual std::string bound() const = 0;
};

class SubscribePort {
public:
    virtual ~SubscribePort() = default;
    /// Connecting is lazy: a publisher that is not there yet is found when it comes.
    [[nodiscard]] virtual tl::expected<void, std::string> connect(const std::string& endpoint) = 0;
    virtual void disconnect(const std::string& endpoint) = 0;
    virtual void subscribe(std::string_view prefix) = 0;
    virtual void unsubscribe(std::string_view prefix) = 0;
    virtual bool receive(Arrival& arrival) = 0;  ///< False if nothing is there now.
    /// Whom the last arrival came from, as far as the transport knows it: an address, and behind
    /// '#' what tells the connections of one address apart.
    [[nodiscard]] virtual std::string peer() const = 0;
    /// Whether the last arrival came from where `endpoint` leads. True also where that cannot be
    /// told: of two hosts behind names only the port is compared.
    [[nodiscard]] virtual bool may_be_from(const std::string& endpoint) const = 0;
    /// Ends the connection that the last arrival came over. It is made again by itself, over
    /// libzmq after half of `reconnect_after_max` at the earliest; what had come over it and was
    /// not received yet may still come. False if it has ended already, or is none that can end.
    virtual bool hang_up() = 0;
    virtual void wait(std::chrono::milliseconds timeout) = 0;
    virtual void wake() = 0;  ///< Any thread.
};

/// The side that is asked. A request and its answer are three frames, too, and go to one peer.
class AnswerPort {
public:
    virtual ~AnswerPort() = default;
    /// The next request; false if there is none now. `who` is where its answer must go: opaque,
    /// chosen by the peer, good while its connection lives, and no proof of anything. Whoever is
    /// asked drops and counts an arrival that has not three frames.
    virtual bool receive(std::string_view& who, Arrival& arrival) = 0;
    /// Whom the last request came from; see SubscribePort::peer().
    [[nodiscard]] virtual std::string peer() const = 0;
    /// Never blocks. False: nothing was sent, the peer is gone or takes nothing.
    [[nodiscard]] virtual bool send(std::string_view who, std::string_view topic,
                                    std::string_view contents, std::string_view proof) = 0;
    /// Waits for a request, a wake() or the timeout.
    virtual void wait(std::chrono::milliseconds timeout) = 0;
    virtual void wake() = 0;  ///< Any thread.
    /// Where it is bound, with the real port.
    [[nodiscard]] virtual std::string bound() const = 0;
};

/// The side that asks one other. What was under way when a connection ends is lost: who asks
/// waits a while, and asks again.
class RequestPort {
public:
    virtual ~RequestPort() = default;
    /// Once, to one endpoint. Connecting is lazy, and done again when the connection ends.
    [[nodiscard]] virtual tl::expected<void, std::string> connect(const std::string& endpoint) = 0;
    /// Never blocks. False: nothing was sent, nobody is connected or the queue is full.
    [[nodiscard]] virtual bool send(std::string_view topic, std::string_view contents,
                                    std::string_view proof) = 0;
    virtual bool receive(Arrival& arrival) = 0;  ///< False if nothing is there now.
    [[nodiscard]] virtual std::string peer() const = 0;
    virtual void wait(std::chrono::milliseconds timeout) = 0;
    virtual void wake() = 0;  ///< Any thread.
};

class Transport {
public:
    virtual ~Transport() = default;
    /// Binds the first endpoint of the list that is free. The error names every endpoint that was
    /// tried and why it failed.
    [[nodiscard]] virtual tl::expected<std::unique_ptr<PublishPort>, std::string> bind_publisher(
        const std::vector<std::string>& endpoints) = 0;
    /// Publishes through a relay's inbound side.
    [[nodiscard]] virtual tl::expected<std::unique_ptr<PublishPort>, std::string> connect_publisher(
        const std::string& endpoint) = 0;
    [[nodiscard]] virtual tl::expected<std::unique_ptr<SubscribePort>, std::string>
    open_subscriber() = 0;
    /// As bind_publisher(). A transport that carries no requests says so.
    [[nodiscard]] virtual tl::expected<std::unique_ptr<AnswerPort>, std::string> bind_answers(
        const std::vector<std::string>& endpoints);
    [[nodiscard]] virtual tl::expected<std::unique_ptr<RequestPort>, std::string> open_requests();
};

/// Requests and answers that may wait for one peer, each at most frame_bytes_max long. Who asks
/// keeps fewer under way, so that only a peer that does not read loses answers.
inline constexpr int answers_queued_max = 512;

/// A peer that is away is tried again at the latest after this time, and at most twice in it: who
/// comes back knows by when the others are back.
inline constexpr std::chrono::milliseconds reconnect_after_max{1000};
class Curve;

struct ZmqOptions {
    int high_water_mark = 100'000;            ///< Messages (runs) queued per peer.
    std::size_t frame_bytes_max = 9'000'000;  ///< A longer frame costs its sender the connection.
    std::chrono::milliseconds linger{1000};   ///< How long a closing socket hands over its rest.
};

/// libzmq over tcp, ipc and inproc. Every socket that it makes must be gone before it is destroyed.
/// With `curve` every connection over tcp and ipc is encrypted, and only those whose certificates
/// allow it get one: endpoints to connect to must be told to `curve` first (see curve.hpp).
[[nodiscard]] std::unique_ptr<Transport> make_zmq_transport(const ZmqOptions& options,
                                                            std::shared_ptr<Curve> curve = nullptr);

/// Ports of one process, for tests and simulations: names such as "inproc://a" are its own.
/// Delivery is immediate and in order; nothing is lost while a queue holds fewer than
/// `high_water_mark` messages.
[[nodiscard]] std::unique_ptr<Transport> make_memory_transport(
    std::size_t high_water_mark = 100'000);

}  // namespace weft::fabric
