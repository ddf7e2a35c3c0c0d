// Who may do what, methods, health, test mode, and other origins.

#include "tests/unit/gateway/rse/rse_world.hpp"

namespace weft::gateway::rse {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RseAccess : public RseWorld {
protected:
    Response with_token(std::string method, std::string target, std::string token,
                        std::string body = {}) {
        return send(request(std::move(method), std::move(target), std::move(body),
                            {{"User-Agent", other}, {"X-Auth-Token", std::move(token)}}));
    }
    static std::string topic(const std::string& below) { return std::string{root} + below; }
};

TEST_F(RseAccess,
       WithoutATokenNothingButHealthIsServedWhereOneIsRequired) {  // R44, R120, R121, R128
    settings.auth_required = true;
    for (const char* path : {"/a", "/a%20b", "/", "/all"}) {
        const auto response = get(path);
        EXPECT_EQ(response.status, 401U) << path;
        EXPECT_EQ(response.body, R"({"message":""})");
        EXPECT_TRUE(response.headers.find("WWW-Authenticate"));
    }
    EXPECT_EQ(post("/a", "not json").status, 401U);
    EXPECT_EQ(send(request("PUT", "/a")).status, 401U);
    EXPECT_EQ(get("/health").status, 200U);
}

TEST_F(RseAccess, AnUnknownTokenIs401AlsoWhereNoneIsNeeded) {  // R123, R124, R140
    tokens.principals["good"] = principal({topic(".**")}, {topic(".**")});
    for (const bool required : {false, true}) {
        settings.auth_required = required;
        restart();
        EXPECT_EQ(with_token("GET", "/a", "bad").status, 401U);
        EXPECT_EQ(with_token("GET", "/a", "health").status, 401U);
        EXPECT_EQ(with_token("GET", "/a", "\x01\xFF b").status, 401U);
        EXPECT_EQ(with_token("GET", "/a", std::string(8000, 'x')).status, 401U);
        EXPECT_EQ(with_token("GET", "/a", "good").status, 204U);
    }
    EXPECT_EQ(
        send(request("GET", "/a", {},
                     {{"User-Agent", agent}, {"X-Auth-Token", "good"}, {"x-auth-token", "good"}}))
            .status,
        401U);
}

TEST_F(RseAccess, TestModePassesAMissingTokenAndChecksOneThatIsThere) {  // R140
    settings.auth_required = true;
    settings.test_mode = true;
    EXPECT_EQ(get("/a").status, 204U);
    EXPECT_EQ(with_token("GET", "/a", "bad").status, 401U);
}

TEST_F(RseAccess, ATokenReadsAndWritesWhatItIsGranted) {  // R125
    tokens.principals["t"] = principal({topic(".in.**")}, {topic(".out")});
    EXPECT_EQ(with_token("POST", "/in/x", "t", "[]").status, 201U);
    EXPECT_EQ(with_token("POST", "/out", "t", "[]").status, 403U);
    EXPECT_EQ(with_token("GET", "/out", "t").status, 204U);
    EXPECT_EQ(with_token("GET", "/in/x", "t").status, 403U);
    EXPECT_EQ(with_token("GET", "/out?method=POST&post-data=[]", "t").status, 403U);
    EXPECT_EQ(with_token("GET", "/out?events=all", "t").status, 403U) << "R99";
    EXPECT_EQ(bridge.published(), 1U);
}

TEST_F(RseAccess, ParentSkipsLevelsThatAreNotGranted) {  // R125
    tokens.principals["t"] = principal({}, {topic(".a.b")});
    post("/a", "[1]");
    post("/a/b", "[2]");
    post("/a/b/c", "[3]");
    EXPECT_THAT(ids(with_token("GET", "/a/b/c?events=parent", "t")), ElementsAre(2));
    EXPECT_EQ(with_token("GET", "/x/y?events=parent", "t").status, 403U);
}

TEST_F(RseAccess, AllNeedsEverythingBelow) {  // R99
    tokens.principals["below"] = principal({}, {topic(".a.**")});
    tokens.principals["level"] = principal({}, {topic(".a"), topic(".a.*")});
    post("/a/b", "[1]");
    EXPECT_THAT(ids(with_token("GET", "/a?events=all", "below")), ElementsAre(1));
    EXPECT_EQ(with_token("GET", "/a?events=all", "level").status, 403U);
    EXPECT_THAT(ids(with_token("GET", "/a/b", "level")), ElementsAre(1));
}

TEST_F(RseAccess, TheRootIsNoChannel) {  // R9
    for (const char* method : {"GET", "POST", "PUT", "HEAD"}) {
        EXPECT_EQ(begin(request(method, "/"))->wait()->status, 404U) << method;
    }
    EXPECT_THAT(get("/").body, HasSubstr("URI not found: /"));
}

TEST_F(RseAccess, OtherMethodsAre405WithAllow) {  // R10, R11
    for (const char* method :
         {"PUT", "DELETE", "OPTIONS", "PATCH", "PREPARE", "_DEBUG_DUMP", "get", "TRACE"}) {
        const auto response = send(request(method, "/a"));
        EXPECT_EQ(response.status, 405U) << method;
        EXPECT_EQ(response.headers.find("Allow"), "GET, HEAD, POST");
        EXPECT_EQ(response.body, "{\"message\":\"" + std::string{method} + "\"}");
    }
}

TEST_F(RseAccess, HealthIsOkWithoutATokenOrAUserAgent) {  // R4, R5, R7
    settings.auth_required = true;
    const auto response = send(request("GET", "/health", {}, {}));
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.body, "OK\n");
    EXPECT_EQ(send(request("HEAD", "/health")).status, 200U) << "the server leaves the body out";
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
        EXPECT_EQ(send(request(method, "/health")).status, 405U) << method;
    }
}

TEST_F(RseAccess, HealthAndWhatIsBelowItAreReserved) {  // R7
    EXPECT_EQ(post("/health", "[]").status, 405U);
    EXPECT_EQ(post("/health/x", "[]").status, 404U);
    EXPECT_EQ(get("/health/").status, 404U);
    EXPECT_EQ(get("/%68ealth").body, "OK\n");
    EXPECT_EQ(post("/healthy", "[]").status, 201U);
}

TEST_F(RseAccess, HealthIs503WhileTheStoreOrTheFabricIsAway) {  // R131
    bridge.set_not_ready("/var/journal: no such file");
    const auto response = get("/health");
    EXPECT_EQ(response.status, 503U);
    EXPECT_TRUE(response.headers.find("Retry-After"));
    EXPECT_THAT(response.body, ::testing::Not(HasSubstr("/var")));
}

TEST_F(RseAccess, VerboseHealthHasFiguresAndNoContents) {  // R6, R130, R143
    settings.test_mode = true;
    post("/secret", R"(["hidden"])");
    post("/b", "[]");
    const auto response = get("/health?verbose=yes");
    const auto body = fabric::from_json(response.body);
    ASSERT_TRUE(body) << response.body;
    EXPECT_EQ(*(*body)["rse"]["test_mode"].flag(), true);
    EXPECT_EQ((*body)["rse"]["events"].integer_or(-1), 2);
    EXPECT_GE((*body)["rse"]["uptime_s"].integer_or(-1), 0);
    EXPECT_EQ((*body)["journal"]["last_id"].integer_or(-1), 2);
    EXPECT_THAT(response.body, ::testing::Not(HasSubstr("secret")));
    EXPECT_EQ(get("/health?verbose=maybe").status, 400U);
    EXPECT_EQ(get("/health?verbose=no").body, "OK\n");
}

TEST_F(RseAccess, VerboseHealthIsForThisHostOrAToken) {  // R6
    tokens.principals["t"] = principal({}, {});
    auto remote = request("GET", "/health?verbose=1");
    remote.loopback = false;
    EXPECT_EQ(send(remote).status, 401U);
    remote.headers.add("X-Auth-Token", "t");
    EXPECT_EQ(send(remote).status, 200U);
    EXPECT_EQ(with_token("GET", "/health?verbose=1", "bad").status, 401U);
}

TEST_F(RseAccess, TestModeDumpsEverythingToThisHost) {  // R8, R142
    settings.test_mode = true;
    EXPECT_EQ(get("/all").body, "[]");
    post("/a", "[1]");
    post("/b/c", "[2]");
    bridge.store({"org.weft.dev.other", "{}"});
    const auto body = get("/all?method=POST&post-data=[]&max-events=1").body;
    EXPECT_THAT(body, ::testing::StartsWith(R"([{"id":1,"user_agent":")"));
    EXPECT_THAT(body, HasSubstr(R"("channel":"/b/c","data":[2]}])"));
    EXPECT_THAT(get("/all?sort=-1").body, ::testing::StartsWith(R"([{"id":2,)"));
    EXPECT_EQ(get("/all?sort=x").status, 400U);
    auto remote = request("GET", "/all");
    remote.loopback = false;
    EXPECT_EQ(send(remote).status, 403U);
    clock.advance(3min);
    EXPECT_EQ(get("/all").body, "[]");
}

TEST_F(RseAccess, InLiveModeAllIsAChannelLikeOthers) {  // R8
    EXPECT_EQ(get("/all").status, 204U);
    EXPECT_EQ(post("/all", "[]", other).status, 201U);
    EXPECT_THAT(ids(get("/all")), ElementsAre(1));
}

TEST_F(RseAccess, ChannelsBeginBelowThePrefix) {  // R12
    settings.path_prefix = "/events";
    EXPECT_EQ(post("/events/a", "[]", other).status, 201U);
    EXPECT_THAT(get("/events/a").body, HasSubstr(R"({"channel":"/a")"));
    EXPECT_EQ(get("/events/health").body, "OK\n");
    for (const char* outside : {"/a", "/events", "/eventsa", "/events/"}) {
        EXPECT_EQ(get(outside).status, 404U) << outside;
    }
}

TEST_F(RseAccess, PlainHttpIs403WhereHttpsIsRequired) {  // R127
    settings.require_https = true;
    EXPECT_EQ(post("/a", "[]").status, 403U);
    auto secure = request("GET", "/a");
    secure.tls = true;
    EXPECT_EQ(send(secure).status, 204U);
    auto forwarded = request("GET", "/a");
    forwarded.headers.add("X-Forwarded-Proto", "https");
    EXPECT_EQ(send(forwarded).status, 403U) << "anybody can say so";
    EXPECT_EQ(bridge.published(), 0U);
}

TEST_F(RseAccess, AProxyMayBeBelievedAboutHttps) {  // R127
    settings.require_https = true;
    settings.trust_forwarded_proto = true;
    auto forwarded = request("GET", "/a");
    forwarded.headers.add("X-Forwarded-Proto", "https");
    EXPECT_EQ(send(forwarded).status, 204U);
}

TEST_F(RseAccess, NoOtherOriginReadsByDefault) {  // R166, H6
    auto foreign = request("GET", "/a");
    foreign.headers.add("Origin", "https://evil.example");
    EXPECT_FALSE(send(foreign).headers.find("Access-Control-Allow-Origin"));
}

TEST_F(RseAccess, AllowedOriginsReadAndAskBefore) {  // R10, R166
    settings.cors_origins = {"https://app.example"};
    settings.auth_required = true;
    auto before = request("OPTIONS", "/a", {}, {{"Origin", "https://app.example"}});
    const auto preflight = send(before);
    EXPECT_EQ(preflight.status, 204U);
    EXPECT_EQ(preflight.headers.find("Access-Control-Allow-Origin"), "https://app.example");
    EXPECT_THAT(std::string{*preflight.headers.find("Access-Control-Allow-Headers")},
                HasSubstr("X-Auth-Token"));
    EXPECT_EQ(preflight.headers.find("Vary"), "Origin");
    auto foreign = request("OPTIONS", "/a", {}, {{"Origin", "https://evil.example"}});
    EXPECT_FALSE(send(foreign).headers.find("Access-Control-Allow-Origin"));
    EXPECT_EQ(send(request("PUT", "/a")).status, 401U);
}

}  // namespace
}  // namespace weft::gateway::rse
