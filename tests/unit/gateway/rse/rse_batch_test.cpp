// Many events in one post.

#include "gateway/rse/batch.hpp"
#include "tests/unit/gateway/rse/rse_world.hpp"

namespace weft::gateway::rse {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = BridgeError::Kind;

class RseBatch : public RseWorld {
protected:
    Response batch(std::string body, HeaderList more = {}) {
        more.emplace_back("User-Agent", agent);
        more.emplace_back("Content-Type", std::string{batch_type});
        return send(request("POST", "/a", std::move(body), std::move(more)));
    }
};

TEST_F(RseBatch, EachItemIsAnEventByteForByteInItsPlace) {  // R168, R55
    const auto response = batch(" [ {\"x\": 1.0} , [2,\"],[\"],\n{\"y\":\"\\\"},{\"} ] ");
    EXPECT_EQ(response.status, 201U);
    EXPECT_EQ(response.body, R"({"events":[{"id":1},{"id":2},{"id":3}]})");
    EXPECT_EQ(id_of(response), 3U);
    const auto page = get("/a", other);
    EXPECT_THAT(ids(page), ElementsAre(1, 2, 3));
    EXPECT_THAT(page.body, HasSubstr(R"("data":{"x": 1.0}})"));
    EXPECT_THAT(page.body, HasSubstr(R"("data":[2,"],["]})"));
    EXPECT_THAT(page.body, HasSubstr(R"("data":{"y":"\"},{"}})"));
}

TEST_F(RseBatch, TheTypeMayHaveParametersAndAnotherTypeIsOneEvent) {  // R168, R46
    EXPECT_EQ(send(request("POST", "/a", "[[1],[2]]",
                           {{"User-Agent", agent},
                            {"Content-Type", "Application/RSE-Batch+JSON ; charset=utf-8"}}))
                  .body,
              R"({"events":[{"id":1},{"id":2}]})");
    EXPECT_EQ(post("/a", "[[1],[2]]").body, "");
    EXPECT_THAT(ids(get("/a", other)), ElementsAre(1, 2, 3));
}

TEST_F(RseBatch, OneItemThatIsNoEventRefusesAllOfThem) {  // R168, R70, R78
    std::string many = "[[]";
    for (std::size_t i = 0; i < batch_max; ++i) many += ",[]";
    for (const std::string& body : std::vector<std::string>{
             "", "{}", "[]", " [ ] ", "[1]", "[{},null]", "[{},]", "[{}", "[[\"\xFF\"]]",
             "[" + std::string(1000, '[') + std::string(1000, ']') + "]", many + "]"}) {
        EXPECT_EQ(batch(body).status, 400U) << body.substr(0, 20);
    }
    EXPECT_THAT(batch("[{},7]").body, HasSubstr("event 2"));
    EXPECT_EQ(batch("[[\"" + std::string(5 << 20, 'x') + "\"]]").status, 413U);
    EXPECT_EQ(bridge.published(), 0U);
}

TEST_F(RseBatch, AnEventInItMayBeAsDeepAsAnyOther) {  // R74
    const auto deep = [&](std::size_t levels) {
        return "[" + std::string(levels, '[') + std::string(levels, ']') + "]";
    };
    EXPECT_EQ(batch(deep(settings.json_depth_max)).status, 201U);
    EXPECT_EQ(batch(deep(settings.json_depth_max + 1)).status, 400U);
}

TEST_F(RseBatch, ATokenThatMayNotPostPostsNothing) {  // R125, R168
    tokens.principals["t"] = principal({"org.weft.dev.rse.b"}, {});
    EXPECT_EQ(batch("[[1]]", {{"X-Auth-Token", "t"}}).status, 403U);
    EXPECT_EQ(bridge.published(), 0U);
}

TEST_F(RseBatch, WhereNothingWasStoredTheErrorIsThatOfOnePost) {  // R59, R78
    bridge.fail_publish(BridgeError{Kind::disk_full, "full"});
    const auto response = batch("[[1],[2]]");
    EXPECT_EQ(response.status, 507U);
    EXPECT_TRUE(response.headers.find("Retry-After"));
}

/// Fails every other event.
class HalfBridge final : public FabricBridge {
public:
    explicit HalfBridge(FabricBridge& inner) : inner_(inner) {}
    void publish(const Principal& who, PublishRequest request, OnPublished done) override {
        if (fails && ++count_ % 2 == 0) {
            return done(tl::make_unexpected(BridgeError{Kind::busy, "queue"}));
        }
        inner_.publish(who, std::move(request), std::move(done));
    }
    void read(ReadRequest request, OnPage done) override {
        inner_.read(std::move(request), std::move(done));
    }
    Ticket wait(reliability::JournalId after, const reliability::TopicFilter& filter,
                std::chrono::milliseconds timeout, OnWoken done) override {
        return inner_.wait(after, filter, timeout, std::move(done));
    }
    void forget(Ticket ticket) override { inner_.forget(ticket); }
    reliability::JournalInfo journal() override { return inner_.journal(); }
    std::string not_ready() override { return inner_.not_ready(); }
    bool fails = true;

private:
    FabricBridge& inner_;
    unsigned count_ = 0;
};

TEST_F(RseBatch, WhereSomeFailedEachHasItsVerdictAndTheSameKeyPostsTheRest) {  // R167, R168
    HalfBridge half(bridge);
    RseHandler handler(settings, half, tokens, clock);
    const auto ask = [&](const std::string& body) {
        const auto exchange = std::make_shared<support::FakeExchange>(
            request("POST", "/a", body,
                    {{"User-Agent", agent},
                     {"Content-Type", std::string{batch_type}},
                     {"Idempotency-Key", "k"}}));
        handler.handle(exchange);
        return exchange->wait().value();
    };
    const auto first = ask("[[1],[2],[3]]");
    EXPECT_EQ(first.status, 207U);
    EXPECT_EQ(first.body,
              R"({"events":[{"id":1},{"status":503,"message":"Too much is under way; try again )"
              R"(later"},{"id":2}]})");
    EXPECT_TRUE(first.headers.find("Retry-After"));
    half.fails = false;
    const auto second = ask("[[1],[2],[3]]");
    EXPECT_EQ(second.status, 201U);
    EXPECT_EQ(second.body, R"({"events":[{"id":1},{"id":3},{"id":2}]})");
    EXPECT_EQ(id_of(second), 3U);
    EXPECT_EQ(ask("[[9],[9],[9]]").status, 422U) << "the key was used for others";
    EXPECT_EQ(bridge.published(), 3U);
    handler.stop();
}

}  // namespace
}  // namespace weft::gateway::rse
