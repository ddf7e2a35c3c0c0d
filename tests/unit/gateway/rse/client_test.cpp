#include "gateway/rse/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace weft::gateway;
using namespace weft::gateway::rse;
using ::testing::HasSubstr;

Headers agent(std::string value) {
    Headers headers;
    headers.add("user-agent", std::move(value));
    return headers;
}

TEST(RseClient, IsKnownByTheUuidInItsUserAgent) {  // R40, R41
    const auto client =
        client_of(agent("App/1.2 uuid/123E4567-e89b-12d3-a456-426614174000"), false);
    ASSERT_TRUE(client);
    EXPECT_EQ(client->user_agent, "App/1.2 uuid/123E4567-e89b-12d3-a456-426614174000");
    EXPECT_EQ(client->uuid, "123e4567-e89b-12d3-a456-426614174000") << "compared without case";
}

TEST(RseClient, AUuidIsTheOneTo36CharactersAfterTheFirstMark) {  // R41
    EXPECT_EQ(uuid_in("a uuid/e"), "e");
    EXPECT_EQ(uuid_in("a uuid/abc def"), "abc");
    EXPECT_EQ(uuid_in("uuid/one uuid/two"), "one");
    EXPECT_EQ(uuid_in("uuid/" + std::string(40, 'x')), std::string(36, 'x'));
    EXPECT_EQ(uuid_in("curl/7"), "");
    EXPECT_EQ(uuid_in("uuid/"), "");
    EXPECT_EQ(uuid_in("uuid/\""), "");
}

TEST(RseClient, WithoutAUserAgentNobodyIsServed) {  // R40
    for (const bool test_mode : {false, true}) {
        EXPECT_THAT(client_of({}, test_mode).error(), HasSubstr("Missing header: User-Agent"));
        EXPECT_FALSE(client_of(agent(""), test_mode));
    }
}

TEST(RseClient, WithoutAUuidTheTestModeAloneServesAndHidesNothing) {  // R41, R141
    EXPECT_THAT(client_of(agent("curl/7"), false).error(), HasSubstr("Missing UUID in User-Agent"));
    const auto client = client_of(agent("curl/7"), true);
    ASSERT_TRUE(client);
    EXPECT_EQ(client->uuid, "");
}

TEST(RseClient, QuotesAndTabsAreKeptAndBytesThatAreNotUtf8Refused) {  // R42, R43
    EXPECT_EQ(client_of(agent("a\"\\\tb uuid/1"), false)->user_agent, "a\"\\\tb uuid/1");
    EXPECT_FALSE(client_of(agent("\xE4 uuid/1"), false));
    EXPECT_FALSE(client_of(agent("uuid/1 " + std::string(5000, 'x')), false));
}

TEST(RseClient, AScriptNamesItselfInAHeaderOfItsOwn) {  // R166
    Headers headers = agent("Mozilla/5.0");
    headers.add("X-RSE-Client", "uuid/AB");
    EXPECT_EQ(client_of(headers, false)->uuid, "ab");
    headers.set("X-RSE-Client", "nobody");
    EXPECT_THAT(client_of(headers, false).error(), HasSubstr("X-RSE-Client"));
}

}  // namespace
