#pragma once
// Ed25519 public keys and signatures, and the one function that checks a signature.
// Threads: every function from any thread.

#include <array>
#include <cstdint>
#include <string_view>

namespace weft::signing {

using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

[[nodiscard]] inline std::string_view bytes_of(const Signature& signature) noexcept {
    return {reinterpret_cast<const char*>(signature.data()), signature.size()};
}

/// Only libsodium decides (S9): keys of small order and signatures with S + L are refused, as is
/// any `signature` that is not 64 bytes long. About 34 µs.
[[nodiscard]] bool verify_signature(std::string_view signature, std::string_view message,
                                    const PublicKey& key);
[[nodiscard]] bool verify_signature(const Signature& signature, std::string_view message,
                                    const PublicKey& key);

}  // namespace weft::signing
