#pragma once
// An event: a message of the topic with the body {"type", "url", "timestamp"?, "data"?}, the same
// whether a client of Routemaster published it or a service on the fabric. Beside it stands, where
// this gateway took it, a header:
//   routemaster-t  when, in ms since 1970; rises strictly within a topic
// Threads: pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "fabric/message/message.hpp"
#include "gateway/bridge/fabric_bridge.hpp"

namespace weft::gateway::routemaster {

inline constexpr std::string_view time_header = "routemaster-t";

struct Event {
    std::string type, url;
    std::optional<std::int64_t> timestamp{};  ///< The publisher's, ms.
    std::optional<std::string> data{};        ///< JSON text; never null.

    /// Of a publish, or a message on the fabric (M40 to M45). The error is a sentence.
    [[nodiscard]] static tl::expected<Event, std::string> parse(std::string_view json,
                                                                std::uint64_t data_bytes_max);
    /// Nothing: the message is no event.
    [[nodiscard]] static std::optional<Event> of(const fabric::Message& message);
    /// Whether of() finds one, for who only counts.
    [[nodiscard]] static bool is_one(const fabric::Message& message);
    /// As it is published.
    [[nodiscard]] std::string body() const;
    /// As it is delivered (M60).
    [[nodiscard]] std::string delivered(std::string_view topic, std::int64_t t) const;
};

/// The time that a gateway gave it when it took it. Nothing: none did, or it lies so far ahead of
/// when it was stored that nobody's events came that fast.
[[nodiscard]] std::optional<std::int64_t> given_time(const StoredEvent& stored);

/// `t` of an event: the publisher's time, else when we took it, else when it was stored.
[[nodiscard]] std::int64_t time_of(const Event& event, const StoredEvent& stored);

}  // namespace weft::gateway::routemaster
