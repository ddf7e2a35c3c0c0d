#include "tests/fault/ack_simulator.hpp"

#include <algorithm>

#include "tests/fault/adversary.hpp"
#include "tests/fault/sim_publisher.hpp"
#include "tests/fault/sim_recipient.hpp"

namespace weft::fault {
namespace {

using fabric::Instant;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Nodes are numbered through: publishers, recipients, and the adversary last.
class World final : public Bus {
public:
    World(std::uint64_t seed, const Subjects& subjects, std::ostream* trace);

    Report run();

    void publish(std::size_t from, const Sent& sent) override;
    void acknowledge(std::size_t from, const SignedAck& ack) override;

private:
    [[nodiscard]] Network::Conditions conditions();
    [[nodiscard]] PublisherHabits publisher_habits(const std::vector<RecipientHabits>& recipients);
    [[nodiscard]] RecipientHabits recipient_habits();
    [[nodiscard]] Instant some_time() { return random_.between(Instant{0}, length_); }
    void plan_publishers();
    void plan_recipients();

    std::uint64_t seed_;
    Random random_;
    RunLog log_;
    Schedule schedule_{log_};
    std::size_t publishers_count_ = random_.between(1, 3);
    std::size_t recipients_count_ = random_.between(2, 5);
    Instant length_ = random_.between(milliseconds{200}, seconds{2});
    Instant tick_ = random_.between(milliseconds{1}, milliseconds{20});
    Network network_;
    PublishOracle publish_oracle_{log_, tick_};
    RecipientOracle recipient_oracle_{log_};
    std::vector<std::unique_ptr<SimPublisher>> publishers_;
    std::vector<std::unique_ptr<SimRecipient>> recipients_;
    Adversary adversary_;
};

constexpr const char* adversary_name = "mallory";

World::World(std::uint64_t seed, const Subjects& subjects, std::ostream* trace)
    : seed_(seed),
      random_(seed),
      log_(trace),
      network_(schedule_, log_, random_, conditions()),
      adversary_(publishers_count_ + recipients_count_, adversary_name,
                 {random_.permille(800), random_.permille(300)}, *this, random_, log_) {
    std::vector<RecipientHabits> habits;
    for (std::size_t i = 0; i < recipients_count_; ++i) habits.push_back(recipient_habits());
    for (std::size_t i = 0; i < publishers_count_; ++i) {
        publishers_.push_back(std::make_unique<SimPublisher>(
            i, "pub" + std::to_string(i), publisher_habits(habits), subjects.make_tracker,
            schedule_, *this, random_, publish_oracle_, log_));
    }
    for (std::size_t i = 0; i < recipients_count_; ++i) {
        recipients_.push_back(std::make_unique<SimRecipient>(
            publishers_count_ + i, "rec" + std::to_string(i), habits[i], subjects.make_responder,
            schedule_, *this, random_, recipient_oracle_, log_));
    }
}

Network::Conditions World::conditions() {
    Network::Conditions made;
    made.lost_permille = random_.one_of<std::uint64_t>({0, 0, 50, 200, 500});
    made.doubled_permille = random_.one_of<std::uint64_t>({0, 100, 300});
    made.delay_min = microseconds{100};
    made.delay_max = random_.one_of<Instant>(
        {milliseconds{1}, milliseconds{5}, milliseconds{20}, milliseconds{100}});
    const std::size_t nodes = publishers_count_ + recipients_count_;
    for (std::uint64_t i = random_.below(4); i > 0; --i) {
        Network::Cut cut{random_.below(nodes), random_.below(nodes), some_time(), {}};
        cut.end = cut.begin + some_time();
        made.cuts.push_back(cut);
    }
    return made;
}

RecipientHabits World::recipient_habits() {
    RecipientHabits made;
    made.may_acknowledge = random_.permille(930);
    made.may_store = random_.permille(400);
    made.queue_max = random_.between(1, 8);
    made.workers = random_.between(1, 2);
    made.work_max = random_.one_of<Instant>(
        {microseconds{10}, milliseconds{1}, milliseconds{20}, milliseconds{150}});
    made.rejects_permille = random_.one_of<std::uint64_t>({0, 0, 100});
    made.throws_permille = random_.one_of<std::uint64_t>({0, 0, 100});
    made.entries_max = random_.one_of<std::size_t>({2, 10, 1000, 1000});
    made.grace = random_.one_of<Instant>({Instant{0}, milliseconds{50}, seconds{5}});
    return made;
}

PublisherHabits World::publisher_habits(const std::vector<RecipientHabits>& recipients) {
    PublisherHabits made;
    std::vector<std::string> names, journals;
    for (std::size_t i = 0; i < recipients.size(); ++i) {
        names.push_back("rec" + std::to_string(i));
        if (recipients[i].may_store) journals.push_back(names.back());
    }
    if (random_.permille(500)) {
        names.emplace_back(adversary_name);
        journals.emplace_back(adversary_name);
    }
    for (std::uint64_t i = random_.between(1, 3); i > 0; --i) {
        made.expressions.push_back(Expression::make(random_, names));
        if (!journals.empty()) made.journals.push_back(Expression::make(random_, journals));
    }
    made.timeout_max =
        random_.one_of<Instant>({milliseconds{20}, milliseconds{200}, milliseconds{600}});
    made.tick = tick_;
    if (random_.permille(200)) made.limits.waits_max = random_.between(1, 4);
    if (random_.permille(100)) made.limits.bytes_max = random_.between(50, 500);
    if (random_.permille(200)) made.limits.notes_bytes_max = random_.between(0, 400);
    made.retries.first = microseconds{random_.between(2'000, 60'000)};
    made.retries.longest = microseconds{random_.between(60'000, 300'000)};
    return made;
}

void World::publish(std::size_t from, const Sent& sent) {
    adversary_.hears(sent);
    for (std::size_t i = 0; i < recipients_.size(); ++i) {
        network_.send(from, publishers_count_ + i,
                      [this, i, sent] { recipients_[i]->on_message(sent); });
    }
}

void World::acknowledge(std::size_t from, const SignedAck& ack) {
    if (from != publishers_count_ + recipients_count_) adversary_.hears(ack);
    for (std::size_t i = 0; i < publishers_.size(); ++i) {
        if (publishers_[i]->name() != ack.to) continue;
        network_.send(from, i, [this, i, ack] { publishers_[i]->on_ack(ack); });
    }
}

void World::plan_publishers() {
    for (auto& publisher : publishers_) {
        SimPublisher* one = publisher.get();
        for (std::uint64_t i = random_.between(1, 12); i > 0; --i) {
            // Sometimes several at once.
            const Instant when = some_time();
            for (std::uint64_t j = random_.permille(200) ? 5 : 1; j > 0; --j) {
                schedule_.at(when, [one] { one->publish(); });
            }
        }
        if (random_.permille(300)) {
            const bool killed = random_.permille(500);
            schedule_.at(some_time(), [one, killed] { one->restart(killed); });
        }
        if (random_.permille(300)) {
            schedule_.at(some_time(), [one] { one->renew_certificate(); });
        }
        if (random_.permille(100)) {
            schedule_.at(some_time(), [one, back = random_.permille(500)] {
                one->jump_clock(back ? -3'600'000'000 : 3'600'000'000);
            });
        }
        for (std::uint64_t i = random_.below(4); i > 0; --i) {
            const std::string name = random_.one_of(recipients_)->name();
            schedule_.at(some_time(), [one, name] { one->on_refused_ack(name); });
        }
    }
}

void World::plan_recipients() {
    for (auto& recipient : recipients_) {
        SimRecipient* one = recipient.get();
        for (std::uint64_t i = random_.permille(300) ? random_.between(1, 2) : 0; i > 0; --i) {
            schedule_.at(some_time(), [one] { one->restart(); });
        }
        if (random_.permille(100)) {
            schedule_.at(some_time(), [one, back = random_.permille(500)] {
                one->jump_clock(back ? -3'600'000'000 : 3'600'000'000);
            });
        }
        for (Instant when{0}; when < length_ + seconds{2}; when += milliseconds{300}) {
            schedule_.at(when, [one] { one->expire(); });
        }
    }
}

Report World::run() {
    plan_publishers();
    plan_recipients();
    for (std::uint64_t i = random_.below(60); i > 0; --i) {
        schedule_.at(some_time(), [this] { adversary_.act(); });
    }
    std::uint64_t steps = 0;
    while (schedule_.step()) {
        if (++steps > 1'000'000) {
            log_.violation("it never comes to an end");
            break;
        }
    }
    publish_oracle_.check_nothing_open();
    for (auto& publisher : publishers_) publisher->end();
    for (auto& recipient : recipients_) recipient->end();
    return {seed_, log_.figures, log_.violations()};
}

}  // namespace

Subjects genuine_subjects() {
    return {
        [](auto limits, auto retries, std::uint64_t seed) {
            return std::make_unique<TrackerUnderTest>(limits, retries, seed);
        },
        [](auto settings) { return std::make_unique<ResponderUnderTest>(std::move(settings)); }};
}

Report simulate(std::uint64_t seed, const Subjects& subjects, std::ostream* trace) {
    return World(seed, subjects, trace).run();
}

}  // namespace weft::fault
