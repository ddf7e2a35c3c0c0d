#include "gateway/http/websocket_request.hpp"

#include "config/problem.hpp"

namespace weft::gateway {
namespace {

/// 16 bytes in base64: 22 letters and "==".
bool is_key(std::string_view text) noexcept {
    static constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return text.size() == 24 && text.ends_with("==") &&
           text.find_first_not_of(letters) == text.size() - 2;
}

bool is_same_host(std::string_view origin, const Request& request) noexcept {
    const std::string_view scheme = request.tls ? "https://" : "http://";
    const auto host = request.headers.find("Host");
    if (!host || !same_name(origin.substr(0, scheme.size()), scheme)) return false;
    return same_name(origin.substr(scheme.size()), *host);
}

}  // namespace

std::optional<Refusal> refuse_websocket(const Request& request) {
    const Headers& headers = request.headers;
    const auto refusal = [](unsigned status, std::string sentence) {
        return Refusal{Refused::bad_websocket, status, std::move(sentence)};
    };
    if (request.method != "GET" || request.version != 11 || !request.body.empty()) {
        return refusal(400, "a WebSocket begins with GET over HTTP/1.1, without a body");
    }
    if (!headers.lists("Upgrade", "websocket") || !headers.lists("Connection", "upgrade")) {
        return refusal(426,
                       "a WebSocket is served here; send Connection: Upgrade and Upgrade: "
                       "websocket");
    }
    if (headers.find("Sec-WebSocket-Version") != "13") {
        return refusal(426, "version 13 of WebSocket is spoken; send Sec-WebSocket-Version: 13");
    }
    const auto keys = headers.all("Sec-WebSocket-Key");
    if (keys.size() != 1 || !is_key(keys.front())) {
        return refusal(400, "send one Sec-WebSocket-Key, which is 16 bytes in base64");
    }
    const auto origin = headers.find("Origin");
    if (origin && !is_same_host(*origin, request)) {
        return Refusal{Refused::foreign_origin, 403,
                       "a page of " + config::in_quotes(*origin) +
                           " may not open a WebSocket here; only pages of this host may"};
    }
    return std::nullopt;
}

}  // namespace weft::gateway
