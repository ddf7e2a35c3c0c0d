#include "gateway/access_log/client_address.hpp"

#include <gtest/gtest.h>

namespace weft::gateway {
namespace {

std::vector<Network> networks(const std::vector<std::string>& texts) {
    std::vector<Network> all;
    for (const std::string& text : texts) {
        const auto network = Network::parse(text);
        EXPECT_TRUE(network) << text;
        if (network) all.push_back(*network);
    }
    return all;
}

TEST(Network, IsAnAddressOrOneWithItsBits) {
    const auto ten = *Network::parse("10.0.0.0/8");
    EXPECT_TRUE(ten.contains("10.255.1.2"));
    EXPECT_TRUE(ten.contains("::ffff:10.1.2.3"));
    EXPECT_FALSE(ten.contains("11.0.0.0"));
    EXPECT_FALSE(ten.contains("::1"));
    EXPECT_FALSE(ten.contains("name"));
    EXPECT_TRUE(Network::parse("192.0.2.1")->contains("192.0.2.1"));
    EXPECT_FALSE(Network::parse("192.0.2.1")->contains("192.0.2.0"));
    EXPECT_TRUE(Network::parse("2001:db8::/33")->contains("2001:db8:7fff::1"));
    EXPECT_FALSE(Network::parse("2001:db8::/33")->contains("2001:db8:8000::1"));
    EXPECT_TRUE(Network::parse("0.0.0.0/0")->contains("192.0.2.1"));
    EXPECT_FALSE(Network::parse("0.0.0.0/0")->contains("2001:db8::1"));
    EXPECT_TRUE(Network::parse("::/0")->contains("192.0.2.1"));
}

TEST(Network, IsRefusedWhereItCouldMeanTwoThings) {
    for (const char* text :
         {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/8/8", "10.0.0.1/8", "10.0.0.0/-1",
          "10.0.0.0/ 8", "10.0.0/8", "::/129", "2001:db8::1/64", "localhost", "10.0.0.0/8x"}) {
        EXPECT_FALSE(Network::parse(text)) << text;
    }
}

TEST(ClientAddress, IsThePeerUnlessThePeerIsATrustedProxy) {
    EXPECT_EQ(client_address("192.0.2.7:4711", "", {}), "192.0.2.7");
    EXPECT_EQ(client_address("[2001:db8::7]:4711", "", {}), "2001:db8::7");
    EXPECT_EQ(client_address("192.0.2.7:4711", "198.51.100.1", {}), "192.0.2.7");
    EXPECT_EQ(client_address("192.0.2.7:4711", "198.51.100.1", networks({"10.0.0.0/8"})),
              "192.0.2.7");
}

TEST(ClientAddress, IsTheNearestThatNoTrustedProxyIs) {
    const auto trusted = networks({"10.0.0.0/8", "2001:db8::/32"});
    const auto client = [&](std::string_view header) {
        return client_address("10.0.0.1:4711", header, trusted);
    };
    EXPECT_EQ(client("198.51.100.1"), "198.51.100.1");
    EXPECT_EQ(client("203.0.113.9, 198.51.100.1 ,10.9.9.9"), "198.51.100.1");
    EXPECT_EQ(client("198.51.100.1:80,[2001:db8::5]:80"), "198.51.100.1");
    EXPECT_EQ(client("2001:db9::5"), "2001:db9::5");
    EXPECT_EQ(client("10.2.2.2, 10.3.3.3"), "10.2.2.2");
}

TEST(ClientAddress, IsNotBelievedFromWhatIsNoAddress) {
    const auto trusted = networks({"10.0.0.0/8"});
    const auto client = [&](std::string_view header) {
        return client_address("10.0.0.1:4711", header, trusted);
    };
    for (const char* header : {"unknown", "198.51.100.1,", "198.51.100.1, _x", ",,,", "[", "[]:1",
                               "198.51.100.1\n", "1.2.3.4.5", "198.51.100.1 198.51.100.2"}) {
        EXPECT_EQ(client(header), "10.0.0.1") << header;
    }
    EXPECT_EQ(client("198.51.100.1, evil, 10.4.4.4"), "10.4.4.4");
    std::string endless;
    for (int i = 0; i < 10'000; ++i) endless += ",10.0.0.2";
    EXPECT_EQ(client("198.51.100.1" + endless), "10.0.0.2");
}

}  // namespace
}  // namespace weft::gateway
