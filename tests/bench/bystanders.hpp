#pragma once
// Peers that do harm beside the two sides that are measured, each a process of its own, which the
// caller kills.
// Threads: forks; before any other thread exists. Errors: std::runtime_error.

#include <memory>
#include <string>

#include "signing/trust_store.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::bench {

/// Subscribes at a relay's `outbound` and then reads nothing any more, not even from the kernel.
[[nodiscard]] int stopped_subscriber(const std::string& outbound,
                                     std::shared_ptr<signing::TrustStore> trust);
/// Subscribes to everything at a relay's `outbound` and reads a kilobyte a second.
[[nodiscard]] int slow_subscriber(const std::string& outbound);
/// Binds `endpoint` and publishes as fast as it can what resembles `genuine`, with a proof that
/// does not hold: each differs, so that no cache knows it. Its socket's queue is libzmq's default.
[[nodiscard]] int forger(const std::string& endpoint, support::Frames genuine);

}  // namespace weft::bench
