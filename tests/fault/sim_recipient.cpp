#include "tests/fault/sim_recipient.hpp"

namespace weft::fault {

using reliability::AckLevel;

SimRecipient::SimRecipient(std::size_t index, std::string name, RecipientHabits habits,
                           MakeResponder make, Schedule& schedule, Bus& bus, Random& random,
                           RecipientOracle& oracle, RunLog& log)
    : index_(index),
      name_(std::move(name)),
      habits_(habits),
      make_(std::move(make)),
      schedule_(schedule),
      bus_(bus),
      random_(random),
      oracle_(oracle),
      log_(log) {
    begin_life();
}

void SimRecipient::begin_life() {
    ++life_;
    steady_offset_ = random_.between(fabric::Instant{0}, std::chrono::hours{1000});
    reliability::ResponderSettings settings;
    settings.name = name_;
    settings.stores = habits_.may_store;
    settings.entries_max = habits_.entries_max;
    settings.grace = std::chrono::duration_cast<std::chrono::microseconds>(habits_.grace);
    responder_ = make_(settings);
}

void SimRecipient::restart() {
    ++log_.figures.restarts;
    log_.trace([&] { return name_ + " is killed and starts again"; });
    queue_.clear();
    working_ = 0;
    begin_life();
}

void SimRecipient::on_message(const Sent& sent) {
    const std::string& content = sent.message->content;
    reliability::AckCall call;
    std::memcpy(&call.time_us, content.data(), sizeof call.time_us);
    reliability::AckRequest request;
    const auto read =
        reliability::decode_request(std::string_view(content).substr(sizeof call.time_us), request);
    if (!read) {
        log_.violation("a request that is right is refused: " + read.error());
        return;
    }
    const bool repeated = !seen_.insert(sent.message->subject.digest).second;
    if (!request.names(name_)) return;
    call.subject = sent.message->subject;
    call.subject.publisher = sent.fingerprint;
    call.publisher = sent.publisher;
    call.level = request.level;
    call.timeout = request.timeout;
    call.repeated = repeated;

    oracle_.asked(name_, call);
    const auto arrived = responder_->on_arrival(call, now());
    log_.trace([&] {
        return name_ + " gets a message of " + sent.publisher + (repeated ? " again" : "") +
               (arrived.deliver ? ", to be delivered" : "");
    });
    say(arrived.ack);
    if (!arrived.deliver) return;
    oracle_.delivered(name_, call);
    hand_to_consumer({request.nonce, request.level == AckLevel::stored});
}

void SimRecipient::hand_to_consumer(const Item& item) {
    if (queue_.size() >= habits_.queue_max) {
        responder_->on_not_queued(item.nonce);
        oracle_.not_queued(name_, item.nonce);
        log_.trace([&] { return name_ + " has no room in its queue"; });
        return;
    }
    queue_.push_back(item);
    oracle_.queued(name_, item.nonce);
    // The consumer's thread may be faster than ours.
    if (random_.permille(300)) start_work();
    say(responder_->on_queued(item.nonce, now()));
    start_work();
}

void SimRecipient::start_work() {
    while (working_ < habits_.workers && !queue_.empty()) {
        const Item item = queue_.front();
        queue_.pop_front();
        const auto start = responder_->may_start(item.nonce, now());
        say(start.ack);
        if (!start.go) continue;
        oracle_.started(name_, item.nonce);
        ++working_;
        schedule_.in(random_.between(fabric::Instant{0}, habits_.work_max),
                     [this, item, life = life_] {
                         if (life == life_) finish(item);
                     });
    }
}

void SimRecipient::finish(const Item& item) {
    --working_;
    if (random_.permille(habits_.rejects_permille)) {
        say(responder_->on_rejected(item.nonce, "no \x1b[1m such thing", now()));
    } else if (random_.permille(habits_.throws_permille)) {
        say(responder_->on_rejected(item.nonce, "the handler threw: disk full", now()));
    } else if (item.to_store) {
        oracle_.stored(name_, item.nonce);
        say(responder_->on_stored(item.nonce, now()));
    } else {
        oracle_.returned(name_, item.nonce);
        say(responder_->on_processed(item.nonce, now()));
    }
    start_work();
}

void SimRecipient::say(const std::optional<reliability::Ack>& ack) {
    if (!ack) return;
    oracle_.says(name_, *ack);
    log_.trace([&] { return name_ + " says \"" + std::string(name_of(ack->level)) + "\""; });
    const std::string body = reliability::encode_statement(responder_->real().statement_of(*ack));
    bus_.acknowledge(index_,
                     {ack->publisher, body, name_, habits_.may_acknowledge, habits_.may_store});
}

void SimRecipient::end() {
    responder_->expire(now().steady + std::chrono::hours{1});
    if (responder_->real().entries() > 0) {
        log_.violation(name_ + " remembers " + std::to_string(responder_->real().entries()) +
                       " messages, though all have expired");
    }
}

}  // namespace weft::fault
