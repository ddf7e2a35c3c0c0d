#include "gateway/routemaster/presenter.hpp"

#include "gateway/routemaster/event.hpp"
#include "tests/unit/gateway/routemaster/routemaster_world.hpp"

namespace weft::gateway::routemaster {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class RoutemasterPresented : public RoutemasterWorld {
protected:
    std::vector<StoredEvent> stored() {
        support::Answer<BridgeResult<EventPage>> page;
        bridge.read({}, [&](auto got) { page.give(std::move(got)); });
        const auto got = page.take();
        if (!got || !*got) throw std::runtime_error("the bridge does not read");
        return (*got)->events;
    }
    std::string body(std::span<const StoredEvent> events) const {
        return presenter.request({}, events, {"d1", 1, 0}).body;
    }
};

TEST_F(RoutemasterPresented, AnEventIsTheSameForEachOfItsSubscribersAndAttempts) {
    EXPECT_EQ(publish("widgets", R"({"type":"noop","url":"https://a/1","data":[1.0, "x"]})"), 204U);
    const auto events = stored();
    ASSERT_THAT(events, SizeIs(1));
    const std::string first = body(events);
    EXPECT_EQ(json::parse(first)[0]["url"], "https://a/1");
    EXPECT_EQ(json::parse(first)[0]["data"].dump(), R"([1.0,"x"])");
    EXPECT_EQ(body(events), first);
    EXPECT_EQ(body(stored()), first) << "read once more";
}

TEST_F(RoutemasterPresented, WhatIsNoEventIsNotWantedHoweverOftenItIsSeen) {
    bridge.store({"org.weft.dev.routemaster.widgets", R"({"some":"thing"})"});
    EXPECT_EQ(publish("widgets"), 204U);
    const auto events = stored();
    ASSERT_THAT(events, SizeIs(2));
    for (int i = 0; i < 2; ++i) {
        EXPECT_FALSE(Event::is_one(events[0].message));
        EXPECT_TRUE(Event::is_one(events[1].message));
        EXPECT_FALSE(presenter.wants({}, events[0]));
        EXPECT_TRUE(presenter.wants({}, events[1]));
        EXPECT_THAT(json::parse(body(events)), SizeIs(1));
    }
}

TEST_F(RoutemasterPresented, MoreEventsThanAreKeptAreReadAgain) {
    for (int i = 0; i < 5000; ++i) {
        bridge.store(
            {"org.weft.dev.routemaster.widgets", event_of("https://a/" + std::to_string(i))});
    }
    std::vector<StoredEvent> all;
    reliability::Position after;
    while (all.size() < 5000) {
        support::Answer<BridgeResult<EventPage>> page;
        ReadRequest request;
        request.after = after;
        bridge.read(std::move(request), [&](auto got) { page.give(std::move(got)); });
        const auto got = page.take();
        ASSERT_TRUE(got && *got && !(*got)->events.empty());
        after = (*got)->next;
        all.insert(all.end(), (*got)->events.begin(), (*got)->events.end());
    }
    const json forwards = json::parse(body(all));
    ASSERT_THAT(forwards, SizeIs(5000));
    for (int i = 0; i < 5000; ++i) {
        ASSERT_EQ(forwards[static_cast<std::size_t>(i)]["url"], "https://a/" + std::to_string(i));
    }
    EXPECT_EQ(json::parse(body(all)), forwards);
}

}  // namespace
}  // namespace weft::gateway::routemaster
