// Rule W2: where callbacks may not lead.
#include "gateway/delivery/address_guard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/delivery/callback_url.hpp"
#include "gateway/delivery/resolver.hpp"
#include "tests/support/fake_bridge.hpp"

namespace weft::gateway::delivery {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

AddressGuard guard_of(bool allow_http = false, const std::vector<std::string>& networks = {}) {
    return AddressGuard::make(allow_http, networks).value();
}

class InnerAddress : public ::testing::TestWithParam<const char*> {};

TEST_P(InnerAddress, IsRefusedAndItsSentenceNamesIt) {
    const auto address = Address::parse(GetParam());
    ASSERT_TRUE(address);
    EXPECT_THAT(guard_of().address_error(*address), HasSubstr("may not lead to"));
}

INSTANTIATE_TEST_SUITE_P(
    W2, InnerAddress,
    ::testing::Values("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1",
                      "100.127.255.255", "127.0.0.1", "127.255.255.254", "169.254.0.1",
                      "169.254.10.20", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170",
                      "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1",
                      "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1",
                      "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1",
                      "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
                      "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::",
                      "2001:10::1", "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1", "3fff::1",
                      "5f00::1", "fc00::1", "fd00::1", "fdff:ffff::1", "fe80::1", "febf::1",
                      "fec0::1", "feff::1", "ff02::1", "4000::1", "8000::1", "e000::1"));

class OuterAddress : public ::testing::TestWithParam<const char*> {};

TEST_P(OuterAddress, IsAllowed) {
    const auto address = Address::parse(GetParam());
    ASSERT_TRUE(address);
    EXPECT_THAT(guard_of().address_error(*address), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(W2, OuterAddress,
                         ::testing::Values("1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255",
                                           "100.128.0.0", "126.255.255.255", "128.0.0.1",
                                           "172.15.255.255", "172.32.0.0", "192.167.255.255",
                                           "192.169.0.0", "198.17.255.255", "198.20.0.0",
                                           "223.255.255.255", "2600::1", "2a00:1450::1",
                                           "2003::1"));

class RefusedUrl : public ::testing::TestWithParam<const char*> {};

TEST_P(RefusedUrl, IsRefusedByItsForm) {
    EXPECT_THAT(guard_of().form_error(GetParam()), Not(IsEmpty()));
}

INSTANTIATE_TEST_SUITE_P(
    W2, RefusedUrl,
    ::testing::Values(
        "", "example.com", "//example.com/", "http://example.com/", "ftp://example.com/",
        "file:///etc/passwd", "gopher://example.com/", "https:/example.com/", "https:example.com",
        "https:///example.com/", "https://", "https://user@example.com/",
        "https://user:secret@example.com/", "https://@example.com/", "https://example.com/#part",
        "https://example.com/a b", "https://example.com/\r\nHost: x", "https://example.com\\@x/",
        "https://example.com:0/", "https://example.com:65536/", "https://example.com:x/",
        "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/",
        "https://0x7f.1/", "https://017700000001/", "https://0177.0.0.1/", "https://127.0.0.1./",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
        "https://[0:0:0:0:0:0:0:1]/", "https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/",
        "https://0/", "https://0.0.0.0/", "https://%31%32%37.0.0.1/", "https://ex%61mple.com/",
        "https://1.2.3.4.5/", "https://1.2.3/", "https://192.168.1.1:8443/x",
        "https://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/", "https://10.0.0.1/?q=1",
        "https://example.com/\x7f", "https://256.256.256.256/", "https://8.8.8.0x8/"));

TEST(AddressGuard, TakesOrdinaryUrlsWithPortsPathsAndQueries) {
    for (const char* url :
         {"https://example.com", "https://example.com/", "https://example.com:8443/a/b?c=d&e=%20",
          "https://xn--bcher-kva.example/", "https://1.1.1.1/", "https://[2600::1]:8443/x",
          "https://a.b-c.example./hook", "HTTPS://EXAMPLE.COM/"}) {
        EXPECT_EQ(guard_of().form_error(url), "") << url;
    }
    EXPECT_NE(guard_of().form_error("https://example.com/" + std::string(2100, 'a')), "");
}

TEST(AddressGuard, TakesPlainHttpAndInnerNetworksWhereTheyAreAllowed) {
    const AddressGuard guard = guard_of(true, {"127.0.0.0/8", "fd00:1::/32", "10.1.2.3"});

    EXPECT_EQ(guard.form_error("http://127.0.0.1:8000/"), "");
    EXPECT_EQ(guard.form_error("http://example.com/"), "");
    EXPECT_EQ(guard.address_error(*Address::parse("fd00:1::5")), "");
    EXPECT_EQ(guard.address_error(*Address::parse("10.1.2.3")), "");
    EXPECT_NE(guard.address_error(*Address::parse("10.1.2.4")), "");
    EXPECT_NE(guard.address_error(*Address::parse("fd00:2::5")), "");
    // An address that wears another is not of that one's network.
    EXPECT_NE(guard.address_error(*Address::parse("::ffff:127.0.0.1")), "");
}

TEST(AddressGuard, NamesANetworkThatIsNone) {
    for (const char* text : {"", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129",
                             "10.0.0.0/8x", "10.0.0.0/-1"}) {
        const auto made = AddressGuard::make(false, {text});
        ASSERT_FALSE(made) << text;
        EXPECT_THAT(made.error(), HasSubstr("is no network")) << text;
    }
}

TEST(CallbackUrl, HasTheHostThatLibcurlConnectsTo) {
    EXPECT_EQ(CallbackUrl::parse("http://0x7f.1/")->host, "127.0.0.1");
    EXPECT_EQ(CallbackUrl::parse("https://[2600::1]/")->host, "2600::1");
    EXPECT_FALSE(CallbackUrl::parse("http://a/")->https);
}

TEST(SystemResolver, AnswersWrittenAddressesAndSaysWhatIsNotKnown) {
    SystemResolver resolver;
    support::Answer<Resolver::Answer> written, unknown;

    resolver.resolve("127.0.0.1", [&](auto answer) { written.give(std::move(answer)); });
    resolver.resolve("no such name", [&](auto answer) { unknown.give(std::move(answer)); });

    const auto first = written.take();
    ASSERT_TRUE(first && *first);
    EXPECT_EQ((*first)->front().text(), "127.0.0.1");
    const auto second = unknown.take();
    ASSERT_TRUE(second);
    EXPECT_THAT(second->error(), HasSubstr("is not known"));
}

}  // namespace
}  // namespace weft::gateway::delivery
