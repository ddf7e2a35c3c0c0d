#pragma once
// The frames of the native WebSocket, GET /v1/ws: JSON objects in text, told apart by `op`.
// docs/gateway.md has the list for clients.
//
// Threads: pure functions. Errors: sentences, with what the frame called itself by (`ref` or `id`),
// so that the client knows which of its frames is meant.
// Limits: depth as from_json() has it; names and references as below; size as the server has it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/message/value.hpp"
#include "gateway/bridge/fabric_bridge.hpp"

namespace weft::gateway::native {

/// What a client asks for.
struct WsRequest {
    enum class Op : std::uint8_t { subscribe, unsubscribe, publish, credit, ack, ping };
    static constexpr std::size_t id_bytes_max = 64;
    static constexpr std::size_t ref_bytes_max = 256;

    Op op = Op::ping;
    std::string about;  ///< `"id":"s1"` or `"ref":7`: stands in every answer to it; "": nothing.
    std::string id;     ///< Of the subscription.
    /// subscribe
    std::vector<std::string> topics{};
    std::string after{};                    ///< "": now.
    std::optional<std::uint64_t> credit{};  ///< Of subscribe; what `credit` adds.
    std::string cursor{}, member{};
    reliability::JournalId through = 0;  ///< ack
    fabric::Value frame{};               ///< publish: all of it, for publishing.hpp.
};

struct WsRefusal {
    unsigned status = 400;
    std::string sentence;
    std::string about{};  ///< As in WsRequest.
    bool is_json = true;  ///< False: it was no JSON at all.
};

[[nodiscard]] tl::expected<WsRequest, WsRefusal> ws_request(std::string_view text);

/// The parameters of a publish as a query: what how_to_publish() reads.
[[nodiscard]] std::string ws_publish_query(const fabric::Value& frame);

/// `"id":"s1"`.
[[nodiscard]] std::string ws_about_id(std::string_view id);

// What the server says. `about` may be empty.

[[nodiscard]] std::string ws_error(const WsRefusal& refusal);
/// {"op":op,about,more}; `more` is members of JSON.
[[nodiscard]] std::string ws_said(std::string_view op, std::string_view about,
                                  std::string_view more = {});
/// `message` is the one JSON form of a message; `more`: members that go before it.
[[nodiscard]] std::string ws_message(std::string_view about, std::string_view message,
                                     std::string_view more = {});
[[nodiscard]] std::string ws_gap(std::string_view about, const reliability::JournalGap& gap);
[[nodiscard]] std::string ws_end(std::string_view reason);
/// What became of a publish, from verdict_json().
[[nodiscard]] std::string ws_verdict(std::string_view about, bool published,
                                     std::string_view verdict);

}  // namespace weft::gateway::native
