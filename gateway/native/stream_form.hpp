#pragma once
// How a stream is written down: Server-Sent Events, or a line of JSON each. Threads: pure
// functions.

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/bridge/fabric_bridge.hpp"

namespace weft::gateway::native {

/// How events are written down.
enum class StreamForm : std::uint8_t { sse, ndjson };

/// The bytes of one event, of a gap, of a sign of life, of the last word.
[[nodiscard]] std::string stream_event(StreamForm form, const StoredEvent& event);
[[nodiscard]] std::string stream_gap(StreamForm form, const reliability::JournalGap& gap);
[[nodiscard]] std::string stream_ping(StreamForm form);
[[nodiscard]] std::string stream_end(StreamForm form, std::string_view why);

}  // namespace weft::gateway::native
