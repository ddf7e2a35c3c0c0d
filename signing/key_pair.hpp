#pragma once
// An Ed25519 key pair that signs. Its secret half never leaves locked memory (K3).
// Threads: const use from any thread. Ownership: moves, does not copy; share it by shared_ptr.

#include <string_view>

#include "signing/secret.hpp"
#include "signing/signature.hpp"

namespace weft::signing {

class KeyPair {
public:
    static constexpr std::size_t seed_bytes = 32;

    [[nodiscard]] static KeyPair generate();
    /// 32 bytes (asserted); the same seed gives the same pair.
    [[nodiscard]] static KeyPair from_seed(const Secret& seed);
    [[nodiscard]] static KeyPair from_seed(std::string_view seed);

    [[nodiscard]] const PublicKey& public_key() const noexcept { return public_key_; }
    /// Over exactly these bytes; the caller puts a tag before them (S2). About 12 µs.
    [[nodiscard]] Signature sign(std::string_view bytes) const;
    /// For key files only.
    [[nodiscard]] Secret seed() const;

private:
    KeyPair();

    PublicKey public_key_{};
    Secret secret_key_;
};

}  // namespace weft::signing
