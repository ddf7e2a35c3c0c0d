// Couriers against receivers that answer as they like, over made-up time: what must hold whatever
// happens. A failure names its seed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "gateway/delivery/courier.hpp"
#include "tests/support/stored_events.hpp"

namespace weft::gateway::delivery {
namespace {

using reliability::JournalId;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Scenario {
    std::uint64_t seed = 0;
    bool ordered = true;
    bool faults = true;    ///< Answers fail, and the process is killed now and then.
    bool replaces = true;  ///< The subscription is put again, paused, activated.
};

/// One subscription, its receiver, its journal and its life, step by step.
class World {
public:
    explicit World(const Scenario& scenario) : scenario_(scenario), random_(scenario.seed) {
        subscription_.id = "one";
        subscription_.url = "http://a/";
        subscription_.ordered = scenario.ordered;
        subscription_.concurrency = scenario.ordered ? 1 : 1 + random_() % 4;
        subscription_.batching.max = 1 + random_() % 5;
        subscription_.batching.timeout = milliseconds{random_() % 3 * 100};
        kept_.position = {1, 0};
        live();
    }

    void run() {
        for (int step = 0; step < 3000; ++step) {
            if (step < 2500 && chance(30)) store();
            if (scenario_.faults && step < 2500 && chance(1)) kill();
            if (scenario_.replaces && chance(1)) disturb();
            everything_that_is_wanted(step >= 2500);
            pass();
        }
        for (int rest = 0; rest < 10'000 && delivered_.size() < journal_.size(); ++rest) {
            courier_->set_state(Subscription::State::active, "", now());
            everything_that_is_wanted(true);
            pass();
        }
    }

    [[nodiscard]] std::size_t stored() const { return journal_.size(); }
    [[nodiscard]] const std::set<JournalId>& delivered() const { return delivered_; }
    std::vector<std::string> broken;
    std::size_t repeated = 0, kills = 0;

private:
    struct Flight {
        std::string delivery;
        std::vector<JournalId> ids;
        fabric::Instant until;
        bool good;
    };

    [[nodiscard]] bool chance(unsigned percent) { return random_() % 100 < percent; }
    [[nodiscard]] Moment now() const {
        return {steady_,
                1'800'000'000'000'000 + static_cast<std::uint64_t>(steady_.count()) / 1000};
    }
    void live() { courier_.emplace(subscription_, kept_, random_(), now()); }
    void store() { journal_.push_back(support::stored_event(journal_.size() + 1, now().utc_us)); }
    void pass() { steady_ += milliseconds{1 + random_() % 60}; }

    /// What was noted is what the next life knows. What is under way may have arrived.
    void kill() {
        ++kills;
        for (const Flight& flight : flights_) {
            if (chance(50)) arrive(flight, false);
        }
        flights_.clear();
        waiting_.reset();
        unconfirmed_.merge(delivered_after_note_);
        delivered_after_note_.clear();
        live();
    }
    void disturb() {
        if (chance(50)) subscription_.batching.max = 1 + random_() % 5;
        subscription_.url = chance(50) ? "http://a/" : "http://b/";
        subscription_.state = Subscription::State::active;
        courier_->replace(subscription_, now());
        waiting_.reset();
        if (chance(30)) courier_->set_state(Subscription::State::paused, "", now());
    }
    void note() {
        const Courier::Note note = courier_->note(now());
        if (note.progress.position.id < kept_.position.id) say("the cursor went back");
        kept_ = note.progress;
        courier_->on_noted(note.version);
        delivered_after_note_.clear();
    }

    void everything_that_is_wanted(bool good) {
        read();
        send(good);
        for (auto at = flights_.begin(); at != flights_.end();) {
            if (at->until > steady_) {
                ++at;
                continue;
            }
            const Flight flight = *at;
            at = flights_.erase(at);
            if (flight.good) arrive(flight, true);
            courier_->on_sent(flight.delivery,
                              {.succeeded = flight.good,
                               .retry_after = !flight.good && chance(5) ? std::optional{seconds{1}}
                                                                        : std::nullopt,
                               .sentence = flight.good ? "" : "500"},
                              now());
        }
        if (chance(60)) note();
        check();
    }
    void read() {
        while (const auto fetch = courier_->next_fetch(now())) {
            std::vector<StoredEvent> events;
            for (const JournalId id : fetch->ids) events.push_back(journal_.at(id - 1));
            courier_->on_fetched(fetch->delivery, std::move(events), now());
        }
        if (waiting_ && journal_.size() > waiting_->after.id) {
            courier_->woken(std::exchange(waiting_, std::nullopt)->token);
        }
        while (const auto read = courier_->next_read(now())) {
            if (read->wait) {
                waiting_ = read;
                return;
            }
            if (scenario_.faults && chance(2)) return courier_->on_read_failed(read->token, now());
            EventPage page;
            std::vector<StoredEvent> events;
            JournalId at = read->after.id;
            const std::size_t most = 1 + random_() % 10;  // pages may be shorter than wanted
            while (at < journal_.size() && events.size() < most)
                events.push_back(journal_.at(at++));
            page.next = {1, at};
            page.at_head = at == journal_.size();
            courier_->on_page(read->token, std::move(events), page, now());
        }
    }
    void send(bool good) {
        while (courier_->wants_to_send(now())) {
            const Courier::Send send = courier_->begin_send(now());
            Flight flight{send.delivery, {}, steady_ + milliseconds{random_() % 200}, true};
            for (const StoredEvent& event : send.events) flight.ids.push_back(event.id);
            if (scenario_.faults && !good) flight.good = chance(60);
            auto& same = sent_as_[send.delivery];
            if (!same.empty() && same != flight.ids) say("a retry has other messages");
            same = flight.ids;
            if (flight.ids.size() > 5) say("a batch is too large");
            flights_.push_back(std::move(flight));
        }
    }
    void arrive(const Flight& flight, bool answered) {
        for (const JournalId id : flight.ids) {
            if (!delivered_.insert(id).second) {
                ++repeated;
                if (!scenario_.faults) say("delivered twice");
                if (answered && scenario_.ordered && !unconfirmed_.contains(id) &&
                    !maybe_.contains(id)) {
                    say("delivered twice although it was confirmed and noted");
                }
            } else if (scenario_.ordered && id != highest_ + 1) {
                say("out of order: " + std::to_string(id) + " after " + std::to_string(highest_));
            }
            highest_ = std::max(highest_, id);
            if (answered) {
                delivered_after_note_.insert(id);
            } else {
                maybe_.insert(id);
            }
        }
    }
    void check() {
        const JournalId position = courier_->position().id;
        if (!scenario_.ordered) return;
        for (JournalId id = 1; id <= position; ++id) {
            if (!delivered_.contains(id)) {
                say("the cursor stands behind " + std::to_string(id) + ", which nobody has");
                return;
            }
        }
        if (flights_.size() > 1) say("two at a time");
        if (delivered_after_note_.size() > 5) say("more than one batch is not noted");
    }
    void say(const std::string& what) {
        if (broken.size() < 5) broken.push_back(what);
    }

    const Scenario scenario_;
    std::mt19937_64 random_;
    Subscription subscription_;
    Progress kept_;
    std::optional<Courier> courier_;
    fabric::Instant steady_ = seconds{1};
    std::vector<StoredEvent> journal_;
    std::vector<Flight> flights_;
    std::optional<Courier::Read> waiting_;
    std::map<std::string, std::vector<JournalId>> sent_as_;
    std::set<JournalId> delivered_, delivered_after_note_, unconfirmed_, maybe_;
    JournalId highest_ = 0;
};

void expect_all(Scenario scenario, int seeds) {
    for (int seed = 1; seed <= seeds; ++seed) {
        scenario.seed = static_cast<std::uint64_t>(seed);
        World world(scenario);
        world.run();
        ASSERT_THAT(world.broken, ::testing::IsEmpty()) << "seed " << seed;
        ASSERT_EQ(world.delivered().size(), world.stored()) << "seed " << seed;
        ASSERT_GT(world.stored(), 500U);
    }
}

TEST(CourierSimulation, OrderedOnesGetEverythingInOrderOverFaultsAndKills) {
    expect_all({.ordered = true}, 40);
}

TEST(CourierSimulation, UnorderedOnesGetEverythingOverFaultsAndKills) {
    expect_all({.ordered = false}, 100);
}

TEST(CourierSimulation, NothingComesTwiceWhereEverythingSucceeds) {
    expect_all({.ordered = true, .faults = false}, 20);
    expect_all({.ordered = false, .faults = false}, 20);
}

}  // namespace
}  // namespace weft::gateway::delivery
