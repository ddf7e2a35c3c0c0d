// Tokens that root makes.

#include "tests/unit/gateway/routemaster/routemaster_world.hpp"

namespace weft::gateway::routemaster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class RoutemasterTokens : public RoutemasterWorld {
protected:
    RoutemasterTokens() { settings.clients.clear(); }

    json add(const json& body) {
        const auto response = ask("POST", "/api_tokens", root_key, body.dump());
        EXPECT_EQ(response.status, 201U) << response.body;
        return json::parse(response.body, nullptr, false);
    }
};

TEST_F(RoutemasterTokens, AnEmptyListIsAListAllTheSame) {  // M8
    EXPECT_EQ(get("/api_tokens", root_key), json::array());
}

TEST_F(RoutemasterTokens, AreMadeFromTheNameOfTheService) {  // M9, M23
    const json made = add({{"name", "shop"}});
    EXPECT_EQ(made["name"], "shop");
    const std::string token = made["token"];
    EXPECT_THAT(token, MatchesRegex("shop--[0-9a-f]{32}"));
    EXPECT_EQ(publish("widgets", event, token), 204U);
    EXPECT_EQ(get("/api_tokens", root_key), json::array({made}));
    EXPECT_NE(add({{"name", "shop"}})["token"], token);
}

TEST_F(RoutemasterTokens, MayBeNamedAndTheSameOneAgainIsRenamed) {  // M9
    EXPECT_EQ(add({{"name", "shop"}, {"token", "my-token"}}),
              (json{{"name", "shop"}, {"token", "my-token"}}));
    EXPECT_EQ(add({{"name", "mall"}, {"token", "my-token"}})["name"], "mall");
    EXPECT_EQ(get("/api_tokens", root_key),
              json::array({{{"name", "mall"}, {"token", "my-token"}}}));
}

TEST_F(RoutemasterTokens, WithABadNameOrTokenAreRefused) {  // M9
    for (const char* body :
         {"", "x", "[]", "{}", R"({"name":1})", R"({"name":null})", R"({"name":""})",
          R"({"name":"A"})", R"({"name":"a:b"})", R"({"name":"a","token":"A B"})",
          R"({"name":"a","token":""})", R"({"name":"a","token":1})", R"({"name":"a\u0000"})",
          R"({"name":"a","token":"the-root-key"})", "\xFF"}) {
        EXPECT_EQ(status("POST", "/api_tokens", root_key, body), 400U) << body;
    }
    EXPECT_EQ(status("POST", "/api_tokens", root_key, json{{"name", std::string(31, 'a')}}.dump()),
              400U)
        << "its token would be too long";
    EXPECT_EQ(status("POST", "/api_tokens", root_key, json{{"name", std::string(30, 'a')}}.dump()),
              201U);
    EXPECT_EQ(get("/api_tokens", root_key).size(), 1U);
}

TEST_F(RoutemasterTokens, OutliveARestart) {  // M24
    const std::string token = add({{"name", "shop"}})["token"];
    EXPECT_EQ(publish("widgets", event, token), 204U);
    restart();
    EXPECT_EQ(publish("widgets", event, token), 204U);
    EXPECT_EQ(get("/api_tokens", root_key)[0]["token"], token);
}

TEST_F(RoutemasterTokens, OfTheConfigurationAreListedAndNotKept) {  // M24
    settings.clients = {shop};
    EXPECT_EQ(get("/api_tokens", root_key), json::array({{{"name", "shop"}, {"token", shop}}}));
    restart();
    settings.clients.clear();
    EXPECT_EQ(get("/api_tokens", root_key), json::array());
    EXPECT_EQ(publish("widgets"), 401U);
}

TEST_F(RoutemasterTokens, AreDeletedWithTheirSubscription) {  // M10
    const std::string token = add({{"name", "shop"}})["token"];
    EXPECT_EQ(subscribe(token, {"widgets"}), 204U);
    EXPECT_EQ(status("DELETE", "/api_tokens/" + token, root_key), 204U);
    EXPECT_EQ(get("/api_tokens", root_key), json::array());
    EXPECT_EQ(get("/subscriptions", root_key), json::array());
    EXPECT_EQ(status("GET", "/topics", token), 401U);
    EXPECT_EQ(status("DELETE", "/api_tokens/" + token, root_key), 204U) << "always";
    EXPECT_EQ(status("DELETE", "/api_tokens/%00%0A..%2F", root_key), 204U);
    restart();
    EXPECT_EQ(status("GET", "/topics", token), 401U);
}

TEST_F(RoutemasterTokens, ThatCannotBeKeptAreNotGiven) {
    EXPECT_EQ(get("/api_tokens", root_key), json::array());
    room.full = true;
    EXPECT_EQ(status("POST", "/api_tokens", root_key, R"({"name":"shop","token":"t"})"), 503U);
    room.full = false;
    EXPECT_EQ(get("/api_tokens", root_key), json::array());
}

TEST_F(RoutemasterTokens, NamesOfSubscriptionsTellNothingOfThem) {
    const std::string token = add({{"name", "shop"}, {"token", "hunter"}})["token"];
    EXPECT_EQ(subscribe(token, {"widgets"}), 204U);
    const auto all = engine.subscriptions("routemaster");
    ASSERT_EQ(all.size(), 1U);
    EXPECT_THAT(all[0].id, MatchesRegex("routemaster-[0-9a-f]{40}"));
    EXPECT_EQ(all[0].owner, "shop");
    EXPECT_THAT(all[0].details.dump(), ::testing::Not(HasSubstr("hunter")));
}

}  // namespace
}  // namespace weft::gateway::routemaster
