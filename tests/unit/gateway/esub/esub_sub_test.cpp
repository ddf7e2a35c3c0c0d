// sub and rep over real sockets: who gets what, and who is told so.

#include "tests/unit/gateway/esub/esub_world.hpp"

namespace weft::gateway::esub {
namespace {

using ::testing::HasSubstr;

class EsubSub : public EsubWorld {};

TEST_F(EsubSub, GetsTheReplyAndTheReplierIsToldSo) {
    serve();
    HttpClient sub = waiting_sub("/sub/k", "k");
    EXPECT_EQ(in_short(rep("/rep/k", "hello")), "200 OK");
    EXPECT_EQ(in_short(sub.answer()), "200 hello");
    EXPECT_EQ(ask("/keys").status, 204U);
    EXPECT_EQ(in_short(rep("/rep/k", "again")), "404 Unknown key");
}

TEST_F(EsubSub, KeepsItsConnectionForTheNextOne) {
    serve();
    HttpClient sub = connect(), replier = connect();
    for (int i = 0; i < 50; ++i) {
        sub.send(get("/sub/k"));
        await_keys("[\"k\"]");
        const std::string body = "body " + std::to_string(i);
        EXPECT_EQ(in_short(replier.ask(post("/rep/k", body))), "200 OK");
        EXPECT_EQ(in_short(sub.answer()), "200 " + body);
    }
}

TEST_F(EsubSub, BodiesAreBytesThatNobodyLooksAt) {
    serve();
    std::string body;
    for (int i = 0; i < 200'000; ++i) body += static_cast<char>(i * 7);
    HttpClient sub = waiting_sub("/sub/k", "k");
    HttpClient replier = connect();
    replier.send(post("/rep/k", body));
    EXPECT_EQ(sub.answer().body, body);
    EXPECT_EQ(in_short(replier.answer()), "200 OK");
    HttpClient empty = waiting_sub("/sub/k", "k");
    EXPECT_EQ(rep("/rep/k", "").status, 200U);
    EXPECT_EQ(in_short(empty.answer()), "200 ");
}

TEST_F(EsubSub, ATokenThatIsNotTheWaitersOwnIsRefused) {
    serve();
    HttpClient sub = waiting_sub("/sub/k?token=t", "k");
    EXPECT_EQ(in_short(rep("/rep/k", "x")), "403 Invalid token");
    EXPECT_EQ(in_short(rep("/rep/k?token=u", "x")), "403 Invalid token");
    EXPECT_EQ(in_short(ask("/sub/k?token=u")), "403 Sub already exists, token mismatch");
    EXPECT_EQ(in_short(ask("/sub/k")), "403 Sub already exists, token mismatch");
    EXPECT_EQ(in_short(rep("/rep/k?token=t", "x")), "200 OK");
    EXPECT_EQ(in_short(sub.answer()), "200 x");
    HttpClient open = waiting_sub("/sub/k", "k");
    EXPECT_EQ(in_short(rep("/rep/k?token=t", "x")), "403 Invalid token");
    EXPECT_EQ(in_short(rep("/rep/k?token=", "y")), "200 OK");
}

// Defects 1 and 14: whoever was displaced must not take the key with it.
TEST_F(EsubSub, WhoTakesOverGetsTheReply) {
    serve();
    for (int i = 0; i < 20; ++i) {
        HttpClient first = waiting_sub("/sub/k", "k");
        HttpClient second = connect();
        second.send(get("/sub/k?token=t"));
        EXPECT_EQ(in_short(first.answer()), "500 Failed to fullfil sub: context canceled");
        first.close();
        EXPECT_EQ(in_short(rep("/rep/k", "x")), "403 Invalid token");
        EXPECT_EQ(in_short(rep("/rep/k?token=t", "x")), "200 OK");
        EXPECT_EQ(in_short(second.answer()), "200 x");
        EXPECT_EQ(ask("/keys").status, 204U);
    }
}

// Defects 2 and 14.
TEST_F(EsubSub, WhoLeavesIsNotReplied) {
    serve();
    waiting_sub("/sub/k", "k").close();
    await_keys("");
    EXPECT_EQ(in_short(rep("/rep/k", "x")), "404 Unknown key");
    waiting_sub("/sub/k", "k").reset();
    await_keys("");
    EXPECT_EQ(in_short(rep("/rep/k", "x")), "404 Unknown key");
    HttpClient half = waiting_sub("/sub/k", "k");
    half.close_sending();
    await_keys("");
    EXPECT_EQ(in_short(rep("/rep/k", "x")), "404 Unknown key");
}

// Defect 2: its body is still on the way when the sub leaves.
TEST_F(EsubSub, ASlowReplyToASubThatLeftIsAnswered) {
    serve();
    HttpClient sub = waiting_sub("/sub/k", "k");
    HttpClient replier = connect();
    replier.send("POST /rep/k HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab");
    sub.reset();
    await_keys("");
    replier.send("cd");
    EXPECT_EQ(in_short(replier.answer()), "404 Unknown key");
}

/// Its system takes next to nothing, so that a reply is under way until it reads.
HttpClient narrow_sub(std::uint16_t port) {
    HttpClient sub(port, 4096);
    sub.send("GET /sub/k HTTP/1.1\r\nHost: h\r\n\r\n");
    return sub;
}

TEST_F(EsubSub, WhoClosedOneHalfInTheMiddleOfTheAnswerAndReadsOnHasGotIt) {
    serve();
    const std::string body(std::size_t{256} << 10U, 'x');
    HttpClient sub = narrow_sub(server_->listeners().front().port);
    await_keys("[\"k\"]");
    HttpClient replier = connect();
    replier.send(post("/rep/k", body));
    EXPECT_EQ(sub.head().status, 200U);
    sub.close_sending();
    EXPECT_EQ(sub.take(body.size()), body);
    EXPECT_EQ(in_short(replier.answer()), "200 OK");
}

TEST_F(EsubSub, WhatTheServersSystemKeepsForAClientThatDiesIsNotDelivered) {
    serve();
    // One write takes it all, and most of it stays there.
    for (const bool orderly : {true, false}) {
        HttpClient sub = narrow_sub(server_->listeners().front().port);
        await_keys("[\"k\"]");
        HttpClient replier = connect();
        replier.send(post("/rep/k", std::string(std::size_t{64} << 10U, 'x')));
        EXPECT_EQ(sub.head().status, 200U);
        orderly ? sub.close() : sub.reset();
        EXPECT_EQ(in_short(replier.answer()), "404 Unknown key");
    }
}

TEST_F(EsubSub, ASubThatReadsNothingIsCutOffAndGetsNothingMore) {
    settings_.stall_time = std::chrono::milliseconds{100};
    serve();
    HttpClient sub = narrow_sub(server_->listeners().front().port);
    await_keys("[\"k\"]");
    const std::string body(std::size_t{64} << 10U, 'x');
    EXPECT_EQ(in_short(rep("/rep/k", body)), "404 Unknown key");
    EXPECT_LT(sub.rest().size(), body.size());
}

// Defect 2: two replies for one sub.
TEST_F(EsubSub, OneOfTwoRepliesWinsAndTheOtherIsToldAtOnce) {
    serve();
    HttpClient sub = waiting_sub("/sub/k", "k");
    HttpClient one = connect(), other = connect();
    for (HttpClient* replier : {&one, &other}) {
        replier->send("POST /rep/k HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na");
    }
    one.send("1");
    EXPECT_EQ(in_short(one.answer()), "200 OK");
    other.send("2");
    EXPECT_EQ(in_short(other.answer()), "404 Unknown key");
    EXPECT_EQ(in_short(sub.answer()), "200 a1");
}

TEST_F(EsubSub, NobodyWaitsForTheBodyOfAReplyThatNobodyCanHave) {
    serve();
    const std::string head =
        " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n";
    EXPECT_EQ(in_short(connect().ask("POST /rep/k" + head)), "404 Unknown key");
    HttpClient sub = waiting_sub("/sub/k?token=t", "k");
    EXPECT_EQ(in_short(connect().ask("POST /rep/k" + head)), "403 Invalid token");
    HttpClient good = connect();
    good.send("POST /rep/k?token=t" + head);
    EXPECT_EQ(good.head().status, 100U);
    good.send(std::string(1000, 'x'));
    EXPECT_EQ(in_short(good.answer()), "200 OK");
    EXPECT_EQ(sub.answer().body, std::string(1000, 'x'));
}

// As clients that send a head and its body in two packets, and keep the connection, expect it.
TEST_F(EsubSub, WhoseShortBodyComesAfterItsHeadKeepsTheConnectionOverARefusal) {
    serve();
    HttpClient replier = connect();
    for (int i = 0; i < 3; ++i) {
        replier.send("POST /rep/k HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n");
        EXPECT_TRUE(replier.is_quiet_for(std::chrono::milliseconds{10}));
        replier.send("ab");
        EXPECT_EQ(in_short(replier.answer()), "404 Unknown key");
    }
    const std::string head = "POST /rep/k HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n";
    EXPECT_EQ(in_short(replier.ask(head)), "404 Unknown key");
    EXPECT_TRUE(replier.is_closed());
}

TEST_F(EsubSub, NothingOfABodyThatWasCutShortIsDelivered) {
    serve();
    HttpClient sub = waiting_sub("/sub/k", "k");
    HttpClient replier = connect();
    replier.send("POST /rep/k HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab");
    replier.close_sending();
    EXPECT_EQ(in_short(replier.answer()), "500 Failed to read body: unexpected EOF");
    EXPECT_EQ(in_short(rep("/rep/k", "whole")), "200 OK");
    EXPECT_EQ(in_short(sub.answer()), "200 whole");
}

// Defect 3: a body that does not fit into the socket of a sub that then goes was not delivered.
TEST_F(EsubSub, AResetBeforeTheLastByteIsNoDelivery) {
    limits_.body = std::size_t{64} << 20U;
    serve();
    HttpClient sub(server_->listeners().front().port, 4096);
    sub.send(get("/sub/k"));
    await_keys("[\"k\"]");
    HttpClient replier = connect();
    replier.send(post("/rep/k", std::string(std::size_t{32} << 20U, 'x')));
    EXPECT_EQ(sub.head().status, 200U);
    EXPECT_TRUE(replier.is_quiet_for(std::chrono::milliseconds{50}));
    sub.reset();
    EXPECT_EQ(in_short(replier.answer()), "404 Unknown key");
}

// Defect 2: a reader that stalls holds nobody up for long.
TEST_F(EsubSub, AStalledSubIsCutOff) {
    limits_.body = std::size_t{64} << 20U;
    settings_.stall_time = std::chrono::milliseconds{300};
    serve();
    HttpClient sub(server_->listeners().front().port, 4096);
    sub.send(get("/sub/k"));
    await_keys("[\"k\"]");
    EXPECT_EQ(in_short(rep("/rep/k", std::string(std::size_t{32} << 20U, 'x'))), "404 Unknown key");
}

TEST_F(EsubSub, SaysWhereItIsAndRefusesWhatIsNotThere) {
    serve();
    EXPECT_EQ(in_short(ask("/ping")), "200 OK");
    EXPECT_EQ(in_short(ask("/info")), R"(200 {"name":"host1","ip":"192.0.2.7"})");
    EXPECT_EQ(in_short(ask("/nothing")), "404 404 page not found");
    EXPECT_EQ(ask("/sub").status, 404U);
    EXPECT_EQ(ask("/sub/").status, 404U);
    EXPECT_EQ(ask("/sub/a%2Fb").status, 404U);
    for (const char* method : {"POST", "HEAD", "OPTIONS", "DELETE"}) {
        HttpClient client = connect();
        client.send(std::string{method} + " /sub/k HTTP/1.1\r\nHost: h\r\n\r\n");
        const HttpAnswer answer = client.answer(std::string{method} == "HEAD");
        EXPECT_EQ(answer.status, 405U) << method;
        EXPECT_EQ(answer.headers.at("allow"), "GET");
    }
    EXPECT_EQ(ask("/rep/k").headers.at("allow"), "POST");
    const HttpAnswer moved = ask("/PING/?a=b");
    EXPECT_EQ(moved.status, 301U);
    EXPECT_EQ(moved.headers.at("location"), "/ping?a=b");
    EXPECT_EQ(rep("/rep/k/", "x").status, 307U);
    EXPECT_EQ(ask("/sub/" + std::string(5000, 'k')).status, 414U);
}

TEST_F(EsubSub, ServesBelowAPrefix) {
    serve("/esub");
    EXPECT_EQ(in_short(ask("/esub/ping")), "200 OK");
    EXPECT_EQ(ask("/esub/ping/").headers.at("location"), "/esub/ping");
    HttpClient sub = connect();
    sub.send(get("/esub/sub/k%20%C3%A4"));
    while (ask("/esub/keys").body != "[\"k \xC3\xA4\"]") testing::look_again_after_ms(2);
    EXPECT_EQ(in_short(rep("/esub/rep/k%20%c3%a4", "x")), "200 OK");
}

TEST_F(EsubSub, CountsWhatWasAsked) {
    serve();
    HttpClient sub = waiting_sub("/sub/k?token=t", "k");
    EXPECT_THAT(ask("/metrics").body, HasSubstr("esub_sub_connected 1"));
    EXPECT_EQ(rep("/rep/k?token=t", "x").status, 200U);
    EXPECT_EQ(rep("/rep/k", "x").status, 404U);
    const std::string text = ask("/metrics").body;
    EXPECT_THAT(text, HasSubstr("# TYPE esub_http_request histogram"));
    EXPECT_THAT(text, HasSubstr(R"(esub_http_request_count{route="rep",method="POST",)"
                                R"(success="true",auth="true",confirmed="false"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(esub_http_request_count{route="rep",method="POST",)"
                                R"(success="false",auth="false",confirmed="false"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(esub_http_request_count{route="sub",method="GET",)"
                                R"(success="true",auth="true",confirmed="false"} 1)"));
    EXPECT_THAT(text, HasSubstr("esub_sub_connected 0"));
}

TEST_F(EsubSub, ClosesAfterEveryAnswerIfItIsTold) {
    settings_.close_connections = true;
    serve();
    EXPECT_EQ(ask("/ping").headers.at("connection"), "close");
}

}  // namespace
}  // namespace weft::gateway::esub
