// Who gets in, and which paths there are.

#include "tests/unit/gateway/routemaster/routemaster_world.hpp"

namespace weft::gateway::routemaster {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RoutemasterAccess : public RoutemasterWorld {
protected:
    unsigned with_header(const std::string& header) {
        Request made = request("GET", "/topics", "");
        made.headers.add("Authorization", header);
        return send(std::move(made)).status;
    }
};

TEST_F(RoutemasterAccess, TheUserOfBasicIsTheTokenAndThePasswordDoesNotMatter) {  // M20
    const std::string token = shop;
    EXPECT_EQ(with_header("Basic " + signing::to_base64(token + ":x")), 200U);
    EXPECT_EQ(with_header("basic " + signing::to_base64(token + ":")), 200U);
    EXPECT_EQ(with_header("Basic " + signing::to_base64(token + ":a:b")), 200U);
    EXPECT_EQ(with_header("Basic " + signing::to_base64(token)), 401U) << "no colon";
    EXPECT_EQ(with_header("Bearer " + token), 401U);
    EXPECT_EQ(with_header("Basic"), 401U);
    EXPECT_EQ(with_header("Basic !!!"), 401U);
    EXPECT_EQ(with_header(""), 401U);
    EXPECT_EQ(with_header("Basic " + signing::to_base64(std::string{":x"})), 401U);
    EXPECT_EQ(with_header("Basic " + signing::to_base64(std::string(5000, 'x') + ":x")), 401U);
    EXPECT_EQ(with_header("Basic " + signing::to_base64(std::string{"\0\xFF:x", 4})), 401U);
    Request twice = request("GET", "/topics", shop);
    twice.headers.add("Authorization", "Basic " + signing::to_base64(token + ":x"));
    EXPECT_EQ(send(std::move(twice)).status, 401U);
}

TEST_F(RoutemasterAccess, WhoIsNotKnownIsAskedForBasicCredentials) {  // M21
    for (const std::string& token : {std::string{}, std::string{"stranger"}}) {
        const auto response = ask("POST", "/topics/widgets", token, event);
        EXPECT_EQ(response.status, 401U);
        EXPECT_EQ(response.headers.find("WWW-Authenticate"), R"(Basic realm="routemaster")");
        EXPECT_THAT(std::string{response.headers.find("Content-Type").value_or("")},
                    HasSubstr("text/plain"));
    }
    EXPECT_EQ(bridge.published(), 0U);
}

TEST_F(RoutemasterAccess, TheRootKeyManagesAndSeesButNeitherPublishesNorSubscribes) {  // M22
    EXPECT_EQ(publish("widgets", event, root_key), 401U);
    EXPECT_EQ(subscribe(root_key, {"widgets"}), 401U);
    EXPECT_EQ(status("DELETE", "/subscriber", root_key), 401U);
    EXPECT_EQ(status("DELETE", "/subscriber/topics/widgets", root_key), 401U);
    for (const char* path : {"/topics", "/subscriptions", "/api_tokens"}) {
        EXPECT_EQ(status("GET", path, root_key), 200U) << path;
    }
    EXPECT_EQ(status("GET", "/pulse", root_key), 204U);
    EXPECT_EQ(bridge.published(), 0U);
}

TEST_F(RoutemasterAccess, ClientsDoNotManageTokens) {  // M8, M9, M10
    EXPECT_EQ(status("GET", "/api_tokens", shop), 401U);
    EXPECT_EQ(status("POST", "/api_tokens", shop, R"({"name":"x"})"), 401U);
    EXPECT_EQ(status("DELETE", std::string{"/api_tokens/"} + mail, shop), 401U);
    EXPECT_EQ(status("GET", "/topics", mail), 200U);
}

TEST_F(RoutemasterAccess, WithoutARootKeyNobodyIsRoot) {
    settings.root_key.clear();
    EXPECT_EQ(status("GET", "/api_tokens", ""), 401U);
    Request made = request("GET", "/api_tokens", "");
    made.headers.add("Authorization", "Basic " + signing::to_base64(std::string{":x"}));
    EXPECT_EQ(send(std::move(made)).status, 401U);
}

TEST_F(RoutemasterAccess, TokensOfTheWholeGatewayMayDoWhatTheyAreGranted) {
    Principal granted;
    granted.name = "ci";
    granted.publish = support::globs_of({"org.weft.dev.routemaster.builds"});
    granted.read = support::globs_of({"org.weft.dev.routemaster.builds"});
    weft_tokens.principals["wt_0123456789_secret"] = granted;
    const std::string token = "wt_0123456789_secret";
    EXPECT_EQ(publish("builds", event, token), 204U);
    EXPECT_EQ(publish("widgets", event, token), 403U);
    EXPECT_EQ(publish("widgets", event, shop), 204U);
    EXPECT_EQ(subscribe(token, {"builds"}), 204U);
    EXPECT_EQ(subscribe(token, {"builds", "widgets"}), 403U);
    EXPECT_EQ(get("/topics", token).size(), 1U) << "others' topics are not shown";
    EXPECT_EQ(topic("builds", token)["publisher"], "ci") << "nobody keeps its token";
    EXPECT_EQ(status("DELETE", "/topics/widgets", token), 404U);
    EXPECT_EQ(status("GET", "/api_tokens", token), 401U);
    weft_tokens.principals[token].admin = true;
    EXPECT_EQ(status("GET", "/api_tokens", token), 200U);
}

TEST_F(RoutemasterAccess, ThirtyUnknownTokensInAMinuteAreEnough) {  // H2
    for (int i = 0; i < 30; ++i) EXPECT_EQ(status("GET", "/topics", "x" + std::to_string(i)), 401U);
    const auto response = ask("GET", "/topics", shop);
    EXPECT_EQ(response.status, 429U);
    EXPECT_EQ(response.headers.find("Retry-After"), "60");
    Request elsewhere = request("GET", "/topics", shop);
    elsewhere.peer = "192.0.2.2:1";
    EXPECT_EQ(send(std::move(elsewhere)).status, 200U);
}

TEST_F(RoutemasterAccess, HealthAsksNobodyWhoTheyAre) {  // M13
    for (const std::string& token : {std::string{}, std::string{"stranger"}, std::string{shop}}) {
        const auto health = ask("GET", "/health", token);
        EXPECT_EQ(health.status, 200U);
        EXPECT_EQ(health.body, "{}");
        for (const char* path : {"/health/ping", "/health/ping.json"}) {
            const auto ping = ask("GET", path, token);
            EXPECT_EQ(ping.status, 200U);
            EXPECT_TRUE(json::parse(ping.body)["pong"].is_number());
        }
    }
    room.full = true;
    restart();
    EXPECT_EQ(status("GET", "/health", ""), 200U);
}

TEST_F(RoutemasterAccess, EverythingElseIsNotThere) {  // M14
    for (const char* path : {"/", "/x", "/topics/a/b", "/subscriber/topics", "/api_tokens/a/b",
                             "/health/pong", "/pulse/x", "/subscription/events/x", "//topics"}) {
        const auto response = ask("GET", path, "");
        EXPECT_EQ(response.status, 404U) << path;
        EXPECT_THAT(response.body, IsEmpty());
    }
    EXPECT_EQ(status("PUT", "/topics/widgets", shop), 405U);
    EXPECT_EQ(ask("GET", "/topics/widgets", shop).headers.find("Allow"), "POST, DELETE");
    EXPECT_EQ(status("POST", "/pulse", shop), 405U);
    EXPECT_EQ(status("GET", "/topics%zz", shop), 400U);
}

TEST_F(RoutemasterAccess, PathsBeginBehindThePrefix) {
    prefix = "/bus";
    EXPECT_EQ(status("GET", "/bus/topics", shop), 200U);
    EXPECT_EQ(status("GET", "/topics", shop), 404U);
    EXPECT_EQ(status("GET", "/bustopics", shop), 404U);
}

TEST_F(RoutemasterAccess, UntilWhatIsKeptWasReadItSaysThatItIsNotThereYet) {
    room.full = true;
    EXPECT_EQ(status("GET", "/topics", shop), 503U);
    EXPECT_EQ(status("GET", "/pulse", shop), 500U);
    EXPECT_THAT(warned, ::testing::Not(IsEmpty()));
    room.full = false;
    be_ready();
    EXPECT_EQ(status("GET", "/topics", shop), 200U);
}

TEST_F(RoutemasterAccess, PlainRequestsAreSentToHttpsWhereItIsRequired) {  // M25
    settings.require_https = true;
    settings.trusted_proxies = {*Network::parse("192.0.2.0/24")};
    const auto from = [&](const std::string& peer, const std::vector<std::string>& protocols,
                          const std::string& target = "/pulse") {
        Request made = request("GET", target, shop);
        made.peer = peer;
        made.headers.add("Host", "bus.example");
        for (const std::string& one : protocols) made.headers.add("X-Forwarded-Proto", one);
        return send(std::move(made));
    };
    const std::string proxy = "192.0.2.1:4711";
    const Response sent = from(proxy, {}, "/topics?a=b");
    EXPECT_EQ(sent.status, 308U);
    EXPECT_EQ(sent.headers.find("Location"), "https://bus.example/topics?a=b");
    EXPECT_EQ(from(proxy, {"http"}).status, 308U);
    EXPECT_EQ(from(proxy, {"http, https"}).status, 308U) << "the first value counts";
    EXPECT_EQ(from(proxy, {"http", "https"}).status, 308U);
    EXPECT_EQ(from(proxy, {}, "/health").status, 308U);
    EXPECT_EQ(from(proxy, {"https"}).status, 204U);
    EXPECT_EQ(from(proxy, {"HTTPS , http"}).status, 204U);
    EXPECT_EQ(from("198.51.100.1:4711", {"https"}).status, 308U) << "nobody whom we believe";
    Request without_host = request("GET", "/pulse", shop);
    EXPECT_EQ(send(std::move(without_host)).status, 400U);
    Request by_tls = request("GET", "/pulse", shop);
    by_tls.tls = true;
    EXPECT_EQ(send(std::move(by_tls)).status, 204U);
}

}  // namespace
}  // namespace weft::gateway::routemaster
