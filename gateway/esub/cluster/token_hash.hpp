#pragma once
// What stands for a token on the fabric: the token itself never leaves its gateway. The key is in
// the hash, so that nobody sees where the same token is used twice. Threads: pure functions.

#include <string>
#include <string_view>

namespace weft::gateway::esub {

/// "" for no token, else 64 hexadecimal digits.
[[nodiscard]] std::string token_hash(std::string_view key, std::string_view token);

/// In a time that does not tell where they differ.
[[nodiscard]] bool same_hash(std::string_view one, std::string_view other) noexcept;

}  // namespace weft::gateway::esub
