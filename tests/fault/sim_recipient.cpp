#include "tests/fault/sim_recipient.hpp"

namespace weft::fault {

using reliability::AckLevel;
using reliability::Nonce;

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
    settings.entries_max = habits_.entries_max;
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
    if (request.level == AckLevel::stored && habits_.may_store) {
        store(call);
        return;
    }
    const auto arrived = responder_->on_arrival(call, now());
    log_.trace([&] {
        return name_ + " gets a message of " + sent.publisher + (repeated ? " again" : "") +
               (arrived.deliver ? ", to be delivered" : "");
    });
    say(arrived.ack);
    if (!arrived.deliver) return;
    oracle_.delivered(name_, call);
    hand_to_consumer(request.nonce);
}

/// A journal, which writes for a while, and knows what it has written.
void SimRecipient::store(const reliability::AckCall& call) {
    const auto written = [this, subject = call.subject, publisher = std::string(call.publisher),
                          level = call.level] {
        reliability::AckCall done;
        done.subject = subject;
        done.publisher = publisher;
        done.level = level;
        on_disk_.insert(subject.nonce);
        oracle_.stored(name_, done);
        say(reliability::Ack{publisher, AckLevel::stored, "", subject});
    };
    if (on_disk_.contains(call.subject.nonce)) {
        written();
        return;
    }
    schedule_.in(random_.between(fabric::Instant{0}, habits_.work_max),
                 [this, written, life = life_] {
                     if (life == life_) written();
                 });
}

void SimRecipient::hand_to_consumer(const Nonce& nonce) {
    if (queue_.size() >= habits_.queue_max) {
        responder_->on_not_queued(nonce);
        oracle_.not_queued(name_, nonce);
        log_.trace([&] { return name_ + " has no room in its queue"; });
        return;
    }
    queue_.push_back(nonce);
    oracle_.queued(name_, nonce);
    say(responder_->on_queued(nonce, now()));
    start_work();
}

void SimRecipient::start_work() {
    while (working_ < habits_.workers && !queue_.empty()) {
        const Nonce nonce = queue_.front();
        queue_.pop_front();
        const auto start = responder_->may_start(nonce, now());
        say(start.ack);
        if (!start.go) continue;
        oracle_.started(name_, nonce);
        ++working_;
        schedule_.in(random_.between(fabric::Instant{0}, habits_.work_max),
                     [this, nonce, life = life_] {
                         if (life == life_) finish(nonce);
                     });
    }
}

void SimRecipient::finish(const Nonce& nonce) {
    --working_;
    if (random_.permille(habits_.rejects_permille)) {
        say(responder_->on_rejected(nonce, "no \x1b[1m such thing", now()));
    } else if (random_.permille(habits_.throws_permille)) {
        say(responder_->on_rejected(nonce, "the handler threw: disk full", now()));
    } else {
        oracle_.returned(name_, nonce);
        say(responder_->on_processed(nonce, now()));
    }
    start_work();
}

void SimRecipient::say(const std::optional<reliability::Ack>& ack) {
    if (!ack) return;
    oracle_.says(name_, *ack);
    log_.trace([&] { return name_ + " says \"" + std::string(name_of(ack->level)) + "\""; });
    const std::string body =
        reliability::encode_statement({name_, ack->level, ack->reason, ack->subject});
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
