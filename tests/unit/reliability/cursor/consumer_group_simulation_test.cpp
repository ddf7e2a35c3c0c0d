// A consumer group among members that work, fail, forget, come late and leave, with an owner that
// is killed at any point: seeded worlds, held against a model that only watches.

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "reliability/cursor/consumer_group.hpp"

namespace weft::reliability {
namespace {

using namespace std::chrono_literals;
using Is = ConsumerGroup::Answer::Is;
using Mode = GroupSettings::Mode;

/// What somebody outside can see.
class World {
public:
    World(Mode mode, unsigned seed) : random_{seed} {
        settings_.mode = mode;
        settings_.max_attempts = 1 + roll(5);
        group_ = std::make_unique<ConsumerGroup>("crew", settings_, Position{7, 0});
    }

    std::string run(int steps) {
        for (int step = 0; step < steps && wrong_.empty(); ++step) {
            act();
            if (wrong_.empty()) wrong_ = group_->broken();
        }
        if (wrong_.empty()) finish();
        return wrong_;
    }

private:
    struct Lease {
        std::string member;
        fabric::Instant until;
    };

    unsigned roll(unsigned sides) { return static_cast<unsigned>(random_()) % sides; }
    std::string member() { return std::string(1, static_cast<char>('a' + roll(5))); }
    static std::uint64_t key_of(JournalId id) { return id * 7 % 5; }

    void act() {
        switch (roll(12)) {
            case 0:
                offer();
                break;
            case 1:
            case 2:
            case 3:
                lease(member(), 1 + roll(6), std::chrono::milliseconds{1 + roll(5000)});
                break;
            case 4:
            case 5:
            case 6:
                ack();
                break;
            case 7:
                roll(4) == 0 ? reject() : nack();
                break;
            case 8:
                pass(std::chrono::milliseconds{roll(3000)});
                break;
            case 9:
                if (roll(4) == 0) leave(member());
                break;
            case 10:
                write(roll(2) == 0);
                break;
            default:
                if (roll(10) == 0) restart();
                if (roll(10) == 0) bury_or_raise();
        }
    }

    void offer() {
        std::vector<ConsumerGroup::Candidate> candidates;
        JournalId id = group_->fetched().id;
        for (unsigned count = roll(20); count > 0; --count) {
            ++id;
            if (roll(4) == 0) continue;
            candidates.push_back({id, key_of(id)});
            wanted_.insert(id);
        }
        if (candidates.size() <= group_->room()) group_->offer(candidates, id);
    }

    void lease(const std::string& who, std::size_t max, std::chrono::milliseconds lease) {
        const auto next = group_->next(who, max, lease, now_);
        JournalId last = 0;
        for (const auto& given : next.leases) {
            const auto held = live_.find(given.id);
            if (held != live_.end() && held->second.until > now_.steady &&
                held->second.member != who) {
                return fail("two live leases on", given.id);
            }
            if (safe_done_.contains(given.id))
                return fail("acknowledged and given again", given.id);
            if (!wanted_.contains(given.id)) return fail("nobody wanted", given.id);
            if (given.id <= last) return fail("not the lowest first", given.id);
            last = given.id;
            if (settings_.mode == Mode::keyed) check_key(who, given.id);
            if (settings_.mode == Mode::exclusive) check_alone(who);
            live_[given.id] = {who, given.until};
        }
    }
    void check_key(const std::string& who, JournalId id) {
        for (const auto& [other, held] : live_) {
            if (key_of(other) == key_of(id) && held.until > now_.steady && held.member != who) {
                return fail("a key with two members at", id);
            }
        }
    }
    void check_alone(const std::string& who) {
        for (const auto& [other, held] : live_) {
            if (held.until > now_.steady && held.member != who)
                fail("two active members at", other);
        }
    }

    void ack() {
        const JournalId top = group_->fetched().id;
        if (top == 0) return;
        const std::string who = member();
        const JournalId id = 1 + random_() % top;
        const auto held = live_.find(id);
        const bool live =
            held != live_.end() && held->second.member == who && held->second.until > now_.steady;
        const auto answer = group_->ack(who, {id}, now_).front();
        // A live lease may have been taken back (keyed) or lost by a restart, never stolen.
        if (live && answer.is == Is::unknown && settings_.mode != Mode::keyed && !restarted_) {
            return fail("a live lease is unknown", id);
        }
        if (answer.is == Is::done && !live) return fail("a dead lease counts as live", id);
        if (!answer.counts()) return;
        live_.erase(id);
        done_.insert(id);
    }
    void nack() {
        if (live_.empty()) return;
        auto held = live_.begin();
        std::advance(held, roll(static_cast<unsigned>(live_.size())));
        const JournalId id = held->first;
        const auto answer = group_->nack(held->second.member, id, "no",
                                         std::chrono::milliseconds{roll(2) * 500}, now_);
        if (answer.is != Is::done) return;
        give_back(id);
    }
    void reject() {
        if (live_.empty()) return;
        auto held = live_.begin();
        std::advance(held, roll(static_cast<unsigned>(live_.size())));
        const JournalId id = held->first;
        const auto answer = group_->bury(held->second.member, id, "never", now_);
        if (answer.is != Is::done) return;
        if (group_->dead_letter(id) == nullptr) return fail("it was buried and is not dead", id);
        give_back(id);
    }
    void give_back(JournalId id) {
        live_.erase(id);
        // A dead letter no longer holds up those behind it.
        if (settings_.mode != Mode::keyed || group_->dead_letter(id) != nullptr) return;
        for (auto at = live_.upper_bound(id); at != live_.end();) {
            at = key_of(at->first) == key_of(id) ? live_.erase(at) : std::next(at);
        }
    }
    void leave(const std::string& who) {
        group_->leave(who, now_);
        std::erase_if(live_, [&](const auto& held) { return held.second.member == who; });
    }
    /// The end of a lease may take others of its key back: none of them is live for the model.
    void pass(std::chrono::milliseconds by) {
        now_.steady += by;
        std::vector<JournalId> ended;
        for (const auto& [id, held] : live_) {
            if (held.until <= now_.steady) ended.push_back(id);
        }
        group_->expire(now_);
        for (const JournalId id : ended) give_back(id);
    }

    void write(bool fails) {
        const auto changes = group_->changes();
        if (fails) return group_->not_written(changes);
        for (const StateChange& change : changes) {
            if (change.value) {
                kept_[change.key] = *change.value;
            } else {
                kept_.erase(change.key);
            }
        }
        safe_done_ = done_;
    }
    void restart() {
        auto group =
            ConsumerGroup::restore("crew", settings_, {7, 0}, {kept_.begin(), kept_.end()});
        if (!group) {
            wrong_ = group.error();
            return;
        }
        group_ = std::make_unique<ConsumerGroup>(std::move(*group));
        live_.clear();
        done_ = safe_done_;
        restarted_ = true;
        // What was not written is fetched again.
        std::erase_if(wanted_, [&](JournalId id) { return id > group_->fetched().id; });
    }
    void bury_or_raise() {
        const auto letters = group_->dead(0, 100);
        if (letters.empty()) return;
        const JournalId id = letters[roll(static_cast<unsigned>(letters.size()))].id;
        if (roll(2) == 0) {
            if (!group_->retry(id).empty()) fail("cannot be retried:", id);
        } else {
            if (!group_->drop(id)) fail("cannot be dropped:", id);
            done_.insert(id);
        }
    }
    /// One good member and time: everything gets done, or dies.
    void finish() {
        pass(10s);
        for (int round = 0; round < 100'000; ++round) {
            const auto next = group_->next("good", 100, 1h, now_);
            if (next.leases.empty() && group_->position().id == group_->fetched().id) return;
            for (const auto& given : next.leases) {
                if (safe_done_.contains(given.id)) return fail("given again at the end", given.id);
                static_cast<void>(group_->ack("good", {given.id}, now_));
            }
            now_.steady += 1s;
        }
        wrong_ = "it does not come to an end";
    }

    void fail(const std::string& what, JournalId id) { wrong_ = what + " " + std::to_string(id); }

    std::mt19937 random_;
    GroupSettings settings_;
    std::unique_ptr<ConsumerGroup> group_;
    Now now_{1000s, 1};
    std::map<std::string, std::string> kept_;
    std::set<JournalId> wanted_, done_, safe_done_;
    std::map<JournalId, Lease> live_;
    bool restarted_ = false;
    std::string wrong_;
};

class ConsumerGroupSimulation : public ::testing::TestWithParam<Mode> {};

TEST_P(ConsumerGroupSimulation, NoMessageIsWithTwoMembersAndNoneThatIsDoneComesAgain) {
    const unsigned base = std::random_device{}();
    for (unsigned world = 0; world < 150; ++world) {
        const unsigned seed = base + world;
        ASSERT_EQ(World(GetParam(), seed).run(600), "") << "seed " << seed;
    }
}

INSTANTIATE_TEST_SUITE_P(Modes, ConsumerGroupSimulation,
                         ::testing::Values(Mode::shared, Mode::keyed, Mode::exclusive),
                         [](const auto& mode) { return std::string{name_of(mode.param)}; });

}  // namespace
}  // namespace weft::reliability
