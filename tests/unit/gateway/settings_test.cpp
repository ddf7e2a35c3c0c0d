#include "gateway/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.hpp"

namespace weft::gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Read {
    GatewaySettings settings;
    std::string problems;
};

Read read(const std::string& yaml) {
    config::LoadOptions options;
    options.directory = "/srv";
    options.documents = {{"a.yaml", yaml}};
    const auto loaded = config::load(options);
    if (!loaded) return {{}, config::text_of(loaded.error())};
    config::Problems problems;
    Read read{read_gateway_settings(*loaded, problems), ""};
    read.problems = config::text_of(problems);
    return read;
}

TEST(GatewaySettings, AreTheListenersOfTheContractByDefault) {
    const Read got = read("");
    EXPECT_THAT(got.problems, IsEmpty());
    ASSERT_THAT(got.settings.listeners, SizeIs(4));
    EXPECT_EQ(got.settings.listeners[0].address, "127.0.0.1:8080");
    ASSERT_THAT(got.settings.listeners[0].mounts, SizeIs(3));
    EXPECT_EQ(got.settings.listeners[0].mounts[0].protocol, Protocol::native);
    EXPECT_EQ(got.settings.listeners[1].mounts[0].protocol, Protocol::rse);
    EXPECT_FALSE(got.settings.auth_required);
    EXPECT_EQ(got.settings.body_max, 4U << 20U);
}

TEST(GatewaySettings, MountProtocolsBelowAPrefixOnOnePort) {
    const Read got = read(
        "gateway:\n  listeners:\n    - address: '127.0.0.1:0'\n"
        "      serve: [native, {protocol: rse, prefix: /events}]\n");
    EXPECT_THAT(got.problems, IsEmpty());
    ASSERT_THAT(got.settings.listeners, SizeIs(1));
    EXPECT_EQ(got.settings.listeners[0].mounts[1].prefix, "/events");
    EXPECT_EQ(got.settings.listeners[0].where, "a.yaml:3");
}

TEST(GatewaySettings, SayWhatIsWrongAndWhere) {
    const auto listener = [](const std::string& serve) {
        return "gateway:\n  listeners:\n    - {address: '127.0.0.1:0', serve: " + serve + "}\n";
    };
    EXPECT_THAT(read(listener("[ftp]")).problems,
                AllOf(HasSubstr("a.yaml:3"), HasSubstr("routemaster")));
    EXPECT_THAT(read(listener("[native, rse]")).problems, HasSubstr("needs a prefix"));
    EXPECT_THAT(read(listener("[native, {protocol: rse, prefix: events/}]")).problems,
                HasSubstr("a path such as /events"));
    EXPECT_THAT(read(listener("[{protocol: rse, path: /a}]")).problems,
                HasSubstr("unknown key 'path'"));
    EXPECT_THAT(read(listener("[]")).problems, HasSubstr("a list of protocols"));
    EXPECT_THAT(read("gateway: {tls: {certificate: a.pem}}").problems,
                HasSubstr("belong together"));
    EXPECT_THAT(read("gateway: {tls: {only: true}}").problems,
                HasSubstr("nothing could be served"));
}

}  // namespace
}  // namespace weft::gateway
