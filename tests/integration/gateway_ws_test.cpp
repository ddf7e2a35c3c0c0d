// The WebSocket of `weft gateway`, as its clients have it: frames over a real socket.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/journal_fixture.hpp"
#include "tests/support/http_client.hpp"

namespace weft::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// A client of a few lines that writes its frames by hand.
class WsClient {
public:
    enum Opcode : unsigned char { text = 1, close = 8, ping = 9, pong = 10 };

    explicit WsClient(std::uint16_t port, const std::string& headers = {}) : http_(port) {
        http_.send(
            "GET /v1/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
            headers + "\r\n");
        status_ = http_.head().status;
    }
    [[nodiscard]] unsigned status() const { return status_; }

    void say(const json& frame) { write(text, frame.dump()); }
    /// The next frame with this op; others before it are passed over.
    json next(const std::string& op) {
        while (true) {
            const auto [opcode, payload] = read();
            if (opcode == ping) write(pong, payload);
            if (opcode == close) throw std::runtime_error("closed while waiting for " + op);
            if (opcode != text) continue;
            json frame = json::parse(payload);
            if (frame["op"] == op) return frame;
        }
    }
    /// The code that the server closes with.
    int close_code() {
        while (true) {
            const auto [opcode, payload] = read();
            if (opcode != close) continue;
            write(close, payload.substr(0, 2));
            return static_cast<unsigned char>(payload[0]) * 256 +
                   static_cast<unsigned char>(payload[1]);
        }
    }

private:
    void write(Opcode opcode, const std::string& payload) {
        std::string bytes(1, static_cast<char>(0x80 | opcode));
        if (payload.size() < 126) {
            bytes += static_cast<char>(0x80 | payload.size());
        } else {
            bytes += static_cast<char>(0x80 | 126);
            bytes += static_cast<char>(payload.size() >> 8);
            bytes += static_cast<char>(payload.size() & 0xFF);
        }
        http_.send(bytes + std::string(4, '\0') + payload);  // a mask of zeros
    }
    std::pair<unsigned char, std::string> read() {
        const std::string head = http_.take(2);
        std::size_t length = static_cast<unsigned char>(head[1]);
        const std::size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
        if (more > 0) length = 0;
        for (const char byte : http_.take(more)) {
            length = length * 256 + static_cast<unsigned char>(byte);
        }
        return {static_cast<unsigned char>(head[0] & 0x0F), http_.take(length)};
    }

    HttpClient http_;
    unsigned status_ = 0;
};

class GatewayWebSocket : public ::testing::Test {
protected:
    GatewayWebSocket() {
        fabric_.configure(
            "reliability: { journals: [git.host1], journal: { listen: 'tcp://127.0.0.1:" +
            std::to_string(free_port()) +
            "' } }\n"
            "gateway: { listeners: [ { address: '127.0.0.1:0', serve: [native] } ] }");
    }
    Process gateway() {
        Process gateway = fabric_.start({"gateway"});
        url_ = gateway.wait_for_line(Stream::out, "listening native ");
        url_ = url_.substr(url_.rfind(' ') + 1);
        port_ = static_cast<std::uint16_t>(std::stoi(url_.substr(url_.rfind(':') + 1)));
        gateway.wait_for_line(Stream::out, "ready");
        return gateway;
    }

    Fabric fabric_;
    std::string url_;
    std::uint16_t port_ = 0;
};

TEST_F(GatewayWebSocket, PublishesSubscribesAcknowledgesAndComesBack) {
    const Process relay = fabric_.relay();
    Process running = gateway();
    ASSERT_EQ(run({"curl", "-sS", "-X", "PUT", "-d", R"({"topics":["git.*"],"start":"beginning"})",
                   url_ + "/v1/cursors/work"})
                  .exit_code,
              0);
    int last = 0;
    {
        WsClient client(port_);
        ASSERT_EQ(client.status(), 101U) << running.output();
        client.say({{"op", "subscribe"}, {"id", "live"}, {"topics", {"git.*"}}, {"credit", 2}});
        EXPECT_EQ(client.next("subscribed")["id"], "live");
        for (int i = 1; i <= 3; ++i) {
            client.say({{"op", "publish"},
                        {"ref", i},
                        {"topic", "git.commit"},
                        {"body", {{"n", i}}},
                        {"durable", true}});
        }
        for (int i = 1; i <= 2; ++i) {
            const json message = client.next("message");
            EXPECT_EQ(message["message"]["body"]["n"], i);
            EXPECT_EQ(message["message"]["signer"], "git.host1");
            EXPECT_EQ(message["message"]["verified"], true);
            last = message["message"]["journal_id"];
        }
        client.say({{"op", "subscribe"}, {"id", "work"}, {"cursor", "work"}});
        client.next("subscribed");
        json message;
        do {
            message = client.next("message");
            EXPECT_EQ(message["id"], "work") << "the other one has no credit left";
        } while (message["message"]["body"]["n"] != 3);
        client.say({{"op", "ack"}, {"id", "work"}, {"through", 2}});
        EXPECT_EQ(client.next("acked")["through"], 2);
    }
    WsClient again(port_);
    again.say({{"op", "subscribe"}, {"id", "live"}, {"topics", {"git.*"}}, {"after", last}});
    EXPECT_EQ(again.next("message")["message"]["body"]["n"], 3);
    again.say({{"op", "subscribe"}, {"id", "work"}, {"cursor", "work"}});
    EXPECT_EQ(again.next("message")["message"]["body"]["n"], 3);

    // Services are heard, and recipients are waited for.
    const Finished sent = fabric_.weft({"publish", "git.push", "--json", R"({"from":"service"})"});
    ASSERT_EQ(sent.exit_code, 0) << sent.err;
    EXPECT_EQ(again.next("message")["message"]["body"]["from"], "service");
    again.say({{"op", "publish"},
               {"ref", "r"},
               {"topic", "git.commit"},
               {"body", 1},
               {"recipients", "nobody.host1"},
               {"ack_timeout", "100ms"}});
    const json error = again.next("error");
    EXPECT_EQ(error["ref"], "r");
    EXPECT_EQ(error["status"], 504) << error;
    EXPECT_EQ(error["missing"][0], "nobody.host1");

    running.signal(SIGTERM);
    EXPECT_THAT(again.next("end")["reason"].get<std::string>(), HasSubstr("stops"));
    EXPECT_EQ(again.close_code(), 1001);
    EXPECT_EQ(running.wait(), 0) << running.output();
}

TEST_F(GatewayWebSocket, AsksForATokenWhereOneIsRequired) {
    const Process relay = fabric_.relay();
    const Finished made =
        fabric_.weft({"token", "add", "ci", "--publish", "build.*", "--read", "git.*"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    fabric_.configure("gateway: { auth: { required: true } }");
    Process running = gateway();
    EXPECT_EQ(WsClient(port_).status(), 401U);
    WsClient client(port_,
                    "Authorization: Bearer " + made.out.substr(0, made.out.size() - 1) + "\r\n");
    ASSERT_EQ(client.status(), 101U);
    client.say({{"op", "publish"}, {"ref", 1}, {"topic", "git.commit"}, {"body", 1}});
    EXPECT_EQ(client.next("error")["status"], 403);
    client.say({{"op", "publish"}, {"ref", 2}, {"topic", "build.done"}, {"body", 1}});
    EXPECT_EQ(client.next("published")["ref"], 2);
}

}  // namespace
}  // namespace weft::testing
