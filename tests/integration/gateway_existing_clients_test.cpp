// The requests of existing clients, byte for byte as they send them, against the real `weft
// gateway`: a Ruby client of Routemaster (Faraday over libcurl) and the Python client of esub
// (requests, websockets). docs/routemaster.md and docs/esub.md say what was run.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "signing/sodium.hpp"
#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/http_receiver.hpp"
#include "tests/support/look_again.hpp"

namespace weft::testing {
namespace {

using nlohmann::json;
using support::HttpReceiver;
using ::testing::MatchesRegex;
using Steady = std::chrono::steady_clock;

class ExistingClients : public ::testing::Test {
protected:
    ExistingClients() {
        fabric_.configure(
            "reliability: { journals: [git.host1], journal: { listen: 'tcp://127.0.0.1:" +
            std::to_string(free_port()) +
            "' } }\n"
            "gateway:\n"
            "  listeners: [ { address: '127.0.0.1:0', serve: [routemaster] },\n"
            "               { address: '127.0.0.1:0', serve: [esub] } ]\n"
            "  esub: { confirm: true }\n"
            "  webhooks: { allow_http: true, allow_networks: [127.0.0.0/8] }\n"
            "  routemaster: { root_key: root--key, clients: [shop--1, mail--1] }");
        relay_ = std::make_unique<Process>(fabric_.relay());
        gateway_ = std::make_unique<Process>(fabric_.start({"gateway"}));
        bus_ = port_of("routemaster");
        esub_ = port_of("esub");
        gateway_->wait_for_line(Stream::out, "ready");
    }
    std::uint16_t port_of(const std::string& protocol) {
        const std::string line =
            gateway_->wait_for_line(Stream::out, "listening " + protocol + " ");
        return static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
    }
    /// False: not within 20 s.
    template <class Condition>
    bool comes_true(Condition condition) {
        const auto deadline = Steady::now() + std::chrono::seconds(20);
        while (!condition()) {
            if (Steady::now() > deadline) return false;
            look_again_after_ms(20);
        }
        return true;
    }

    Fabric fabric_;
    std::unique_ptr<Process> relay_, gateway_;
    std::uint16_t bus_ = 0, esub_ = 0;
};

/// The client of Routemaster: one connection that it keeps.
class Faraday {
public:
    explicit Faraday(std::uint16_t port)
        : host_("localhost:" + std::to_string(port)), client_(port) {}

    HttpAnswer ask(const std::string& method, const std::string& path, const std::string& token,
                   const std::string& body = {}) {
        const std::string authorization =
            "Authorization: Basic " + signing::to_base64(token + ":x") + "\r\n";
        std::string request = method + " " + path + " HTTP/1.1\r\nHost: " + host_ +
                              "\r\nAccept: */*\r\nUser-Agent: Faraday v1.1.0\r\n";
        if (body.empty()) return client_.ask(request + authorization + "\r\n");
        request += "Content-Type: application/json\r\n" + authorization;
        return client_.ask(request + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                           body);
    }
    unsigned status(const std::string& method, const std::string& path, const std::string& token,
                    const std::string& body = {}) {
        return ask(method, path, token, body).status;
    }

private:
    std::string host_;
    HttpClient client_;
};

TEST_F(ExistingClients, TheRubyClientManagesTokens) {  // M8 to M11, M20
    Faraday client(bus_);
    EXPECT_EQ(client.status("GET", "/pulse", "root--key"), 204U);
    EXPECT_EQ(client.status("GET", "/pulse", "who--9"), 401U);
    const HttpAnswer made = client.ask("POST", "/api_tokens", "root--key", R"({"name":"made"})");
    EXPECT_EQ(made.status, 201U) << made.body;
    const std::string token = json::parse(made.body)["token"];
    EXPECT_THAT(token, MatchesRegex("made--[0-9a-f]+"));
    EXPECT_EQ(client.status("POST", "/api_tokens", "root--key", R"({"name":"c","token":"cli--3"})"),
              201U);
    EXPECT_EQ(client.status("GET", "/pulse", token), 204U);
    EXPECT_EQ(client.status("DELETE", "/api_tokens/" + token, "root--key"), 204U);
    EXPECT_EQ(client.status("GET", "/pulse", token), 401U);
    EXPECT_EQ(json::parse(client.ask("GET", "/api_tokens", "root--key").body),
              json::parse(R"([{"name":"c","token":"cli--3"},{"name":"mail","token":"mail--1"},
                              {"name":"shop","token":"shop--1"}])"));
}

TEST_F(ExistingClients, TheRubyClientSubscribesAndPublishes) {  // M1 to M7, M42, M60, M61, M90
    HttpReceiver receiver;
    Faraday client(bus_);
    const json wanted{{"topics", {"widgets", "gadgets"}},
                      {"callback", receiver.url("/events")},
                      {"uuid", "secret"},
                      {"max", 10},
                      {"timeout", 0}};
    ASSERT_EQ(client.status("POST", "/subscription", "mail--1", wanted.dump()), 204U);
    // It sends the key `timestamp` always.
    const std::vector<std::string> events{
        R"({"type":"create","url":"https://shop.example/1?q=1&r=%20","timestamp":null})",
        R"({"type":"update","url":"https://shop.example/2","timestamp":null,"data":{"a":1}})",
        R"({"type":"delete","url":"https://shop.example/3","timestamp":1500000000123})",
        R"({"type":"noop","url":"https://shop.example/4","timestamp":1500000000124,"data":[1,null,"x",1.5,true]})"};
    for (const std::string& event : events) {
        ASSERT_EQ(client.status("POST", "/topics/widgets", "shop--1", event), 204U) << event;
    }
    json got = json::array();
    ASSERT_TRUE(comes_true([&] {
        got = json::array();
        for (const auto& request : receiver.requests()) {
            EXPECT_EQ(request.header("Content-Type"), "application/json");
            EXPECT_EQ(request.header("Authorization"), "Basic " + signing::to_base64("secret:x"));
            for (const json& event : json::parse(request.body)) got.push_back(event);
        }
        return got.size() >= events.size();
    })) << got;
    ASSERT_EQ(got.size(), events.size()) << got;
    for (std::size_t i = 0; i < events.size(); ++i) {
        const json sent = json::parse(events[i]);
        EXPECT_EQ(got[i]["topic"], "widgets");
        EXPECT_EQ(got[i]["type"], sent["type"]);
        EXPECT_EQ(got[i]["url"], sent["url"]);
        EXPECT_TRUE(got[i]["t"].is_number_integer()) << got[i];
        if (!sent["timestamp"].is_null()) {
            EXPECT_EQ(got[i]["t"], sent["timestamp"]);
        }
        EXPECT_EQ(got[i].value("data", json()), sent.value("data", json()));
    }
    const json lists = json::parse(client.ask("GET", "/subscriptions", "mail--1").body);
    for (const char* key : {"subscriber", "callback", "topics", "uuid", "max_events", "timeout"})
        EXPECT_TRUE(lists[0].contains(key)) << key;
    for (const char* key : {"sent", "queued", "oldest"})
        EXPECT_TRUE(lists[0]["events"].contains(key)) << key;
    EXPECT_EQ(json::parse(client.ask("GET", "/topics", "shop--1").body)[1],
              json::parse(R"({"name":"widgets","publisher":"shop--1","events":4})"));
    EXPECT_EQ(client.status("DELETE", "/subscriber/topics/gadgets", "mail--1"), 204U);
    EXPECT_EQ(client.status("DELETE", "/subscriber/topics/gadgets", "mail--1"), 404U);
    EXPECT_EQ(client.status("DELETE", "/subscriber", "mail--1"), 204U);
    EXPECT_EQ(client.status("DELETE", "/subscriber", "mail--1"), 404U);
    EXPECT_EQ(client.status("DELETE", "/topics/widgets", "mail--1"), 403U);
    EXPECT_EQ(client.status("DELETE", "/topics/widgets", "shop--1"), 204U);
    EXPECT_EQ(client.status("DELETE", "/topics/gadgets", "root--key"), 204U);
}

// ---- esub ----

std::string of_requests(const std::string& line, std::uint16_t port) {
    return line + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) +
           "\r\nUser-Agent: python-requests/2.28.1\r\nAccept-Encoding: gzip, deflate\r\n"
           "Accept: */*\r\nConnection: keep-alive\r\n";
}
std::string of_websockets(const std::string& target, std::uint16_t port) {
    return "GET " + target + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) +
           "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: 7Gtd9tklWUfvoAmchEcBfg==\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
           "User-Agent: Python/3.11 websockets/10.4\r\n\r\n";
}
/// A text frame, masked with zeros; at most 125 bytes.
std::string frame(const std::string& text) {
    return std::string{"\x81"} + static_cast<char>(0x80 | text.size()) + std::string(4, '\0') +
           text;
}
/// What a short frame has.
std::string text_of(HttpClient& socket) {
    const std::string head = socket.take(2);
    EXPECT_EQ(head[0], '\x81');
    return socket.take(static_cast<std::size_t>(head[1]));
}

TEST_F(ExistingClients, ThePythonClientSubsAndReps) {
    HttpClient rep(esub_), sub(esub_);
    const HttpAnswer info = rep.ask(of_requests("GET /info", esub_) + "\r\n");
    EXPECT_TRUE(json::parse(info.body).contains("ip")) << info.body;
    sub.send(of_requests("GET /sub/k?token=t", esub_) + "\r\n");
    ASSERT_TRUE(comes_true(
        [&] { return rep.ask(of_requests("GET /keys", esub_) + "\r\n").body == "[\"k\"]"; }));
    // The body comes in a packet of its own where it is bytes.
    rep.send(of_requests("POST /rep/k", esub_) + "Content-Length: 3\r\n\r\n");
    rep.send(std::string("\0\xff\n", 3));
    EXPECT_EQ(rep.answer().status, 403U);
    rep.send(of_requests("POST /rep/k?token=t", esub_) + "Content-Length: 3\r\n\r\n");
    rep.send(std::string("\0\xff\n", 3));
    EXPECT_EQ(rep.answer().body, "OK");
    const HttpAnswer got = sub.answer();
    EXPECT_EQ(got.status, 200U);
    EXPECT_EQ(got.body, std::string("\0\xff\n", 3));
    const std::string nothing = "Content-Length: 0\r\n\r\n";
    EXPECT_EQ(rep.ask(of_requests("POST /rep/k?token=t", esub_) + nothing).status, 404U);
}

TEST_F(ExistingClients, ThePythonClientPsubsAndPrepsWithReceipts) {
    HttpClient psub(esub_), rep(esub_), prep(esub_);
    psub.send(of_websockets("/psub/k?token=t&shared=1", esub_));
    const HttpAnswer upgraded = psub.head();
    ASSERT_EQ(upgraded.status, 101U);
    EXPECT_EQ(upgraded.headers.at("sec-websocket-accept"), "kd7hkYoGX8WLvOBJwhVB9g6tF9Q=");
    rep.send(of_requests("POST /rep/k?token=t&psub=1", esub_) + "Content-Length: 2\r\n\r\nm0");
    EXPECT_EQ(text_of(psub), "m0");
    psub.send(frame("ok"));
    EXPECT_EQ(rep.answer().status, 200U);

    prep.send(of_websockets("/prep", esub_));
    ASSERT_EQ(prep.head().status, 101U);
    prep.send(frame(R"({"key": "k", "token": "t", "psub": true, "data": "p0"})"));
    EXPECT_EQ(text_of(psub), "p0");
    psub.send(frame("ok"));
    EXPECT_EQ(text_of(prep), "ok");
    prep.send(frame(R"({"key": "nobody", "token": null, "psub": false, "data": "x"})"));
    EXPECT_EQ(text_of(prep), "Unknown key");
    HttpClient other(esub_);
    EXPECT_EQ(other.ask(of_websockets("/psub/k?token=wrong", esub_)).status, 403U);
}

}  // namespace
}  // namespace weft::testing
