#pragma once
// Events as Server-Sent Events (R168): the same question as a poll's, answered for as long as the
// client listens. Each event has its id, which browsers send back as Last-Event-ID; a sign of life
// carries the watermark in the same way, so that who comes back need not be told again.
//
// Threads:   any; one step of reading at a time. Ownership: lives in Core::streams until it ends.
// Limits:    what waits unread is bounded (it reads no further), as are waiters of the bridge.
// End:       the client goes, its token changes, or the gateway stops: `event: end` says which.

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "gateway/rse/core.hpp"
#include "gateway/rse/reach.hpp"

namespace weft::gateway::rse {

class EventStream : public std::enable_shared_from_this<EventStream> {
public:
    /// `still` says whether the client may go on; empty: always. `filter` is that of `reach`.
    EventStream(std::shared_ptr<RseHandler::Core> core, std::shared_ptr<Stream> stream, Reach reach,
                reliability::TopicFilter filter, std::function<bool()> still);

    /// Once, when it is in Core::streams.
    void start();
    /// With a last word.
    void end(std::string_view why);

private:
    void read();
    void on_page(BridgeResult<EventPage> result);
    void tell_lost(EventPage page);
    void send_page(EventPage& page);
    void wait();
    void on_woken(Woken why);
    void ping();
    void later(std::chrono::milliseconds after);
    /// False: it is over.
    bool send(std::string text);
    void leave();

    const std::shared_ptr<RseHandler::Core> core_;
    const std::shared_ptr<Stream> stream_;
    const Reach reach_;
    const reliability::TopicFilter filter_;
    const std::function<bool(const StoredEvent&)> keep_;
    const std::function<bool()> still_;
    reliability::JournalId after_;  ///< Told, or not wanted, up to here; in the journal.
    bool has_place_;                ///< What is hidden after `after_` was missed.
    std::chrono::milliseconds pause_;

    std::mutex mutex_;  // guards what follows, and the order of what is sent
    bool over_ = false;
    FabricBridge::Ticket ticket_ = 0;
};

/// Answers 403 or 503, or begins.
void begin_stream(const std::shared_ptr<RseHandler::Core>& core,
                  const std::shared_ptr<Exchange>& exchange, Reach reach,
                  std::function<bool()> still);

/// `id: …`, and the lines of `json` as data.
[[nodiscard]] std::string stream_block(reliability::JournalId id, std::string_view json);

}  // namespace weft::gateway::rse
