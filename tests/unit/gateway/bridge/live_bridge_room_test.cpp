// What a publish through the bridge meets while the sending queue is full: it waits for room, as a
// publish of any other program does.

#include <latch>
#include <thread>

#include "tests/unit/gateway/bridge/bridge_world.hpp"

namespace weft::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = BridgeError::Kind;
using Mode = PublishRequest::Mode;

class BridgeRoom : public BridgeWorld {
protected:
    /// A message that is on its way from claim to commit until it is told to go on: the sender
    /// waits for it.
    class Stuck final : public fabric::SealedMessageHook {
    public:
        void prepare(std::size_t) override {}
        void on_sealed(const Sealed&) noexcept override {
            began_.count_down();
            free_.wait();
        }
        void wait_until_begun() { began_.wait(); }
        void go_on() { free_.count_down(); }

    private:
        std::latch began_{1}, free_{1};
    };

    ~BridgeRoom() override {
        if (bridge_) free_queue();
    }

    /// Nothing is sent from now on, and not a byte finds room.
    void fill_queue() {
        sticking_ = std::thread([this] {
            fabric::PublishOptions options;
            options.hook = &stuck_;
            static_cast<void>(
                a_.fabric->publisher().try_publish(other, {"x", "text/plain"}, options));
        });
        stuck_.wait_until_begun();
        for (std::size_t bytes = std::size_t{4} << 20; bytes > 0; bytes /= 2) {
            const std::string body(bytes, 'x');
            fabric::PublishOptions options;
            options.room_timeout = milliseconds{0};
            while (a_.fabric->publisher().try_publish(other, {body, "text/plain"}, options)) {
            }
        }
    }
    void free_queue() {
        if (!sticking_.joinable()) return;
        stuck_.go_on();
        sticking_.join();
    }

    // The journal records it, and it is never looked at.
    static inline const std::string other = "org.weft.dev.other";
    Stuck stuck_;
    std::thread sticking_;
};

TEST_F(BridgeRoom, WhoFindsTheSendingQueueFullWaitsForRoomInTheOrderInWhichTheyCame) {
    open_bridge();
    fill_queue();
    std::vector<Answer<BridgeResult<Published>>> answers(4);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const Mode mode = i == 1 ? Mode::fire_and_forget : Mode::durable;
        bridge_->publish(anybody(), request(std::to_string(i), mode), answers[i].taker());
    }
    EXPECT_EQ(bridge_->stats().waited_for_room, 4U);
    for (const auto& answer : answers) EXPECT_EQ(answer.count(), 0U);
    free_queue();
    for (auto& answer : answers) {
        const auto published = answer.wait();
        EXPECT_TRUE(published) << published.error().sentence;
    }
    ReadRequest what;
    what.filter = filter_of({deploy});
    EXPECT_THAT(bodies(*read(what)), ElementsAre("0", "1", "2", "3"));
    EXPECT_TRUE(publish(request())) << "nobody waits any more";
    EXPECT_EQ(bridge_->stats().waited_for_room, 4U);
}

TEST_F(BridgeRoom, WhoWaitsForRoomLongerThanAPublishMayTakeIsToldThatItIsBusy) {
    BridgeLimits limits;
    limits.durable.timeout = milliseconds{20};
    open_bridge(limits);
    fill_queue();
    for (const Mode mode : {Mode::durable, Mode::fire_and_forget}) {
        const auto refused = publish(request("x", mode));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, Kind::busy);
        EXPECT_THAT(refused.error().sentence, HasSubstr("had no room for 20 ms"));
        EXPECT_FALSE(refused.error().id) << "nothing was published";
    }
    EXPECT_EQ(bridge_->stats().durable_now, 0U);
}

TEST_F(BridgeRoom, OnlySoManyWaitForRoom) {
    BridgeLimits limits;
    limits.durable.publishes = 2;
    open_bridge(limits);
    fill_queue();
    std::vector<Answer<BridgeResult<Published>>> answers(4);
    for (auto& answer : answers) {
        bridge_->publish(anybody(), request("x", Mode::fire_and_forget), answer.taker());
    }
    // One is being tried, two wait.
    EXPECT_TRUE(eventually([&] {
        std::size_t refused = 0;
        for (const auto& answer : answers) refused += answer.count();
        return refused >= 1;
    }));
    const auto refused = answers[3].wait();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, Kind::busy);
    EXPECT_THAT(refused.error().sentence, HasSubstr("too many wait for room"));
}

TEST_F(BridgeRoom, StopTellsThoseWhoWaitForRoom) {
    BridgeLimits limits;
    limits.stop_patience = milliseconds{20};
    open_bridge(limits);
    fill_queue();
    std::vector<Answer<BridgeResult<Published>>> answers(3);
    for (auto& answer : answers) bridge_->publish(anybody(), request(), answer.taker());
    std::thread freeing([&] {
        for (auto& answer : answers) EXPECT_EQ(answer.wait().error().kind, Kind::stopped);
        free_queue();
    });
    bridge_->stop();
    freeing.join();
}

}  // namespace
}  // namespace weft::gateway
