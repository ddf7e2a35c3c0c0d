// A gateway whose journal fails, and not because its disk is full: the directory is removed or
// moved away, or a sync says EIO or EROFS. From then on nothing durable is acknowledged, every
// answer is one that a client knows what to do with, and /readyz says what is wrong.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/integration/strace.hpp"
#include "tests/support/look_again.hpp"

namespace weft::testing {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class GatewayJournalFailure : public ::testing::Test {
protected:
    GatewayJournalFailure() {
        fabric_.configure(
            "reliability: { journals: [git.host1], journal: { path: var/j, listen: "
            "'tcp://127.0.0.1:" +
            std::to_string(free_port()) +
            "' } }\n"
            "gateway: { webhooks: { allow_http: true, allow_networks: ['127.0.0.0/8'] },\n"
            "  listeners: [ { address: '127.0.0.1:0', serve: [native, metrics] },\n"
            "                        { address: '127.0.0.1:0', serve: [rse] },\n"
            "                        { address: '127.0.0.1:0', serve: [routemaster] } ] }");
        const Finished token =
            fabric_.weft({"token", "add", "rm", "--publish", "**", "--read", "**"});
        if (token.exit_code != 0) throw std::runtime_error(token.err);
        token_ = token.out.substr(0, token.out.find('\n'));
        relay_.emplace(fabric_.relay());
    }

    Process gateway() { return ready(fabric_.start({"gateway"})); }
    Process ready(Process gateway) {
        const auto url = [&](const std::string& protocol) {
            const std::string line =
                gateway.wait_for_line(Stream::out, "listening " + protocol + " ");
            return line.substr(line.rfind(' ') + 1);
        };
        native_ = url("native");
        rse_ = url("rse");
        routemaster_ = url("routemaster");
        gateway.wait_for_line(Stream::out, "ready");
        return gateway;
    }

    struct Answer {
        int status = 0;
        std::string head, body;
    };
    static Answer curl(const std::string& url, const std::vector<std::string>& more = {}) {
        std::vector<std::string> argv{"curl", "-sS", "-i", "--max-time", "25"};
        argv.insert(argv.end(), more.begin(), more.end());
        argv.push_back(url);
        const Finished done = run(argv);
        const std::size_t end = done.out.find("\r\n\r\n");
        if (done.exit_code != 0 || end == std::string::npos) {
            throw std::runtime_error("curl: " + done.err + done.out);
        }
        return {std::stoi(done.out.substr(9, 3)), done.out.substr(0, end + 2),
                done.out.substr(end + 4)};
    }
    [[nodiscard]] Answer publish(int number) const {
        return curl(native_ + "/v1/topics/deploy?durable=true",
                    {"-d", "{\"n\":" + std::to_string(number) + "}"});
    }
    [[nodiscard]] Answer ready_now() const { return curl(native_ + "/readyz"); }
    /// Until /readyz has that status; what it said then.
    Answer until_ready_is(int status) const {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        Answer now = ready_now();
        while (now.status != status && std::chrono::steady_clock::now() < deadline) {
            look_again_after_ms(50);
            now = ready_now();
        }
        EXPECT_EQ(now.status, status) << now.body;
        return now;
    }
    static void expect_away(const Answer& answer, const std::string& what) {
        EXPECT_EQ(answer.status, 503) << what << ": " << answer.body;
        EXPECT_THAT(answer.head, HasSubstr("\r\nRetry-After: ")) << what;
    }
    /// Everything that would have to be stored is refused, whoever asks.
    void expect_nothing_is_stored() const {
        const std::vector<std::string> as{"-A",
                                          "test/1.0 uuid/12345678-1234-4234-8234-123456789012"};
        const auto with = [](std::vector<std::string> arguments,
                             const std::vector<std::string>& more) {
            arguments.insert(arguments.end(), more.begin(), more.end());
            return arguments;
        };
        for (int i = 0; i < 3; ++i) expect_away(publish(1000 + i), "a durable publish");
        expect_away(curl(rse_ + "/a", with(as, {"-d", "[1]"})), "an RSE post");
        expect_away(
            curl(native_ + "/v1/cursors/c1", {"-X", "PUT", "-d", R"({"start":"beginning"})"}),
            "a new cursor");
        expect_away(curl(native_ + "/v1/webhooks",
                         {"-d", R"({"url":"http://127.0.0.1:9/","topics":["deploy"]})"}),
                    "a new webhook");
        expect_away(curl(routemaster_ + "/topics/widgets",
                         {"-u", token_ + ":x", "-H", "Content-Type: application/json", "-d",
                          R"({"type":"create","url":"https://example.com/1"})"}),
                    "a Routemaster event");
        EXPECT_EQ(curl(native_ + "/v1/topics/deploy", {"-d", "1"}).status, 202)
            << "what nobody wants on the disk goes on";
        // What is read either is there, or is said to be away.
        for (const std::string& url :
             {native_ + "/v1/events", native_ + "/v1/topics", native_ + "/v1/cursors",
              native_ + "/v1/webhooks", rse_ + "/a", rse_ + "/health", routemaster_ + "/topics"}) {
            EXPECT_THAT(curl(url, as).status, AnyOf(200, 204, 401, 503)) << url;
        }
        EXPECT_EQ(curl(native_ + "/healthz").status, 200);
    }
    static void stop(Process& process) {
        process.signal(SIGTERM);
        EXPECT_EQ(process.wait(), 0) << process.output();
    }
    [[nodiscard]] std::filesystem::path journal() const { return fabric_.dir() / "var/j"; }

    Fabric fabric_;
    std::optional<Process> relay_;
    std::string token_, native_, rse_, routemaster_;
};

TEST_F(GatewayJournalFailure, ADirectoryThatIsRemovedStoresNothingAndARestartBeginsANewOne) {
    Process running = gateway();
    ASSERT_EQ(publish(1).status, 201);
    std::filesystem::remove_all(journal());
    EXPECT_THAT(until_ready_is(503).body, HasSubstr("was removed, moved or mounted over"));
    expect_nothing_is_stored();
    EXPECT_THAT(ready_now().body, HasSubstr("restart the gateway"));
    stop(running);

    Process again = gateway();
    const Answer published = publish(2);
    EXPECT_EQ(published.status, 201) << published.body;
    EXPECT_EQ(ready_now().status, 200);
}

TEST_F(GatewayJournalFailure, ADirectoryThatIsRemovedIsNoticedByTheVeryNextPublish) {
    const Process running = gateway();
    ASSERT_EQ(publish(1).status, 201);
    std::filesystem::remove_all(journal());
    expect_away(publish(2), "at once");
    EXPECT_THAT(publish(3).body, HasSubstr("restart the gateway"));
}

TEST_F(GatewayJournalFailure, ADirectoryThatIsPutBackBeforeAnythingWasStoredGoesOn) {
    const Process running = gateway();
    ASSERT_EQ(publish(1).status, 201);
    std::filesystem::rename(journal(), journal().string() + ".away");
    EXPECT_THAT(until_ready_is(503).body, HasSubstr("until it is where it was"));
    std::filesystem::rename(journal().string() + ".away", journal());
    EXPECT_EQ(until_ready_is(200).status, 200);
    EXPECT_EQ(publish(2).status, 201);
}

TEST_F(GatewayJournalFailure, ADirectoryOfTheSameNameIsNotTheSameDirectory) {
    const Process running = gateway();
    ASSERT_EQ(publish(1).status, 201);
    std::filesystem::rename(journal(), journal().string() + ".old");
    std::filesystem::copy(journal().string() + ".old", journal(),
                          std::filesystem::copy_options::recursive);
    expect_away(publish(2), "it would go into the old one");
    until_ready_is(503);
}

/// strace makes the sync of a commit fail.
class GatewayUnderStrace : public GatewayJournalFailure,
                           public ::testing::WithParamInterface<const char*> {
protected:
    void SetUp() override {
        if (const std::string why = no_strace(); !why.empty()) GTEST_SKIP() << why;
    }
    Process failing_at(int when) {
        return ready(start_with_failing_sync({weft_program(), "gateway"}, GetParam(), when,
                                             fabric_.dir().path()));
    }
};

TEST_P(GatewayUnderStrace, AfterASyncThatFailedEverythingIsRefusedUntilARestartAndNothingIsLost) {
    constexpr int when = 20;
    {
        // So that the files are there: making them is synced, too.
        Process first_life = gateway();
        ASSERT_EQ(publish(0).status, 201);
        stop(first_life);
    }
    Process running = failing_at(when);
    std::vector<std::string> acknowledged;
    Answer answer;
    for (int i = 1; i <= 3 * when; ++i) {
        answer = publish(i);
        if (answer.status != 201) break;
        acknowledged.push_back(json::parse(answer.body).at("id"));
    }
    ASSERT_FALSE(acknowledged.empty());
    expect_away(answer, "the sync that failed");
    // The next syncs succeed again, and mean nothing.
    expect_nothing_is_stored();
    EXPECT_THAT(until_ready_is(503).body, HasSubstr("restart the gateway"));
    stop_traced(running);

    Process again = gateway();
    EXPECT_EQ(publish(2000).status, 201);
    for (const std::string& id : acknowledged) {
        EXPECT_EQ(curl(native_ + "/v1/events/" + id).status, 200) << id;
    }
    std::printf("%zu were acknowledged, all are there\n", acknowledged.size());
    stop(again);
}

INSTANTIATE_TEST_SUITE_P(Errors, GatewayUnderStrace, ::testing::Values("EIO", "EROFS"));

}  // namespace
}  // namespace weft::testing
