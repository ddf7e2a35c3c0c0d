#pragma once
// Everything that `weft gateway` is made of, put together and taken apart: for gateway_command.cpp
// alone. gateway_parts.cpp makes it, gateway_figures.cpp counts.
//
// Threads: made, refreshed, reloaded and stopped by the main thread; the parts have theirs.
// Errors:  what cannot be opened throws, as commands do (command.hpp).

#include <memory>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "gateway/access_log/access_log.hpp"
#include "gateway/auth/access.hpp"
#include "gateway/auth/token_store.hpp"
#include "gateway/bridge/live_bridge.hpp"
#include "gateway/delivery/live_engine.hpp"
#include "gateway/esub/cluster/cluster_routes.hpp"
#include "gateway/esub/cluster/fabric_elsewhere.hpp"
#include "gateway/esub/cluster/settings.hpp"
#include "gateway/esub/esub_handler.hpp"
#include "gateway/http/server.hpp"
#include "gateway/late_timers.hpp"
#include "gateway/metrics/metrics_handler.hpp"
#include "gateway/native/native_handler.hpp"
#include "gateway/routemaster/presenter.hpp"
#include "gateway/routemaster/service.hpp"
#include "gateway/rse/id_line.hpp"
#include "gateway/rse/rse_handler.hpp"
#include "gateway/settings.hpp"
#include "gateway/webhooks/notices.hpp"
#include "gateway/webhooks/owners.hpp"
#include "gateway/webhooks/webhook_handler.hpp"
#include "gateway/webhooks/webhook_presenter.hpp"
#include "tools/context.hpp"

namespace weft::tools {

/// Everything that the gateway is made of, in the order in which it depends on each other.
class Gateway {
public:
    Gateway(Context& context, const gateway::GatewaySettings& settings);
    ~Gateway();

    /// About four times a second.
    void refresh();
    /// The access log goes on in the file that has its name now.
    void reopen_log();
    /// What can change while it runs: trust, policy, and the certificate of TLS, which is read
    /// again from where it was.
    [[nodiscard]] std::vector<std::string> apply(const config::Configuration& configuration);
    [[nodiscard]] std::string not_ready();
    void say_where();
    void stop();

    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;

private:
    void open_access_log();
    void make_routemaster(Context& context);
    void make_handlers(Context& context);

    /// Beside the journal, so that it is there when the journal is made anew.
    void open_rse_ids(const reliability::JournalSettings& journal);

    /// What delivers subscriptions, and who asks it to.
    void open_engine(Context& context);
    [[nodiscard]] std::shared_ptr<gateway::Handler> handler_of(gateway::Protocol protocol) const;
    void mount(const gateway::MountSettings& wanted, std::vector<gateway::Mount>& mounts);
    void open_server();

    /// "host:port/prefix" by which clients of other gateways reach our esub; "": it is not served.
    [[nodiscard]] std::string esub_address() const;
    [[nodiscard]] gateway::Figures figures();

    const gateway::GatewaySettings settings_;
    gateway::rse::Settings rse_settings_;
    gateway::esub::ClusterSettings cluster_;
    std::unique_ptr<fabric::Fabric> fabric_;
    // Before the bridge and the engine, which may still be at its work until they are gone.
    std::unique_ptr<gateway::routemaster::RoutemasterPresenter> routemaster_presenter_;
    std::unique_ptr<gateway::routemaster::Service> routemaster_;
    std::unique_ptr<gateway::esub::FabricElsewhere> esub_elsewhere_;  // outlives what it asked for
    std::unique_ptr<gateway::LiveBridge> bridge_;
    std::unique_ptr<gateway::TokenStore> tokens_;
    std::unique_ptr<gateway::Access> access_;
    std::unique_ptr<gateway::webhooks::Notices> notices_;
    const gateway::webhooks::WebhookPresenter webhook_presenter_;
    std::unique_ptr<gateway::delivery::LiveEngine> engine_;
    static constexpr unsigned owners_every = 20;
    unsigned looks_ = 0;
    std::unique_ptr<gateway::webhooks::Owners> owners_;
    gateway::LateTimers timers_;
    std::shared_ptr<gateway::native::NativeHandler> native_;
    std::shared_ptr<gateway::MetricsHandler> metrics_;
    std::shared_ptr<gateway::rse::IdLine> rse_ids_;
    std::shared_ptr<gateway::rse::RseHandler> rse_;
    std::shared_ptr<gateway::webhooks::WebhookHandler> webhooks_;
    std::shared_ptr<gateway::esub::House> esub_house_;
    std::shared_ptr<gateway::esub::ClusterRoutes> esub_;
    std::vector<gateway::GatewaySettings::Listener> opened_;
    std::unique_ptr<gateway::AccessLog> access_log_;  ///< Outlives the server.
    std::unique_ptr<gateway::Server> server_;
};

}  // namespace weft::tools
