#include "tests/fault/journal_simulator.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include "tests/fault/journal_world/sim_group.hpp"
#include "tests/fault/journal_world/sim_journal.hpp"
#include "tests/fault/journal_world/sim_publisher.hpp"
#include "tests/fault/journal_world/sim_reader.hpp"
#include "tests/fault/journal_world/sim_subscriber.hpp"

namespace weft::fault {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

/// Nodes are numbered through: publishers, journals, subscribers.
class World {
public:
    World(std::uint64_t seed, Planted planted, std::ostream* trace);
    JournalReport run();

private:
    [[nodiscard]] Network::Conditions conditions();
    [[nodiscard]] JournalHabits journal_habits();
    [[nodiscard]] Instant some_time() { return random_.between(Instant{0}, length_); }
    [[nodiscard]] bool cut(std::size_t from, std::size_t to) const;
    [[nodiscard]] std::size_t node_of_journal(std::size_t i) const { return publishers_count_ + i; }
    [[nodiscard]] std::size_t node_of_subscriber(std::size_t i) const {
        return publishers_count_ + journals_count_ + i;
    }
    void make_publisher(std::size_t number);
    void make_subscriber(std::size_t number);
    void everybody(std::size_t publisher, const Sent& sent);
    void tail(std::size_t publisher, const StreamName& stream, std::uint64_t last,
              std::uint64_t time_us);
    void record(std::size_t publisher, std::size_t journal, const Sent& sent);
    /// One after the other, as a connection brings them.
    void in_order(std::size_t from, std::size_t to, const StreamName& stream,
                  const std::function<void()>& arrive);
    void plan();
    void plan_publishers();
    void plan_journals();
    void plan_readers();
    void every(Instant pause, Instant until, const std::function<void()>& what);
    void jump(NodeClock& clock);
    void heal();
    void end();

    std::uint64_t seed_;
    Random random_;
    RunLog log_;
    Schedule schedule_{log_};
    JournalFigures figures_;
    Scene scene_;
    std::size_t publishers_count_ = random_.between(1, 3);
    std::size_t journals_count_ = random_.between(1, 2);
    std::size_t subscribers_count_ = random_.between(1, 2);
    Instant length_ = random_.between(milliseconds{1500}, seconds{4});
    Network::Conditions conditions_ = conditions();
    std::unique_ptr<Network> network_;
    std::vector<std::unique_ptr<SimJournal>> journals_;
    std::vector<std::unique_ptr<StreamPublisher>> publishers_;
    std::vector<std::unique_ptr<StreamSubscriber>> subscribers_;
    std::vector<std::unique_ptr<CursorReader>> readers_;
    std::vector<std::unique_ptr<SimGroup>> groups_;
    std::map<std::tuple<std::size_t, std::size_t, StreamName>, std::uint64_t> sent_, arrived_;
};

World::World(std::uint64_t seed, Planted planted, std::ostream* trace)
    : seed_(seed),
      random_(seed),
      log_(trace),
      scene_{log_, schedule_, random_, planted, figures_},
      network_(std::make_unique<Network>(schedule_, log_, random_, conditions_)) {
    for (std::size_t i = 0; i < journals_count_; ++i) {
        journals_.push_back(std::make_unique<SimJournal>(i, journal_habits(), scene_));
        SimJournal& journal = *journals_.back();
        for (std::size_t j = random_.between(1, 2); j > 0; --j) {
            readers_.push_back(std::make_unique<CursorReader>(j - 1, journal, scene_));
        }
        if (random_.permille(800)) groups_.push_back(std::make_unique<SimGroup>(journal, scene_));
    }
    for (std::size_t i = 0; i < publishers_count_; ++i) make_publisher(i);
    for (std::size_t i = 0; i < subscribers_count_; ++i) make_subscriber(i);
}

Network::Conditions World::conditions() {
    Network::Conditions made;
    made.lost_permille = random_.one_of<std::uint64_t>({0, 20, 100, 300});
    made.doubled_permille = random_.one_of<std::uint64_t>({0, 50, 300});
    made.delay_min = microseconds{100};
    made.delay_max = random_.one_of<Instant>({milliseconds{1}, milliseconds{10}, milliseconds{80}});
    const std::size_t nodes = publishers_count_ + journals_count_ + subscribers_count_;
    for (std::uint64_t i = random_.below(5); i > 0; --i) {
        Network::Cut cut{random_.below(nodes), random_.below(nodes), some_time(), {}};
        cut.end = std::min(cut.begin + some_time(), length_);
        made.cuts.push_back(cut);
    }
    return made;
}

JournalHabits World::journal_habits() {
    JournalHabits made;
    made.disk.fails_permille = random_.one_of<std::uint64_t>({0, 0, 5, 20});
    made.disk.full_permille = random_.one_of<std::uint64_t>({0, 0, 50});
    made.disk.dies_permille = random_.one_of<std::uint64_t>({0, 5, 20});
    made.disk.read_fails_permille = random_.one_of<std::uint64_t>({0, 0, 20});
    made.commit_max = random_.one_of<Instant>({Instant{0}, milliseconds{5}, milliseconds{50}});
    if (random_.permille(300)) {
        made.forgetting.max_age = milliseconds{random_.between(300, 2000)};
    }
    if (random_.permille(300)) made.forgetting.ages = milliseconds{random_.between(200, 1500)};
    if (random_.permille(150)) made.forgetting.max_bytes = random_.between(2'000, 12'000);
    made.protects = random_.permille(500);
    return made;
}

bool World::cut(std::size_t from, std::size_t to) const {
    return std::any_of(conditions_.cuts.begin(), conditions_.cuts.end(), [&](const auto& cut) {
        return cut.begin <= log_.now && log_.now < cut.end && !scene_.healed &&
               ((cut.from == from && cut.to == to) || (cut.from == to && cut.to == from));
    });
}

void World::make_publisher(std::size_t number) {
    StreamPublisher::Ways ways;
    ways.everybody = [this, number](const Sent& sent) { everybody(number, sent); };
    ways.tail = [this, number](const StreamName& stream, std::uint64_t last,
                               std::uint64_t time_us) { tail(number, stream, last, time_us); };
    ways.hand_in = [this, number](const Told& told) {
        const std::size_t journal = random_.below(journals_count_);
        network_->send(number, node_of_journal(journal),
                       [this, number, journal, told] { record(number, journal, {{told}}); });
    };
    publishers_.push_back(std::make_unique<StreamPublisher>(number, std::move(ways), scene_));
}

void World::make_subscriber(std::size_t number) {
    std::vector<SimJournal*> journals;
    for (const auto& journal : journals_) journals.push_back(journal.get());
    subscribers_.push_back(std::make_unique<StreamSubscriber>(
        number, journals,
        [this, number](std::size_t journal) -> reliability::Journal* {
            if (cut(node_of_subscriber(number), node_of_journal(journal))) return nullptr;
            return journals_[journal]->journal();
        },
        scene_));
}

void World::in_order(std::size_t from, std::size_t to, const StreamName& stream,
                     const std::function<void()>& arrive) {
    const auto way = std::tuple(from, to, stream);
    network_->send(from, to, [this, way, number = ++sent_[way], arrive] {
        // What was overtaken on its way comes too late, as if it were lost.
        std::uint64_t& arrived = arrived_[way];
        if (number < arrived) return;
        arrived = number;
        arrive();
    });
}

void World::everybody(std::size_t publisher, const Sent& sent) {
    for (std::size_t i = 0; i < journals_count_; ++i) {
        network_->send(publisher, node_of_journal(i),
                       [this, publisher, i, sent] { record(publisher, i, sent); });
    }
    for (std::size_t i = 0; i < subscribers_count_; ++i) {
        StreamSubscriber* const subscriber = subscribers_[i].get();
        in_order(publisher, node_of_subscriber(i), sent.messages.front().number.stream,
                 [subscriber, sent] {
                     for (const Told& told : sent.messages) subscriber->on_arrival(told);
                 });
    }
}

void World::tail(std::size_t publisher, const StreamName& stream, std::uint64_t last,
                 std::uint64_t time_us) {
    for (std::size_t i = 0; i < subscribers_count_; ++i) {
        StreamSubscriber* const subscriber = subscribers_[i].get();
        in_order(publisher, node_of_subscriber(i), stream, [subscriber, stream, last, time_us] {
            subscriber->on_tail(stream, last, time_us);
        });
    }
}

void World::record(std::size_t publisher, std::size_t journal, const Sent& sent) {
    journals_[journal]->record(sent, [this, publisher, journal](const std::vector<Told>& stored) {
        network_->send(node_of_journal(journal), publisher,
                       [this, publisher, stored] { publishers_[publisher]->on_stored(stored); });
    });
}

void World::every(Instant pause, Instant until, const std::function<void()>& what) {
    if (log_.now > until) return;
    schedule_.in(pause, [this, pause, until, what] {
        what();
        every(pause, until, what);
    });
}

void World::jump(NodeClock& clock) {
    ++figures_.clock_jumps;
    clock.jump(random_.one_of<std::int64_t>(
        {-3'600'000'000, -5'000'000, -200'000, 400'000, 20'000'000, 3'600'000'000}));
}

void World::plan_publishers() {
    for (auto& publisher : publishers_) {
        StreamPublisher* const one = publisher.get();
        for (std::uint64_t i = random_.between(5, 40); i > 0; --i) {
            schedule_.at(some_time(), [one] { one->publish(); });
        }
        if (random_.permille(300)) {
            schedule_.at(some_time(),
                         [one, killed = random_.permille(500)] { one->restart(killed); });
        }
        if (random_.permille(100)) schedule_.at(some_time(), [this, one] { jump(one->clock); });
    }
    for (auto& subscriber : subscribers_) {
        StreamSubscriber* const one = subscriber.get();
        if (random_.permille(200)) schedule_.at(some_time(), [one] { one->restart(); });
        if (random_.permille(100)) schedule_.at(some_time(), [this, one] { jump(one->clock); });
    }
}

void World::plan_journals() {
    for (auto& journal : journals_) {
        SimJournal* const one = journal.get();
        for (std::uint64_t i = random_.below(4); i > 0; --i) {
            schedule_.at(some_time(), [one, power = random_.permille(500)] { one->kill(power); });
        }
        for (std::uint64_t i = random_.permille(300) ? random_.between(1, 3) : 0; i > 0; --i) {
            schedule_.at(some_time(), [one] { one->trim(); });
        }
        if (random_.permille(250)) schedule_.at(some_time(), [this, one] { jump(one->clock); });
    }
}

void World::plan_readers() {
    for (auto& reader : readers_) {
        CursorReader* const one = reader.get();
        if (random_.permille(300)) schedule_.at(some_time(), [one] { one->crash(); });
    }
    for (auto& group : groups_) {
        SimGroup* const one = group.get();
        for (std::uint64_t i = random_.below(4); i > 0; --i) {
            schedule_.at(some_time(),
                         [one, member = random_.below(one->members())] { one->crash(member); });
        }
    }
}

void World::plan() {
    plan_publishers();
    plan_journals();
    plan_readers();
    // Time for the longest wait of anybody after everything is well again.
    const Instant until = length_ + seconds{4};
    for (auto& one : publishers_) every(milliseconds{50}, until, [&one] { one->tick(); });
    for (auto& one : subscribers_) every(milliseconds{20}, until, [&one] { one->tick(); });
    for (auto& one : journals_) every(milliseconds{100}, until, [&one] { one->retain(); });
    for (auto& one : readers_) {
        every(random_.between(milliseconds{10}, milliseconds{90}), until, [&one] { one->turn(); });
    }
    for (auto& one : groups_) {
        for (std::size_t i = 0; i < one->members(); ++i) {
            every(random_.between(milliseconds{5}, milliseconds{40}), until,
                  [&one, i] { one->turn(i); });
        }
        // What is tried again as the last thing would be with nobody at the end.
        every(milliseconds{200}, until - seconds{1}, [&one] { one->operate(); });
    }
    schedule_.at(length_, [this] { heal(); });
}

void World::heal() {
    log_.trace([] { return "everything is well from now on"; });
    scene_.healed = true;
    conditions_ = {0, 0, microseconds{100}, milliseconds{1}, {}};
    network_->become(conditions_);
    for (auto& journal : journals_) {
        // What has failed is opened anew; what has not keeps its leases.
        const Look look(scene_);
        auto* const real = journal->journal();
        if (real != nullptr && !real->info().not_ready.empty()) journal->kill(false);
        journal->start();
    }
}

void World::end() {
    for (auto& journal : journals_) journal->end();
    for (auto& publisher : publishers_) publisher->end();
    for (auto& subscriber : subscribers_) subscriber->end();
    for (auto& reader : readers_) reader->end();
    for (auto& group : groups_) group->end();
}

JournalReport World::run() {
    plan();
    std::uint64_t steps = 0;
    while (schedule_.step()) {
        if (++steps > 1'000'000) {
            log_.violation("it never comes to an end");
            break;
        }
    }
    end();
    return {seed_, figures_, log_.violations()};
}

}  // namespace

JournalReport simulate_journals(std::uint64_t seed, Planted planted, std::ostream* trace) {
    return World(seed, planted, trace).run();
}

}  // namespace weft::fault
