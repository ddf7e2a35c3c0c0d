#include "gateway/esub/cluster/owner_desk.hpp"

#include <utility>

#include "gateway/esub/answers.hpp"
#include "gateway/esub/cluster/fabric_headers.hpp"
#include "reliability/ack/request.hpp"

namespace weft::gateway::esub {
namespace {

using reliability::Delivery;

/// It asks somebody, and not us, to do something about it.
bool is_for_others(const Delivery& delivery) {
    const fabric::Message& message = delivery.message();
    if (delivery.asked() || message.ack_request().empty()) return false;
    reliability::AckRequest request;
    if (!reliability::decode_request(message.ack_request(), request)) return true;
    return request.level != reliability::AckLevel::stored;
}

void tell(const Delivery& delivery, Verdict verdict) {
    if (verdict == Verdict::delivered) return delivery.ack();
    delivery.reject(words_of(verdict).text);
}

Waiters::Reply reply_of(const fabric::Message& message, std::string key) {
    Waiters::Reply reply;
    reply.key = std::move(key);
    reply.token = std::string{message.header(headers::token).value_or("")};
    if (const auto hash = message.header(headers::token_hash)) reply.hash = std::string{*hash};
    reply.psub_only = message.header(headers::psub).value_or("") == "1";
    return reply;
}

}  // namespace

/// Shared with verdicts that come when the desk is gone.
struct OwnerDesk::Core : std::enable_shared_from_this<OwnerDesk::Core> {
    Core(fabric::Fabric& fabric, KeyTopics the_topics, Waiters& the_waiters)
        : clock(fabric.clock()), topics(std::move(the_topics)), waiters(the_waiters) {}

    void on_delivery(const Delivery& delivery) {
        const fabric::Message& message = delivery.message();
        if (message.header(headers::kept) || message.header(headers::consumed)) {
            return delivery.reject("what is kept is not delivered");
        }
        if (is_for_others(delivery)) {
            ++for_others;
            return;
        }
        auto key = topics.key_of(message.topic());
        if (!key) return delivery.reject("its topic is no key of esub");
        const Waiters::Reply reply = reply_of(message, std::move(*key));
        if (const auto claim = message.header(headers::claim)) {
            // Said to one gateway by name, or to nobody.
            if (!delivery.asked()) return;
            ++claims;
            return tell(delivery,
                        waiters.release(*claim == "psub" ? Kind::psub : Kind::sub, reply));
        }
        const auto rid = message.header(headers::rid);
        if (!rid || !delivery.asked()) return deliver(reply, message, {}, delivery);
        std::string number = std::string{message.signer()} + " " + std::string{*rid};
        RidMemory<Delivery>::Begun begun;
        {
            const std::scoped_lock lock(mutex);
            begun = rids.begin(number, delivery, clock.steady());
        }
        using State = RidMemory<Delivery>::State;
        if (begun.state == State::done) return tell(delivery, begun.verdict);
        if (begun.state == State::full) return delivery.reject("too many replies are on their way");
        if (begun.state == State::fresh) deliver(reply, message, std::move(number), delivery);
    }

    void deliver(const Waiters::Reply& reply, const fabric::Message& message, std::string rid,
                 const Delivery& delivery) {
        waiters.deliver(reply, std::string{message.body()},
                        [self = shared_from_this(), rid = std::move(rid), delivery](Told told) {
                            self->done(rid, delivery, told);
                        });
    }

    void done(const std::string& rid, const Delivery& delivery, Verdict verdict) {
        ++(verdict == Verdict::delivered ? delivered : refused);
        if (rid.empty()) return tell(delivery, verdict);
        std::vector<Delivery> askers;
        {
            const std::scoped_lock lock(mutex);
            askers = rids.finish(rid, verdict, clock.steady());
        }
        for (const Delivery& asker : askers) tell(asker, verdict);
    }

    const fabric::Clock& clock;
    const KeyTopics topics;
    Waiters& waiters;
    std::atomic<std::uint64_t> delivered{0}, refused{0}, claims{0}, for_others{0};
    std::mutex mutex;  // guards rids
    RidMemory<Delivery> rids;
};

OwnerDesk::OwnerDesk(fabric::Fabric& fabric, const KeyTopics& topics, Waiters& waiters)
    : core_(std::make_shared<Core>(fabric, topics, waiters)) {
    reliability::ConsumerOptions options;
    options.automatic = false;
    options.leaves_stored = true;
    options.kind = "esub";
    consumer_ = std::make_unique<reliability::AckConsumer>(
        fabric, std::vector{topics.glob()},
        [core = core_](const Delivery& delivery) { core->on_delivery(delivery); },
        std::move(options));
}

OwnerDesk::~OwnerDesk() {
    stop();
}

void OwnerDesk::stop() {
    consumer_->stop();
}

OwnerDeskStats OwnerDesk::stats() const {
    return {core_->delivered, core_->refused, core_->claims, core_->for_others};
}

}  // namespace weft::gateway::esub
