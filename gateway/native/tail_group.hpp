#pragma once
// Readers of a stream. Each reads its history by itself; at the head all that want the same topics
// in the same form share one reader, and each message is encoded once for all of them.
//
// Promises: what a reader is sent is one sequence of rising ids, without a gap or a duplicate
//           between history and live; what trimming took is told in its place.
// Threads:  any; nothing blocks. Ownership: the bridge and the timers outlive it; stop() ends
//           every reader. Limits: a reader that does not read is closed by its Stream.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/native/start_of.hpp"

namespace weft::gateway::native {

/// How events are written down.
enum class StreamForm : std::uint8_t { sse, ndjson };

/// The bytes of one event, of a gap, of a sign of life, of the last word.
[[nodiscard]] std::string stream_event(StreamForm form, const StoredEvent& event);
[[nodiscard]] std::string stream_gap(StreamForm form, const reliability::JournalGap& gap);
[[nodiscard]] std::string stream_ping(StreamForm form);
[[nodiscard]] std::string stream_end(StreamForm form, std::string_view why);

class TailGroups {
public:
    TailGroups(FabricBridge& bridge, Timers& timers);
    ~TailGroups();

    /// `may_read` is asked of each topic; readers with equal `right` share an answer.
    void add(std::shared_ptr<Stream> stream, StreamForm form, ReadParameters parameters,
             std::string right, std::function<bool(std::string_view topic)> may_read);
    /// Every reader gets a last word.
    void stop();
    [[nodiscard]] std::size_t readers() const;

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace weft::gateway::native
