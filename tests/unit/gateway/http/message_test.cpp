#include "gateway/http/message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(Headers, CompareNamesWithoutRegardToCaseAndValuesExactly) {
    Headers headers;
    headers.add("X-Token", "Abc");

    EXPECT_EQ(headers.find("x-tOKEN"), "Abc");
    EXPECT_EQ(headers.find("X-Toke"), std::nullopt);
    EXPECT_EQ(headers.find("X-Token2"), std::nullopt);
}

TEST(Headers, FindTheFirstAndListAllInTheOrderOfTheWire) {
    Headers headers;
    headers.add("Via", "a");
    headers.add("Other", "x");
    headers.add("VIA", "b");

    EXPECT_EQ(headers.find("via"), "a");
    EXPECT_THAT(headers.all("via"), ElementsAre("a", "b"));
}

TEST(Headers, ReplaceAllOfOneNameWhenSet) {
    Headers headers;
    headers.add("Via", "a");
    headers.add("Other", "x");
    headers.add("via", "b");

    headers.set("Via", "c");

    EXPECT_THAT(headers.list(), ElementsAre(Pair("Other", "x"), Pair("Via", "c")));
}

TEST(Headers, SeeATokenInAnyOfTheListsOfOneName) {
    Headers headers;
    headers.add("Connection", "keep-alive");
    headers.add("Connection", " foo ,\tUpgrade");

    EXPECT_TRUE(headers.lists("connection", "upgrade"));
    EXPECT_TRUE(headers.lists("connection", "keep-alive"));
    EXPECT_FALSE(headers.lists("connection", "close"));
    EXPECT_FALSE(headers.lists("connection", "keep"));
}

TEST(Request, DividesTheTargetAtTheFirstQuestionMark) {
    Request request;
    request.target = "/a/b?c=d?e";
    EXPECT_EQ(request.raw_path(), "/a/b");
    EXPECT_EQ(request.raw_query(), "c=d?e");

    request.target = "/a?";
    EXPECT_EQ(request.raw_query(), "");

    request.target = "/a";
    EXPECT_EQ(request.raw_path(), "/a");
    EXPECT_EQ(request.raw_query(), std::nullopt);
}

TEST(Response, IsMadeOfStatusTypeAndBody) {
    const Response response = Response::of(404, "text/plain", "no");

    EXPECT_EQ(response.status, 404U);
    EXPECT_EQ(response.headers.find("content-type"), "text/plain");
    EXPECT_EQ(response.body, "no");
    EXPECT_FALSE(response.close);
}

}  // namespace
}  // namespace weft::gateway
