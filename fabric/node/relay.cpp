#include "fabric/node/relay.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <unordered_map>

#include "fabric/node/control.hpp"
#include "fabric/node/control_budget.hpp"
#include "fabric/transport/clock.hpp"
#include "fabric/transport/zmq_connection.hpp"
#include "fabric/transport/zmq_gate.hpp"
#include "fabric/transport/zmq_listener.hpp"
#include "fabric/transport/zmq_monitor.hpp"
#include "fabric/transport/zmq_socket.hpp"
#include "signing/topic_glob.hpp"

namespace weft::fabric {
namespace {

/// Messages passed on before the other direction is looked at.
constexpr int messages_per_turn = 256;
constexpr std::size_t topic_bytes_max = 255;
/// Between two looks at which connections are gone.
constexpr std::chrono::seconds between_sweeps{1};
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
              [options = settings.socket](zmq::socket_t& socket) {
                  configure(socket, options);
                  // Each subscription of each connection is seen, for its books.
                  socket.set(zmq::sockopt::xpub_verbose, true);
                  socket.set(zmq::sockopt::maxmsgsize, subscription_frame_bytes_max);
              },
              gate.get(), Door::outbound, wake),
          books(settings.subscriptions),
          barriers(settings.controls_per_second),
          probes(settings.controls_per_second) {
        watch(inbound_monitor, inbound_side);
        watch(outbound_monitor, outbound_side);
    }

    /// A socket that was opened anew needs a monitor of its own.
    void watch(std::unique_ptr<ConnectionMonitor>& monitor, ZmqListener& side) {
        monitor.reset();
        monitor = std::make_unique<ConnectionMonitor>(context, side.socket());
    }

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
        for (const std::string& prefix : books.prefixes()) send_upstream('\x01', prefix);
        if (books.asks_for_everything()) send_upstream('\x01', "");
        send_upstream('\x01', barrier_prefix);
    }

    /// A side is opened anew when somebody on it was cut off (T5).
    void reopen_sides() {
        if (inbound_side.reopened()) {
            watch(inbound_monitor, inbound_side);
            subscribe_upstream();
        }
        if (outbound_side.reopened()) {
            watch(outbound_monitor, outbound_side);
            // All subscribers are gone, and none of them says so.
            for (const std::string& prefix : books.prefixes()) send_upstream('\x00', prefix);
            if (books.asks_for_everything()) send_upstream('\x00', "");
            books.clear();
            connections.clear();
        }
        inbound_side.keep_bound();
        outbound_side.keep_bound();
    }

    void on_message() {
        const std::string_view topic = view(frames.frame[0]);
        if (is_control(topic)) {
            const std::string_view nonce = nonce_of(topic, barrier_prefix);
            if (nonce.empty()) return count(control_malformed);
            if (!barriers.take(clock.steady())) return count(barriers_over_limit);
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
        if (frames.count != 1 || body.empty() || static_cast<unsigned char>(body[0]) > 1) {
            return count(subscriptions_malformed);
        }
        const std::string_view prefix = body.substr(1);
        if (prefix.size() > topic_bytes_max) {
            if (body[0] == 1) count(subscriptions_too_long);
            return;
        }
        const Connection from = connection_of(frames.frame[0]);
        // It has gone since; libzmq will say that nobody has the prefix, if that is so.
        if (from.id == 0 && !peer_of(frames.frame[0]).empty()) return count(subscriptions_of_gone);
        if (body[0] == 1) return on_subscribe(from, prefix);
        if (books.on_unsubscribe(from.id, prefix)) send_upstream('\x00', prefix);
    }

    void on_subscribe(const Connection& from, std::string_view prefix) {
        if (from.id != 0) connections[from.id] = from.fd;
        using Verdict = SubscriptionBooks::Verdict;
        switch (books.on_subscribe(from.id, prefix, !is_control(prefix))) {
            case Verdict::pass_on:
                return send_upstream('\x01', prefix);
            case Verdict::pass_everything:
                count(asked_for_everything);
                return send_upstream('\x01', "");
            case Verdict::end_connection:
                count(subscriptions_over_limit);
                end_connection(from);
                return count(connections_ended);
            case Verdict::refused:
                return count(subscriptions_over_limit);
            case Verdict::known:
                break;
        }
        if (nonce_of(prefix, probe_prefix).empty()) return;
        if (!probes.take(clock.steady())) return count(probes_over_limit);
        send_frames(outbound_side.socket(), prefix, {}, {});
    }

    void look_at_handshakes() {
        for (ConnectionMonitor* monitor : {inbound_monitor.get(), outbound_monitor.get()}) {
            const auto counts = monitor->drain();
            handshakes_failed.fetch_add(counts.handshakes_failed, std::memory_order_relaxed);
            accepts_failed.fetch_add(counts.accepts_failed, std::memory_order_relaxed);
        }
    }

    /// Connections that have ended are asked of the kernel: libzmq does not tell.
    void sweep() {
        const Instant now = clock.steady();
        if (now < next_sweep) return;
        next_sweep = now + between_sweeps;
        std::erase_if(connections, [this](const auto& entry) {
            if (is_open({entry.first, entry.second})) return false;
            books.on_connection_gone(entry.first);
            return true;
        });
    }

    /// True if there may be more to do at once.
    bool turn() {
        reopen_sides();
        bool busy = false;
        sweep();
        look_at_handshakes();
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
        std::array<zmq::pollitem_t, 5> items{{{inbound_side.socket().handle(), 0, ZMQ_POLLIN, 0},
                                              {outbound_side.socket().handle(), 0, ZMQ_POLLIN, 0},
                                              {nullptr, wake.fd(), ZMQ_POLLIN, 0},
                                              {inbound_monitor->handle(), 0, ZMQ_POLLIN, 0},
                                              {outbound_monitor->handle(), 0, ZMQ_POLLIN, 0}}};
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
    std::unique_ptr<ConnectionMonitor> inbound_monitor, outbound_monitor;
    ZmqFrames frames;
    SystemClock clock;
    SubscriptionBooks books;
    std::unordered_map<std::uint64_t, int> connections;  // id to descriptor, of subscribers
    Instant next_sweep{};
    ControlBudget barriers, probes;
    std::string inbound, outbound;
    std::atomic<bool> stopping{false};
    std::atomic<std::uint64_t> messages{0}, bytes{0}, not_three_frames{0}, topic_invalid{0},
        subscriptions_too_long{0}, subscriptions_over_limit{0}, connections_ended{0},
        asked_for_everything{0}, subscriptions_of_gone{0}, handshakes_failed{0}, accepts_failed{0},
        barriers_over_limit{0}, probes_over_limit{0}, control_malformed{0},
        subscriptions_malformed{0};
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
            core_->subscriptions_over_limit.load(relaxed),
            core_->connections_ended.load(relaxed),
            core_->asked_for_everything.load(relaxed),
            core_->barriers_over_limit.load(relaxed),
            core_->probes_over_limit.load(relaxed),
            core_->control_malformed.load(relaxed),
            core_->subscriptions_malformed.load(relaxed),
            core_->handshakes_failed.load(relaxed),
            core_->accepts_failed.load(relaxed),
            core_->subscriptions_of_gone.load(relaxed),
            core_->gate ? core_->gate->stats() : GateStats{}};
}

}  // namespace weft::fabric
