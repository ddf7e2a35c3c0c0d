#include "signing/curve_key.hpp"

#include <gtest/gtest.h>

#include "signing/digest.hpp"
#include "signing/identity.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::signing {
namespace {

std::string hex_of(const PublicKey& key) {
    return hex({reinterpret_cast<const char*>(key.data()), key.size()});
}

// The vector of docs/wire-format.md, made with Python's hashlib and the ladder of RFC 7748.
TEST(CurveKey, IsDerivedFromTheSeedAsTheDocumentSays) {
    const auto pair = CurveKeyPair::of(KeyPair::from_seed(std::string(32, '\0')));

    EXPECT_EQ(hex(pair.secret_key.reveal()),
              "2c8d29cba9b47bf6a26cc37ca699830af2a9ccb5b9c73f59c3a47a68f19a9a75");
    EXPECT_EQ(hex_of(pair.public_key),
              "4dafa9d6651276a10a625942eec6e489f3f06a6559b8fedfec523e457c3cce08");
}

TEST(CurveKey, OfTwoSigningKeysDiffer) {
    EXPECT_NE(CurveKeyPair::of(KeyPair::generate()).public_key,
              CurveKeyPair::of(KeyPair::generate()).public_key);
}

// N1: so that `weft keys issue` and `weft init` need not think of it.
TEST(CurveKey, StandsInEveryCertificateThatIsIssued) {
    const support::SigningFixture world;
    CertificateRequest request;
    request.name = "git";
    request.roles = 1;
    request.not_after = 1;

    const auto identity =
        support::must(issue_identity(world.directory(), world.authority(), std::move(request)));

    EXPECT_EQ(identity.certificate->curve_key(), CurveKeyPair::of(*identity.key).public_key);
}

}  // namespace
}  // namespace weft::signing
