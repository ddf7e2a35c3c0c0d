#pragma once
// The delivery portal: webhooks over HTTP.
//
//     POST   /v1/webhooks                      make one; wanted.hpp has the body
//     GET    /v1/webhooks                      the caller's own; an admin's: all
//     GET    /v1/webhooks/{id}
//     PUT    /v1/webhooks/{id}                 in the place of what was there, or new
//     PATCH  /v1/webhooks/{id}                 what the body names
//     DELETE /v1/webhooks/{id}
//     GET    /v1/webhooks/{id}/attempts?limit=N    newest first
//     GET    /v1/webhooks/{id}/secret
//     POST   /v1/webhooks/{id}/rotate          {overlap?, secret?}: both sign for so long
//     POST   /v1/webhooks/{id}/resend          {id}: of the journal, or the message's
//     POST   /v1/webhooks/{id}/recover?since=  10m, or a time of RFC 3339
//     POST   /v1/webhooks/{id}/test            a message that is in no journal
//     POST   /v1/webhooks/{id}/disable, enable, pause, resume
//
// A webhook is seen and changed by its owner's token and by admins; for others it is not there. One
// subscribes only to what one may read. Secrets stand in the answers of POST, rotate and secret.
//
// Threads: those of the server; answers come from the engine's. Ownership: what Parts names
// outlives it. Limits: of_one_token webhooks; one change of a webhook at a time, another one is
// told so.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/message/topic.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/auth/access.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/bridge/journal_room.hpp"
#include "gateway/delivery/engine.hpp"
#include "gateway/http/prefixed.hpp"
#include "gateway/webhooks/settings.hpp"

namespace weft::gateway::webhooks {

class WebhookHandler final : public PrefixedHandler {
public:
    static constexpr std::size_t of_one_token = 500;

    struct Parts {
        delivery::Engine& engine;
        FabricBridge& bridge;
        JournalRoom& room;
        Access& access;
        const fabric::Clock& clock;
        fabric::TopicSpace space;
        Settings settings;
    };
    explicit WebhookHandler(Parts parts);
    ~WebhookHandler() override;

    void handle_below(std::string_view prefix, const std::shared_ptr<Exchange>& exchange) override;
    struct Route {
        std::string method, path;
    };
    /// All of them, for who describes them; paths are templates.
    [[nodiscard]] static std::vector<Route> routes();

    struct Core;  ///< webhook_core.hpp

private:
    std::shared_ptr<Core> core_;
};

}  // namespace weft::gateway::webhooks
