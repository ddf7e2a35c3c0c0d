#pragma once
// Answers that the routes of webhooks share, and who may see which. Threads: any.

#include <memory>
#include <optional>
#include <string_view>

#include "fabric/message/value.hpp"
#include "gateway/delivery/engine.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/principal.hpp"
#include "gateway/webhooks/views.hpp"
#include "reliability/journal/journal.hpp"

namespace weft::gateway::webhooks {

using Shared = std::shared_ptr<Exchange>;

void answer(const Shared& exchange, unsigned status, const View& view);
void refuse(const Shared& exchange, unsigned status, std::string_view detail);
void refuse(const Shared& exchange, const delivery::EngineError& error);
void refuse(const Shared& exchange, const reliability::JournalError& error);
/// 405; `allow` as in the header.
void not_allowed(const Shared& exchange, const std::string& allow);

[[nodiscard]] bool sees_all(const Principal& who);
[[nodiscard]] bool owns(const Principal& who, const delivery::Subscription& subscription);

/// The body of a POST that may be empty. Nothing: it was refused.
[[nodiscard]] std::optional<fabric::Value> object_of(const Shared& exchange);

}  // namespace weft::gateway::webhooks
