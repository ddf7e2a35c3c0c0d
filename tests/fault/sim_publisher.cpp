#include "tests/fault/sim_publisher.hpp"

#include <algorithm>

namespace weft::fault {
namespace {

using reliability::AckLevel;
using reliability::AckTracker;
using reliability::SentMessage;

class PublishWaiter final : public reliability::Waiter {
public:
    explicit PublishWaiter(std::uint64_t number_) : number(number_) {}
    std::uint64_t number;
};

AckLevel some_level(Random& random, bool journals) {
    const std::uint64_t chance = random.below(100);
    if (chance < 40) return AckLevel::received;
    return chance < 85 || !journals ? AckLevel::processed : AckLevel::stored;
}

}  // namespace

SimPublisher::SimPublisher(std::size_t index, std::string name, PublisherHabits habits,
                           MakeTracker make, Schedule& schedule, Bus& bus, Random& random,
                           PublishOracle& oracle, RunLog& log)
    : index_(index),
      name_(std::move(name)),
      habits_(std::move(habits)),
      make_(std::move(make)),
      schedule_(schedule),
      bus_(bus),
      random_(random),
      oracle_(oracle),
      log_(log),
      life_{index, random.below(1000)},
      fingerprint_(random.bytes<signing::Digest>()) {
    begin_life();
}

void SimPublisher::begin_life() {
    ++life_.epoch;
    steady_offset_ = random_.between(fabric::Instant{0}, std::chrono::hours{1000});
    tracker_ = make_(habits_.limits, habits_.retries, random_.next());
    tracker_->add_publisher(fingerprint_);
    oracle_.known_as(life_, fingerprint_);
    wake_.reset();
    log_.trace([&] { return name_ + " begins epoch " + std::to_string(life_.epoch); });
}

void SimPublisher::renew_certificate() {
    fingerprint_ = random_.bytes<signing::Digest>();
    tracker_->add_publisher(fingerprint_);
    oracle_.known_as(life_, fingerprint_);
    log_.trace([&] { return name_ + " renews its certificate"; });
}

void SimPublisher::publish() {
    const bool journals = !habits_.journals.empty();
    PublishOracle::Publish publish;
    publish.level = some_level(random_, journals);
    publish.expression =
        random_.one_of(publish.level == AckLevel::stored ? habits_.journals : habits_.expressions);
    publish.number = index_ * 1'000'000 + ++published_;
    publish.life = life_;
    publish.nonce = random_.bytes<reliability::Nonce>();
    publish.start = log_.now;
    publish.notes_are_scarce = habits_.limits.notes_bytes_max < 1000;
    publish.timeout = std::chrono::duration_cast<std::chrono::microseconds>(
        random_.between(std::chrono::milliseconds{2}, habits_.timeout_max));

    auto message = message_for(publish);
    auto recipients = reliability::Recipients::parse(publish.expression.text());
    if (!recipients) {
        log_.violation("recipients that are right are refused: " + recipients.error());
        return;
    }
    const AckTracker& real = tracker_->real();
    const std::size_t bytes = message->content.size();
    const bool room =
        real.waits() < habits_.limits.waits_max && real.bytes() + bytes <= habits_.limits.bytes_max;
    AckTracker::Wait wait{
        .recipients = std::make_shared<const reliability::Recipients>(std::move(*recipients)),
        .level = publish.level,
        .start = local(),
        .timeout = publish.timeout,
        .waiter = std::make_shared<PublishWaiter>(publish.number)};
    const bool opened = tracker_->open(publish.nonce, std::move(wait), bytes);
    if (opened != room) log_.violation("room for a wait is misjudged");
    if (!opened) {
        ++log_.figures.refused_full;
        return;
    }
    log_.trace([&] {
        return name_ + " opens publish " + std::to_string(publish.number) + " to " +
               publish.expression.text() + ", " + std::string(name_of(publish.level)) + " within " +
               std::to_string(publish.timeout.count()) + " us";
    });
    const auto nonce = publish.nonce;
    oracle_.opened(std::move(publish));
    if (random_.permille(30)) {
        tracker_->cancel(nonce);
        oracle_.cancelled(nonce);
    } else if (random_.permille(800)) {
        bind_and_send(nonce, std::move(message));
    } else {
        schedule_.in(random_.between(fabric::Instant{0}, std::chrono::milliseconds{10}),
                     [this, nonce, message, life = life_] {
                         if (life == life_) bind_and_send(nonce, message);
                     });
    }
    if (random_.permille(30)) {
        schedule_.in(random_.between(fabric::Instant{0}, habits_.timeout_max),
                     [this, nonce, life = life_] {
                         if (life == life_) abort(nonce);
                     });
    }
    wake_when_due();
}

std::shared_ptr<const SentMessage> SimPublisher::message_for(
    const PublishOracle::Publish& publish) {
    // Now and then the same message is published once more, with a nonce of its own.
    if (ids_.empty() || !random_.permille(200)) {
        const auto bytes = random_.bytes<std::array<char, 16>>();
        ids_.push_back(*fabric::MessageId::from_bytes({bytes.data(), bytes.size()}));
    }
    reliability::AckRequest request;
    request.nonce = publish.nonce;
    request.level = publish.level;
    request.timeout = publish.timeout;
    const auto names = publish.expression.names();
    request.recipients.assign(names.begin(), names.end());
    SentMessage message;
    message.topic = "org.weft.sim.event";
    message.content = content_of(utc_us(), request);
    message.subject = {.id = random_.one_of(ids_),
                       .digest = random_.bytes<signing::Digest>(),
                       .publisher = fingerprint_,
                       .nonce = publish.nonce,
                       .epoch = life_.epoch};
    return std::make_shared<const SentMessage>(std::move(message));
}

void SimPublisher::bind_and_send(const reliability::Nonce& nonce,
                                 std::shared_ptr<const SentMessage> message) {
    tracker_->bind(nonce, message);
    oracle_.bound(nonce, message->subject);
    bus_.publish(index_, {message, name_, fingerprint_});
}

void SimPublisher::on_ack(const SignedAck& ack) {
    const reliability::AckSigner signer{ack.signer, ack.may_acknowledge, ack.may_store};
    reliability::AckStatement statement;
    const auto read = reliability::decode_statement(ack.body, statement);
    if (!read) {
        tracker_->on_refused_ack(ack.signer, "malformed");
        return;
    }
    log_.trace([&] {
        return name_ + " hears \"" + std::string(name_of(statement.level)) + "\" of " +
               std::string(statement.recipient) + ", signed by " + ack.signer;
    });
    oracle_.ack_arrives(life_, statement, signer);
    TrackerUnderTest::Settled settled;
    tracker_->on_ack(statement, signer, local(), settled);
    hand_over(settled);
    oracle_.check();
    wake_when_due();
}

void SimPublisher::on_refused_ack(const std::string& name) {
    tracker_->on_refused_ack(name, "signature_bad");
}

void SimPublisher::abort(const reliability::Nonce& nonce) {
    oracle_.aborting(nonce);
    TrackerUnderTest::Settled settled;
    tracker_->abort(nonce, local(), settled);
    hand_over(settled);
    oracle_.check();
}

void SimPublisher::tick() {
    TrackerUnderTest::Settled settled;
    TrackerUnderTest::Messages messages;
    tracker_->tick(local(), messages, settled);
    hand_over(settled);
    for (const auto& message : messages) {
        oracle_.sent_again(message->subject.nonce);
        bus_.publish(index_, {message, name_, fingerprint_});
    }
    oracle_.check();
    wake_when_due();
}

void SimPublisher::wake_when_due() {
    const auto due = tracker_->real().next_due();
    if (!due) return;
    // What should have been done already is not tried again at once, but a moment later.
    const fabric::Instant soonest = log_.now + std::chrono::microseconds{100};
    const fabric::Instant ideal = *due - steady_offset_;
    const fabric::Instant late = random_.between(fabric::Instant{0}, habits_.tick);
    const fabric::Instant at = ideal + late > log_.now ? ideal + late : soonest;
    if (wake_ && *wake_ <= at) return;
    wake_ = at;
    schedule_.at(at, [this, at, life = life_] {
        if (life != life_ || wake_ != at) return;
        wake_.reset();
        tick();
    });
}

void SimPublisher::hand_over(TrackerUnderTest::Settled& settled) {
    for (const auto& one : settled) {
        const auto* waiter = dynamic_cast<const PublishWaiter*>(one.waiter.get());
        if (waiter == nullptr) {
            log_.violation("somebody else's waiter came back");
            continue;
        }
        log_.trace([&] {
            return "publish " + std::to_string(waiter->number) + ": " + one.outcome.sentence();
        });
        oracle_.settled(life_, waiter->number, one.outcome);
    }
    settled.clear();
}

void SimPublisher::end_life(bool killed) {
    if (killed) {
        oracle_.killed(life_);
        return;
    }
    oracle_.closing(life_);
    TrackerUnderTest::Settled settled;
    tracker_->abort_all(local(), settled);
    hand_over(settled);
    check_nothing_kept();
}

void SimPublisher::restart(bool killed) {
    ++log_.figures.restarts;
    log_.trace([&] { return name_ + (killed ? " is killed" : " stops"); });
    end_life(killed);
    begin_life();
}

void SimPublisher::end() {
    tick();
    check_nothing_kept();
}

void SimPublisher::check_nothing_kept() {
    const AckTracker& real = tracker_->real();
    if (real.waits() + real.bytes() + real.names() + real.notes_bytes() > 0 || real.next_due()) {
        log_.violation(name_ + " keeps " + std::to_string(real.waits()) + " waits, " +
                       std::to_string(real.bytes()) + " bytes, " + std::to_string(real.names()) +
                       " names and " + std::to_string(real.notes_bytes()) +
                       " bytes of notes, though nothing is open");
    }
    const AckTracker::Stats& stats = real.stats();
    if (stats.opened !=
        stats.acknowledged + stats.rejected + stats.unknown + stats.aborted + stats.cancelled) {
        log_.violation(name_ + " opened " + std::to_string(stats.opened) +
                       " waits, and counts another number of ends");
    }
}

}  // namespace weft::fault
