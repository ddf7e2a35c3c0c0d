#pragma once
// The Curve25519 pair by which a service is known on encrypted connections (CurveZMQ). It is
// derived from the seed of the signing key, so one private file holds both:
//
//   secret = H("weft1.curve", seed), public = X25519(secret, base point)
//
// The tag keeps the two independent (S2): neither tells anything about the other.
// Threads: values; const use from any thread. Ownership: moves only; the secret half stays in
// locked memory (K3).

#include "signing/key_pair.hpp"
#include "signing/secret.hpp"
#include "signing/signature.hpp"

namespace weft::signing {

struct CurveKeyPair {
    PublicKey public_key{};
    Secret secret_key;

    [[nodiscard]] static CurveKeyPair of(const KeyPair& signing_key);
};

}  // namespace weft::signing
