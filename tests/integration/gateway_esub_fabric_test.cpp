// The fabric answers HTTP: who waits at a real `weft gateway` for a key gets what is published on
// the key's topic, and its publisher hears whether it did.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/look_again.hpp"

namespace weft::testing {
namespace {

using ::testing::HasSubstr;

class GatewayEsubFabric : public ::testing::Test {
protected:
    GatewayEsubFabric() : fabric_("gateway.host1") {
        fabric_.configure(
            "reliability: { journal: { listen: 'tcp://127.0.0.1:" + std::to_string(free_port()) +
            "' } }\n"
            "gateway: { listeners: [ { address: '127.0.0.1:0', serve: [esub] } ] }");
        const Finished issued = fabric_.weft({"keys", "issue", "worker.host1", "--publish", "**"});
        if (issued.exit_code != 0) throw std::runtime_error(issued.err);
    }

    Process gateway() {
        Process gateway = fabric_.start({"gateway"});
        const std::string line = gateway.wait_for_line(Stream::out, "listening esub ");
        port_ = static_cast<std::uint16_t>(std::stoul(line.substr(line.rfind(':') + 1)));
        gateway.wait_for_line(Stream::out, "ready");
        return gateway;
    }
    HttpClient waiting(const std::string& target) {
        HttpClient client(port_);
        client.send("GET /sub/" + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
        while (HttpClient(port_).ask("GET /keys HTTP/1.1\r\nHost: h\r\n\r\n").status != 200) {
            look_again_after_ms(2);
        }
        return client;
    }
    Finished publish(const std::string& key, const std::string& data,
                     const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"publish", "esub." + key, "--data",
                                           data,      "--set",       "name=worker.host1"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return fabric_.weft(arguments);
    }
    static inline const std::vector<std::string> to_the_gateway{
        "--recipients", "gateway.host1", "--level", "processed", "--ack-timeout", "10s"};
    static std::vector<std::string> to_the_gateway_and(std::vector<std::string> more) {
        more.insert(more.end(), to_the_gateway.begin(), to_the_gateway.end());
        return more;
    }

    Fabric fabric_;
    std::uint16_t port_ = 0;
};

TEST_F(GatewayEsubFabric, ProcessedIsSaidOnceTheWaiterHasTheBytesAndElseWhyNot) {
    const Process relay = fabric_.relay();
    Process running = gateway();
    HttpClient client = waiting("job-1");
    const Finished sent = publish("job-1", "the answer", to_the_gateway);
    EXPECT_EQ(sent.exit_code, 0) << sent.err << running.output();
    const HttpAnswer answer = client.answer();
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(answer.body, "the answer");

    const Finished again = publish("job-1", "too late", to_the_gateway);
    EXPECT_NE(again.exit_code, 0);
    EXPECT_THAT(again.err, HasSubstr("Unknown key"));
}

TEST_F(GatewayEsubFabric, TheTokenIsTheWaitersOnTheFabricToo) {
    const Process relay = fabric_.relay();
    Process running = gateway();
    HttpClient client = waiting("a%2Eb?token=secret");
    const Finished without = publish("a%2Eb", "x", to_the_gateway);
    EXPECT_NE(without.exit_code, 0);
    EXPECT_THAT(without.err, HasSubstr("Invalid token"));
    const Finished right =
        publish("a%2Eb", "y", to_the_gateway_and({"--header", "esub-token=secret"}));
    EXPECT_EQ(right.exit_code, 0) << right.err;
    EXPECT_EQ(client.answer().body, "y");
}

TEST_F(GatewayEsubFabric, WithoutRecipientsTheWaiterIsAnsweredTooAndNotWhereOthersAreNamed) {
    const Process relay = fabric_.relay();
    Process running = gateway();
    HttpClient client = waiting("k");
    const Finished others =
        publish("k", "not for us",
                {"--recipients", "worker.host1", "--level", "processed", "--ack-timeout", "200ms"});
    EXPECT_NE(others.exit_code, 0);
    EXPECT_TRUE(client.is_quiet_for(std::chrono::milliseconds{50}));
    const Finished plain = publish("k", "plain");
    ASSERT_EQ(plain.exit_code, 0) << plain.err;
    EXPECT_EQ(client.answer().body, "plain");
}

TEST_F(GatewayEsubFabric, AJournalStillSaysStoredOnThoseTopics) {
    const Process relay = fabric_.relay();
    Process running = gateway();
    HttpClient client = waiting("k");
    const Finished sent =
        publish("k", "kept and delivered",
                {"--recipients", "gateway.host1", "--level", "stored", "--ack-timeout", "10s"});
    EXPECT_EQ(sent.exit_code, 0) << sent.err << running.output();
    EXPECT_EQ(client.answer().body, "kept and delivered");
}

TEST_F(GatewayEsubFabric, AWorkerOnTheFabricAnswersAClientOfHttp) {
    const Process relay = fabric_.relay();
    Process running = gateway();
    ProcessOptions options;
    options.cwd = fabric_.dir().path();
    options.environment["WEFT_NAME"] = "worker.host1";
    options.keep_stdin_open = true;
    Process worker = Process::start({WEFT_ESUB_WORKER}, options);
    worker.wait_for_line(Stream::out, "ready");

    HttpClient client = waiting("reply-1");
    const Finished asked = fabric_.weft(
        {"publish", "jobs.upper", "--json",
         R"({"text": "do this", "reply": "reply-1", "at": "gateway.host1"})", "--recipients",
         "worker.host1", "--level", "processed", "--ack-timeout", "10s"});
    EXPECT_EQ(asked.exit_code, 0) << asked.err << worker.output();
    EXPECT_EQ(client.answer().body, "DO THIS\n");

    const Finished nobody = fabric_.weft(
        {"publish", "jobs.upper", "--json",
         R"({"text": "x", "reply": "nobody-waits", "at": "gateway.host1"})", "--recipients",
         "worker.host1", "--level", "processed", "--ack-timeout", "10s"});
    EXPECT_NE(nobody.exit_code, 0);
    EXPECT_THAT(nobody.err, HasSubstr("did not get the answer"));
    EXPECT_THAT(worker.out(), HasSubstr("Unknown key"));
}

}  // namespace
}  // namespace weft::testing
