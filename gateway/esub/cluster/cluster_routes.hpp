#pragma once
// What esub answers as one of several gateways, in front of the handler that answers as one alone:
// /members, /join, /announce and the map of /keys; HEAD with a Location; /rsub; a sub or psub whose
// key is open elsewhere claims it first; a reply for another gateway's key may be sent there by
// 307. Threads and ownership: as Handler says; `elsewhere` and the house outlive the server.

#include <memory>
#include <optional>
#include <string>

#include "gateway/esub/cluster/fabric_elsewhere.hpp"
#include "gateway/esub/esub_handler.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/http/uri.hpp"

namespace weft::gateway::esub {

class ClusterRoutes final : public Handler {
public:
    ClusterRoutes(std::shared_ptr<House> house, FabricElsewhere& elsewhere, std::string prefix);

    void handle(std::shared_ptr<Exchange> exchange) override;
    [[nodiscard]] std::optional<Response> refuse_early(const Request& head) override;
    [[nodiscard]] std::optional<Response> on_body_cut_short(const Request& head) override {
        return alone_->on_body_cut_short(head);
    }
    void stop() override { alone_->stop(); }

private:
    [[nodiscard]] std::string_view path_of(const Request& request) const;
    [[nodiscard]] bool serve_cluster(const std::shared_ptr<Exchange>& exchange);
    [[nodiscard]] Response members_answer() const;
    [[nodiscard]] Response join(const Query& query) const;
    [[nodiscard]] Response announce(const Request& request) const;
    [[nodiscard]] Response keys_answer() const;
    [[nodiscard]] std::optional<Response> head(const Request& request) const;
    [[nodiscard]] Response where_is(const Target& target) const;
    [[nodiscard]] std::optional<Response> redirect_of(const Request& request) const;
    /// False: there is nothing to claim.
    [[nodiscard]] bool claim(const std::shared_ptr<Exchange>& exchange);
    [[nodiscard]] bool serve_rsub(const std::shared_ptr<Exchange>& exchange);
    [[nodiscard]] Response text(unsigned status, std::string_view text) const;

    const std::shared_ptr<House> house_;
    FabricElsewhere& elsewhere_;
    const std::string prefix_;
    const std::shared_ptr<EsubHandler> alone_;
};

}  // namespace weft::gateway::esub
