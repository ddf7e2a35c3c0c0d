#include "config/endpoint.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::config {
namespace {

using ::testing::HasSubstr;

Endpoint endpoint(std::string_view text) {
    auto parsed = Endpoint::parse(text);
    EXPECT_TRUE(parsed) << text << ": " << parsed.error();
    return parsed.value_or(Endpoint{});
}

TEST(Endpoint, TakesTcpApart) {
    const Endpoint parsed = endpoint("tcp://git.example.org:9940");

    EXPECT_EQ(parsed.scheme, Endpoint::Scheme::tcp);
    EXPECT_EQ(parsed.host, "git.example.org");
    EXPECT_EQ(parsed.port, 9940);
}

TEST(Endpoint, TakesTheBracketsFromAnIpv6AddressAndPutsThemBack) {
    const Endpoint parsed = endpoint("tcp://[::1]:9940");

    EXPECT_EQ(parsed.host, "::1");
    EXPECT_EQ(parsed.text(), "tcp://[::1]:9940");
}

TEST(Endpoint, ShortensAnIpv6AddressSoThatEqualOnesAreEqual) {
    EXPECT_EQ(endpoint("tcp://[0:0:0:0:0:0:0:1]:1"), endpoint("tcp://[::1]:1"));
}

TEST(Endpoint, KnowsAWildcardPortInBothSpellings) {
    EXPECT_TRUE(endpoint("tcp://*:0").is_wildcard_port());
    EXPECT_TRUE(endpoint("tcp://*:*").is_wildcard_port());
    EXPECT_TRUE(endpoint("tcp://127.0.0.1:0").is_wildcard_port());
    EXPECT_FALSE(endpoint("tcp://127.0.0.1:1").is_wildcard_port());
    EXPECT_FALSE(endpoint("ipc:///run/weft").is_wildcard_port());
    EXPECT_FALSE(endpoint("inproc://relay").is_wildcard_port());
    EXPECT_EQ(endpoint("tcp://*:*").text(), "tcp://*:0");
}

TEST(Endpoint, KnowsAWildcardHost) {
    for (const char* text : {"tcp://*:1", "tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://[0::0]:1"}) {
        EXPECT_TRUE(endpoint(text).is_wildcard_host()) << text;
        EXPECT_FALSE(endpoint(text).is_loopback()) << text;
    }
    EXPECT_FALSE(endpoint("tcp://127.0.0.1:1").is_wildcard_host());
    EXPECT_FALSE(endpoint("inproc://a").is_wildcard_host());
}

TEST(Endpoint, IsLoopbackOnlyIfNobodyOutsideCanReachIt) {
    for (const char* text :
         {"tcp://localhost:1", "tcp://LocalHost:1", "tcp://127.0.0.1:1", "tcp://127.255.0.9:1",
          "tcp://[::1]:1", "ipc:///run/a", "inproc://a"}) {
        EXPECT_TRUE(endpoint(text).is_loopback()) << text;
    }
    for (const char* text :
         {"tcp://*:1", "tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://10.0.0.1:1", "tcp://128.0.0.1:1",
          "tcp://localhost.example.org:1", "tcp://127.example.org:1", "tcp://lo:1", "tcp://[::2]:1",
          "tcp://xlocalhost:1", "tcp://localhos:1"}) {
        EXPECT_FALSE(endpoint(text).is_loopback()) << text;
    }
}

TEST(Endpoint, ReadsIpcPathsAndInprocNames) {
    EXPECT_EQ(endpoint("ipc:///run/weft/relay").path, "/run/weft/relay");
    EXPECT_EQ(endpoint("ipc:///run/weft/relay").text(), "ipc:///run/weft/relay");
    EXPECT_EQ(endpoint("inproc://relay").path, "relay");
    EXPECT_EQ(endpoint("inproc://relay").text(), "inproc://relay");
}

TEST(Endpoint, LimitsIpcPathsToWhatTheSystemTakes) {
    EXPECT_TRUE(Endpoint::parse("ipc:///" + std::string(106, 'a')));
    EXPECT_FALSE(Endpoint::parse("ipc:///" + std::string(107, 'a')));
    EXPECT_TRUE(Endpoint::parse("inproc://" + std::string(255, 'a')));
    EXPECT_FALSE(Endpoint::parse("inproc://" + std::string(256, 'a')));
}

TEST(Endpoint, RefusesWhatIsNotOne) {
    for (const char* text : {"",
                             "127.0.0.1:9940",
                             "tcp:",
                             "tcp://",
                             "tcp://host",
                             "tcp://:1",
                             "tcp://host:",
                             "TCP://a:1",
                             "udp://a:1",
                             "http://a:1",
                             "tcp://host:65536",
                             "tcp://host:-1",
                             "tcp://host:010",
                             "tcp://host:1x",
                             "tcp://::1:9940",
                             "tcp://[::1]",
                             "tcp://[::1:9940",
                             "tcp://[]:1",
                             "tcp://[127.0.0.1]:1",
                             "tcp://[::1]9940",
                             "tcp://host:1/path",
                             "tcp://ho st:1",
                             "tcp://-host:1",
                             "tcp://a..b:1",
                             "tcp://.a:1",
                             "tcp://*.a:1",
                             "tcp://eth0;a:1",
                             "tcp://a;b:1",
                             "ipc://",
                             "ipc:///",
                             "ipc://relative",
                             "ipc://@abstract",
                             "inproc://",
                             " tcp://a:1",
                             "tcp://a:1 ",
                             "tcp://a:1\n",
                             "ipc:///a\nb",
                             "ipc:///a\xff",
                             "inproc://\xc2\x9b"}) {
        EXPECT_FALSE(Endpoint::parse(text)) << text;
    }
}

TEST(Endpoint, RefusesNumbersThatOnlyResolversTakeForAddresses) {
    for (const char* text : {"tcp://127.1:1", "tcp://2130706433:1", "tcp://300.1.1.1:1",
                             "tcp://1.2.3.4.5:1", "tcp://0x7f000001:1", "tcp://127.0.0.0x1:1"}) {
        const auto parsed = Endpoint::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_THAT(parsed.error(), HasSubstr("four decimal numbers"));
    }
}

TEST(Endpoint, SaysWhatWouldBeRight) {
    EXPECT_THAT(Endpoint::parse("127.0.0.1:9940").error(), HasSubstr("tcp://host:port"));
    EXPECT_THAT(Endpoint::parse("tcp://host").error(), HasSubstr("host:port"));
    EXPECT_THAT(Endpoint::parse("tcp://::1:9940").error(), HasSubstr("[::1]:9940"));
    EXPECT_THAT(Endpoint::parse("tcp://host:70000").error(), HasSubstr("0 to 65535"));
    EXPECT_THAT(Endpoint::parse("ipc://relative").error(), HasSubstr("ipc:///run/weft/relay"));
}

TEST(Endpoint, ReadsBackItsOwnText) {
    for (const char* text : {"tcp://a.b:1", "tcp://*:0", "tcp://[fe80::1]:65535", "ipc:///a b",
                             "inproc://x", "tcp://0.0.0.0:0", "tcp://my_host-1:7"}) {
        EXPECT_EQ(endpoint(endpoint(text).text()), endpoint(text));
    }
}

}  // namespace
}  // namespace weft::config
