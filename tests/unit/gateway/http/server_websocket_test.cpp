// WebSockets over real sockets, by a client of a few lines that writes its frames by hand.
#include "tests/unit/gateway/http/server_fixture.hpp"

namespace weft::gateway {
namespace {

using ::testing::ElementsAre;
using testing::HttpAnswer;
using testing::HttpClient;

enum Opcode : unsigned char { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

struct Frame {
    unsigned char opcode = 0;
    std::string payload;
};

std::string frame(Opcode opcode, const std::string& payload) {
    std::string bytes(1, static_cast<char>(0x80 | opcode));
    if (payload.size() < 126) {
        bytes += static_cast<char>(0x80 | payload.size());
    } else {
        bytes += static_cast<char>(0x80 | 127);
        for (int shift = 56; shift >= 0; shift -= 8) {
            bytes += static_cast<char>((payload.size() >> shift) & 0xFF);
        }
    }
    bytes += std::string(4, '\0');  // A mask of zeros leaves the payload readable.
    return bytes + payload;
}

Frame read_frame(HttpClient& client) {
    const std::string head = client.take(2);
    std::size_t length = static_cast<unsigned char>(head[1]);
    const std::size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (more > 0) {
        length = 0;
        for (const char byte : client.take(more))
            length = length * 256 + static_cast<unsigned char>(byte);
    }
    return {static_cast<unsigned char>(head[0] & 0x0F), client.take(length)};
}

std::string handshake(const std::string& headers = {}) {
    return get("/ws",
               "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                   headers);
}

class HttpWebSockets : public HttpServerTest {
protected:
    struct Seen {
        std::mutex mutex;
        std::shared_ptr<WebSocket> socket;
        std::vector<std::string> messages;
        std::vector<std::uint16_t> codes;
        std::atomic<int> pongs{0};
    };
    void serve_socket(const std::string& protocol = {}) {
        serve([seen = seen_, protocol](const auto& exchange) {
            WebSocketHooks hooks;
            hooks.open = [seen](std::shared_ptr<WebSocket> socket) {
                const std::lock_guard lock(seen->mutex);
                seen->socket = std::move(socket);
            };
            hooks.message = [seen](std::string message, bool is_text) {
                const std::lock_guard lock(seen->mutex);
                seen->messages.push_back((is_text ? "text:" : "binary:") + message);
                if (message == "echo") seen->socket->send_text(bytes("echoed"));
            };
            hooks.pong = [seen] { ++seen->pongs; };
            hooks.closed = [seen](std::uint16_t code) {
                const std::lock_guard lock(seen->mutex);
                seen->codes.push_back(code);
            };
            exchange->upgrade(std::move(hooks), protocol);
        });
    }
    std::shared_ptr<WebSocket> socket() {
        EXPECT_TRUE(eventually([&] {
            const std::lock_guard lock(seen_->mutex);
            return seen_->socket != nullptr;
        }));
        const std::lock_guard lock(seen_->mutex);
        return seen_->socket;
    }
    std::vector<std::uint16_t> codes() {
        EXPECT_TRUE(eventually([&] {
            const std::lock_guard lock(seen_->mutex);
            return !seen_->codes.empty();
        }));
        const std::lock_guard lock(seen_->mutex);
        return seen_->codes;
    }
    std::vector<std::string> messages(std::size_t count) {
        EXPECT_TRUE(eventually([&] {
            const std::lock_guard lock(seen_->mutex);
            return seen_->messages.size() >= count;
        }));
        const std::lock_guard lock(seen_->mutex);
        return seen_->messages;
    }
    void TearDown() override {
        const std::lock_guard lock(seen_->mutex);
        seen_->socket.reset();
    }
    std::shared_ptr<Seen> seen_ = std::make_shared<Seen>();
};

TEST_F(HttpWebSockets, OpenWithTheKeyOfTheHandshakeAndNoCompression) {
    serve_socket("weft.v1");
    HttpClient client = connect();
    client.send(handshake("Sec-WebSocket-Extensions: permessage-deflate\r\n"));

    const HttpAnswer answer = client.head();

    EXPECT_EQ(answer.status, 101U);
    EXPECT_EQ(answer.headers.at("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_EQ(answer.headers.at("sec-websocket-protocol"), "weft.v1");
    EXPECT_FALSE(answer.headers.contains("sec-websocket-extensions"));
    EXPECT_TRUE(eventually([&] { return stat("websockets") == 1; }));
    EXPECT_TRUE(eventually([&] { return stat("requests_open") == 0; }));
}

TEST_F(HttpWebSockets, CarryTextAndBinaryInBothDirections) {
    serve_socket();
    HttpClient client = connect();
    // The first frame comes with the handshake, before it was answered.
    client.send(handshake() + frame(text, "first"));
    client.head();
    client.send(frame(binary, std::string("\0\xFF", 2)) + frame(text, "echo"));

    EXPECT_EQ(read_frame(client).payload, "echoed");
    EXPECT_THAT(messages(3),
                ElementsAre("text:first", std::string("binary:\0\xFF", 9), "text:echo"));
    socket()->send_binary(bytes(std::string(70'000, 'b')));
    socket()->send_text(bytes(""));
    const Frame large = read_frame(client);
    EXPECT_EQ(large.opcode, binary);
    EXPECT_EQ(large.payload.size(), 70'000U);
    EXPECT_EQ(read_frame(client).opcode, text);
}

TEST_F(HttpWebSockets, AnswerPingsAndPingThoseWhoAreSilent) {
    settings_.limits.ping = 100ms;
    serve_socket();
    HttpClient client = connect();
    client.send(handshake() + frame(ping, "are you there"));
    client.head();

    const Frame answer = read_frame(client);
    EXPECT_EQ(answer.opcode, pong);
    EXPECT_EQ(answer.payload, "are you there");
    EXPECT_EQ(read_frame(client).opcode, ping);
    client.send(frame(pong, ""));
    EXPECT_TRUE(eventually([&] { return seen_->pongs == 1; }));
}

TEST_F(HttpWebSockets, EndThoseWhoAnswerNoPing) {
    settings_.limits.ping = 30ms;
    serve_socket();
    HttpClient client = connect();
    client.send(handshake());
    client.head();

    EXPECT_THAT(codes(), ElementsAre(1006));
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 0; }));
    EXPECT_TRUE(socket()->closed());
}

TEST_F(HttpWebSockets, CloseAfterWhatWasQueued) {
    serve_socket();
    HttpClient client = connect();
    client.send(handshake());
    client.head();
    auto sending = socket();
    for (int i = 0; i < 100; ++i) sending->send_text(bytes(std::to_string(i)));
    sending->close(4001, "enough");

    EXPECT_FALSE(sending->send_text(bytes("more")));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(read_frame(client).payload, std::to_string(i));
    const Frame last = read_frame(client);
    EXPECT_EQ(last.opcode, close);
    EXPECT_EQ(last.payload,
              "\x0F\xA1"
              "enough");
    client.send(frame(close, "\x0F\xA1"));
    EXPECT_TRUE(client.is_closed());
    EXPECT_THAT(codes(), ElementsAre(4001));
}

TEST_F(HttpWebSockets, TellTheCodeOfAClientThatCloses) {
    serve_socket();
    HttpClient client = connect();
    client.send(handshake());
    client.head();
    client.send(frame(close, "\x03\xE9"));

    EXPECT_THAT(codes(), ElementsAre(1001));
}

TEST_F(HttpWebSockets, TellOfAClientThatGoesWithoutAWord) {
    serve_socket();
    HttpClient client = connect();
    client.send(handshake());
    client.head();
    client.reset();

    EXPECT_THAT(codes(), ElementsAre(1006));
    EXPECT_FALSE(socket()->send_text(bytes("x")));
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 0; }));
}

TEST_F(HttpWebSockets, CutOffASlowReader) {
    settings_.limits.stream_queue = 100'000;
    serve_socket();
    HttpClient client(port(), 4096);
    client.send(handshake());
    auto sending = socket();
    const SharedBytes piece = bytes(std::string(50'000, 'x'));

    bool taken = true;
    for (int i = 0; i < 10'000 && taken; ++i) {
        taken = sending->send_binary(piece);
        EXPECT_LE(sending->queued(), 100'000U);
    }

    EXPECT_FALSE(taken);
    EXPECT_EQ(stat("slow_reader"), 1U);
    EXPECT_THAT(codes(), ElementsAre(1008));
}

TEST_F(HttpWebSockets, EndThoseWhoBreakTheProtocolOrSendTooMuch) {
    settings_.limits.body = 1000;
    serve_socket();
    // Not masked; a reserved bit; text that is not UTF-8; a message beyond the limit.
    for (const std::string& bad : {std::string("\x81\x01x", 3), std::string("\xF1\x80\0\0\0\0", 6),
                                   frame(text, "\xFF"), frame(text, std::string(1001, 'x'))}) {
        HttpClient client = connect();
        client.send(handshake());
        client.head();
        client.send(bad);
        EXPECT_EQ(read_frame(client).opcode, close);
        client.close();
    }
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 0; }));
    EXPECT_EQ(messages(0).size(), 0U);
}

TEST_F(HttpWebSockets, EndWithAFaultOfTheHandlerAndNoOtherConnection) {
    serve([](const auto& exchange) {
        WebSocketHooks hooks;
        hooks.message = [](const std::string&, bool) { throw std::runtime_error("a fault"); };
        exchange->upgrade(std::move(hooks));
    });
    HttpClient client = connect();
    client.send(handshake() + frame(text, "x"));
    client.head();

    EXPECT_TRUE(client.is_closed());
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 0; }));
    EXPECT_EQ(stat("handler_exceptions"), 1U);
}

TEST_F(HttpWebSockets, AreNotForForeignPages) {  // H6
    serve_socket();
    HttpClient client = connect();
    EXPECT_EQ(client.ask(handshake("Origin: http://evil.example\r\n")).status, 403U);
    EXPECT_EQ(stat("refused.foreign_origin"), 1U);
    EXPECT_EQ(client.ask(get("/ws")).status, 426U);
    EXPECT_EQ(stat("refused.bad_websocket"), 1U);
    client.send(handshake("Origin: http://h\r\n"));
    EXPECT_EQ(client.head().status, 101U);
}

TEST_F(HttpWebSockets, SayGoodbyeWhenTheServerStops) {
    serve_socket();
    HttpClient client = connect();
    client.send(handshake());
    client.head();
    auto kept = socket();

    std::thread stopping([&] { server_->stop(2s); });

    const Frame last = read_frame(client);
    EXPECT_EQ(last.opcode, close);
    EXPECT_EQ(last.payload.substr(0, 2), "\x03\xE9");
    client.send(frame(close, "\x03\xE9"));
    stopping.join();
    EXPECT_TRUE(kept->closed());
    EXPECT_THAT(codes(), ElementsAre(1001));
}

}  // namespace
}  // namespace weft::gateway
