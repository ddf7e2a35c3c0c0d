// esub against the real process: subs, takeovers, psubs whose members die, ten thousand that wait.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/look_again.hpp"
#include "tests/support/resident.hpp"

namespace weft::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Steady = std::chrono::steady_clock;

constexpr std::size_t many = 10'000;

std::string get(const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n";
}
std::string post(const std::string& target, const std::string& body) {
    return "POST " + target +
           " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}
std::string in_short(const HttpAnswer& answer) {
    return std::to_string(answer.status) + " " + answer.body;
}

class EsubProcess : public ::testing::Test {
protected:
    EsubProcess() {
        fabric_.configure(
            "reliability: { journals: [git.host1], journal: { listen: 'tcp://127.0.0.1:" +
            std::to_string(free_port()) + "' } }\ngateway: { listeners: [ { address: '127.0.0.1:" +
            std::to_string(port_) + "', serve: [esub] } ] }");
        relay_.emplace(fabric_.relay());
    }
    Process start(const std::map<std::string, std::string>& environment = {}) {
        Process gateway =
            fabric_.start({"gateway"}, {.cwd = {}, .environment = environment, .stdin_text = {}});
        gateway.wait_for_line(Stream::out, "ready");
        return gateway;
    }
    [[nodiscard]] HttpClient connect() const { return HttpClient(port_); }
    /// Until /metrics of esub has the line.
    void await(const std::string& line) const {
        HttpClient client = connect();
        const auto deadline = Steady::now() + patience;
        while (client.ask(get("/metrics")).body.find(line + "\n") == std::string::npos) {
            ASSERT_LT(Steady::now(), deadline) << "no " << line;
            look_again_after_ms(5);
        }
    }
    void await_subs(std::size_t count) const {
        await("esub_sub_connected " + std::to_string(count));
    }

    Fabric fabric_;
    const std::uint16_t port_ = static_cast<std::uint16_t>(free_port());
    std::optional<Process> relay_;
};

TEST_F(EsubProcess, AReplyIsTheAnswerOfWhoWaits) {
    const Process gateway = start();
    HttpClient sub = connect(), rep = connect();
    std::string body = "any bytes ";
    for (int byte = 0; byte < 256; ++byte) body += static_cast<char>(byte);

    EXPECT_EQ(in_short(rep.ask(post("/rep/k?token=t", body))), "404 Unknown key");
    sub.send(get("/sub/k?token=t"));
    await_subs(1);
    EXPECT_EQ(in_short(rep.ask(post("/rep/k?token=other", body))), "403 Invalid token");
    EXPECT_EQ(in_short(rep.ask(post("/rep/k?token=t", body))), "200 OK");

    EXPECT_EQ(in_short(sub.answer()), "200 " + body);
    EXPECT_EQ(rep.ask(get("/keys")).status, 204U);
}

TEST_F(EsubProcess, WhoTakesOverGetsTheReplyAndTheFirstIsTold) {
    const Process gateway = start();
    HttpClient first = connect(), second = connect(), rep = connect();

    first.send(get("/sub/k?token=t"));
    await_subs(1);
    EXPECT_EQ(in_short(rep.ask(get("/sub/k?token=no"))), "403 Sub already exists, token mismatch");
    second.send(get("/sub/k?token=t"));
    EXPECT_EQ(first.answer().status, 500U);

    EXPECT_EQ(in_short(rep.ask(post("/rep/k?token=t", "hello"))), "200 OK");
    EXPECT_EQ(in_short(second.answer()), "200 hello");
}

/// A member of a shared psub: confirms what it gets and writes it down, until it dies with a
/// message in hand.
class Member {
public:
    Member(std::uint16_t port, std::size_t lives, std::mutex& mutex, std::set<std::string>& seen)
        : client_(port), lives_(lives), mutex_(mutex), seen_(seen) {
        client_.send(
            "GET /psub/k?shared=1 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        if (client_.head().status != 101) throw std::runtime_error("no WebSocket");
        thread_ = std::thread([this] { run(); });
    }
    ~Member() {
        if (!is_dead_) ::shutdown(client_.fd(), SHUT_RDWR);
        thread_.join();
    }
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    [[nodiscard]] bool is_dead() const { return is_dead_; }

private:
    void run() {
        try {
            for (;;) {
                const std::string head = client_.take(2);
                const std::string body = client_.take(static_cast<unsigned char>(head[1]));
                if (lives_-- == 0) {
                    is_dead_ = true;
                    return client_.reset();
                }
                {
                    const std::lock_guard lock(mutex_);
                    seen_.insert(body);
                }
                client_.send(std::string("\x81\x82\0\0\0\0ok", 8));
            }
        } catch (const std::runtime_error&) {
            return;  // The test is over.
        }
    }

    HttpClient client_;
    std::size_t lives_;
    std::mutex& mutex_;
    std::set<std::string>& seen_;
    std::atomic<bool> is_dead_{false};
    std::thread thread_;
};

TEST_F(EsubProcess, NothingIsLostWhileMembersOfASharedPsubDieOneByOne) {
    constexpr std::size_t mortals = 8, replies = 400;
    const Process gateway = start({{"ESUB_CONFIRM_RECEIPT", "1"}});
    std::mutex mutex;
    std::set<std::string> seen, answered;
    std::vector<std::unique_ptr<Member>> members;
    for (std::size_t i = 0; i < mortals; ++i) {
        members.push_back(std::make_unique<Member>(port_, 3 + i * 4, mutex, seen));
    }
    members.push_back(std::make_unique<Member>(port_, replies, mutex, seen));
    await("esub_psub_connected " + std::to_string(mortals + 1));

    HttpClient rep = connect();
    for (std::size_t i = 0; i < replies; ++i) {
        const std::string body = "message " + std::to_string(i);
        ASSERT_EQ(in_short(rep.ask(post("/rep/k", body))), "200 OK") << body;
        answered.insert(body);
    }

    for (std::size_t i = 0; i < mortals; ++i) EXPECT_TRUE(members[i]->is_dead()) << i;
    await("esub_psub_connected 1");
    const std::lock_guard lock(mutex);
    EXPECT_EQ(seen, answered);
}

TEST_F(EsubProcess, EsubPortMovesTheListenerAndConfigSaysWhereThatCameFrom) {
    const std::map<std::string, std::string> environment = {
        {"ESUB_PORT", std::to_string(free_port())}};
    const std::string port = environment.at("ESUB_PORT");
    const Process gateway = start(environment);

    EXPECT_THAT(gateway.out(), HasSubstr("0.0.0.0:" + port));
    EXPECT_THROW(HttpClient{port_}, std::system_error);
    HttpClient moved(static_cast<std::uint16_t>(std::stoul(port)));
    EXPECT_EQ(in_short(moved.ask(get("/ping"))), "200 OK");

    const Finished shown =
        run({weft_program(), "config", "--origin", "--query", "gateway.esub.port"},
            {.cwd = fabric_.dir().path(), .environment = environment, .stdin_text = {}});
    EXPECT_THAT(shown.out, HasSubstr("gateway.esub.port: " + port + "   # environment ESUB_PORT"));
}

TEST_F(EsubProcess, TenThousandSubsWaitWhileOthersAreAnswered) {
    rlimit files{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
    if (files.rlim_cur < many + 1000) GTEST_SKIP() << "so many files cannot be open here";
    const Process gateway = start();
    const long idle_kib = resident_kib(gateway.pid());

    std::vector<HttpClient> subs;
    for (std::size_t i = 0; i < many; ++i) {
        subs.push_back(connect());
        subs.back().send(get("/sub/waits-" + std::to_string(i)));
    }
    await_subs(many);
    const long kib = resident_kib(gateway.pid()) - idle_kib;

    HttpClient sub = connect(), rep = connect();
    for (int i = 0; i < 500; ++i) {
        const std::string body = "round " + std::to_string(i);
        sub.send(get("/sub/flows"));
        await_subs(many + 1);
        ASSERT_EQ(in_short(rep.ask(post("/rep/flows", body))), "200 OK");
        ASSERT_EQ(in_short(sub.answer()), "200 " + body);
    }
    for (std::size_t i = 0; i < many; ++i) {
        const std::string number = std::to_string(i);
        ASSERT_EQ(in_short(rep.ask(post("/rep/waits-" + number, number))), "200 OK");
        ASSERT_EQ(in_short(subs[i].answer()), "200 " + number);
    }
    await_subs(0);
    if (resident_memory_is_what_is_used) {
        EXPECT_LE(static_cast<double>(kib) / static_cast<double>(many), 8.0) << "KiB each";
    }
}

}  // namespace
}  // namespace weft::testing
