// What one of several gateways answers: where a key is, who is there, and what it does with what
// others say. Requests are handed to it; gateways elsewhere are outsiders that announce by POST.

#include "gateway/esub/cluster/cluster_routes.hpp"

#include <memory>

#include "gateway/late_timers.hpp"
#include "tests/support/fake_exchange.hpp"
#include "tests/unit/gateway/esub/asking_bridge.hpp"
#include "tests/unit/gateway/esub/cluster_world.hpp"

namespace weft::gateway::esub {
namespace {

using fabric::eventually;
using support::FakeExchange;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class EsubClusterRoutes : public ClusterWorld {
protected:
    ~EsubClusterRoutes() override {
        for (const auto& exchange : waiting_) exchange->go();
        if (elsewhere_) elsewhere_->stop();
    }
    void serve(const std::string& prefix = "") {
        a_ = open("a");
        elsewhere_ = std::make_unique<FabricElsewhere>(*a_.fabric, bridge_, settings_, false);
        house_ =
            std::make_shared<House>(House::Parts{esub_, clock_, timers_, elsewhere_.get(), {}, {}});
        elsewhere_->serve(*house_);
        elsewhere_->membership().use_address("h1:8090" + prefix);
        routes_ = std::make_unique<ClusterRoutes>(house_, *elsewhere_, prefix);
    }
    std::shared_ptr<FakeExchange> handle(const std::string& method, const std::string& target,
                                         std::string body = "") {
        Request request;
        request.method = method;
        request.target = target;
        request.body = std::move(body);
        request.peer = "192.0.2.1:4000";
        const auto exchange = std::make_shared<FakeExchange>(std::move(request));
        routes_->handle(exchange);
        waiting_.push_back(exchange);
        return exchange;
    }
    Response ask(const std::string& method, const std::string& target, std::string body = "") {
        auto answer = handle(method, target, std::move(body))->wait();
        if (!answer) throw std::runtime_error("no answer to " + method + " " + target);
        return std::move(*answer);
    }
    static std::string in_short(const Response& response) {
        return std::to_string(response.status) + " " + response.body;
    }
    std::string location(const std::string& method, const std::string& target) {
        return std::string{ask(method, target).headers.find("Location").value_or("none")};
    }
    Response announce(const std::string& json) {
        return ask("POST", "/announce?token=shared-by-all", json);
    }

    Settings esub_;
    AskingBridge bridge_;
    LateTimers timers_;
    reliability::Party a_;
    std::unique_ptr<FabricElsewhere> elsewhere_;
    std::shared_ptr<House> house_;
    std::unique_ptr<ClusterRoutes> routes_;
    std::vector<std::shared_ptr<FakeExchange>> waiting_;
};

TEST_F(EsubClusterRoutes, ALocationHasThePrefixBelowWhichItIsServed) {
    serve("/esub");
    handle("GET", "/esub/sub/a%20b?token=t");
    EXPECT_EQ(location("HEAD", "/esub/sub/a%20b?token=t"), "http://h1:8090/esub/sub/a%20b");
    EXPECT_EQ(location("HEAD", "/esub/rep/a%20b?token=t"), "http://h1:8090/esub/rep/a%20b");
    EXPECT_EQ(in_short(ask("HEAD", "/esub/sub/a%20b")), "403 Invalid token");
    EXPECT_EQ(in_short(ask("HEAD", "/esub/psub/a%20b?token=t")), "404 Unknown key");
    const std::string members = ask("GET", "/esub/members?token=shared-by-all").body;
    EXPECT_THAT(members, HasSubstr("\"addr\":\"h1:8090\","));
}

TEST_F(EsubClusterRoutes, AReplyIsSentToWhereItsKeyIs) {
    settings_.redirect = true;
    serve();
    EXPECT_EQ(ask("POST", "/join?token=shared-by-all&node=out&addr=h2:1/below").status, 200U);
    EXPECT_EQ(in_short(announce(
                  R"({"node":"out","epoch":1,"seq":1,"open":[{"key":"k","kind":"sub","sid":1}]})")),
              "200 {\"seq\":1}");
    EXPECT_EQ(location("POST", "/rep/k?token=t&x=y"), "http://h2:1/below/rep/k?token=t&x=y");
    EXPECT_EQ(location("HEAD", "/sub/k"), "http://h2:1/below/sub/k");
    EXPECT_THAT(ask("GET", "/keys").body, HasSubstr(R"("out":["k"])"));
    EXPECT_EQ(in_short(ask("POST", "/join?token=shared-by-all&node=out&addr=h3:1")),
              "409 The node is alive under another address");
    EXPECT_EQ(ask("POST", "/join?token=shared-by-all&node=out&addr=h2:1").status, 200U);
}

TEST_F(EsubClusterRoutes, ASubAsksItsOwnerBeforeItWaits) {
    serve();
    announce(R"({"node":"out","epoch":1,"seq":1,"open":[{"key":"k","kind":"sub","sid":1}]})");
    const auto taking = handle("GET", "/sub/k");
    ASSERT_THAT(bridge_.asked, SizeIs(1));
    EXPECT_EQ(bridge_.asked[0].header("esub-claim"), "sub");
    EXPECT_THAT(house_->keys(), SizeIs(0));
    bridge_.asked[0].fail({"Invalid token"});
    EXPECT_EQ(in_short(*taking->wait()), "403 Sub already exists, token mismatch");
    handle("GET", "/sub/k");
    bridge_.asked[1].acknowledge();
    EXPECT_THAT(house_->keys(), SizeIs(1));
}

TEST_F(EsubClusterRoutes, OnlyTheClusterTokenOpensTheClustersRoutes) {
    serve();
    for (const char* path : {"/members", "/join", "/announce"}) {
        for (const char* token : {"", "?token=", "?token=wrong", "?token=shared-by-all2"}) {
            EXPECT_EQ(ask("POST", std::string{path} + token, "{}").status, 403U) << path << token;
        }
    }
    EXPECT_EQ(ask("DELETE", "/members?token=shared-by-all").status, 405U);
}

TEST_F(EsubClusterRoutes, AloneThereIsNoCluster) {
    settings_.cluster_token.clear();
    serve();
    EXPECT_EQ(ask("GET", "/members").status, 404U);
    EXPECT_EQ(ask("POST", "/announce?token=", "{}").status, 404U);
    handle("GET", "/sub/k");
    EXPECT_EQ(in_short(ask("GET", "/keys")), "200 [\"k\"]");
}

TEST_F(EsubClusterRoutes, WhatIsNoAnnouncementIsRefusedAndChangesNothing) {
    serve();
    const std::string of_out = R"("node":"out","epoch":1,"seq":1)";
    std::string too_many = "[0";
    for (int i = 0; i < 2001; ++i) too_many += ",0";
    for (const std::string& bad :
         {std::string{""}, std::string{"[]"}, std::string{"nonsense"},
          std::string{R"({"node":"","epoch":1,"seq":1})"},
          std::string{R"({"node":"out","epoch":-1,"seq":1})"},
          std::string{R"({"node":"out","epoch":1,"seq":-1})"},
          "{" + of_out + R"(,"open":[{"kind":"sub","sid":1}]})",
          "{" + of_out + R"(,"open":[{"key":"k","sid":-1}]})",
          "{" + of_out + R"(,"open":[{"key":")" + std::string(5000, 'k') + R"(","sid":1}]})",
          "{" + of_out + R"(,"done":)" + too_many + "]}",
          R"({"node":")" + std::string(300, 'n') + R"(","epoch":1,"seq":1})"}) {
        EXPECT_EQ(announce(bad).status, 400U) << bad.substr(0, 100);
    }
    EXPECT_EQ(announce(R"({"node":"a","epoch":9,"seq":1})").status, 409U) << "we are a";
    EXPECT_EQ(ask("GET", "/keys").status, 204U);
    for (const char* bad :
         {"node=x", "addr=h:1", "node=x&addr=h", "node=x&addr=h:1%0d%0aX:y", "node=&addr=h:1"}) {
        EXPECT_EQ(ask("POST", "/join?token=shared-by-all&" + std::string{bad}).status, 400U) << bad;
    }
}

TEST_F(EsubClusterRoutes, OneClientHasNoMoreWaitersThanItMay) {
    esub_.waiters_per_client = 2;
    serve();
    const auto first = handle("GET", "/sub/k1");
    handle("GET", "/sub/k2");
    EXPECT_EQ(ask("GET", "/sub/k3").status, 429U);
    EXPECT_THAT(house_->keys(), SizeIs(2));
    first->go();
    handle("GET", "/sub/k4");
    EXPECT_THAT(house_->keys(), SizeIs(2));
    // It takes nothing away from others either.
    announce(R"({"node":"out","epoch":1,"seq":1,"open":[{"key":"k5","kind":"sub","sid":1}]})");
    EXPECT_EQ(ask("GET", "/sub/k5").status, 429U);
    EXPECT_THAT(bridge_.asked, SizeIs(0));
}

}  // namespace
}  // namespace weft::gateway::esub
