#pragma once
// What the peers that speak NATS share.

#include <nats/nats.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "tests/bench/peers.hpp"

namespace weft::bench {

inline void check(natsStatus status, const char* what) {
    if (status == NATS_OK) return;
    throw std::runtime_error(std::string{"nats: "} + what + ": " + natsStatus_GetText(status));
}

/// Tries until the server listens. `at_once`: nothing waits in the client for more to send.
[[nodiscard]] natsConnection* connect_nats(const std::string& url, bool at_once);
/// A nats-server of its own on a free port, with these lines in its configuration.
[[nodiscard]] std::unique_ptr<Middle> start_nats(const std::string& configuration);

}  // namespace weft::bench
