#pragma once
// The names of Routemaster: topics, clients, tokens; and the topics of the fabric that they are:
// `widgets` is <root>.widgets. Threads: pure functions.

#include <optional>
#include <string>
#include <string_view>

namespace weft::gateway::routemaster {

/// [a-z_]{1,64}, the whole text (M30).
[[nodiscard]] bool is_topic_name(std::string_view text) noexcept;
/// [a-z0-9_-]{1,64}: a token, or the name of a service. No colon: Basic could not carry it (M23).
[[nodiscard]] bool is_client_name(std::string_view text) noexcept;

/// What others may know of a token: the part in front of "--", the secret; all of it where it has
/// no such part.
[[nodiscard]] std::string_view public_part(std::string_view token) noexcept;

[[nodiscard]] std::string topic_of(std::string_view root, std::string_view name);
/// Nothing: the topic is none of Routemaster's.
[[nodiscard]] std::optional<std::string_view> name_in(std::string_view root,
                                                      std::string_view topic) noexcept;

}  // namespace weft::gateway::routemaster
