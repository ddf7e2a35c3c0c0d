#include "config/address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::config {
namespace {

using ::testing::HasSubstr;

TEST(Address, ReadsHostAndPort) {
    const auto address = Address::parse("127.0.0.1:8080");

    ASSERT_TRUE(address);
    EXPECT_EQ(address->host, "127.0.0.1");
    EXPECT_EQ(address->port, 8080);
    EXPECT_EQ(address->text(), "127.0.0.1:8080");
    EXPECT_TRUE(address->is_loopback());
    EXPECT_FALSE(address->is_wildcard_port());
}

TEST(Address, ReadsIpv6InBrackets) {
    const auto address = Address::parse("[::1]:0");

    ASSERT_TRUE(address);
    EXPECT_EQ(address->host, "::1");
    EXPECT_EQ(address->text(), "[::1]:0");
    EXPECT_TRUE(address->is_wildcard_port());
    EXPECT_TRUE(address->is_loopback());
}

TEST(Address, OnEveryInterfaceIsNotLoopback) {
    for (const char* text : {"0.0.0.0:80", "[::]:80"}) {
        EXPECT_TRUE(Address::parse(text)->is_wildcard_host()) << text;
        EXPECT_FALSE(Address::parse(text)->is_loopback()) << text;
    }
}

TEST(Address, SaysHowToWriteEveryInterfaceInsteadOfAStar) {
    const auto address = Address::parse("*:8080");

    ASSERT_FALSE(address);
    EXPECT_THAT(address.error(), HasSubstr("0.0.0.0:8080"));
    EXPECT_THAT(address.error(), HasSubstr("[::]:8080"));
}

TEST(Address, RefusesWhatIsNotOne) {
    for (const char* text : {"", "8080", ":8080", "host", "host:", "http://a:1", "tcp://a:1",
                             "::1:80", "[::1]", "a:99999", "a:08", "a b:1"}) {
        EXPECT_FALSE(Address::parse(text)) << text;
    }
}

}  // namespace
}  // namespace weft::config
