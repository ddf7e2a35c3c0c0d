#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fabric/transport/name_resolver.hpp"
#include "tests/support/name_server.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::fabric {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::NameServer;
using Kind = NameQuery::Kind;
using namespace std::string_literals;

class DnsResolver : public ::testing::Test {
protected:
    std::vector<NameAnswer> ask(const std::vector<NameQuery>& queries) {
        return resolver_->resolve(queries, stop_.get_token());
    }
    NameAnswer ask(const NameQuery& query) { return ask(std::vector{query}).at(0); }

    NameServer server_;
    std::unique_ptr<NameResolver> resolver_ = support::must(make_dns_resolver({server_.address()}));
    std::stop_source stop_;
};

TEST_F(DnsResolver, AHostBecomesAnEndpointForEachOfItsAddresses) {
    server_.set_host("git.example.org", {"\x0A\0\0\x02"s, "\x0A\0\0\x01"s});

    const NameAnswer answer = ask({Kind::host, "git.example.org", 9940});

    EXPECT_THAT(answer.endpoints, ElementsAre("tcp://10.0.0.1:9940", "tcp://10.0.0.2:9940"));
    EXPECT_EQ(answer.ttl.count(), 7);
    EXPECT_EQ(answer.problem, "");
}

TEST_F(DnsResolver, ADomainBecomesTheEndpointsOfItsServiceRecords) {
    server_.set_srv("_weft._tcp.example.org",
                    {{"a.example.org", 7001}, {"b.example.org", 7002}, {"a.example.org", 7001}});
    server_.set_host("a.example.org", {"\x0A\0\0\x01"s});
    server_.set_host("b.example.org", {"\x0A\0\0\x02"s});

    const NameAnswer answer = ask({Kind::srv, "example.org", 0});

    EXPECT_THAT(answer.endpoints, ElementsAre("tcp://10.0.0.1:7001", "tcp://10.0.0.2:7002"));
    EXPECT_EQ(answer.targets.at("tcp://10.0.0.1:7001"), "a.example.org");
    EXPECT_EQ(answer.targets.at("tcp://10.0.0.2:7002"), "b.example.org");
}

TEST_F(DnsResolver, ADomainThatNamesItsServiceIsAskedAsItStands) {
    server_.set_srv("_fabric._tcp.example.org", {{"a.example.org", 7001}});
    server_.set_host("a.example.org", {"\x0A\0\0\x01"s});

    EXPECT_THAT(ask({Kind::srv, "_fabric._tcp.example.org", 0}).endpoints,
                ElementsAre("tcp://10.0.0.1:7001"));
}

TEST_F(DnsResolver, OneTargetWithoutAddressDoesNotHideTheOthers) {
    server_.set_srv("_weft._tcp.example.org", {{"gone.example.org", 1}, {"a.example.org", 7001}});
    server_.set_host("a.example.org", {"\x0A\0\0\x01"s});

    const NameAnswer answer = ask({Kind::srv, "example.org", 0});

    EXPECT_THAT(answer.endpoints, ElementsAre("tcp://10.0.0.1:7001"));
    EXPECT_THAT(answer.problem, HasSubstr("no such name"));
}

TEST_F(DnsResolver, ANameThatDoesNotExistIsAProblemThatNamesIt) {
    const NameAnswer host = ask({Kind::host, "nobody.example.org", 1});
    EXPECT_THAT(host.endpoints, IsEmpty());
    EXPECT_THAT(host.problem, HasSubstr("nobody.example.org"));
    EXPECT_THAT(host.problem, HasSubstr("no such name"));

    EXPECT_THAT(ask({Kind::srv, "example.org", 0}).problem,
                HasSubstr("SRV records of example.org"));
}

TEST_F(DnsResolver, AServiceThatIsNotOfferedIsAProblem) {
    server_.set_srv("_weft._tcp.example.org", {{"", 1}});
    EXPECT_THAT(ask({Kind::srv, "example.org", 0}).problem, HasSubstr("name no server"));
}

TEST_F(DnsResolver, NameServersThatAreSilentAreAProblemInTheEnd) {
    server_.be_silent(true);
    EXPECT_THAT(ask({Kind::host, "git.example.org", 1}).problem, HasSubstr("no name server"));
    EXPECT_GE(server_.questions(), 1u);
}

TEST_F(DnsResolver, AStopEndsQuestionsThatNobodyAnswers) {
    server_.be_silent(true);
    stop_.request_stop();
    const auto answers = ask({{Kind::host, "a.example.org", 1}, {Kind::srv, "example.org", 0}});
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_NE(answers[0].problem, "");
    EXPECT_NE(answers[1].problem, "");
}

TEST_F(DnsResolver, AnswersStandInTheOrderOfTheQuestions) {
    std::vector<NameQuery> queries;
    for (int i = 0; i < 50; ++i) {
        const std::string host = "h" + std::to_string(i) + ".example.org";
        server_.set_host(host, {"\x0A\0\0"s + static_cast<char>(i)});
        queries.push_back({Kind::host, host, 7000});
    }
    const auto answers = ask(queries);
    for (int i = 0; i < 50; ++i) {
        EXPECT_THAT(answers[static_cast<std::size_t>(i)].endpoints,
                    ElementsAre("tcp://10.0.0." + std::to_string(i) + ":7000"));
    }
}

TEST(DnsResolverServers, WhatIsNoAddressOfANameServerIsAnErrorThatShowsOne) {
    const auto resolver = make_dns_resolver({"not an address"});
    ASSERT_FALSE(resolver);
    EXPECT_THAT(resolver.error(), HasSubstr("127.0.0.1:5353"));
}

}  // namespace
}  // namespace weft::fabric
