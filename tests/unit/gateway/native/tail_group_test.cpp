// Readers of streams by themselves: who shares what, who waits, and what slow ones are sent.

#include "gateway/native/tail_group.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "tests/support/fake_bridge.hpp"
#include "tests/support/look_again.hpp"
#include "tests/support/streaming_exchange.hpp"

namespace weft::gateway::native {
namespace {

using support::FakeStream;
using ::testing::HasSubstr;
using testing::look_again_after_ms;
using ::testing::Not;

/// Timers that run when the test says so.
class HeldTimers final : public Timers {
public:
    void run(std::chrono::milliseconds, std::function<void()> work) override {
        const std::scoped_lock lock(mutex_);
        held_.push_back(std::move(work));
    }
    void post(std::function<void()> work) override { run({}, std::move(work)); }
    void run_all() {
        std::vector<std::function<void()>> due;
        {
            const std::scoped_lock lock(mutex_);
            due.swap(held_);
        }
        for (const auto& work : due) work();
    }
    [[nodiscard]] std::size_t size() {
        const std::scoped_lock lock(mutex_);
        return held_.size();
    }

private:
    std::mutex mutex_;
    std::vector<std::function<void()>> held_;
};

/// A client who reads, and the server's queue for it, which has an end.
class QueueStream final : public Stream {
public:
    static constexpr std::size_t queue_max = std::size_t{1} << 20;
    bool send(SharedBytes bytes) override {
        const std::scoped_lock lock(mutex_);
        if (closed_ || overflown_) return false;
        if (queued_ > 0 && queued_ + bytes->size() > queue_max) {
            overflown_ = true;
            return false;
        }
        queued_ += bytes->size();
        text_ += *bytes;
        return true;
    }
    void end() override {
        const std::scoped_lock lock(mutex_);
        closed_ = true;
    }
    [[nodiscard]] bool closed() const override {
        const std::scoped_lock lock(mutex_);
        return closed_ || overflown_;
    }
    [[nodiscard]] std::size_t queued() const override {
        const std::scoped_lock lock(mutex_);
        return queued_;
    }
    void on_closed(std::function<void()>) override {}

    void read(std::size_t bytes) {
        const std::scoped_lock lock(mutex_);
        queued_ -= std::min(queued_, bytes);
    }
    [[nodiscard]] bool overflown() const {
        const std::scoped_lock lock(mutex_);
        return overflown_;
    }
    [[nodiscard]] bool has(const std::string& part) const { return count(part) > 0; }
    [[nodiscard]] std::size_t count(const std::string& part) const {
        const std::scoped_lock lock(mutex_);
        std::size_t found = 0;
        for (std::size_t at = 0; (at = text_.find(part, at)) != std::string::npos; ++found) ++at;
        return found;
    }

private:
    mutable std::mutex mutex_;
    std::size_t queued_ = 0;
    std::string text_;
    bool closed_ = false, overflown_ = false;
};

class Tails : public ::testing::Test {
protected:
    ~Tails() override {
        tails_.stop();
        bridge_.stop();
    }

    void add(const std::shared_ptr<Stream>& stream, const std::string& query) {
        TailGroups::Wanted wanted;
        auto parameters = read_parameters(*Query::parse(query), {}, "now", {"org.weft", "dev"},
                                          bridge_.journal(), clock_.utc_us());
        ASSERT_TRUE(parameters) << parameters.error();
        wanted.parameters = std::move(*parameters);
        tails_.add(stream, std::move(wanted));
    }
    std::shared_ptr<FakeStream> add(const std::string& query) {
        auto stream = std::make_shared<FakeStream>();
        add(stream, query);
        return stream;
    }
    void store(const std::string& topic, const std::string& body = "{}") {
        bridge_.store({"org.weft.dev." + topic, body});
    }
    /// Whether it comes to be within ten seconds.
    template <class Condition>
    static bool comes(Condition condition) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        while (!condition()) {
            if (std::chrono::steady_clock::now() > until) return false;
            look_again_after_ms(1);
        }
        return true;
    }
    [[nodiscard]] bool one_waits() {
        return comes([&] { return bridge_.waiters() == 1; });
    }

    support::WallClock clock_;
    support::FakeBridge bridge_{clock_};
    HeldTimers timers_;
    TailGroups tails_{bridge_, timers_};
};

TEST_F(Tails, WhoAsksForWhatIsNotThereYetHoldsUpNobody) {
    for (int i = 0; i < 3; ++i) store("a");
    const auto early = add("after=6");
    ASSERT_TRUE(one_waits());
    const auto other = add("after=now");
    ASSERT_TRUE(comes([&] { return bridge_.reads >= 2; }));
    for (int id = 4; id <= 8; ++id) {
        store("a");
        const std::string line = "id: " + std::to_string(id) + "\n";
        ASSERT_THAT(other->wait_for(line), HasSubstr(line));
    }
    EXPECT_THAT(early->wait_for("id: 8\n"), HasSubstr("id: 7\n"));
    EXPECT_THAT(early->text(), Not(HasSubstr("id: 6\n")));
    EXPECT_LE(bridge_.reads, 20U) << "nobody reads again and again";
}

TEST_F(Tails, WhoIsAheadOfAnIdleGroupJoinsItWithoutAskingAgain) {
    store("a");
    const auto first = add("topic=a&after=now");
    ASSERT_TRUE(one_waits());
    for (int i = 0; i < 5; ++i) store("other");
    const auto second = add("topic=a&after=now");
    ASSERT_TRUE(comes([&] { return bridge_.reads >= 2; }));
    store("a", "7");
    for (const auto& stream : {first, second}) {
        EXPECT_THAT(stream->wait_for("id: 7\n"), HasSubstr("id: 7\n"));
    }
    EXPECT_EQ(timers_.size(), 0U) << "no timer was needed";
}

TEST_F(Tails, AReaderAheadGetsOfAPageWhatItDoesNotHaveYet) {
    const auto first = add("after=now");
    ASSERT_TRUE(one_waits());
    const auto ahead = add("after=2");
    ASSERT_TRUE(comes([&] { return bridge_.reads >= 2; }));
    for (int i = 0; i < 4; ++i) store("a");
    EXPECT_THAT(first->wait_for("id: 4\n"), HasSubstr("id: 1\n"));
    const std::string text = ahead->wait_for("id: 4\n");
    EXPECT_THAT(text, HasSubstr("id: 3\n"));
    EXPECT_THAT(text, Not(HasSubstr("id: 2\n")));
}

TEST_F(Tails, ReadersOfHistoryGetALastWord) {
    for (int i = 0; i < 300; ++i) store("a", "\"" + std::string(4000, 'x') + "\"");
    const auto slow = std::make_shared<FakeStream>();
    slow->stop_reading();
    add(slow, "after=beginning");
    ASSERT_TRUE(comes([&] { return timers_.size() == 1; })) << "it waits for its client";
    EXPECT_EQ(tails_.readers(), 1U);
    tails_.stop();
    EXPECT_THAT(slow->text(), HasSubstr("event: end"));
    EXPECT_TRUE(slow->closed());
}

TEST_F(Tails, WhoReadsIsSentALongHistoryInPiecesThatFitItsQueue) {
    const int count = 40;
    for (int i = 0; i < count; ++i) store("a", "\"" + std::string(200'000, 'x') + "\"");
    const auto stream = std::make_shared<QueueStream>();
    stream->send(std::make_shared<const std::string>("retry: 1000\n\n"));
    add(stream, "after=beginning");
    EXPECT_TRUE(comes([&] {
        stream->read(50'000);
        timers_.run_all();
        return stream->overflown() || stream->has("id: " + std::to_string(count) + "\n");
    }));
    EXPECT_FALSE(stream->overflown());
    for (int id = 1; id <= count; ++id) {
        EXPECT_TRUE(stream->has("id: " + std::to_string(id) + "\n")) << id;
    }
}

TEST_F(Tails, AMessageThatIsLargerThanWhatMayWaitIsSentOnceNothingElseDoes) {
    store("a", "\"" + std::string(600'000, 'x') + "\"");
    store("a", "\"" + std::string(600'000, 'y') + "\"");
    const auto stream = std::make_shared<QueueStream>();
    stream->send(std::make_shared<const std::string>("retry: 1000\n\n"));
    add(stream, "after=beginning");
    EXPECT_TRUE(comes([&] {
        stream->read(100'000);
        timers_.run_all();
        return stream->overflown() || stream->has("id: 2\n");
    }));
    EXPECT_FALSE(stream->overflown());
}

TEST_F(Tails, ABurstCutsOffNoLiveReaderThatIsSlowerThanItAndHoldsUpNoOther) {
    const int count = 40;
    const auto slow = std::make_shared<QueueStream>();
    slow->send(std::make_shared<const std::string>("retry: 1000\n\n"));
    add(slow, "after=now");
    const auto fast = add("after=now");
    ASSERT_TRUE(one_waits());
    ASSERT_TRUE(comes([&] { return bridge_.reads >= 2; }));
    for (int i = 0; i < count; ++i) store("a", "\"" + std::string(200'000, 'x') + "\"");
    const std::string last = "id: " + std::to_string(count) + "\n";
    EXPECT_THAT(fast->wait_for(last), HasSubstr(last)) << "nobody has read for the slow one";
    EXPECT_FALSE(slow->overflown());
    EXPECT_EQ(tails_.readers(), 2U);
    EXPECT_TRUE(comes([&] {
        slow->read(50'000);
        timers_.run_all();
        return slow->overflown() || slow->has(last);
    }));
    for (int id = 1; id <= count; ++id) {
        EXPECT_EQ(slow->count("id: " + std::to_string(id) + "\n"), 1U) << id;
    }
    // At the head again, it shares what is live.
    slow->read(QueueStream::queue_max);
    store("a");
    const std::string next = "id: " + std::to_string(count + 1) + "\n";
    EXPECT_TRUE(comes([&] {
        timers_.run_all();
        return slow->has(next);
    }));
    EXPECT_FALSE(slow->overflown());
}

TEST_F(Tails, TheNewestOnesComeInTheirOrderAndThenWhatIsLive) {
    for (int i = 0; i < 10; ++i) store("a");
    const auto stream = add("after=last:3");
    EXPECT_THAT(stream->wait_for("id: 10\n"), HasSubstr("id: 8\n"));
    EXPECT_THAT(stream->text(), Not(HasSubstr("id: 7\n")));
    store("a");
    EXPECT_THAT(stream->wait_for("id: 11\n"), HasSubstr("id: 11\n"));
}

}  // namespace
}  // namespace weft::gateway::native
