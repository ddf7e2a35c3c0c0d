#include "reliability/ack_consumer.hpp"

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <stop_token>
#include <thread>

#include "fabric/node/current_message.hpp"
#include "reliability/ack/request.hpp"
#include "reliability/ack/statement.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability {
namespace {

using fabric::Instant;
using fabric::Message;
using std::chrono::milliseconds;

/// How often what nobody asks for any more is forgotten.
constexpr milliseconds expire_every{1000};

}  // namespace

/// What speaks for us: the responder and the way to a publisher's ACK topic. Any thread.
struct Delivery::Voice {
    Voice(fabric::Fabric& the_fabric, ResponderSettings settings)
        : fabric(the_fabric),
          publisher(fabric.publisher()),
          clock(fabric.clock()),
          ack_root(fabric.settings().space.ack_root()),
          responder(std::move(settings)) {}

    [[nodiscard]] Now now() const { return {clock.steady(), clock.utc_us()}; }

    /// Asks the responder under the lock, publishes what it gives outside of it.
    template <class Ask>
    void say(const Ask& ask) {
        // The fabric may go away as soon as close() returned.
        const std::shared_lock open(closing);
        if (closed) return;
        std::optional<Ack> ack;
        {
            const std::scoped_lock lock(mutex);
            ack = ask(responder);
        }
        send(ack);
    }

    void close() {
        const std::scoped_lock lock(closing);
        closed = true;
    }

    void send(const std::optional<Ack>& ack) {
        if (!ack) return;
        fabric::PublishOptions options;
        options.kind = signing::Kind::ack;
        options.room_timeout = milliseconds{0};
        const std::string body = encode_statement(responder.statement_of(*ack));
        const auto sent = publisher.try_publish(ack_root + ack->publisher, {body, ""}, options);
        if (sent) return;
        {
            const std::scoped_lock lock(mutex);
            ++acks_not_sent;
            if (said_not_sent == sent.error().sentence) return;
            said_not_sent = sent.error().sentence;
        }
        fabric.warn("an acknowledgement for " + ack->publisher +
                    " could not be sent (it will be asked for again): " + sent.error().sentence);
    }

    fabric::Fabric& fabric;
    fabric::Publisher& publisher;
    const fabric::Clock& clock;
    const std::string ack_root;
    std::mutex mutex;        // guards what follows
    AckResponder responder;  // statement_of() needs no lock: our name never changes
    std::uint64_t acks_not_sent = 0;
    std::string said_not_sent;

    std::shared_mutex closing;  // held by whoever speaks
    bool closed = false;
};

void Delivery::ack() const {
    if (!asked_ || *asked_ == AckLevel::received) return;
    if (const auto voice = voice_.lock()) {
        voice->say(
            [&](AckResponder& responder) { return responder.on_processed(nonce_, voice->now()); });
    }
}

void Delivery::reject(std::string_view reason) const {
    if (!asked_) return;
    if (const auto voice = voice_.lock()) {
        voice->say([&](AckResponder& responder) {
            return responder.on_rejected(nonce_, reason, voice->now());
        });
    }
}

struct AckConsumer::Core {
    Core(fabric::Fabric& the_fabric, const std::vector<std::string>& globs, Handler the_handler,
         ConsumerOptions the_options)
        : fabric(the_fabric), handler(std::move(the_handler)), options(std::move(the_options)) {
        require();
        if (options.queue_max == 0) {
            options.queue_max = static_cast<std::size_t>(fabric.settings().high_water_mark);
        }
        ResponderSettings settings;
        settings.name = fabric.settings().name;
        settings.clock_skew = options.clock_skew;
        voice = std::make_shared<Delivery::Voice>(fabric, std::move(settings));
        if (std::string why = voice->publisher.signer_refusal(signing::Kind::ack); !why.empty()) {
            throw fabric::OpenFailed("acknowledging: " + why);
        }
        fabric::SubscriberHooks hooks;
        hooks.deliver = [this](const Message& message) { on_message(message, false); };
        hooks.repeated = [this](const Message& message) { on_message(message, true); };
        hooks.pause = [this] { arrived_.notify_one(); };
        hooks.refused = options.refused;
        hooks.gap = options.gap;
        subscriber = fabric.subscribe(globs, std::move(hooks));
        worker = std::jthread([this](const std::stop_token& stop) { work(stop); });
    }

    /// D2: who does not verify says nothing.
    void require() const {
        if (!fabric.signing_settings().validate) {
            throw fabric::OpenFailed(
                "acknowledging needs signing.validate: true; an ACK for a message that nobody "
                "verified would be a lie");
        }
        if (!fabric.signing_settings().sign) {
            throw fabric::OpenFailed(
                "acknowledging needs signing.sign: true; publishers count signed ACKs only");
        }
    }

    // The subscriber's thread.

    void on_message(const Message& message, bool repeated) {
        AckRequest request;
        if (!asks_us(message, request)) {
            if (!repeated) static_cast<void>(enqueue({message, {}, {}, voice}));
            return;
        }
        const AckCall call{{message.id(), message.digest(), message.certificate()->fingerprint(),
                            request.nonce, message.epoch()},
                           message.signer(),
                           request.level,
                           request.timeout,
                           message.time_us(),
                           repeated};
        std::optional<Ack> ack;
        {
            // The worker may be faster than on_queued(): the responder can bear that.
            const std::scoped_lock lock(voice->mutex);
            auto arrived = voice->responder.on_arrival(call, voice->now());
            ack = std::move(arrived.ack);
            if (arrived.deliver && enqueue({message, request.level, request.nonce, voice})) {
                ack = voice->responder.on_queued(request.nonce, voice->now());
            } else if (arrived.deliver) {
                voice->responder.on_not_queued(request.nonce);
            }
        }
        voice->send(ack);
    }

    bool asks_us(const Message& message, AckRequest& request) {
        if (message.ack_request().empty() || !message.certificate()) return false;
        if (decode_request(message.ack_request(), request)) {
            return request.names(fabric.settings().name);
        }
        const std::scoped_lock lock(mutex);
        ++stats.requests_malformed;
        return false;
    }

    /// The worker is woken by the pause that follows.
    bool enqueue(Delivery delivery) {
        const std::scoped_lock lock(mutex);
        if (queue.size() >= options.queue_max) {
            ++stats.dropped;
            return false;
        }
        queue.push_back(std::move(delivery));
        return true;
    }

    // The worker's thread.

    void work(const std::stop_token& stop) {
        Instant next_expiry = voice->clock.steady() + expire_every;
        while (true) {
            std::optional<Delivery> delivery;
            {
                std::unique_lock lock(mutex);
                arrived_.wait_for(lock, stop, expire_every, [this] { return !queue.empty(); });
                if (stop.stop_requested() && (queue.empty() || give_up)) break;
                if (!queue.empty()) {
                    delivery = std::move(queue.front());
                    queue.pop_front();
                }
            }
            if (delivery) handle(*delivery);
            const Instant now = voice->clock.steady();
            if (now < next_expiry) continue;
            next_expiry = now + expire_every;
            const std::scoped_lock lock(voice->mutex);
            voice->responder.expire(now);
        }
        const std::scoped_lock lock(mutex);
        stats.left = queue.size();
        queue.clear();
        done = true;
        arrived_.notify_all();
    }

    void handle(const Delivery& delivery) {
        // Who only asked for `received` has been told, and is started in any case.
        if (delivery.asked() && *delivery.asked() != AckLevel::received) {
            AckResponder::Start start;
            {
                const std::scoped_lock lock(voice->mutex);
                start = voice->responder.may_start(delivery.nonce_, voice->now());
            }
            voice->send(start.ack);
            if (!start.go) return;
        }
        std::string error;
        try {
            {
                const fabric::CurrentMessage current(delivery.message().id());
                handler(delivery);
            }
            if (options.automatic) delivery.ack();
            const std::scoped_lock lock(mutex);
            ++stats.handled;
            return;
        } catch (const std::exception& thrown) {
            error = thrown.what();
        } catch (...) {
            error = "something that is no std::exception";
        }
        delivery.reject("the consumer failed: " + error);
        fabric.warn("the consumer of " + std::string{delivery.message().topic()} +
                    " threw at message " + delivery.message().id().text() + ": " +
                    signing::escape(error));
        const std::scoped_lock lock(mutex);
        ++stats.failed;
    }

    void stop(milliseconds drain) {
        if (stopped) return;
        stopped = true;
        subscriber->stop();
        worker.request_stop();
        {
            std::unique_lock lock(mutex);
            arrived_.wait_for(lock, drain, [this] { return done; });
            give_up = true;
        }
        arrived_.notify_all();
        worker.join();
        voice->close();
    }

    fabric::Fabric& fabric;
    const Handler handler;
    ConsumerOptions options;
    std::shared_ptr<Delivery::Voice> voice;

    mutable std::mutex mutex;  // guards what follows; the voice's is taken before it, if at all
    std::condition_variable_any arrived_;
    std::deque<Delivery> queue;
    ConsumerStats stats;
    bool give_up = false, done = false;

    bool stopped = false;  // of whoever owns the consumer
    std::unique_ptr<fabric::Subscriber> subscriber;
    std::jthread worker;
};

AckConsumer::AckConsumer(fabric::Fabric& fabric, const std::vector<std::string>& globs,
                         Handler handler, ConsumerOptions options)
    : core_(std::make_unique<Core>(fabric, globs, std::move(handler), std::move(options))) {}

AckConsumer::~AckConsumer() {
    stop();
}

fabric::ReadyResult AckConsumer::wait_ready(milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    fabric::ReadyResult result = core_->subscriber->wait_ready(timeout);
    const bool relay = core_->fabric.settings().mode == fabric::Settings::Mode::relay;
    if (!result.ready || !relay) return result;
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (core_->voice->publisher.wait_for_peer(std::max(left, milliseconds{0}))) return result;
    result.ready = false;
    result.sentence = "acknowledgements cannot leave: the relay at " +
                      core_->voice->publisher.settings().relay_inbound + " did not answer within " +
                      std::to_string(timeout.count()) + " ms; it is tried again and again";
    return result;
}

void AckConsumer::stop(milliseconds drain) {
    core_->stop(drain);
}

ConsumerStats AckConsumer::stats() const {
    ConsumerStats stats;
    {
        const std::scoped_lock lock(core_->mutex);
        stats = core_->stats;
    }
    {
        const std::scoped_lock lock(core_->voice->mutex);
        stats.responder = core_->voice->responder.stats();
        stats.acks_not_sent = core_->voice->acks_not_sent;
    }
    stats.subscriber = core_->subscriber->stats();
    return stats;
}

}  // namespace weft::reliability
