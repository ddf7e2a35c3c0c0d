// The server over real sockets: answers, order, keep-alive, and clients that go.
#include "gateway/http/trace_parent.hpp"
#include "tests/unit/gateway/http/server_fixture.hpp"

namespace weft::gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::HttpClient;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using HttpServer = HttpServerTest;

TEST_F(HttpServer, AnswersAndKeepsTheConnection) {
    serve_echo();
    HttpClient client = connect();

    for (int i = 0; i < 3; ++i) {
        const HttpAnswer answer = client.ask(post("/a?b", "body " + std::to_string(i)));
        EXPECT_EQ(answer.status, 200U);
        EXPECT_EQ(answer.body, "POST /a?b body " + std::to_string(i));
        EXPECT_FALSE(answer.headers.contains("connection"));
    }
    EXPECT_EQ(stat("connections"), 1U);
    EXPECT_EQ(stat("requests"), 3U);
    EXPECT_TRUE(eventually([&] { return stat("requests_open") == 0; }));
}

TEST_F(HttpServer, TellsHandlersWhoAsksAndWhere) {
    serve([](const auto& exchange) {
        const Request& request = exchange->request();
        exchange->answer(Response::of(200, "text/plain",
                                      request.peer + "|" + request.listener + "|" +
                                          (request.loopback ? "loopback" : "far") + "|" +
                                          (request.tls ? "tls" : "plain")));
    });
    EXPECT_THAT(connect().ask(get("/")).body,
                AllOf(StartsWith("127.0.0.1:"), HasSubstr("|127.0.0.1:0|loopback|plain")));
}

TEST_F(HttpServer, NamesEachRequestAndTakesAGoodNameFromTheClient) {
    serve([](const auto& exchange) {
        exchange->answer(Response::of(200, "text/plain", exchange->request().id));
    });
    HttpClient client = connect();

    EXPECT_EQ(client.ask(get("/", "X-Request-Id: mine-1.2_3\r\n")).body, "mine-1.2_3");
    const HttpAnswer one = client.ask(get("/", "X-Request-Id: not a good one\r\n"));
    const HttpAnswer other = client.ask(get("/"));
    EXPECT_EQ(one.headers.at("x-request-id"), one.body);
    EXPECT_NE(one.body, other.body);
    EXPECT_THAT(one.body, ::testing::Not(HasSubstr("good")));
}

TEST_F(HttpServer, ServesSeveralProtocolsOnOnePortByTheLongestPrefix) {
    const auto named = [](std::string name) {
        return std::make_shared<ScriptedHandler>([name](const auto& exchange) {
            exchange->answer(Response::of(200, "text/plain", name));
        });
    };
    settings_.listeners = {
        {"127.0.0.1:0",
         {{"/", named("root")}, {"/v1", named("v1")}, {"/v1/stream", named("stream")}}},
        {"127.0.0.1:0", {{"/only/", named("only")}}}};
    open();
    HttpClient client = connect();

    EXPECT_EQ(client.ask(get("/")).body, "root");
    EXPECT_EQ(client.ask(get("/v1")).body, "v1");
    EXPECT_EQ(client.ask(get("/v1?x=/v1/stream")).body, "v1");
    EXPECT_EQ(client.ask(get("/v1/other")).body, "v1");
    EXPECT_EQ(client.ask(get("/v1/stream/x")).body, "stream");
    EXPECT_EQ(client.ask(get("/v1x")).body, "root");
    HttpClient second(server_->listeners().back().port);
    EXPECT_EQ(second.ask(get("/only/x")).body, "only");
    EXPECT_EQ(second.ask(get("/")).status, 404U);
    EXPECT_EQ(stat("refused.not_mounted"), 1U);
}

TEST_F(HttpServer, AnswersPipelinedRequestsInTheirOrder) {
    serve_shelf();
    HttpClient client = connect();
    client.send(get("/1") + post("/2", "two") + get("/3"));

    auto first = shelf_.take();
    EXPECT_EQ(shelf_.size(), 0U) << "the second is not begun before the first is answered";
    EXPECT_TRUE(client.is_quiet_for(20ms));
    std::thread([&] { first->answer(echo(first->request())); }).join();
    auto second = shelf_.take();
    second->answer(echo(second->request()));
    auto third = shelf_.take();
    third->answer(echo(third->request()));

    EXPECT_EQ(client.answer().body, "GET /1 ");
    EXPECT_EQ(client.answer().body, "POST /2 two");
    EXPECT_EQ(client.answer().body, "GET /3 ");
}

TEST_F(HttpServer, AnswersAThousandPipelinedRequests) {
    serve_echo();
    HttpClient client = connect();
    std::thread sender([&] {
        for (int i = 0; i < 1000; ++i) client.send(post("/" + std::to_string(i), "x"));
    });
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(client.answer().body, "POST /" + std::to_string(i) + " x");
    }
    sender.join();
}

TEST_F(HttpServer, TakesAnswersFromOtherThreads) {
    serve([](std::shared_ptr<Exchange> exchange) {
        std::thread([exchange = std::move(exchange)] {
            exchange->answer(echo(exchange->request()));
        }).detach();
    });
    HttpClient client = connect();
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(client.ask(get("/" + std::to_string(i))).body, "GET /" + std::to_string(i) + " ");
    }
}

TEST_F(HttpServer, ClosesWhenTheClientOrTheHandlerWantsIt) {
    serve([](const auto& exchange) {
        Response response = echo(exchange->request());
        response.close = exchange->request().target == "/close";
        exchange->answer(std::move(response));
    });
    HttpClient one = connect(), other = connect(), old = connect();

    EXPECT_EQ(one.ask(get("/", "Connection: close\r\n")).headers.at("connection"), "close");
    EXPECT_TRUE(one.is_closed());
    EXPECT_EQ(other.ask(get("/close")).headers.at("connection"), "close");
    EXPECT_TRUE(other.is_closed());
    EXPECT_EQ(old.ask("GET / HTTP/1.0\r\n\r\n").body, "GET / ");
    EXPECT_TRUE(old.is_closed());
}

TEST_F(HttpServer, KeepsAnHttp10ConnectionThatAsksForIt) {
    serve_echo();
    HttpClient client = connect();
    const std::string request = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";

    EXPECT_EQ(client.ask(request).headers.at("connection"), "keep-alive");
    EXPECT_EQ(client.ask(request).body, "GET / ");
}

TEST_F(HttpServer, AnswersHeadWithTheHeadersOfTheBodyThatItLeavesOut) {
    serve_echo();
    HttpClient client = connect();

    client.send("HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.answer(true).headers.at("content-length"), "10");
    EXPECT_EQ(client.ask(get("/")).body, "GET / ") << "no byte of a body was in between";
}

TEST_F(HttpServer, SendsNoBodyWhereThereMustBeNone) {
    serve([](const auto& exchange) {
        exchange->answer(Response::of(204, "text/plain", "never sent"));
    });
    HttpClient client = connect();

    EXPECT_FALSE(client.ask(get("/")).headers.contains("content-length"));
    EXPECT_EQ(client.ask(get("/")).status, 204U);
}

TEST_F(HttpServer, TellsAClientThatWaitsToGoOn) {
    serve_echo();
    HttpClient client = connect();

    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.head().status, 100U);
    client.send("abc");
    EXPECT_EQ(client.answer().body, "POST / abc");
}

TEST_F(HttpServer, DoesNotAskForABodyThatItWillRefuse) {
    settings_.limits.body = 10;
    serve_echo();
    HttpClient client = connect();

    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.head().status, 413U);
}

TEST_F(HttpServer, LetsNoTextOfAHandlerEndALineOrFrameTheBody) {
    serve([](const auto& exchange) {
        Response response = Response::of(200, "text/plain", "abc");
        response.headers.add("X-A", "a\r\nX-B: b");
        response.headers.add("X C", "d");
        response.headers.add("content-length", "1");
        response.headers.add("Transfer-Encoding", "chunked");
        exchange->answer(std::move(response));
    });
    const HttpAnswer answer = connect().ask(get("/"));

    EXPECT_EQ(answer.headers.at("x-a"), "a  X-B: b");
    EXPECT_FALSE(answer.headers.contains("x-b"));
    EXPECT_FALSE(answer.headers.contains("x c"));
    EXPECT_EQ(answer.body, "abc");
}

TEST_F(HttpServer, PacksLargeTextsForClientsThatAskForIt) {
    serve([](const auto& exchange) {
        exchange->answer(Response::of(200, "application/json", std::string(100'000, '1')));
    });
    HttpClient client = connect();

    const HttpAnswer packed = client.ask(get("/", "Accept-Encoding: br, gzip\r\n"));
    EXPECT_EQ(packed.headers.at("content-encoding"), "gzip");
    EXPECT_EQ(packed.headers.at("vary"), "Accept-Encoding");
    EXPECT_LT(packed.body.size(), 2'000U);
    EXPECT_THAT(packed.body, StartsWith("\x1F\x8B"));
    EXPECT_EQ(client.ask(get("/", "Accept-Encoding: gzip;q=0\r\n")).body.size(), 100'000U);
    EXPECT_EQ(client.ask(get("/")).body.size(), 100'000U);
}

TEST_F(HttpServer, AnswersForAHandlerThatLetsGoOrThrows) {
    serve([](std::shared_ptr<Exchange> exchange) {
        if (exchange->request().target == "/throw") throw std::runtime_error("a fault");
    });
    HttpClient client = connect();

    const HttpAnswer dropped = client.ask(get("/drop"));
    EXPECT_EQ(dropped.status, 500U);
    EXPECT_EQ(dropped.headers.at("content-type"), "application/problem+json");
    EXPECT_EQ(client.ask(get("/throw")).status, 500U);
    EXPECT_EQ(stat("refused.unanswered"), 2U);
    EXPECT_TRUE(eventually([&] { return stat("handler_exceptions") == 1; }));
}

TEST_F(HttpServer, CountsASecondAnswerAndSendsTheFirst) {
    serve([](const auto& exchange) {
        exchange->answer(Response::of(200, "text/plain", "first"));
        exchange->answer(Response::of(200, "text/plain", "second"));
    });
    HttpClient client = connect();

    EXPECT_EQ(client.ask(get("/")).body, "first");
    EXPECT_EQ(client.ask(get("/")).body, "first");
    EXPECT_TRUE(eventually([&] { return stat("answered_twice") == 2; }));
}

TEST_F(HttpServer, TellsTheHandlerThatTheClientHasGone) {
    serve_shelf();
    HttpClient client = connect();
    client.send(get("/"));
    auto exchange = shelf_.take();
    std::atomic<int> gone{0};
    exchange->on_gone([&] { ++gone; });

    client.close();

    EXPECT_TRUE(eventually([&] { return gone == 1; }));
    exchange->answer(Response::of(200, "text/plain", "late"));
    std::atomic<int> told_again{0};
    exchange->on_gone([&] { ++told_again; });
    exchange.reset();
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 0; }));
    EXPECT_EQ(stat("gone"), 1U);
    EXPECT_EQ(stat("answered_late"), 1U);
    EXPECT_EQ(gone, 1);
}

TEST_F(HttpServer, ForgetsAClientThatResets) {
    serve_shelf();
    HttpClient client = connect();
    client.send(get("/"));
    auto exchange = shelf_.take();
    std::atomic<bool> gone{false};
    exchange->on_gone([&] { gone = true; });

    client.reset();

    EXPECT_TRUE(eventually([&] { return gone.load(); }));
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 0; }));
    exchange->answer(Response::of(200, "text/plain", "late"));
    EXPECT_TRUE(eventually([&] { return stat("requests_open") == 0; }));
}

TEST_F(HttpServer, AnswersAClientThatHasClosedItsHalf) {
    serve_shelf();
    HttpClient client = connect();
    client.send(post("/", "abc"));
    client.close_sending();

    auto exchange = shelf_.take();
    exchange->answer(echo(exchange->request()));

    EXPECT_EQ(client.answer().body, "POST / abc");
    EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServer, NeverHandsOnABodyThatWasCutShort) {
    serve_echo();
    for (const std::string& request :
         {post("/", "abc").substr(0, post("/", "abc").size() - 1),
          std::string{
              "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"},
          std::string{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3\r\nabc\r\n0\r\n"},
          std::string{"POST / HTTP/1.1\r\nHost: h\r\nContent-Le"}}) {
        HttpClient client = connect();
        client.send(request);
        client.close_sending();
        EXPECT_THAT(client.rest(), IsEmpty());
    }
    EXPECT_EQ(stat("refused.body_cut_short"), 4U);
    EXPECT_EQ(handler_->handled, 0);
    EXPECT_TRUE(eventually([&] { return stat("body_bytes") == 0; }));
}

TEST_F(HttpServer, RecordsEachAnswer) {
    std::mutex mutex;
    std::vector<std::string> lines, traces;
    settings_.on_access = [&](const AccessRecord& record) {
        const std::lock_guard lock(mutex);
        lines.push_back(std::string{record.method} + " " + std::string{record.target} + " " +
                        std::to_string(record.status) + " " + (record.bytes > 0 ? "some" : "none") +
                        " " + std::string{record.request_id} + " " + std::string{record.token} +
                        " " + std::string{record.forwarded_for} + " " +
                        std::to_string(record.version));
        traces.emplace_back(record.traceparent);
    };
    const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    serve([](const auto& exchange) {
        exchange->request().note_caller("ci");
        exchange->answer(echo(exchange->request()));
    });
    HttpClient client = connect();
    client.ask(get("/a", "traceparent: " + trace +
                             "\r\nX-Request-Id: r1\r\nX-Forwarded-For: a\xFF\r\n"
                             "X-Forwarded-For: b\r\n"));
    client.ask(get("/b", "traceparent: 00-\xFF-b\r\nX-Request-Id: r2\r\n"));
    const HttpAnswer refused = client.ask("GET /c HTTP/1.1\r\nX-Request-Id: r3\r\n\r\n");

    EXPECT_TRUE(eventually([&] {
        const std::lock_guard lock(mutex);
        return lines.size() == 3;
    }));
    EXPECT_EQ(lines[0], "GET /a 200 some r1 ci a\xFF,b 11");
    EXPECT_EQ(lines[1], "GET /b 200 some r2 ci  11");
    EXPECT_THAT(lines[2], HasSubstr("GET /c 400 "));
    EXPECT_THAT(lines[2], HasSubstr(refused.headers.at("x-request-id")));
    EXPECT_EQ(traces[0], trace);
    EXPECT_NE(traces[1], traces[2]);
    for (const std::string& each : traces) EXPECT_EQ(trace_parent(each), each);
}

TEST_F(HttpServer, GivesEveryAnswerAnIdTheRefusedOnesToo) {
    serve_echo();
    EXPECT_FALSE(connect().ask("nonsense\r\n\r\n").headers.at("x-request-id").empty());
    const HttpAnswer wrong =
        connect().ask("GET / HTTP/1.1\r\nX-Request-Id: mine\r\nContent-Length: x\r\n\r\n");
    EXPECT_EQ(wrong.status, 400);
    EXPECT_EQ(wrong.headers.at("x-request-id"), "mine");
}

TEST_F(HttpServer, SaysWhichAddressCannotBeHad) {
    serve_echo();
    ServerSettings settings;
    const std::string taken = "127.0.0.1:" + std::to_string(port());
    settings.listeners = {{"127.0.0.1:0", {{"/", handler_}}}, {taken, {{"/", handler_}}}};

    const auto second = Server::open(std::move(settings));

    ASSERT_FALSE(second);
    EXPECT_THAT(second.error(), HasSubstr("cannot listen at " + taken));
    settings.listeners = {{"nonsense", {}}};
    EXPECT_FALSE(Server::open(std::move(settings)));
}

TEST_F(HttpServer, RunsTimersAndPosts) {
    serve_echo();
    std::atomic<int> posted{0}, ran{0};
    const auto begin = std::chrono::steady_clock::now();
    std::atomic<bool> too_early{false};
    for (int i = 0; i < 10; ++i) {
        server_->timers().post([&] { ++posted; });
        server_->timers().run(30ms, [&] {
            if (std::chrono::steady_clock::now() - begin < 30ms) too_early = true;
            ++ran;
        });
    }
    server_->timers().run(10h, [&] { ran = 1000; });

    EXPECT_TRUE(eventually([&] { return posted == 10 && ran == 10; }));
    EXPECT_FALSE(too_early);
}

TEST_F(HttpServer, GoesOnAfterATimerThatThrows) {
    serve_echo();
    server_->timers().post([] { throw std::runtime_error("a fault"); });
    EXPECT_TRUE(eventually([&] { return stat("handler_exceptions") == 1; }));
    EXPECT_EQ(connect().ask(get("/")).status, 200U);
    EXPECT_EQ(connect().ask(get("/")).status, 200U);
}

}  // namespace
}  // namespace weft::gateway
