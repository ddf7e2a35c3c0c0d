// Answers and frames that are written by other threads than the connection's own: every test
// answers from its own thread.
#include "tests/unit/gateway/http/server_fixture.hpp"

namespace weft::gateway {
namespace {

using ::testing::ElementsAre;
using testing::HttpAnswer;
using testing::HttpClient;

class HttpDirectAnswers : public HttpServerTest {
protected:
    void serve_shelf() {
        serve([shelf = shelf_](const auto& exchange) { shelf->put(exchange); });
    }
    /// "done", "lost", or nothing yet.
    struct Report {
        std::atomic<int> done{0}, lost{0};
    };
    static Response reported(Report& report, std::string body) {
        Response response = Response::of(200, "text/plain", std::move(body));
        response.report =
            WriteReport{[&report](bool all_taken) { ++(all_taken ? report.done : report.lost); }};
        return response;
    }
    const std::shared_ptr<Shelf> shelf_ = std::make_shared<Shelf>();
};

TEST_F(HttpDirectAnswers, AreWholeWhenAnswerReturnsAndTheConnectionGoesOn) {
    serve_shelf();
    HttpClient client = connect();
    for (int i = 0; i < 200; ++i) {
        client.send(get("/" + std::to_string(i)));
        Report report;
        shelf_->take()->answer(reported(report, "body " + std::to_string(i)));
        EXPECT_EQ(report.done, 1) << "nobody had to wake up for it";
        const HttpAnswer answer = client.answer();
        EXPECT_EQ(answer.body, "body " + std::to_string(i));
        EXPECT_FALSE(answer.headers.contains("connection"));
    }
    EXPECT_TRUE(eventually([&] { return stat("requests_open") == 0; }));
    EXPECT_EQ(stat("requests"), 200U);
    EXPECT_EQ(stat("gone"), 0U);
}

TEST_F(HttpDirectAnswers, ComeInOrderToAClientThatSendsAhead) {
    serve_shelf();
    HttpClient client = connect();
    std::string all;
    for (int i = 0; i < 50; ++i) all += get("/" + std::to_string(i));
    client.send(all);
    for (int i = 0; i < 50; ++i) {
        const auto exchange = shelf_->take();
        ASSERT_TRUE(exchange) << "the next request is looked at once the answer is out";
        exchange->answer(echo(exchange->request()));
    }
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(client.answer().body, "GET /" + std::to_string(i) + " ");
    }
}

TEST_F(HttpDirectAnswers, ThatTheSocketDoesNotTakeAreFinishedByTheIoThread) {
    serve_shelf();
    HttpClient client(port(), 4096);
    const std::string body(200'000, 'x');
    for (int i = 0; i < 40; ++i) {
        client.send(get("/"));
        Report report;
        const bool reports = i % 2 == 1;
        shelf_->take()->answer(reports ? reported(report, body)
                                       : Response::of(200, "text/plain", body));
        EXPECT_EQ(client.answer().body.size(), body.size());
        EXPECT_TRUE(!reports || eventually([&] { return report.done == 1; }));
    }
}

TEST_F(HttpDirectAnswers, ToAClientThatHasLeftAreReportedOnce) {
    serve_shelf();
    for (const bool orderly : {true, false}) {
        HttpClient client = connect();
        client.send(get("/"));
        const auto exchange = shelf_->take();
        Report report;
        if (orderly) {
            client.close_sending();
        } else {
            client.reset();
        }
        exchange->answer(reported(report, "x"));
        EXPECT_TRUE(eventually([&] { return report.lost + report.done == 1; }));
        EXPECT_TRUE(orderly || report.lost == 1);
    }
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 0; }));
}

TEST_F(HttpDirectAnswers, AreRecordedOnceEach) {
    std::mutex mutex;
    std::vector<std::string> lines;
    settings_.on_access = [&](const AccessRecord& record) {
        const std::lock_guard lock(mutex);
        lines.push_back(std::string{record.target} + " " + std::to_string(record.status) + " " +
                        std::string{record.listener});
    };
    serve_shelf();
    {
        HttpClient client = connect();
        for (const char* target : {"/a", "/b"}) {
            client.send(get(target));
            shelf_->take()->answer(Response::of(201, "text/plain", "x"));
            client.answer();
        }
    }
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 0; }));
    const std::lock_guard lock(mutex);
    EXPECT_THAT(lines, ElementsAre("/a 201 127.0.0.1:0", "/b 201 127.0.0.1:0"));
}

TEST_F(HttpDirectAnswers, EndTheConnectionThatIsIdleAfterThem) {
    settings_.limits.idle = 100ms;
    serve_shelf();
    HttpClient client = connect();
    client.send(get("/"));
    shelf_->take()->answer(Response::of(200, "text/plain", "x"));
    EXPECT_EQ(client.answer().body, "x");
    EXPECT_TRUE(client.is_closed());
    EXPECT_EQ(stat("idle_closed"), 1U);
}

TEST_F(HttpDirectAnswers, MeetAServerThatStops) {
    serve_shelf();
    HttpClient answered = connect(), late = connect();
    answered.send(get("/"));
    shelf_->take()->answer(Response::of(200, "text/plain", "x"));
    EXPECT_EQ(answered.answer().body, "x");
    late.send(get("/"));
    const auto exchange = shelf_->take();
    server_->stop(100ms);
    EXPECT_TRUE(answered.is_closed());
    EXPECT_EQ(late.answer().status, 503U);
    Report report;
    exchange->answer(reported(report, "too late"));
    EXPECT_EQ(report.done, 0);
}

TEST_F(HttpDirectAnswers, OfManyThreadsReachManyClients) {
    serve_shelf();
    std::vector<HttpClient> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(connect());
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int turn = 0; turn < 20 * 50 / 4; ++turn) {
                const auto exchange = shelf_->take();
                if (exchange) exchange->answer(echo(exchange->request()));
            }
        });
    }
    for (int round = 0; round < 50; ++round) {
        for (std::size_t i = 0; i < clients.size(); ++i) {
            clients[i].send(post("/" + std::to_string(i), std::to_string(round)));
        }
        for (std::size_t i = 0; i < clients.size(); ++i) {
            EXPECT_EQ(clients[i].answer().body,
                      "POST /" + std::to_string(i) + " " + std::to_string(round));
        }
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(eventually([&] { return stat("requests_open") == 0; }));
}

}  // namespace
}  // namespace weft::gateway
