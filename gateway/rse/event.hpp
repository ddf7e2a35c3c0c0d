#pragma once
// An event is a message of the channel's topic, its body the posted text, byte for byte, as
// application/json. What RSE needs beside that stands in headers:
//   rse-user-agent  the poster's User-Agent
//   rse-uuid        the UUID in it, where there is one
//   rse-channel     the channel, where its topic is hashed
// Any other message of the topic is an event too: its user_agent is its signer (its source, where
// nobody signed), it is nobody's own, and its data is its body as JSON: as it is if it is JSON, a
// translation of msgpack, else text, else {"base64": "…"}.
// Threads: pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/rse/channel.hpp"
#include "gateway/rse/client.hpp"

namespace weft::gateway::rse {

inline constexpr std::string_view user_agent_header = "rse-user-agent";
inline constexpr std::string_view uuid_header = "rse-uuid";

[[nodiscard]] PublishRequest event_of(const Channel& channel, const ChannelTopics& topics,
                                      const Client& poster, std::string body);

/// `uuid` as Client has it; "" owns nothing.
[[nodiscard]] bool is_own(const fabric::Message& message, std::string_view uuid);
[[nodiscard]] std::string_view user_agent_of(const fabric::Message& message);
/// JSON text.
[[nodiscard]] std::string data_of(const fabric::Message& message, std::size_t depth_max);

/// One member of "events". `channel`: also say where it is from.
void append_event(const StoredEvent& event, std::uint64_t now_us, std::size_t depth_max,
                  const std::optional<std::string>& channel, std::string& out);

/// `callback(json);`, U+2028 and U+2029 escaped: old scripts take them for the end of a line.
[[nodiscard]] std::string with_callback(std::string_view callback, std::string_view json);

}  // namespace weft::gateway::rse
