#pragma once
// What a failure below means to whoever asked the bridge. Threads: pure.

#include "fabric/node/publisher.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/reliable_publisher.hpp"

namespace weft::gateway {

[[nodiscard]] BridgeError error_of(const fabric::PublishError& error);
[[nodiscard]] BridgeError error_of(const reliability::JournalError& error);
[[nodiscard]] BridgeError error_of(const reliability::PublishFailure& failure);
/// `outcome` is not one of success.
[[nodiscard]] BridgeError error_of(const std::shared_ptr<const reliability::Outcome>& outcome);
[[nodiscard]] BridgeError stopped_error();

}  // namespace weft::gateway
