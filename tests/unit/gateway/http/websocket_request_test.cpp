#include "gateway/http/websocket_request.hpp"

#include <gtest/gtest.h>

namespace weft::gateway {
namespace {

Request handshake() {
    Request request;
    request.method = "GET";
    request.target = "/ws";
    request.headers.add("Host", "gate:8080");
    request.headers.add("Connection", "keep-alive, Upgrade");
    request.headers.add("Upgrade", "websocket");
    request.headers.add("Sec-WebSocket-Version", "13");
    request.headers.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    return request;
}

unsigned status_with(const std::string& name, const std::string& value) {
    Request request = handshake();
    request.headers.set(name, value);
    const auto refusal = refuse_websocket(request);
    return refusal ? refusal->status : 101;
}

TEST(WebSocketRequest, IsTakenFromAProgramThatSaysNoOrigin) {
    EXPECT_EQ(refuse_websocket(handshake()), std::nullopt);
}

TEST(WebSocketRequest, IsTakenFromPagesOfThisVeryHostAlone) {  // H6
    EXPECT_EQ(status_with("Origin", "http://gate:8080"), 101U);
    EXPECT_EQ(status_with("Origin", "HTTP://GATE:8080"), 101U);
    for (const char* foreign :
         {"http://evil.example", "http://gate", "http://gate:8081", "https://gate:8080", "null", "",
          "gate:8080", "http://gate:8080.evil.example", "http://gate:8080/", "http://"}) {
        EXPECT_EQ(status_with("Origin", foreign), 403U) << foreign;
    }
    Request request = handshake();
    request.headers.set("Origin", "http://evil.example");
    EXPECT_EQ(refuse_websocket(request)->reason, Refused::foreign_origin);
}

TEST(WebSocketRequest, OverTlsComesFromHttpsPages) {
    Request request = handshake();
    request.tls = true;
    request.headers.set("Origin", "https://gate:8080");
    EXPECT_EQ(refuse_websocket(request), std::nullopt);
    request.headers.set("Origin", "http://gate:8080");
    EXPECT_EQ(refuse_websocket(request)->status, 403U);
}

TEST(WebSocketRequest, MustAskForItInTheRightWay) {
    EXPECT_EQ(status_with("Upgrade", "h2c"), 426U);
    EXPECT_EQ(status_with("Connection", "keep-alive"), 426U);
    EXPECT_EQ(status_with("Sec-WebSocket-Version", "8"), 426U);
    EXPECT_EQ(status_with("Sec-WebSocket-Key", "short"), 400U);
    EXPECT_EQ(status_with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j\r\nQ=="), 400U);

    Request request = handshake();
    request.method = "POST";
    EXPECT_EQ(refuse_websocket(request)->status, 400U);
    request = handshake();
    request.version = 10;
    EXPECT_EQ(refuse_websocket(request)->reason, Refused::bad_websocket);
}

}  // namespace
}  // namespace weft::gateway
