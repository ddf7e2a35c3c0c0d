#include "fabric/node/relay.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <set>

#include "fabric/node/control.hpp"
#include "fabric/transport/zmq_gate.hpp"
#include "fabric/transport/zmq_listener.hpp"
#include "fabric/transport/zmq_socket.hpp"
#include "signing/topic_glob.hpp"

namespace weft::fabric {
namespace {

/// Messages passed on before the other direction is looked at.
constexpr int messages_per_turn = 256;
constexpr std::size_t topic_bytes_max = 255;
/// Prefixes remembered; as many as a publisher keeps.
constexpr std::size_t upstream_max = 100'000;
constexpr std::chrono::milliseconds idle{1000};

}  // namespace

struct Relay::Core {
    explicit Core(const RelaySettings& settings)
        : gate(settings.curve ? std::make_unique<ZmqGate>(context, settings.curve) : nullptr),
          inbound_side(
              context, zmq::socket_type::xsub,
              [options = settings.socket](zmq::socket_t& socket) {
                  configure(socket, options);
                  // On XSUB the send mark limits subscriptions, silently.
                  socket.set(zmq::sockopt::sndhwm, 0);
              },
              gate.get(), Door::inbound, wake),
          outbound_side(
              context, zmq::socket_type::xpub,
              [options = settings.socket](zmq::socket_t& socket) { configure(socket, options); },
              gate.get(), Door::outbound, wake) {}

    void count(std::atomic<std::uint64_t>& counter) {
        counter.fetch_add(1, std::memory_order_relaxed);
    }

    /// A subscription that goes to every publisher.
    void send_upstream(char action, std::string_view prefix) {
        std::string message(1, action);
        message += prefix;
        send_frame(inbound_side.socket(), zmq::buffer(message), false);
    }

    /// Before anybody can connect: libzmq gives each publisher the subscriptions in byte order, so
    /// the barrier comes last of all.
    void subscribe_upstream() {
        for (const std::string& prefix : upstream) send_upstream('\x01', prefix);
        if (upstream_overflowed) send_upstream('\x01', "");
        send_upstream('\x01', barrier_prefix);
    }

    /// A side is opened anew when somebody on it was cut off (T5).
    void reopen_sides() {
        if (inbound_side.reopened()) subscribe_upstream();
        if (outbound_side.reopened()) {
            // All subscribers are gone, and none of them says so.
            for (const std::string& prefix : upstream) send_upstream('\x00', prefix);
            upstream.clear();
        }
        inbound_side.keep_bound();
        outbound_side.keep_bound();
    }

    /// What must be said again when the inbound side is opened anew. More than this is not kept:
    /// everything is asked for then.
    void keep_upstream(char action, std::string_view prefix) {
        if (!gate) return;
        if (action == 0) {
            upstream.erase(std::string{prefix});
        } else if (upstream.size() < upstream_max) {
            upstream.emplace(prefix);
        } else {
            upstream_overflowed = true;
        }
    }

    void on_message() {
        const std::string_view topic = view(frames.frame[0]);
        if (is_control(topic)) {
            const std::string_view nonce = nonce_of(topic, barrier_prefix);
            if (nonce.empty()) return;
            const std::string echo = std::string{echo_prefix} + std::string{nonce};
            send_upstream('\x01', echo);
            send_upstream('\x00', echo);
            return;
        }
        if (frames.count != 3) return count(not_three_frames);
        if (topic.empty() || topic.size() > topic_bytes_max) return count(topic_invalid);
        count(messages);
        bytes.fetch_add(topic.size() + frames.frame[1].size() + frames.frame[2].size(),
                        std::memory_order_relaxed);
        send_frame(outbound_side.socket(), std::move(frames.frame[0]), true);
        send_frame(outbound_side.socket(), std::move(frames.frame[1]), true);
        send_frame(outbound_side.socket(), std::move(frames.frame[2]), false);
    }

    void on_subscription() {
        const std::string_view body = view(frames.frame[0]);
        if (frames.count != 1 || body.empty() || static_cast<unsigned char>(body[0]) > 1) return;
        const std::string_view prefix = body.substr(1);
        if (is_control(prefix)) {
            if (body[0] == 1 && !nonce_of(prefix, probe_prefix).empty()) {
                send_frames(outbound_side.socket(), prefix, {}, {});
            }
            return;
        }
        if (prefix.size() > topic_bytes_max) return count(subscriptions_too_long);
        // A stranger must not end what others asked for (see SubscriptionEvent::gone); our own
        // subscribers end their subscriptions by leaving.
        if (body[0] == 0 && !peer_of(frames.frame[0]).empty()) return;
        keep_upstream(body[0], prefix);
        send_frame(inbound_side.socket(), zmq::const_buffer(body.data(), body.size()), false);
    }

    /// True if there may be more to do at once.
    bool turn() {
        reopen_sides();
        bool busy = false;
        for (int i = 0; i < messages_per_turn && receive_all(outbound_side.socket(), frames); ++i) {
            on_subscription();
            busy = true;
        }
        for (int i = 0; i < messages_per_turn && receive_all(inbound_side.socket(), frames); ++i) {
            on_message();
            busy = true;
        }
        return busy;
    }

    void wait() {
        std::array<zmq::pollitem_t, 3> items{{{inbound_side.socket().handle(), 0, ZMQ_POLLIN, 0},
                                              {outbound_side.socket().handle(), 0, ZMQ_POLLIN, 0},
                                              {nullptr, wake.fd(), ZMQ_POLLIN, 0}}};
        try {
            zmq::poll(items.data(), items.size(),
                      outbound_side.patience(inbound_side.patience(idle)));
        } catch (const zmq::error_t& error) {
            if (error.num() != EINTR) throw;
            return;
        }
        if ((items[2].revents & ZMQ_POLLIN) != 0) wake.drain();
    }

    zmq::context_t context;
    WakeFd wake;
    std::unique_ptr<ZmqGate> gate;  // before the first bind, or libzmq lets everybody in
    ZmqListener inbound_side, outbound_side;
    std::set<std::string> upstream;  // with a gate: what the publishers were asked for
    bool upstream_overflowed = false;
    ZmqFrames frames;
    std::string inbound, outbound;
    std::atomic<bool> stopping{false};
    std::atomic<std::uint64_t> messages{0}, bytes{0}, not_three_frames{0}, topic_invalid{0},
        subscriptions_too_long{0};
};

tl::expected<std::unique_ptr<Relay>, std::string> Relay::open(const RelaySettings& settings) {
    auto core = std::make_unique<Core>(settings);
    core->subscribe_upstream();
    auto outbound = core->outbound_side.bind(settings.outbound);
    if (!outbound) return tl::make_unexpected(outbound.error());
    auto inbound = core->inbound_side.bind(settings.inbound);
    if (!inbound) return tl::make_unexpected(inbound.error());
    core->inbound = *inbound;
    core->outbound = *outbound;
    return std::unique_ptr<Relay>(new Relay(std::move(core)));
}

Relay::Relay(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Relay::~Relay() = default;

const std::string& Relay::inbound() const noexcept {
    return core_->inbound;
}
const std::string& Relay::outbound() const noexcept {
    return core_->outbound;
}

void Relay::run() {
    while (!core_->stopping.load(std::memory_order_acquire)) {
        if (!core_->turn()) core_->wait();
    }
}

void Relay::stop() noexcept {
    core_->stopping.store(true, std::memory_order_release);
    core_->wake.wake();
}

RelayStats Relay::stats() const noexcept {
    constexpr auto relaxed = std::memory_order_relaxed;
    return {core_->messages.load(relaxed),
            core_->bytes.load(relaxed),
            core_->not_three_frames.load(relaxed),
            core_->topic_invalid.load(relaxed),
            core_->subscriptions_too_long.load(relaxed),
            core_->gate ? core_->gate->stats() : GateStats{}};
}

}  // namespace weft::fabric
