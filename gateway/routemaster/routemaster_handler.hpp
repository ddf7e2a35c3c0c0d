#pragma once
// Routemaster (docs/routemaster.md): topics with one publisher each, and subscriptions that are
// delivered by POST. Events are messages of the fabric, a queue is a cursor in the journal; what is
// kept beside it is in the journal's state.
//
// Threads:   as Handler says. Answers come from threads of bridge, room and engine.
// Ownership: the service outlives it.
// Limits:    Settings.

#include <memory>
#include <string>

#include "gateway/http/exchange.hpp"
#include "gateway/routemaster/service.hpp"

namespace weft::gateway::routemaster {

class RoutemasterHandler final : public Handler {
public:
    /// `path_prefix`: "" or "/bus", in front of every path.
    explicit RoutemasterHandler(Service& service, std::string path_prefix = {})
        : service_(service), path_prefix_(std::move(path_prefix)) {}

    void handle(std::shared_ptr<Exchange> exchange) override;
    void stop() override { service_.stop(); }

private:
    Service& service_;
    const std::string path_prefix_;
};

}  // namespace weft::gateway::routemaster
