#pragma once
// How the nodes of the fabric know that they hear each other, without any sleep. All of it happens
// in topics that begin with the byte 0xFF, which no topic can (it is not UTF-8), and carries no
// content: nothing here is believed about messages.
//
//   barrier  Whoever takes messages from publishers (a relay's inbound side, each subscriber)
//            subscribes to `barrier.`. A publisher counts these subscriptions: they are its peers.
//            libzmq sends a new connection its subscriptions in byte order, so when `barrier.`
//            arrives, every subscription to a real topic has arrived before it.
//            To flush, a publisher sends `barrier.<nonce>`; a peer that has taken everything up to
//            there answers by subscribing to `echo.<nonce>` and unsubscribing again.
//   probe    A subscriber subscribes to `probe.<nonce>`; whoever sends to it (a publisher, a
//            relay's outbound side) answers with an empty message of that topic. When it arrives,
//            every subscription that was made before is in force there.
//
// Threads: pure functions.

#include <string>
#include <string_view>

#include "signing/digest.hpp"
#include "signing/sodium.hpp"

namespace weft::fabric {

inline constexpr char control_byte = '\xFF';
inline constexpr std::string_view barrier_prefix = "\xFFweft.barrier.";
inline constexpr std::string_view echo_prefix = "\xFFweft.echo.";
inline constexpr std::string_view probe_prefix = "\xFFweft.probe.";
inline constexpr std::size_t nonce_bytes = 32;  ///< 16 random bytes in hexadecimal.

[[nodiscard]] inline bool is_control(std::string_view topic) noexcept {
    return !topic.empty() && topic.front() == control_byte;
}

/// The nonce after `prefix`, or "" if this is not such a topic or its nonce has another length.
[[nodiscard]] inline std::string_view nonce_of(std::string_view topic,
                                               std::string_view prefix) noexcept {
    if (!topic.starts_with(prefix) || topic.size() != prefix.size() + nonce_bytes) return {};
    return topic.substr(prefix.size());
}

[[nodiscard]] inline std::string make_nonce() {
    char random[nonce_bytes / 2];
    signing::random_bytes(random, sizeof random);
    return signing::hex({random, sizeof random});
}

}  // namespace weft::fabric
