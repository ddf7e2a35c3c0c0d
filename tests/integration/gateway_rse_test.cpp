// RSE polling against the real process: many at once, kill -9 in the middle, a journal made anew,
// and the habits of clients that exist.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/look_again.hpp"

namespace weft::testing {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Steady = std::chrono::steady_clock;

constexpr std::size_t writers = 20, posts = 50, pollers = 5;
/// Posts are lost and repeated while a gateway is away; nobody waits for longer than this.
constexpr auto patience = 40s;

std::string agent_of(const std::string& uuid) {
    return "User-Agent: test/1.0 uuid/" + uuid + "\r\n";
}

class RseProcess : public ::testing::Test {
protected:
    RseProcess() {
        configure("test_mode: false");
        relay_.emplace(fabric_.relay());
    }
    void configure(const std::string& rse) {
        fabric_.configure(
            "reliability: { journals: [git.host1], journal: { listen: 'tcp://127.0.0.1:" +
            std::to_string(journal_port_) + "' } }\ngateway: { rse: { " + rse +
            " }, listeners: [ { address: '127.0.0.1:" + std::to_string(port_) +
            "', serve: [rse] } ] }");
    }
    Process start() {
        Process gateway = fabric_.start({"gateway"});
        gateway.wait_for_line(Stream::out, "ready");
        return gateway;
    }
    static void kill(Process& gateway) {
        gateway.signal(SIGKILL);
        static_cast<void>(gateway.wait());
    }
    [[nodiscard]] std::string url(const std::string& target) const {
        return "http://127.0.0.1:" + std::to_string(port_) + target;
    }
    [[nodiscard]] HttpAnswer ask(const std::string& request) const {
        return HttpClient(port_).ask(request);
    }
    static std::string get_request(const std::string& target, const std::string& uuid,
                                   const std::string& more = "") {
        return "GET " + target + " HTTP/1.1\r\nHost: gateway\r\n" + agent_of(uuid) + more + "\r\n";
    }
    static std::string post_request(const std::string& target, const std::string& uuid,
                                    const std::string& body, const std::string& more = "") {
        return "POST " + target + " HTTP/1.1\r\nHost: gateway\r\n" + agent_of(uuid) + more +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    static std::vector<std::uint64_t> ids(const HttpAnswer& answer) {
        std::vector<std::uint64_t> found;
        if (answer.status == 204) return found;
        const json page = json::parse(answer.body);
        for (const json& event : page["events"]) found.push_back(event["id"]);
        return found;
    }

    Fabric fabric_;
    const std::uint16_t port_ = static_cast<std::uint16_t>(free_port());
    const int journal_port_ = static_cast<int>(free_port());
    std::optional<Process> relay_;
};

/// Writers that repeat what was not answered, and pollers that follow.
class Crowd {
public:
    struct Seen {
        std::uint64_t id;
        std::string what;
        friend bool operator==(const Seen&, const Seen&) = default;
    };

    explicit Crowd(std::uint16_t port) : port_(port) {
        for (std::size_t w = 0; w < writers; ++w) threads_.emplace_back([this, w] { write(w); });
        for (std::size_t p = 0; p < pollers; ++p) threads_.emplace_back([this, p] { poll(p); });
    }
    ~Crowd() { join(); }
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;

    void join() {
        for (std::thread& thread : threads_) {
            if (thread.joinable()) thread.join();
        }
    }
    [[nodiscard]] std::size_t answered() const { return answered_; }
    /// How often each post may be there: once, and once more for each answer that got lost.
    [[nodiscard]] const std::map<std::string, std::size_t>& sent() const { return sent_; }
    [[nodiscard]] const std::vector<std::vector<Seen>>& seen() const { return seen_; }
    [[nodiscard]] std::string wrong() const { return wrong_; }

private:
    [[nodiscard]] bool in_time() const { return Steady::now() < deadline_; }
    void say_wrong(const std::string& what) {
        const std::scoped_lock lock(mutex_);
        if (wrong_.empty()) wrong_ = what;
    }

    void write(std::size_t writer) {
        const std::string uuid = "writer-" + std::to_string(writer);
        std::optional<HttpClient> client;
        for (std::size_t i = 0; i < posts; ++i) {
            const std::string what = std::to_string(writer) + "/" + std::to_string(i);
            const std::string body = R"({"what":")" + what + R"("})";
            const std::string request =
                "POST /crowd HTTP/1.1\r\nHost: gateway\r\n" + agent_of(uuid) +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
            bool is_answered = false;
            while (!is_answered && in_time()) {
                bool is_sent = false;
                try {
                    if (!client) client.emplace(port_);
                    is_sent = true;
                    is_answered = client->ask(request).status == 201;
                    is_sent = is_answered;
                } catch (const std::exception&) {
                    client.reset();
                }
                if (is_sent) {
                    const std::scoped_lock lock(mutex_);
                    ++sent_[what];
                }
                if (!is_answered) look_again_after_ms(20);
            }
            if (is_answered) ++answered_;
        }
        ++writers_done_;
    }

    void poll(std::size_t poller) {
        const std::string uuid = "poller-" + std::to_string(poller);
        std::optional<HttpClient> client;
        std::uint64_t cursor = 0;
        bool is_last = false;
        while (in_time()) {
            const std::string target = "/crowd?wait=0.2&max-events=" + std::to_string(10 + poller) +
                                       "&last-known-id=" + std::to_string(cursor);
            try {
                if (!client) client.emplace(port_);
                const HttpAnswer answer = client->ask(
                    "GET " + target + " HTTP/1.1\r\nHost: gateway\r\n" + agent_of(uuid) + "\r\n");
                if (answer.status == 200) cursor = take(poller, cursor, answer.body);
                if (answer.status == 204 && is_last) return;
                is_last = writers_done_ == writers;
            } catch (const std::system_error&) {
                client.reset();
                look_again_after_ms(20);
            } catch (const std::runtime_error&) {
                client.reset();
            }
        }
        say_wrong("a poller did not come to the end");
    }

    std::uint64_t take(std::size_t poller, std::uint64_t cursor, const std::string& body) {
        const json page = json::parse(body);
        for (const json& event : page["events"]) {
            const std::uint64_t id = event["id"];
            if (id <= cursor) say_wrong("id " + std::to_string(id) + " came again");
            cursor = id;
            seen_[poller].push_back({id, event["data"]["what"]});
        }
        return cursor;
    }

    const std::uint16_t port_;
    const Steady::time_point deadline_ = Steady::now() + patience;
    std::atomic<std::size_t> answered_{0}, writers_done_{0};
    std::mutex mutex_;
    std::map<std::string, std::size_t> sent_;
    std::vector<std::vector<Seen>> seen_{pollers};
    std::string wrong_;
    std::vector<std::thread> threads_;
};

std::map<std::string, std::size_t> count(const std::vector<Crowd::Seen>& seen) {
    std::map<std::string, std::size_t> counts;
    for (const Crowd::Seen& one : seen) ++counts[one.what];
    return counts;
}

TEST_F(RseProcess, FivePollersGetWhatTwentyWritersPostOnceAndInOrder) {  // R150, R152, R158
    Process gateway = start();
    Crowd crowd(port_);
    crowd.join();
    EXPECT_EQ(crowd.wrong(), "") << gateway.output();
    EXPECT_EQ(crowd.answered(), writers * posts);
    for (const auto& seen : crowd.seen()) {
        EXPECT_EQ(seen.size(), writers * posts);
        EXPECT_EQ(count(seen).size(), writers * posts);
        EXPECT_EQ(seen, crowd.seen()[0]);
    }
}

TEST_F(RseProcess, Kill9InTheMiddleLosesAndRepeatsNothing) {  // R150, R152, R158
    Process gateway = start();
    Crowd crowd(port_);
    const auto deadline = Steady::now() + patience;
    while (crowd.answered() < writers * posts / 3 && Steady::now() < deadline) {
        look_again_after_ms(1);
    }
    kill(gateway);
    const std::size_t before = crowd.answered();
    const Process again = start();
    crowd.join();
    EXPECT_LT(before, writers * posts) << "it was over before the kill";
    EXPECT_EQ(crowd.wrong(), "") << again.output();
    EXPECT_EQ(crowd.answered(), writers * posts);
    for (const auto& seen : crowd.seen()) EXPECT_EQ(seen, crowd.seen()[0]);
    const auto counts = count(crowd.seen()[0]);
    EXPECT_EQ(counts.size(), writers * posts) << "an answered post is missing";
    for (const auto& [what, times] : counts) {
        EXPECT_LE(times, crowd.sent().at(what)) << what << " is there twice, its answer came";
    }
}

TEST_F(RseProcess, AJournalThatWasMadeAnewGoesOnWithTheIds) {  // R150
    std::uint64_t last = 0;
    {
        Process gateway = start();
        for (int i = 0; i < 3; ++i) {
            last = std::stoull(ask(post_request("/a", "w", "[]")).headers.at("x-rse-event-id"));
        }
        kill(gateway);
    }
    std::filesystem::remove_all(fabric_.dir() / "var/journal");
    const Process gateway = start();
    const std::string target = "/a?last-known-id=" + std::to_string(last);
    EXPECT_EQ(ask(get_request(target, "p")).status, 204U);
    const HttpAnswer posted = ask(post_request("/a", "w", "[]"));
    const std::uint64_t id = std::stoull(posted.headers.at("x-rse-event-id"));
    EXPECT_GT(id, last);
    EXPECT_THAT(ids(ask(get_request(target, "p"))), ElementsAre(id));
}

TEST_F(RseProcess, AKeptAliveConnectionPollsAndPostsThroughErrors) {  // R61
    const Process gateway = start();
    HttpClient client(port_);
    for (int i = 1; i <= 20; ++i) {
        const std::string cursor = "last-known-id=" + std::to_string(i - 1);
        EXPECT_EQ(client.ask(get_request("/a?" + cursor, "p")).status, 204U);
        EXPECT_EQ(client.ask(post_request("/a", "w", "{")).status, 400U);
        EXPECT_EQ(client.ask(post_request("/a", "w", "[]")).status, 201U);
        EXPECT_THAT(ids(client.ask(get_request("/a?" + cursor, "p"))), ElementsAre(i));
    }
    client.send(post_request("/b", "w", "[1]") + post_request("/b", "w", "[2]") +
                get_request("/b", "p"));
    EXPECT_EQ(client.answer().status, 201U);
    EXPECT_EQ(client.answer().status, 201U);
    EXPECT_EQ(ids(client.answer()).size(), 2U) << "pipelined";
}

TEST_F(RseProcess, AnHttp10ProxyInFrontGetsWholeAnswersAndTheirEnd) {
    const Process gateway = start();
    const std::string from = "Host: gateway\r\nConnection: close\r\nX-Forwarded-For: 10.0.0.9\r\n";
    HttpClient posting(port_);
    EXPECT_EQ(posting
                  .ask("POST /a HTTP/1.0\r\n" + from + agent_of("w") +
                       "Content-Type: application/x-www-form-urlencoded\r\n"
                       "Content-Length: 7\r\n\r\n{\"a\":1}")
                  .status,
              201U);
    EXPECT_TRUE(posting.is_closed());
    HttpClient polling(port_);
    const HttpAnswer polled = polling.ask("GET /a HTTP/1.0\r\n" + from + agent_of("p") + "\r\n");
    EXPECT_THAT(ids(polled), ElementsAre(1));
    EXPECT_FALSE(polled.chunked);
    EXPECT_TRUE(polling.is_closed());
    HttpClient idle(port_);
    EXPECT_EQ(idle.ask("GET /none HTTP/1.0\r\n" + from + agent_of("p") + "\r\n").status, 204U);
    EXPECT_TRUE(idle.is_closed());
}

TEST_F(RseProcess, UserAgentsComeBackAsTheyWereSentAndAnswersStayJson) {  // R40 to R45, R52
    const Process gateway = start();
    const std::vector<std::string> agents = {
        "uuid/1",           "Backup/5.0 (Win; x64) uuid/550E8400-E29B-11D4-A716-446655440000",
        "A\"B\\C uuid/q",   "J\xC3\xBCrgen/1 uuid/u-1 uuid/u-2",
        "tab\there uuid/t",
    };
    HttpClient client(port_);
    for (const std::string& agent : agents) {
        const std::string body = "[]";
        EXPECT_EQ(client
                      .ask("POST /a HTTP/1.1\r\nHost: gateway\r\nX-RSE-Version: 2011-05-01\r\n"
                           "X-Agent-Key: k\r\nUser-Agent: " +
                           agent + "\r\nContent-Length: 2\r\n\r\n" + body)
                      .status,
                  201U)
            << agent;
    }
    const json polled = json::parse(client.ask(get_request("/a", "p")).body);
    ASSERT_EQ(polled["events"].size(), agents.size());
    for (std::size_t i = 0; i < agents.size(); ++i) {
        EXPECT_EQ(polled["events"][i]["user_agent"], agents[i]);
    }
    // The case of a UUID does not matter: this one is the second's own.
    EXPECT_EQ(ids(client.ask(get_request("/a", "550e8400-e29b-11d4-a716-446655440000"))).size(),
              agents.size() - 1);
    for (const std::string wrong :
         {"", "User-Agent: none\r\n", "User-Agent: \r\n", "User-Agent: x uuid/\r\n"}) {
        const HttpAnswer refused =
            client.ask("GET /a HTTP/1.1\r\nHost: gateway\r\n" + wrong + "\r\n");
        EXPECT_EQ(refused.status, 400U) << wrong;
        EXPECT_TRUE(json::parse(refused.body)["message"].is_string());
    }
}

TEST_F(RseProcess, CurlPostsAndPollsByJsonp) {  // R3, R110, R111
    configure("jsonp: 'on'");
    const Process gateway = start();
    const auto curl = [&](std::vector<std::string> more) {
        std::vector<std::string> argv{"curl", "-sS", "--max-time", "20", "-G", "-A", "c uuid/c"};
        argv.insert(argv.end(), more.begin(), more.end());
        const Finished done = run(argv);
        EXPECT_EQ(done.exit_code, 0) << done.err;
        return done.out;
    };
    EXPECT_EQ(
        curl({"--data-urlencode", "method=POST", "--data-urlencode", R"(post-data={"a": "b c&d"})",
              "-d", "callback=jQuery1_2", "-d", "_=1234", url("/a")}),
        "jQuery1_2({});");
    const std::string polled =
        curl({"-d", "callback=cb", "-d", "echo=true", "-d", "last-known-id=0", url("/a")});
    EXPECT_THAT(polled, ::testing::StartsWith(R"(cb({"channel":"/a","events":[{"id":1,)"));
    EXPECT_THAT(polled, HasSubstr(R"("data":{"a": "b c&d"}}]});)"));
    EXPECT_EQ(curl({"-d", "callback=cb", "-d", "last-known-id=1", url("/a")}),
              R"(cb({"channel":"/a","events":[]});)");
}

}  // namespace
}  // namespace weft::testing
