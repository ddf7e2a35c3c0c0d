// Repair against chance: publishers, a network that loses, doubles and delays, journals that have
// some of it and are away at times, the real replay guard in front. WEFT_SEEDS=N tries more.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fabric/node/replay_guard.hpp"
#include "reliability/repair/gap_tracker.hpp"
#include "tests/fault/random.hpp"
#include "tests/unit/reliability/repair/stream_message.hpp"

namespace weft::reliability {
namespace {

using namespace std::chrono_literals;
using fabric::Instant;
using fabric::ReplayGuard;

constexpr std::uint64_t world_begins_us = 1'795'229'009'000'000;

struct World {
    std::uint64_t loss = 0, doubled = 0, delayed = 0;  // permille
    std::array<std::uint64_t, 2> stored{};             // permille, of each journal
    std::array<std::uint64_t, 2> away{};               // permille, of its answers
    RepairLimits limits;
};

class Simulation {
public:
    Simulation(const World& world, std::uint64_t seed) : world_(world), random_(seed) {}

    void run() {
        for (std::uint64_t turn = 0; turn < 600; ++turn) {
            for (const std::string& topic : topics) {
                if (random_.permille(300)) publish(topic);
            }
            arrive();
            if (turn % 50 == 49) beacons();
            if (turn % 2 == 0) ask();
            step();
        }
        // Everybody falls silent; what is to come still comes.
        for (int turn = 0; turn < 1500; ++turn) {
            arrive();
            if (turn % 50 == 0) beacons();
            ask();
            step();
        }
        check_end();
    }

private:
    inline static const std::vector<std::string> topics{"org.weft.dev.a", "org.weft.dev.b",
                                                        "org.weft.dev.c"};
    struct Flight {
        std::string topic;
        std::uint64_t seq, time_us;
    };
    struct Stream {
        std::uint64_t published = 0;
        std::uint64_t first = 0;  // that came
        std::uint64_t known = 0;  // the highest that the guard knows of
        std::uint64_t last_out = 0;
        std::set<std::uint64_t> delivered, lost, late_dropped;
        std::array<std::set<std::uint64_t>, 2> stored;
    };

    [[nodiscard]] std::uint64_t now_us() const {
        return world_begins_us + static_cast<std::uint64_t>((now_ - 1h).count() / 1000);
    }

    void publish(const std::string& topic) {
        Stream& stream = streams_[topic];
        const std::uint64_t seq = ++stream.published;
        for (std::size_t i = 0; i < 2; ++i) {
            if (random_.permille(world_.stored[i])) stream.stored[i].insert(seq);
        }
        const int copies = random_.permille(world_.loss) ? 0 : random_.permille(world_.doubled) + 1;
        for (int i = 0; i < copies; ++i) {
            const Instant delay = random_.permille(world_.delayed) ? random_.between(1ms, 3s) : 0s;
            in_flight_.emplace(now_ + delay, Flight{topic, seq, now_us()});
        }
    }

    void arrive() {
        while (!in_flight_.empty() && in_flight_.begin()->first <= now_) {
            const Flight flight = in_flight_.begin()->second;
            in_flight_.erase(in_flight_.begin());
            Stream& stream = streams_[flight.topic];
            guard_.begin("", flight.topic, now_us());
            const auto judged = guard_.judge(sample_epoch, flight.seq, flight.time_us);
            if (judged.verdict != ReplayGuard::Verdict::accept) continue;
            if (stream.first == 0) stream.first = flight.seq;
            stream.known = std::max(stream.known, flight.seq);
            GapTracker::Events events;
            if (judged.missing > 0) gap(flight.topic, flight.seq - 1, judged.missing, events);
            const auto message = message_of(flight.topic, flight.seq);
            const bool was_lost = stream.lost.contains(flight.seq);
            if (tracker_.on_message(message, now_, events)) events.emplace_back(message);
            if (was_lost) stream.late_dropped.insert(flight.seq);
            take(events);
        }
    }
    void gap(const std::string& topic, std::uint64_t to, std::uint64_t count,
             GapTracker::Events& events) {
        tracker_.on_gap({"", sample_epoch, topic, to - count + 1, to, count}, now_, events);
    }
    void beacons() {
        for (const std::string& topic : topics) {
            Stream& stream = streams_[topic];
            if (stream.published == 0) continue;
            guard_.begin("", topic, now_us());
            const auto judged = guard_.tail(sample_epoch, stream.published, now_us());
            GapTracker::Events events;
            if (judged.missing > 0) gap(topic, stream.published, judged.missing, events);
            if (stream.first > 0) stream.known = stream.published;
            take(events);
        }
    }
    void ask() {
        const auto question = tracker_.next_question(now_);
        if (!question) return;
        ASSERT_LE(question->to - question->from, GapTracker::ask_numbers_max - 1);  // P5
        auto answer = GapTracker::Answer::complete;
        for (std::size_t i = 0; i < 2 && tracker_.is_missing(*question); ++i) {
            if (random_.permille(world_.away[i])) {
                answer = GapTracker::Answer::unsure;
                continue;
            }
            for (const std::uint64_t seq : streams_[question->topic].stored[i]) {
                if (seq < question->from || seq > question->to) continue;
                GapTracker::Events events;
                tracker_.on_repaired(message_of(question->topic, seq), now_, events);
                take(events);
            }
        }
        GapTracker::Events events;
        tracker_.on_answered(*question, answer, now_, events);
        take(events);
    }
    void step() {
        now_ += 10ms;
        GapTracker::Events events;
        tracker_.tick(now_, events);
        take(events);
        const RepairStats stats = tracker_.stats();
        ASSERT_LE(stats.held, world_.limits.held_max);
        ASSERT_LE(stats.holes_open, world_.limits.holes_max);
        ASSERT_LE(stats.streams_waiting + stats.streams_remembered, world_.limits.streams_max);
    }

    void take(const GapTracker::Events& events) {
        for (const GapTracker::Event& event : events) {
            if (const auto* message = std::get_if<fabric::Message>(&event)) {
                Stream& stream = streams_[std::string{message->topic()}];
                ASSERT_TRUE(stream.delivered.insert(message->seq()).second) << message->seq();
                // Before the first hole it is the guard that knows.
                if (message->seq() >= stream.first) {
                    ASSERT_GT(message->seq(), stream.last_out);
                    stream.last_out = message->seq();
                }
                ASSERT_FALSE(stream.lost.contains(message->seq()));
                continue;
            }
            take_lost(std::get<Lost>(event));
        }
    }
    void take_lost(const Lost& lost) {
        Stream& stream = streams_[lost.topic];
        ASSERT_EQ(lost.count, lost.to - lost.from + 1);
        for (std::uint64_t seq = lost.from; seq <= lost.to; ++seq) {
            ASSERT_TRUE(stream.lost.insert(seq).second);
            ASSERT_FALSE(stream.delivered.contains(seq));
            ASSERT_GT(seq, stream.last_out);
            lost_stored_ += stream.stored[0].contains(seq) || stream.stored[1].contains(seq);
            if (lost.reason == LossReason::not_stored) {
                ASSERT_FALSE(stream.stored[0].contains(seq) || stream.stored[1].contains(seq));
            }
        }
    }

    void check_end() {
        std::uint64_t lost = 0;
        for (const auto& [topic, stream] : streams_) {
            lost += stream.lost.size();
            if (stream.first == 0) continue;
            for (std::uint64_t seq = stream.first; seq <= stream.known; ++seq) {
                EXPECT_NE(stream.delivered.contains(seq), stream.lost.contains(seq))
                    << topic << " " << seq;
            }
        }
        const RepairStats stats = tracker_.stats();
        EXPECT_EQ(stats.given_up_messages, lost);
        EXPECT_EQ(stats.held + stats.holes_open + stats.held_bytes + stats.streams_waiting, 0u);
        const bool roomy = world_.limits.held_max > 1000 && world_.limits.holes_max > 1000;
        const bool answering = world_.away[0] + world_.away[1] == 0;
        if (roomy && answering) {
            // Nothing that a journal has is lost.
            EXPECT_EQ(lost_stored_, 0u);
        }
    }

    const World world_;
    fault::Random random_;
    Instant now_ = 1h;
    ReplayGuard guard_{{}};
    GapTracker tracker_{world_.limits};
    std::multimap<Instant, Flight> in_flight_;
    std::map<std::string, Stream> streams_;
    std::uint64_t lost_stored_ = 0;
};

World world_for(fault::Random& random) {
    World world;
    const auto some = [&](std::uint64_t most) {
        return random.permille(300) ? 0 : random.below(most);
    };
    world.loss = some(500);
    world.doubled = some(300);
    world.delayed = some(300);
    for (std::size_t i = 0; i < 2; ++i) {
        world.stored[i] = random.permille(400) ? 1000 : random.below(1000);
        world.away[i] = some(900);
    }
    if (random.permille(300)) world.limits.held_max = random.between(1, 40);
    if (random.permille(300)) world.limits.holes_max = random.between(1, 20);
    return world;
}

TEST(GapTrackerProperties, HoldInWorldsThatLoseDoubleAndDelay) {
    const char* more = std::getenv("WEFT_SEEDS");
    const std::uint64_t seeds = more != nullptr ? std::strtoull(more, nullptr, 10) : 200;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        fault::Random random(seed);
        const World world = world_for(random);
        Simulation(world, seed).run();
        if (::testing::Test::HasFailure()) return;
    }
}

TEST(GapTrackerProperties, WithAWholeJournalNothingIsLost) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        World world;
        world.loss = 300;
        world.doubled = world.delayed = 200;
        world.stored = {1000, 0};
        Simulation(world, seed).run();
        if (::testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace weft::reliability
