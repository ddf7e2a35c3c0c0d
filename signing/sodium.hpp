#pragma once
// What signing takes from libsodium besides locked memory (secret.hpp): this and secret.cpp are
// the only places that include it, and each function here makes sure that it is initialised.
// Threads: every function from any thread. Errors: a libsodium that does not start is a
// std::runtime_error, once, at the first use.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "signing/signature.hpp"

namespace weft::signing {

/// Cheap after the first call. Throws std::runtime_error if libsodium cannot start.
void init_sodium();

/// From the kernel's generator; cannot fail (libsodium aborts rather than return weak bytes).
void random_bytes(char* out, std::size_t count);

/// Standard alphabet with padding, no line breaks.
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// The same back. Line breaks are skipped; anything else outside the alphabet, wrong padding and
/// trailing characters give nullopt.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);
/// Into memory of the caller: the number of bytes, or nullopt also when they are more than
/// `out_bytes_max`. For secrets, which must not pass through a string.
[[nodiscard]] std::optional<std::size_t> from_base64(std::string_view text, char* out,
                                                     std::size_t out_bytes_max);
/// Writes base64_bytes(bytes.size()) characters to `out`, without a closing zero.
void to_base64(std::string_view bytes, char* out);
[[nodiscard]] constexpr std::size_t base64_bytes(std::size_t bytes) {
    return (bytes + 2) / 3 * 4;
}

/// Overwrites memory in a way that the compiler may not leave out.
void wipe(void* bytes, std::size_t count) noexcept;

/// HMAC with SHA-256, a key of any length.
[[nodiscard]] std::array<std::uint8_t, 32> hmac_sha256(std::string_view key,
                                                       std::string_view message);

/// Compares without telling by its duration where two texts differ. Their lengths are no secret.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

/// Ed25519. `seed` has 32 bytes, `secret_key` has room for 64 (seed, then public key).
void ed25519_key_pair(const char* seed, PublicKey& public_key, char* secret_key);
/// X25519: the public half of a secret of 32 bytes.
[[nodiscard]] PublicKey curve25519_public_key(const char* secret_key);
[[nodiscard]] Signature ed25519_sign(const char* secret_key, std::string_view message);

}  // namespace weft::signing
