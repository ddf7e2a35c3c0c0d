#include "gateway/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "config/load.hpp"

namespace weft::gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
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
    EXPECT_EQ(got.settings.limits.body, 4U << 20U);
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

TEST(GatewaySettings, AreTheLimitsOfTheServerAndTheBridgeByDefault) {
    const Read got = read("");
    const Limits limits;
    EXPECT_EQ(got.settings.limits.body, limits.body);
    EXPECT_EQ(got.settings.limits.bodies, limits.bodies);
    EXPECT_EQ(got.settings.limits.header, limits.header);
    EXPECT_EQ(got.settings.limits.line, limits.line);
    EXPECT_EQ(got.settings.limits.header_count, limits.header_count);
    EXPECT_EQ(got.settings.limits.connections, limits.connections);
    EXPECT_EQ(got.settings.limits.requests, limits.requests);
    EXPECT_EQ(got.settings.limits.stream_queue, limits.stream_queue);
    EXPECT_EQ(got.settings.limits.idle, limits.idle);
    EXPECT_EQ(got.settings.limits.header_time, limits.header_time);
    EXPECT_EQ(got.settings.limits.body_time, limits.body_time);
    const BridgeLimits bridge;
    EXPECT_EQ(got.settings.bridge.read_threads, bridge.read_threads);
    EXPECT_EQ(got.settings.bridge.reads_waiting, bridge.reads_waiting);
    EXPECT_EQ(got.settings.bridge.acknowledged_waiting, bridge.acknowledged_waiting);
    EXPECT_EQ(got.settings.bridge.room_waiting, bridge.room_waiting);
    EXPECT_EQ(got.settings.bridge.waiters, bridge.waiters);
    EXPECT_EQ(got.settings.bridge.durable.publishes, bridge.durable.publishes);
    EXPECT_EQ(got.settings.bridge.durable.bytes, bridge.durable.bytes);
    EXPECT_EQ(got.settings.bridge.durable.timeout, bridge.durable.timeout);
}

TEST(GatewaySettings, HaveALimitFromEachOfItsKeys) {
    const Read got = read(
        "gateway:\n  limits: {body: 1KiB, bodies: 2KiB, header: 3KiB, line: 4KiB,\n"
        "    header_count: 5, connections: 6, requests: 7, stream_queue: 8KiB, idle: 9s,\n"
        "    header_time: 10s, body_time: 11s}\n"
        "  bridge: {read_threads: 12, reads: 13, acknowledged: 14, cursors: 15, waiters: 16,\n"
        "    publishes: 17, publish_bytes: 18KiB, publish_timeout: 19s}\n");
    EXPECT_THAT(got.problems, IsEmpty());
    const Limits& limits = got.settings.limits;
    EXPECT_THAT((std::vector<std::size_t>{limits.body, limits.bodies, limits.header, limits.line,
                                          limits.stream_queue}),
                ElementsAre(1024, 2048, 3072, 4096, 8192));
    EXPECT_THAT(
        (std::vector<std::size_t>{limits.header_count, limits.connections, limits.requests}),
        ElementsAre(5, 6, 7));
    EXPECT_EQ(limits.idle, 9s);
    EXPECT_EQ(limits.header_time, 10s);
    EXPECT_EQ(limits.body_time, 11s);
    const BridgeLimits& bridge = got.settings.bridge;
    EXPECT_THAT((std::vector<std::size_t>{bridge.read_threads, bridge.reads_waiting,
                                          bridge.acknowledged_waiting, bridge.room_waiting,
                                          bridge.waiters, bridge.durable.publishes}),
                ElementsAre(12, 13, 14, 15, 16, 17));
    EXPECT_EQ(bridge.durable.bytes, 18U << 10U);
    EXPECT_EQ(bridge.durable.timeout, 19s);
}

TEST(GatewaySettings, RefuseLimitsThatLetNothingThrough) {
    for (const char* limit :
         {"limits: {body: 0}", "limits: {line: 10}", "limits: {header: 100}", "limits: {idle: 0s}",
          "limits: {header_time: 0s}", "limits: {body_time: 0s}", "limits: {stream_queue: 1}",
          "limits: {body: 2MiB, bodies: 1MiB}", "bridge: {publish_timeout: 0s}",
          "bridge: {read_threads: 0}"}) {
        EXPECT_THAT(read("gateway: {" + std::string{limit} + "}").problems, HasSubstr("a.yaml:1"))
            << limit;
    }
}

TEST(GatewaySettings, SayWhereTheAccessLogGoesAndWhichProxiesAreBelieved) {
    EXPECT_EQ(read("").settings.access_log.path, "");
    EXPECT_EQ(read("gateway: {access_log: {path: '-'}}").settings.access_log.path, "-");
    const Read got = read(
        "gateway: {access_log: {path: log/a.log, format: json}, trusted_proxies: [10.0.0.0/8]}");
    EXPECT_THAT(got.problems, IsEmpty());
    EXPECT_EQ(got.settings.access_log.path, "/srv/log/a.log");
    EXPECT_EQ(got.settings.access_log.format, AccessFormat::json);
    EXPECT_THAT(got.settings.trusted_proxies, SizeIs(1));
    EXPECT_THAT(read("gateway: {trusted_proxies: [10.0.0.1/8]}").problems,
                AllOf(HasSubstr("a.yaml:1"), HasSubstr("such as 10.0.0.0/8")));
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
