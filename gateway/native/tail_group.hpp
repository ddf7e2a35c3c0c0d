#pragma once
// Readers of a stream. Each reads its history by itself; at the head all that want the same topics
// in the same form share one reader, and each message is encoded once for all of them.
//
// Promises: what a reader is sent is one sequence of rising ids, without a gap or a duplicate
//           between history and live; what trimming took is told in its place.
// Threads:  any; nothing blocks. Ownership: the bridge and the timers outlive it; stop() ends
//           every reader. Limits: a reader of whom too much waits unread reads its own history
//           again until it has caught up, so that a burst cuts nobody off; one that reads nothing
//           at all is closed by its Stream.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/native/start_of.hpp"
#include "gateway/native/stream_form.hpp"

namespace weft::gateway::native {

class TailGroups {
public:
    TailGroups(FabricBridge& bridge, Timers& timers);
    ~TailGroups();

    /// Who reads, and what.
    struct Wanted {
        StreamForm form = StreamForm::sse;
        ReadParameters parameters;
        /// Which topics may be read, as a text: readers with equal ones share an answer.
        std::string right;
        std::function<bool(std::string_view topic)> may_read{};  ///< Empty: everything.
        /// False: what it was let in by does not hold any more. Empty: it always does.
        std::function<bool()> still{};
    };
    void add(std::shared_ptr<Stream> stream, Wanted wanted);
    /// Ends those whose `still` says no. Call it when tokens have changed.
    void review();
    /// Every reader gets a last word.
    void stop();
    [[nodiscard]] std::size_t readers() const;

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace weft::gateway::native
