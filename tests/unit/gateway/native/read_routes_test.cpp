// One message by its UUID, and families, over a journal in memory.

#include "gateway/native/read_routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/fake_bridge.hpp"
#include "tests/support/same_thread_room.hpp"
#include "tests/support/streaming_exchange.hpp"

namespace weft::gateway::native {
namespace {

using nlohmann::json;
using support::StreamingExchange;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ReadRoutes : public ::testing::Test {
protected:
    ReadRoutes() {
        anybody_.everything = true;
        ci_.name = "ci";
        ci_.read = {*signing::TopicGlob::parse("org.weft.dev.git.**")};
        stop_ = add_read_routes(table_, bridge_, &room_, clock_, {"org.weft", "dev"});
    }

    Response get(const std::string& target, const Principal& who) {
        Request request;
        request.method = "GET";
        request.target = target;
        auto exchange = std::make_shared<StreamingExchange>(std::move(request));
        table_.serve(*path_segments(exchange->request().raw_path()),
                     {exchange, *Query::parse(""), who, {}});
        auto response = exchange->wait();
        if (!response) throw std::runtime_error("no answer to " + target);
        return *response;
    }
    Response get(const std::string& target) { return get(target, anybody_); }

    fabric::MessageId publish(const std::string& topic,
                              std::optional<fabric::MessageId> parent = std::nullopt) {
        PublishRequest request;
        request.topic = "org.weft.dev." + topic;
        request.body = "{}";
        request.parent = parent;
        support::Answer<BridgeResult<Published>> answer;
        bridge_.publish(anybody_, std::move(request),
                        [&](auto result) { answer.give(std::move(result)); });
        return answer.take().value().value().id;
    }
    static std::vector<std::uint64_t> ids(const Response& response) {
        std::vector<std::uint64_t> ids;
        const json parsed = json::parse(response.body);
        for (const auto& event : parsed["events"]) ids.push_back(event["journal_id"]);
        return ids;
    }

    support::WallClock clock_;
    support::FakeBridge bridge_{clock_};
    reliability::CursorStore cursors_{bridge_.memory(), clock_};
    reliability::GroupService groups_{cursors_};
    reliability::StoredVerifier verifier_{nullptr};
    support::SameThreadRoom room_{{bridge_.memory(), cursors_, groups_, verifier_}};
    RouteTable table_;
    std::function<void()> stop_;
    Principal anybody_, ci_;
};

TEST_F(ReadRoutes, GiveAMessageByItsUuidAsByItsPlaceInTheJournal) {
    publish("git.commit");
    const auto id = publish("git.commit");
    const Response by_uuid = get("/v1/events/" + id.text());
    EXPECT_EQ(by_uuid.status, 200U);
    EXPECT_EQ(json::parse(by_uuid.body)["id"], id.text());
    EXPECT_EQ(json::parse(by_uuid.body)["journal_id"], 2);
    EXPECT_EQ(by_uuid.body, get("/v1/events/2").body);
}

TEST_F(ReadRoutes, SayThatAMessageIsNotOrNoLongerThereOrMayNotBeRead) {
    const auto id = publish("wiki.edit");
    const auto unknown = fabric::MessageId::make(7);
    const Response nothing = get("/v1/events/" + unknown.text());
    EXPECT_EQ(nothing.status, 404U);
    EXPECT_THAT(nothing.body, HasSubstr(unknown.text() + " is not in the journal"));
    EXPECT_EQ(get("/v1/events/" + id.text(), ci_).status, 404U);
    EXPECT_THAT(get("/v1/events/" + id.text(), ci_).body, HasSubstr("is not in the journal"));
    ASSERT_TRUE(bridge_.memory().trim(2));
    EXPECT_EQ(get("/v1/events/" + id.text()).status, 404U);
    EXPECT_EQ(get("/v1/events/zero").status, 400U);
}

TEST_F(ReadRoutes, TellWhoCausedWhatByEitherId) {
    const auto first = publish("git.commit");
    const auto second = publish("git.build", first);
    publish("wiki.edit", second);
    publish("git.other");
    for (const std::string& id : {std::string{"1"}, first.text()}) {
        EXPECT_THAT(ids(get("/v1/events/" + id + "/children")), ElementsAre(2, 3));
        EXPECT_THAT(ids(get("/v1/events/" + id + "/children", ci_)), ElementsAre(2));
    }
    const Response up = get("/v1/events/3/ancestors");
    EXPECT_THAT(ids(up), ElementsAre(2, 1));
    EXPECT_EQ(json::parse(up.body)["events"][1]["depth"], 2);
    EXPECT_EQ(get("/v1/events/nothing/children").status, 404U);
    EXPECT_EQ(get("/v1/events/9/children").status, 404U);
    const std::string unknown = fabric::MessageId::make(7).text();
    EXPECT_EQ(get("/v1/events/" + unknown + "/ancestors").status, 404U);
}

TEST_F(ReadRoutes, WhenTooMuchWaitsThatIsSaid) {
    room_.full = true;
    for (const char* end : {"", "/children"}) {
        const Response refused = get("/v1/events/" + fabric::MessageId::make(7).text() + end);
        EXPECT_EQ(refused.status, 503U);
        EXPECT_TRUE(refused.headers.find("Retry-After"));
    }
}

TEST(RouteTable, PrefersLiteralTextAndNamesTheMethodsThatAreAllowed) {
    RouteTable table;
    std::string served;
    for (const char* path : {"/a/{x}", "/a/b", "/{y}/b"}) {
        table.add("GET", path, [&, path](const Asked& asked) {
            served = path;
            for (const auto& value : asked.values) served += " " + value;
        });
    }
    table.add("PUT", "/a/{x}", [&](const Asked&) { served = "put"; });
    const auto serve = [&](const std::string& method, const std::string& path) {
        Request request;
        request.method = method;
        request.target = path;
        auto exchange = std::make_shared<StreamingExchange>(std::move(request));
        served.clear();
        table.serve(*path_segments(path), {exchange, *Query::parse(""), {}, {}});
        return exchange;
    };
    serve("GET", "/a/b");
    EXPECT_EQ(served, "/a/b");
    serve("HEAD", "/a/c%20d");
    EXPECT_EQ(served, "/a/{x} c d");
    serve("GET", "/z/b");
    EXPECT_EQ(served, "/{y}/b z");
    serve("PUT", "/a/b");
    EXPECT_EQ(served, "put");
    const auto refused = serve("DELETE", "/a/c")->wait();
    EXPECT_EQ(refused->status, 405U);
    EXPECT_EQ(refused->headers.find("Allow"), "GET, HEAD, PUT");
    EXPECT_EQ(serve("GET", "/a")->wait()->status, 404U);
    EXPECT_EQ(served, "");
}

}  // namespace
}  // namespace weft::gateway::native
