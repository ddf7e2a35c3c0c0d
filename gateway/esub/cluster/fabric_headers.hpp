#pragma once
// Headers of messages on the topics of keys; docs/esub.md tells their meaning. Threads: constants.

#include <string_view>

namespace weft::gateway::esub::headers {

/// The token in plain text: everybody who may read the topic sees it.
inline constexpr std::string_view token = "esub-token";
inline constexpr std::string_view token_hash = "esub-token-hash";
inline constexpr std::string_view psub = "esub-psub";    ///< "1": for a psub alone.
inline constexpr std::string_view rid = "esub-rid";      ///< Forwarded by a gateway.
inline constexpr std::string_view claim = "esub-claim";  ///< "sub", "psub": a takeover, no reply.
/// Kept because nobody waited; its verdict: "0" undelivered, "1" delivered.
inline constexpr std::string_view kept = "esub-kept";
inline constexpr std::string_view consumed = "esub-consumed";  ///< Id of a kept one that is done.

}  // namespace weft::gateway::esub::headers
