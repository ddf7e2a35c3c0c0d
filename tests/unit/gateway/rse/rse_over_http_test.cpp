// RSE through the real server: what sockets add to what the handler decides.

#include "gateway/http/server.hpp"
#include "tests/support/http_client.hpp"
#include "tests/unit/gateway/rse/rse_world.hpp"

namespace weft::gateway::rse {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using weft::testing::HttpClient;

class RseOverHttp : public RseWorld {
protected:
    void SetUp() override {
        ServerSettings served;
        served.threads = 2;
        served.listeners = {
            {"127.0.0.1:0",
             {{"/", std::make_shared<RseHandler>(settings, bridge, tokens, clock)}}}};
        auto opened = Server::open(served);
        ASSERT_TRUE(opened) << opened.error();
        server = std::move(*opened);
    }
    [[nodiscard]] HttpClient connect() const {
        return HttpClient(server->listeners().front().port);
    }
    static std::string line(const std::string& method, const std::string& target,
                            const std::string& body = {}, const char* as = agent) {
        return method + " " + target + " HTTP/1.1\r\nHost: h\r\nUser-Agent: " + as +
               "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    void until_waiting(std::size_t count) {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (bridge.waiters() != count) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "still " << bridge.waiters();
            std::this_thread::yield();
        }
    }

    std::unique_ptr<Server> server;
};

TEST_F(RseOverHttp, PipelinedRequestsAreAnsweredInOrderAlsoAcrossErrors) {  // R57, R61
    HttpClient client = connect();
    client.send(line("POST", "/a", "[1]", other) + line("POST", "/a", "[2", other) +
                line("GET", "/none") + line("HEAD", "/health") + line("PATCH", "/a") +
                line("POST", "/a", "[3]", other) + line("GET", "/a"));
    EXPECT_EQ(client.answer().status, 201U);
    EXPECT_EQ(client.answer().status, 400U);
    const auto nothing = client.answer();
    EXPECT_EQ(nothing.status, 204U);
    EXPECT_FALSE(nothing.headers.contains("content-length"));
    EXPECT_FALSE(nothing.headers.contains("content-type"));
    EXPECT_EQ(client.answer(true).status, 200U);
    EXPECT_EQ(client.answer().status, 405U);
    EXPECT_EQ(client.answer().status, 201U);
    EXPECT_THAT(client.answer().body, HasSubstr(R"("data":[3]})"));
}

TEST_F(RseOverHttp, ABodyThatCannotBeFramedOrIsCutShortStoresNothing) {  // R48, R60
    const std::string head =
        "POST /a HTTP/1.1\r\nHost: h\r\nUser-Agent: " + std::string{other} + "\r\n";
    for (const std::string& wrong : std::vector<std::string>{
             "Content-Length: x\r\n\r\n[1]", "Content-Length: -3\r\n\r\n[1]",
             "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n",
             "Content-Length: 99999999999999999999\r\n\r\n[1]"}) {
        const unsigned status = connect().ask(head + wrong).status;
        EXPECT_GE(status, 400U) << wrong;
        EXPECT_LT(status, 500U) << wrong;
    }
    {
        HttpClient cut = connect();
        cut.send(head + "Content-Length: 30\r\n\r\n[1]");
    }
    HttpClient client = connect();
    EXPECT_EQ(client.ask(head + "Transfer-Encoding: chunked\r\n\r\n2\r\n[2\r\n1\r\n]\r\n0\r\n\r\n")
                  .status,
              201U);
    EXPECT_EQ(bridge.published(), 1U);
    EXPECT_THAT(client.ask(line("GET", "/a")).body, HasSubstr(R"("data":[2]})"));
}

TEST_F(RseOverHttp, ALongPollIsAnsweredByThePostOfAnother) {  // R160
    HttpClient poller = connect();
    poller.send(line("GET", "/a?wait=60"));
    until_waiting(1);
    EXPECT_EQ(connect().ask(line("POST", "/a", "[1]", other)).status, 201U);
    EXPECT_THAT(poller.answer().body, HasSubstr(R"("data":[1])"));
}

TEST_F(RseOverHttp, AClientThatHangsUpFreesItsPlace) {  // R160
    HttpClient poller = connect();
    poller.send(line("GET", "/a?wait=60"));
    until_waiting(1);
    poller.reset();
    until_waiting(0);
}

TEST_F(RseOverHttp, AStoppingServerAnswersWhoWaits) {
    HttpClient poller = connect();
    poller.send(line("GET", "/a?wait=60"));
    until_waiting(1);
    server->stop(5s);
    EXPECT_EQ(poller.answer().status, 204U);
}

TEST_F(RseOverHttp, TheWholeAnswerStaysTrueToThePostedBytes) {  // R55, R72
    HttpClient client = connect();
    const std::string body = "{ \"\xC3\xA4\" : 1.50 ,\t\"\xC3\xA4\" : \"\\ud800\" }";
    client.ask(line("POST", "/a", body, other));
    EXPECT_THAT(client.ask(line("GET", "/a")).body, HasSubstr("\"data\":" + body + "}"));
}

}  // namespace
}  // namespace weft::gateway::rse
