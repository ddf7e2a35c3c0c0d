// Webhooks as people use them: `weft gateway`, `weft webhook`, and the receiver of the examples,
// which believes nothing but a signature that holds.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/integration/journal_fixture.hpp"
#include "tests/support/http_receiver.hpp"
#include "tests/support/look_again.hpp"

namespace weft::testing {
namespace {

using nlohmann::json;
using support::HttpReceiver;
using support::ReceivedRequest;
using support::ReceiverDoes;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string receiver_program = std::string{WEFT_SOURCE_DIR} + "/examples/webhook_receiver.py";

class Webhooks : public ::testing::Test {
protected:
    Webhooks() {
        fabric_.configure(
            "reliability: { journals: [git.host1], journal: { listen: 'tcp://127.0.0.1:" +
            std::to_string(free_port()) +
            "' } }\n"
            "gateway: { listeners: [ { address: '127.0.0.1:0', serve: [native, metrics] } ] }");
    }
    void allow_this_machine() {
        fabric_.configure(
            "gateway: { webhooks: { allow_http: true, allow_networks: ['127.0.0.0/8'], "
            "schedule: [0s, 50ms, 100ms] } }");
    }

    Process gateway() {
        Process gateway = fabric_.start({"gateway"});
        const std::string line = gateway.wait_for_line(Stream::out, "listening native ");
        native_ = line.substr(line.rfind(' ') + 1);
        gateway.wait_for_line(Stream::out, "ready");
        return gateway;
    }
    /// The example, which reads its key once there is one.
    Process receiver() {
        Process receiver = Process::start(
            {"/usr/bin/python3", receiver_program, "--key-file", (fabric_.dir() / "key").string()});
        const std::string line = receiver.wait_for_line(Stream::out, "listening ");
        url_ = line.substr(line.rfind(' ') + 1);
        return receiver;
    }
    void believe(const std::string& key) { write_text(fabric_.dir() / "key", key); }

    Finished webhook(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "webhook");
        arguments.insert(arguments.end(), {"--gateway", native_});
        return fabric_.weft(arguments);
    }
    json webhook_json(std::vector<std::string> arguments) {
        arguments.emplace_back("--json");
        const Finished done = webhook(std::move(arguments));
        if (done.exit_code != 0) throw std::runtime_error("weft webhook: " + done.err);
        return json::parse(done.out);
    }
    json add(std::vector<std::string> more = {}) {
        std::vector<std::string> arguments{"add", url_, "--topic", "git.*"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return webhook_json(arguments);
    }
    void publish(const std::string& body, const std::string& topic = "git.commit") {
        const Finished done = run(
            {"curl", "-sS", "-f", "-d", body, native_ + "/v1/topics/" + topic + "?durable=true"});
        ASSERT_EQ(done.exit_code, 0) << done.err;
    }

    std::vector<json> attempts_of(const std::string& id) {
        return json_lines(webhook({"attempts", id, "--json"}).out);
    }

    Fabric fabric_;
    std::string native_, url_;
};

TEST_F(Webhooks, AMessageArrivesSignedAndTheReceiverVerifiesItByThePublicKey) {
    allow_this_machine();
    const Process relay = fabric_.relay();
    const Process running = gateway();
    Process python = receiver();
    const json made = add({"--where", "branch=main"});
    EXPECT_THAT(made["secret"].get<std::string>(), StartsWith("whsec_"));
    believe(made["public_key"]);

    publish(R"({"branch": "dev"})");
    publish(R"({"branch": "main", "n": 1})");

    const json got = json::parse(python.wait_for_line(Stream::out, "verified"));
    EXPECT_EQ(got["verified"], "v1a");
    EXPECT_EQ(got["event"]["type"], "org.weft.dev.git.commit");
    EXPECT_EQ(got["event"]["weftsigner"], "git.host1");
    EXPECT_EQ(got["event"]["weftverified"], "true");
    EXPECT_EQ(got["event"]["data"], json({{"branch", "main"}, {"n", 1}}));
    EXPECT_EQ(got["event"]["id"], got["webhook_id"]);
    EXPECT_THAT(python.out(), Not(HasSubstr("dev\"}")));
}

TEST_F(Webhooks, ATestAResendARecoveryAndARotationReachTheReceiver) {
    allow_this_machine();
    const Process relay = fabric_.relay();
    const Process running = gateway();
    HttpReceiver plain([](const ReceivedRequest&) { return ReceiverDoes::answer(200); });
    url_ = plain.url("/hook");
    const json made = add();
    const std::string id = made["id"];
    publish(R"({"n": 1})");
    publish(R"({"n": 2})");
    ASSERT_TRUE(plain.wait_for(2));

    EXPECT_EQ(webhook_json({"test", id})["status"], 200);
    ASSERT_TRUE(plain.wait_for(3));
    EXPECT_EQ(webhook_json({"resend", id, "1"})["succeeded"], true);
    ASSERT_TRUE(plain.wait_for(4));
    EXPECT_EQ(webhook({"recover", id, "1h"}).exit_code, 0);
    ASSERT_TRUE(plain.wait_for(6));
    const json rotated = webhook_json({"rotate", id});
    EXPECT_NE(rotated["secret"], made["secret"]);
    publish(R"({"n": 3})");
    ASSERT_TRUE(plain.wait_for(7));

    const auto requests = plain.requests();
    EXPECT_EQ(requests[2].header("ce-type"), "org.weft.dev.webhooks.test");
    EXPECT_EQ(requests[3].header("webhook-id"), requests[0].header("webhook-id"));
    EXPECT_EQ(requests[4].header("webhook-id"), requests[0].header("webhook-id"));
    EXPECT_EQ(requests[5].header("webhook-id"), requests[1].header("webhook-id"));
    const std::string signatures = requests[6].header("webhook-signature");
    EXPECT_EQ(std::count(signatures.begin(), signatures.end(), ' '), 3) << signatures;
    EXPECT_EQ(webhook_json({"show", id})["public_keys"].size(), 2U);
}

TEST_F(Webhooks, AnUpdateChangesWhatIsNamedAndKeepsSecretAndPlace) {
    allow_this_machine();
    const Process relay = fabric_.relay();
    const Process running = gateway();
    HttpReceiver plain([](const ReceivedRequest&) { return ReceiverDoes::answer(200); });
    url_ = plain.url("/old");
    const json made = add({"--description", "ours"});
    const std::string id = made["id"];
    ASSERT_EQ(webhook({"pause", id}).exit_code, 0);
    publish(R"({"n": 1})");
    const json changed =
        webhook_json({"update", id, "--url", plain.url("/new"), "--unordered", "--batch", "1"});
    EXPECT_EQ(changed["url"], plain.url("/new"));
    EXPECT_EQ(changed["ordered"], false);
    EXPECT_EQ(changed["topics"], made["topics"]);
    EXPECT_EQ(changed["description"], "ours");
    EXPECT_EQ(webhook_json({"secret", id})["secret"], made["secret"]);
    EXPECT_EQ(webhook_json({"update", id, "--ordered"})["ordered"], true);
    ASSERT_EQ(webhook({"resume", id}).exit_code, 0);
    ASSERT_TRUE(plain.wait_for(1));
    EXPECT_EQ(plain.requests().front().line, "POST /new HTTP/1.1");
    EXPECT_EQ(webhook({"update", id}).exit_code, 2) << "nothing is named";
    EXPECT_EQ(webhook({"update", id, "--ordered", "--unordered"}).exit_code, 2);
    EXPECT_EQ(webhook({"update", "wh_none", "--rate", "5"}).exit_code, 1);
}

TEST_F(Webhooks, AnUpdateWithAnEmptyValueTakesAwayConditionsHeadersAndDescription) {
    allow_this_machine();
    const Process relay = fabric_.relay();
    const Process running = gateway();
    HttpReceiver plain([](const ReceivedRequest&) { return ReceiverDoes::answer(200); });
    url_ = plain.url("/hook");
    const json made = add(
        {"--where", "n=1", "--where", "of=us", "--header", "X-Team: a", "--description", "ours"});
    ASSERT_EQ(made["where"].size(), 2U);
    ASSERT_EQ(made["description"], "ours");
    const std::string id = made["id"];
    EXPECT_EQ(webhook_json({"update", id, "--rate", "5"})["where"], made["where"]);
    EXPECT_EQ(webhook({"update", id, "--where", "", "--where", "n=1"}).exit_code, 2);
    EXPECT_EQ(webhook({"update", id, "--header", "", "--header", "X-Team: b"}).exit_code, 2);
    const json cleared =
        webhook_json({"update", id, "--where", "", "--header", "", "--description", ""});
    EXPECT_EQ(cleared["where"], json::array()) << cleared;
    EXPECT_EQ(cleared["header_names"], json::array()) << cleared;
    EXPECT_EQ(cleared["description"], "");
    publish(R"({"n": 2})");
    ASSERT_TRUE(plain.wait_for(1)) << "no condition is left";
    EXPECT_EQ(plain.requests().front().header("X-Team"), "");
}

TEST_F(Webhooks, TheAttemptsAreThereAfterARestart) {
    allow_this_machine();
    const Process relay = fabric_.relay();
    HttpReceiver plain([](const ReceivedRequest& request) {
        return ReceiverDoes::answer(request.number == 1 ? 500 : 200, {}, "so it is");
    });
    url_ = plain.url("/hook");
    std::string id;
    std::vector<json> before;
    {
        Process running = gateway();
        id = add({})["id"];
        publish(R"({"n": 1})");
        publish(R"({"n": 2})");
        ASSERT_TRUE(plain.wait_for(3));
        while ((before = attempts_of(id)).size() < 3) look_again_after_ms(10);
        running.signal(SIGTERM);
        EXPECT_EQ(running.wait(), 0) << running.output();
    }
    const Process again = gateway();
    EXPECT_EQ(attempts_of(id), before);
    EXPECT_EQ(before.back()["status"], 500);
    EXPECT_EQ(before.back()["answer"], "so it is");
}

TEST_F(Webhooks, AReceiverThatIsGoneDisablesItAndOperatorsHearOfIt) {
    allow_this_machine();
    const Process relay = fabric_.relay();
    Process tail = fabric_.tail({"--topic", "webhooks.*"});
    const Process running = gateway();
    HttpReceiver plain([](const ReceivedRequest&) { return ReceiverDoes::answer(410); });
    url_ = plain.url("/hook");
    const std::string id = add()["id"];

    publish(R"({"n": 1})");

    const std::string told = tail.wait_for_line(Stream::out, "webhooks.disabled\"");
    EXPECT_THAT(told, HasSubstr(id));
    EXPECT_EQ(webhook_json({"show", id})["state"], "disabled");
    const Finished attempts = webhook({"attempts", id});
    EXPECT_THAT(attempts.out, HasSubstr("410"));
    EXPECT_THAT(attempts.out, Not(HasSubstr("whsec_")));
}

TEST_F(Webhooks, SurviveARestartOfTheGatewayWithWhatIsNotYetDelivered) {
    allow_this_machine();
    const Process relay = fabric_.relay();
    Process python = receiver();
    {
        Process running = gateway();
        const json made = add();
        believe(made["public_key"]);
        ASSERT_EQ(webhook({"pause", made["id"]}).exit_code, 0);
        publish(R"({"n": 1})");
        running.signal(SIGTERM);
        ASSERT_EQ(running.wait(), 0) << running.output();
    }
    const Process running = gateway();
    const json listed = webhook_json({"list"});
    EXPECT_EQ(listed["state"], "paused");
    ASSERT_EQ(webhook({"resume", listed["id"]}).exit_code, 0);
    EXPECT_THAT(python.wait_for_line(Stream::out, "verified"), HasSubstr(R"("data": {"n": 1})"));
}

// W2: nobody uses the gateway to reach what only it can reach.
TEST_F(Webhooks, ThisMachineIsRefusedUnlessItsNetworkIsAllowed) {
    fabric_.configure("gateway: { webhooks: { allow_http: true } }");
    const Process relay = fabric_.relay();
    const Process running = gateway();
    for (const char* url : {"http://127.0.0.1:9/", "http://[::1]:9/", "http://2130706433/",
                            "http://localhost:9/", "http://169.254.169.254/latest"}) {
        const Finished refused = webhook({"add", url, "--topic", "git.*"});
        EXPECT_EQ(refused.exit_code, 1) << url << refused.out;
        // An odd spelling of an address is refused as such, whatever it means.
        EXPECT_THAT(refused.err, AnyOf(HasSubstr("allow_networks"), HasSubstr("192.0.2.1"))) << url;
    }
    const Finished none = webhook({"list"});
    EXPECT_THAT(none.err, HasSubstr("no webhooks yet"));
}

// K3: the secrets of webhooks stand in the journal's state.
TEST_F(Webhooks, NobodyElseMayReadTheJournalThatHasTheSecrets) {
    const Process relay = fabric_.relay();
    Process running = gateway();
    const std::filesystem::path journal = fabric_.dir() / "var/journal";
    ASSERT_TRUE(std::filesystem::is_directory(journal));
    EXPECT_EQ(std::filesystem::status(journal).permissions(), std::filesystem::perms::owner_all);
    EXPECT_THAT(running.err(), Not(HasSubstr("chmod 700")));
    running.signal(SIGTERM);
    ASSERT_EQ(running.wait(), 0);

    std::filesystem::permissions(journal, std::filesystem::perms{0755});

    Process warned = fabric_.start({"gateway"});
    EXPECT_THAT(warned.wait_for_line(Stream::err, "chmod 700"), HasSubstr("webhooks"));
}

TEST_F(Webhooks, TailForwardsWhatItFollowsToADevelopersOwnServer) {
    const Process relay = fabric_.relay();
    Process python = receiver();
    Process tail = fabric_.start({"tail", "--topic", "git.*", "--forward", url_, "--count", "2"});
    const std::string key = tail.wait_for_line(Stream::out, "public key");
    believe(key.substr(key.rfind(' ') + 1));
    tail.wait_for_line(Stream::err, "ready");
    ASSERT_EQ(fabric_.weft({"publish", "git.commit", "--json", R"({"n": 1})"}).exit_code, 0);
    ASSERT_EQ(fabric_.weft({"publish", "git.commit", "--json", R"({"n": 2})"}).exit_code, 0);

    EXPECT_EQ(json::parse(python.wait_for_line(Stream::out, "verified"))["event"]["data"]["n"], 1);
    EXPECT_EQ(json::parse(python.wait_for_line(Stream::out, "verified"))["event"]["data"]["n"], 2);
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    EXPECT_THAT(tail.out(), HasSubstr("200  "));
    EXPECT_THAT(tail.err(), HasSubstr("forwarded 2, given up 0"));
}

TEST_F(Webhooks, TailForwardTriesAgainAndKeepsTheOrder) {
    const Process relay = fabric_.relay();
    int asked = 0;  // the script is asked one at a time
    HttpReceiver plain([&asked](const ReceivedRequest&) {
        return ReceiverDoes::answer(++asked == 1 ? 503 : 200);
    });
    Process tail = fabric_.start(
        {"tail", "--topic", "git.*", "--forward", plain.url("/"), "--json", "--count", "2"});
    tail.wait_for_line(Stream::err, "ready");
    for (const char* body : {R"({"n":1})", R"({"n":2})"}) {
        ASSERT_EQ(fabric_.weft({"publish", "git.commit", "--json", body}).exit_code, 0);
    }
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    const auto requests = plain.requests();
    ASSERT_EQ(requests.size(), 3U);
    EXPECT_EQ(requests[1].body, R"({"n":1})");
    EXPECT_EQ(requests[2].body, R"({"n":2})");
    EXPECT_EQ(requests[1].header("webhook-id"), requests[0].header("webhook-id"));
    EXPECT_THAT(tail.out(), HasSubstr("\"status\":503"));
}

TEST_F(Webhooks, CommandsSayWhatIsWrong) {
    EXPECT_EQ(fabric_.weft({"webhook", "list"}).exit_code, 2);
    native_ = "http://127.0.0.1:" + std::to_string(free_port());
    const Finished nobody = webhook({"list"});
    EXPECT_EQ(nobody.exit_code, 1);
    EXPECT_THAT(nobody.err, HasSubstr("is `weft gateway` running there?"));
    EXPECT_EQ(webhook({"add", "https://e.com/", "--topic", "a", "--where", "x"}).exit_code, 2);
    EXPECT_EQ(fabric_.weft({"tail", "--secret", "whsec_x"}).exit_code, 2);
    EXPECT_EQ(fabric_.weft({"tail", "--forward", "http://10.0.0.1/", "--raw"}).exit_code, 2);
    const Finished bad = fabric_.weft({"tail", "--forward", "ftp://127.0.0.1/"});
    EXPECT_EQ(bad.exit_code, 2) << bad.err;
}

TEST(WebhookReceiverExample, KnowsThePublicVectors) {
    const Finished tested = run({"/usr/bin/python3", receiver_program, "--self-test"});
    EXPECT_EQ(tested.exit_code, 0) << tested.err;
}

}  // namespace
}  // namespace weft::testing
