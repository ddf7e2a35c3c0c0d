#include "reliability/ack_consumer.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <thread>

#include "fabric/node/current_message.hpp"
#include "reliability/ack_voice.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability {
namespace {

using fabric::Instant;
using fabric::Message;
using std::chrono::milliseconds;

/// How often what nobody asks for any more is forgotten.
constexpr milliseconds expire_every{1000};

}  // namespace

void Delivery::ack() const {
    if (!asked_) return;
    if (const auto voice = voice_.lock()) {
        voice->say([&](AckResponder& responder) {
            // Where it has been said already nothing is given.
            return *asked_ == AckLevel::received ? responder.on_queued(nonce_, voice->now())
                                                 : responder.on_processed(nonce_, voice->now());
        });
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
        if (options.queue_max == 0) {
            options.queue_max = static_cast<std::size_t>(fabric.settings().high_water_mark);
        }
        ResponderSettings settings;
        settings.name = fabric.settings().name;
        settings.clock_skew = options.clock_skew;
        voice = std::make_shared<AckVoice>(fabric, std::move(settings));
        fabric::SubscriberHooks hooks;
        hooks.deliver = [this](const Message& message) { on_message(message, false); };
        hooks.repeated = [this](const Message& message) { on_message(message, true); };
        hooks.pause = [this] { arrived_.notify_one(); };
        hooks.refused = options.refused;
        hooks.gap = options.gap;
        subscriber =
            std::make_unique<RepairingSubscriber>(fabric, globs, std::move(hooks), options.repair,
                                                  fabric::SubscribeOptions{.kind = options.kind});
        worker = std::jthread([this](const std::stop_token& stop) { work(stop); });
    }

    // The subscriber's threads, one at a time.

    void on_message(const Message& message, bool repeated) {
        std::optional<AckRequest> request = voice->request_of(message);
        if (request && options.leaves_stored && request->level == AckLevel::stored) {
            request.reset();
        }
        if (!request) {
            if (!repeated) static_cast<void>(enqueue({message, {}, {}, voice}));
            return;
        }
        const AckCall call = AckVoice::call_of(message, *request, repeated);
        // The worker may be faster than on_queued(): the responder can bear that.
        voice->send(voice->with([&](AckResponder& responder) {
            auto arrived = responder.on_arrival(call, voice->now());
            if (arrived.deliver && enqueue({message, request->level, request->nonce, voice})) {
                if (!options.says_received && request->level == AckLevel::received) {
                    return std::optional<Ack>{};
                }
                return responder.on_queued(request->nonce, voice->now());
            }
            if (arrived.deliver) responder.on_not_queued(request->nonce);
            return std::move(arrived.ack);
        }));
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
        Instant next_expiry = voice->clock().steady() + expire_every;
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
            const Instant now = voice->clock().steady();
            if (now < next_expiry) continue;
            next_expiry = now + expire_every;
            voice->with([&](AckResponder& responder) { responder.expire(now); });
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
            const AckResponder::Start start = voice->with([&](AckResponder& responder) {
                return responder.may_start(delivery.nonce_, voice->now());
            });
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
    std::shared_ptr<AckVoice> voice;

    mutable std::mutex mutex;  // guards what follows; the voice's is taken before it, if at all
    std::condition_variable_any arrived_;
    std::deque<Delivery> queue;
    ConsumerStats stats;
    bool give_up = false, done = false;

    bool stopped = false;  // of whoever owns the consumer
    std::unique_ptr<RepairingSubscriber> subscriber;
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
    return core_->voice->wait_ready(core_->subscriber->wait_ready(timeout), deadline);
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
    const AckVoice::Stats voice = core_->voice->stats();
    stats.responder = voice.responder;
    stats.acks_not_sent = voice.acks_not_sent;
    stats.requests_malformed = voice.requests_malformed;
    stats.repairing = core_->subscriber->stats();
    stats.subscriber = stats.repairing.received;
    return stats;
}

}  // namespace weft::reliability
