#pragma once
// RSE polling (docs/rse.md): channels are topics, events are messages, a poll reads the journal
// from the id that the client names. Nothing is kept here but who waits.
//
// Threads:   as Handler says. Answers come from threads of the bridge.
// Ownership: everything it is given outlives it; stop() before the bridge stops, and the handler
//            may go once the server has no exchange of it left. Polls under way keep what they
//            need.
// Limits:    Settings, and those of the bridge.

#include <memory>

#include "fabric/transport/clock.hpp"
#include "gateway/auth/authenticator.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/rse/settings.hpp"

namespace weft::gateway::rse {

class IdLine;

class RseHandler final : public Handler {
public:
    /// `ids` null: the journal's own. Handlers of one bridge share theirs. `timers` outlive it;
    /// null: nothing is streamed, and who asks for a stream gets a poll.
    RseHandler(Settings settings, FabricBridge& bridge, Authenticator& authenticator,
               const fabric::Clock& clock, std::shared_ptr<IdLine> ids = nullptr,
               Timers* timers = nullptr);
    ~RseHandler() override;

    void handle(std::shared_ptr<Exchange> exchange) override;
    /// Polls that wait are answered now, streams end, and no other waits any more.
    void stop() override;

    struct Core;

private:
    std::shared_ptr<Core> core_;
};

}  // namespace weft::gateway::rse
