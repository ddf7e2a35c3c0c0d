#pragma once
// GET /health, and /all of the test mode: what RSE shows of itself.
// Threads: any; the answers come from the bridge's.

#include <memory>

#include "gateway/rse/core.hpp"

namespace weft::gateway::rse {

/// OK, or 503 and why not. `verbose` needs a token or a client on this host: figures, no contents.
void answer_health(const std::shared_ptr<RseHandler::Core>& core,
                   const std::shared_ptr<Exchange>& exchange);

/// Every event that can be polled and that `who` may read, as a list. For clients on this host.
void answer_all(const std::shared_ptr<RseHandler::Core>& core,
                const std::shared_ptr<Exchange>& exchange, const Principal& who, bool newest_first);

}  // namespace weft::gateway::rse
