#include "signing/key_pair.hpp"

#include <cassert>

#include "signing/sodium.hpp"

namespace weft::signing {
namespace {

constexpr std::size_t secret_key_bytes = 64;  // seed, then public key

}  // namespace

KeyPair::KeyPair() : secret_key_(secret_key_bytes) {}

KeyPair KeyPair::generate() {
    return from_seed(Secret::random(seed_bytes));
}

KeyPair KeyPair::from_seed(const Secret& seed) {
    return from_seed(seed.reveal());
}

KeyPair KeyPair::from_seed(std::string_view seed) {
    assert(seed.size() == seed_bytes);
    KeyPair pair;
    ed25519_key_pair(seed.data(), pair.public_key_, pair.secret_key_.data());
    return pair;
}

Signature KeyPair::sign(std::string_view bytes) const {
    return ed25519_sign(secret_key_.reveal().data(), bytes);
}

Secret KeyPair::seed() const {
    return Secret::copy_of(secret_key_.reveal().substr(0, seed_bytes));
}

}  // namespace weft::signing
