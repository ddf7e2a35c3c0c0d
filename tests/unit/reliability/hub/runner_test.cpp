// The workers of one consumer, with a handler and a feed that do what the test says.

#include "reliability/hub/runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <set>
#include <stdexcept>

#include "fabric/node/current_message.hpp"
#include "tests/unit/reliability/hub/recording_surroundings.hpp"
#include "tests/unit/reliability/reliable_world.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Is = Verdict::Is;

/// What the handlers do, and what was done to them.
struct Script {
    std::function<Verdict(const fabric::Message&, unsigned attempt)> handle =
        [](const fabric::Message&, unsigned) { return Verdict{}; };
    bool keeps_timeout = true;
    std::string start_failure;
    Gate given_up;
    std::atomic<int> starts = 0, stops = 0, made = 0, give_ups = 0;
};

class FakeHost final : public HandlerHost {
public:
    explicit FakeHost(std::shared_ptr<Script> script) : script_(std::move(script)) {}
    tl::expected<void, std::string> start() override {
        ++script_->starts;
        if (!script_->start_failure.empty()) return tl::make_unexpected(script_->start_failure);
        return {};
    }
    std::unique_ptr<Handler> make() override {
        ++script_->made;
        return std::make_unique<FakeHandler>(script_);
    }
    void stop(std::chrono::milliseconds) override { ++script_->stops; }
    bool keeps_timeout() const override { return script_->keeps_timeout; }
    std::string details() const override { return "pid 4711"; }

private:
    class FakeHandler final : public Handler {
    public:
        explicit FakeHandler(std::shared_ptr<Script> script) : script_(std::move(script)) {}
        Verdict handle(const fabric::Message& message, unsigned attempt) override {
            return script_->handle(message, attempt);
        }
        void give_up() override {
            ++script_->give_ups;
            script_->given_up.open();
        }

    private:
        std::shared_ptr<Script> script_;
    };
    std::shared_ptr<Script> script_;
};

struct Ended {
    std::uint64_t number;
    unsigned attempt;
    Is is;
    std::string reason;
};

/// Puts messages on the bench when the test says so; retries come again at once.
class FakeFeed final : public Feed {
public:
    explicit FakeFeed(Bench& bench) : bench_(bench) {}

    void put(std::uint64_t number, std::uint64_t key, const fabric::Clock& clock) {
        {
            const std::scoped_lock lock(bench_.mutex);
            static_cast<void>(
                bench_.queue.add({number, key, 1, fabric::Instant::max(), clock.steady(),
                                  fabric::received("text/plain", "x")}));
        }
        bench_.work.notify_one();
    }
    [[nodiscard]] bool ended_becomes(std::size_t count) { return ended.wait_for(count); }

    void start() override { started = true; }
    std::string waiting_for() const override {
        const std::scoped_lock lock(mutex_);
        return why_;
    }
    bool failed() const override { return failed_for_good; }
    bool begins(std::size_t worker, const Work& work) override {
        workers.add(worker);
        if (unwanted.load() != work.number) return true;
        const std::scoped_lock lock(bench_.mutex);
        bench_.queue.done(work.number);
        return false;
    }
    void ends(std::size_t, Work work, Verdict verdict) override {
        const Ended what{work.number, work.attempt, verdict.is, verdict.reason};
        {
            const std::scoped_lock lock(bench_.mutex);
            ended.add(what);
            if (verdict.is == Is::retry) {
                ++work.attempt;
                bench_.queue.again(std::move(work), fabric::Instant{0});
            } else {
                bench_.queue.done(work.number);
            }
        }
        bench_.work.notify_all();
    }
    void stop_taking() override { stopped_taking = true; }
    std::size_t finish(fabric::Instant) override {
        const std::scoped_lock lock(bench_.mutex);
        return bench_.queue.drop_waiting() + bench_.queue.in_hand();
    }
    FeedStats stats() const override { return {.taken = 42}; }

    void waits_for(std::string why) {
        const std::scoped_lock lock(mutex_);
        why_ = std::move(why);
    }
    Seen<Ended> ended;
    Seen<std::size_t> workers;
    std::atomic<bool> started = false, stopped_taking = false, failed_for_good = false;
    std::atomic<std::uint64_t> unwanted = 0;

private:
    Bench& bench_;
    mutable std::mutex mutex_;
    std::string why_;
};

class RunnerTest : public ::testing::Test {
protected:
    RunnerTest() {
        settings_.name = "counter";
        settings_.globs = support::globs_of({"a.*", "b"});
    }
    ~RunnerTest() override { script_->given_up.open(); }

    Runner::Parts parts() {
        Runner::Parts parts{
            settings_, surroundings_, clock_, std::make_unique<FakeHost>(script_), {}, {}};
        parts.make_feed = [this](const ConsumerSettings&, Bench& bench, AckDesk*) {
            auto feed = std::make_unique<FakeFeed>(bench);
            feed_ = feed.get();
            return feed;
        };
        return parts;
    }
    void start() {
        runner_ = std::make_unique<Runner>(parts());
        const auto started = runner_->start();
        ASSERT_TRUE(started) << started.error();
    }
    void put(std::uint64_t number, std::uint64_t key) { feed_->put(number, key, clock_); }
    Runner::Left stop(std::chrono::milliseconds patience) {
        return runner_->stop(clock_.steady() + patience);
    }

    ShiftedClock clock_;
    ConsumerSettings settings_;
    RecordingSurroundings surroundings_;
    std::shared_ptr<Script> script_ = std::make_shared<Script>();
    FakeFeed* feed_ = nullptr;  // of the runner, until it is stopped
    std::unique_ptr<Runner> runner_;
};

TEST_F(RunnerTest, AsManyMessagesAreHandledAtATimeAsThereAreWorkers) {
    settings_.workers = 4;
    Gate together;
    std::atomic<int> inside = 0;
    script_->handle = [&](const fabric::Message&, unsigned) {
        ++inside;
        together.pass();
        return Verdict{};
    };
    start();
    for (std::uint64_t number = 1; number <= 6; ++number) put(number, number);
    ASSERT_TRUE(eventually([&] { return inside == 4; }));
    EXPECT_EQ(runner_->status().in_hand, 4U);
    EXPECT_EQ(runner_->status().waiting, 2U);
    together.open();
    ASSERT_TRUE(feed_->ended_becomes(6));
    EXPECT_EQ(script_->made, 4) << "each worker has a handler of its own";
    const auto workers = feed_->workers.all();
    EXPECT_THAT(std::set(workers.begin(), workers.end()), ::testing::IsSupersetOf({0, 1, 2, 3}));
    stop(10s);
}

TEST_F(RunnerTest, MessagesOfOneKeyAreHandledOneAtATimeAndInOrder) {
    settings_.workers = 4;
    std::atomic<int> inside = 0, most = 0;
    script_->handle = [&](const fabric::Message&, unsigned) {
        most = std::max(most.load(), ++inside);
        std::this_thread::yield();
        --inside;
        return Verdict{};
    };
    start();
    for (std::uint64_t number = 1; number <= 200; ++number) put(number, 7);
    ASSERT_TRUE(feed_->ended_becomes(200));
    std::uint64_t last = 0;
    for (const Ended& one : feed_->ended.all()) EXPECT_EQ(one.number, ++last);
    EXPECT_EQ(most, 1);
    stop(10s);
}

TEST_F(RunnerTest, WhatAHandlerThrowsIsARetryWithItsText) {
    script_->handle = [](const fabric::Message&, unsigned attempt) -> Verdict {
        if (attempt == 1) throw std::runtime_error("disk\nfull");
        if (attempt == 2) throw 1;
        return {};
    };
    start();
    put(5, 5);
    ASSERT_TRUE(feed_->ended_becomes(3));
    const auto ended = feed_->ended.all();
    EXPECT_EQ(ended[0].is, Is::retry);
    EXPECT_EQ(ended[0].reason, "disk\nfull");
    EXPECT_EQ(ended[1].is, Is::retry);
    EXPECT_EQ(ended[1].reason, "it threw something that is no std::exception");
    EXPECT_EQ(ended[2].is, Is::done);
    EXPECT_EQ(ended[2].attempt, 3U);
    const ConsumerStatus status = runner_->status();
    EXPECT_THAT(status.last_error, HasSubstr("attempt 2: it threw"));
    EXPECT_EQ(status.last_error_us, clock_.utc_us());
    stop(10s);
}

TEST_F(RunnerTest, WhatTheFeedDoesNotWantAnyMoreIsNotHandled) {
    start();
    feed_->unwanted = 1;
    put(1, 1);
    put(2, 1);
    ASSERT_TRUE(feed_->ended_becomes(1));
    EXPECT_EQ(feed_->ended.all()[0].number, 2U);
    stop(10s);
}

TEST_F(RunnerTest, WhatIsPublishedMeanwhileHasTheMessageAsItsParent) {
    Seen<fabric::MessageId> parents;
    script_->handle = [&](const fabric::Message&, unsigned) {
        parents.add(fabric::CurrentMessage::id());
        return Verdict{};
    };
    start();
    put(1, 1);
    ASSERT_TRUE(parents.wait_for(1));
    EXPECT_EQ(parents.all()[0], fabric::sample_header().id);
    stop(10s);
}

TEST_F(RunnerTest, StoppingWaitsForWhatIsInHandAndTakesNothingMore) {
    Gate gate;
    Seen<int> begun;
    script_->handle = [&](const fabric::Message&, unsigned) {
        begun.add(1);
        gate.pass();
        return Verdict{};
    };
    start();
    put(1, 1);
    put(2, 2);
    ASSERT_TRUE(begun.wait_for(1));
    auto* const feed = feed_;
    std::vector<Ended> ended;
    std::thread opener([&] {
        ASSERT_TRUE(eventually([&] { return feed->stopped_taking.load(); }));
        gate.open();
    });
    const Runner::Left left = stop(20s);
    opener.join();
    EXPECT_EQ(left.messages, 1U) << "the second one was not begun";
    EXPECT_EQ(left.stuck, 0U);
    EXPECT_THAT(begun.all(), SizeIs(1));
    EXPECT_EQ(script_->give_ups, 0);
    EXPECT_EQ(script_->stops, 1);
    EXPECT_EQ(runner_->status().state, "stopped");
    EXPECT_EQ(runner_->status().feed.taken, 42U) << "its counters can still be read";
    EXPECT_EQ(stop(20s).messages, 0U) << "a second time does nothing";
    EXPECT_EQ(script_->stops, 1);
}

TEST_F(RunnerTest, WhatTakesLongerIsGivenUp) {
    Seen<int> begun;
    script_->handle = [&](const fabric::Message&, unsigned) {
        begun.add(1);
        script_->given_up.pass();
        return Verdict{Is::left, ""};
    };
    start();
    put(1, 1);
    ASSERT_TRUE(begun.wait_for(1));
    const Runner::Left left = stop(0ms);
    EXPECT_EQ(left.stuck, 0U);
    EXPECT_EQ(script_->give_ups, 1);
    EXPECT_EQ(script_->stops, 1);
    EXPECT_EQ(runner_->status().last_error, "") << "that is no error of the consumer";
}

// In a process of its own: what is stuck is never freed.
TEST_F(RunnerTest, AWorkerThatNeverComesBackIsReportedAndLeftBehind) {
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
    const auto leave_one_behind = [&] {
        auto gate = std::make_shared<Gate>();
        auto begun = std::make_shared<Seen<int>>();
        auto returned = std::make_shared<std::atomic<bool>>(false);
        script_->keeps_timeout = false;
        script_->handle = [=](const fabric::Message&, unsigned) {
            begun->add(1);
            gate->pass();
            *returned = true;
            return Verdict{};
        };
        start();
        put(1, 1);
        const bool was_begun = begun->wait_for(1);
        const Runner::Left left = stop(0ms);
        runner_.reset();
        // Its thread goes on as if nothing had happened.
        gate->open();
        const bool went_on = eventually([&] { return returned->load(); });
        const bool well = was_begun && left.stuck == 1 && left.messages == 1 && went_on &&
                          script_->stops == 0 &&
                          surroundings_.wait_for_line("its thread is left behind");
        std::_Exit(well ? 0 : 1);
    };
    EXPECT_EXIT(leave_one_behind(), ::testing::ExitedWithCode(0), "");
}

TEST_F(RunnerTest, AHandlerThatCannotStartIsItsSentenceAndNothingRuns) {
    script_->start_failure = "there is no such file";
    runner_ = std::make_unique<Runner>(parts());
    const auto started = runner_->start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error(), "there is no such file");
    EXPECT_EQ(feed_, nullptr);
    EXPECT_EQ(runner_->status().state, "stopped");
    runner_.reset();
    EXPECT_EQ(script_->stops, 0);
}

TEST_F(RunnerTest, AFeedThatCannotBeMadeLeavesNothingRunning) {
    Runner::Parts with_throwing_feed = parts();
    with_throwing_feed.make_feed = [](const ConsumerSettings&, Bench&,
                                      AckDesk*) -> std::unique_ptr<Feed> {
        throw fabric::OpenFailed("no port");
    };
    runner_ = std::make_unique<Runner>(std::move(with_throwing_feed));
    EXPECT_THROW(static_cast<void>(runner_->start()), fabric::OpenFailed);
    runner_.reset();
    EXPECT_EQ(script_->starts, 1);
    EXPECT_EQ(script_->stops, 1);
}

TEST_F(RunnerTest, OneThatNeverBeganEndsQuietly) {
    runner_ = std::make_unique<Runner>(parts());
    EXPECT_EQ(runner_->status().state, "stopped");
    runner_.reset();
    EXPECT_EQ(script_->starts, 0);
    EXPECT_EQ(script_->stops, 0);
}

TEST_F(RunnerTest, ItsStateIsThatOfItsFeed) {
    settings_.durable = true;
    settings_.exec = {"/bin/true"};
    start();
    ConsumerStatus status = runner_->status();
    EXPECT_EQ(status.name, "counter");
    EXPECT_EQ(status.kind, "exec");
    EXPECT_EQ(status.topics, "a.* b");
    EXPECT_EQ(status.details, "pid 4711");
    EXPECT_EQ(status.state, "running");
    EXPECT_EQ(status.why, "");
    EXPECT_TRUE(status.durable);
    EXPECT_EQ(status.feed.taken, 42U);

    feed_->waits_for("the journal is away");
    status = runner_->status();
    EXPECT_EQ(status.state, "waiting");
    EXPECT_EQ(status.why, "the journal is away");

    feed_->failed_for_good = true;
    EXPECT_EQ(runner_->status().state, "failed");
    stop(10s);
    EXPECT_EQ(runner_->status().state, "stopped");
}

TEST_F(RunnerTest, APluginThatKeepsAMessageBeyondItsTimeoutIsStuckAndThatIsSaidOnce) {
    script_->keeps_timeout = false;
    Seen<int> begun;
    Gate gate;
    script_->handle = [&](const fabric::Message&, unsigned) {
        begun.add(1);
        gate.pass();
        return Verdict{};
    };
    start();
    put(1, 1);
    ASSERT_TRUE(begun.wait_for(1));
    runner_->look();
    EXPECT_EQ(runner_->status().state, "running");
    clock_.pass(31s);
    const ConsumerStatus status = runner_->status();
    EXPECT_EQ(status.state, "stuck");
    EXPECT_THAT(status.why, HasSubstr("longer than its timeout"));
    EXPECT_GE(status.oldest_in_hand, 31s);
    runner_->look();
    runner_->look();
    EXPECT_THAT(surroundings_.lines(), SizeIs(1));
    gate.open();
    ASSERT_TRUE(feed_->ended_becomes(1));
    ASSERT_TRUE(eventually([&] { return runner_->status().state == "running"; }));
    stop(10s);
}

TEST_F(RunnerTest, WhatCanBeEndedIsNeverStuck) {
    Seen<int> begun;
    script_->handle = [&](const fabric::Message&, unsigned) {
        begun.add(1);
        script_->given_up.pass();
        return Verdict{Is::left, ""};
    };
    start();
    put(1, 1);
    ASSERT_TRUE(begun.wait_for(1));
    clock_.pass(31s);
    EXPECT_EQ(runner_->status().state, "running");
    stop(0ms);
}

TEST_F(RunnerTest, ItMayBeAskedHowItIsWhileItStops) {
    start();
    std::atomic<bool> over = false;
    std::thread asks([&] {
        while (!over) EXPECT_EQ(runner_->status().feed.taken, 42U);
    });
    for (std::uint64_t number = 1; number <= 20; ++number) put(number, number);
    stop(10s);
    over = true;
    asks.join();
}

}  // namespace
}  // namespace weft::reliability::hub
