#include "signing/curve_key.hpp"

#include "signing/digest.hpp"
#include "signing/sodium.hpp"

namespace weft::signing {

CurveKeyPair CurveKeyPair::of(const KeyPair& signing_key) {
    const Secret seed = signing_key.seed();
    Digest digest = TaggedHash("weft1.curve").add(seed.reveal()).finish();
    CurveKeyPair pair;
    pair.secret_key = Secret::copy_of(bytes_of(digest));
    wipe(digest.data(), digest.size());
    pair.public_key = curve25519_public_key(pair.secret_key.reveal().data());
    return pair;
}

}  // namespace weft::signing
