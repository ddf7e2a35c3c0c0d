#include "signing/batch_signer.hpp"

#include <gmock/gmock.h>

#include <numeric>
#include <string>
#include <vector>

#include "signing/merkle.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::signing {
namespace {

using support::Identity;
using support::SigningFixture;

constexpr const char* topic = "org.weft.dev.a.b";

Digest number(std::size_t n) {
    Digest digest{};
    digest[0] = static_cast<std::uint8_t>(n >> 8U);
    digest[1] = static_cast<std::uint8_t>(n & 0xFFU);
    return digest;
}

/// The root that proof number i of a batch leads to.
Digest root_of(const ProofFields& proof, const Certificate& certificate,
               std::span<const Digest> messages) {
    const Cid cid = certificate.cid();
    const Digest leaf = leaf_digest(cid, proof.i, proof.n, run_digest(cid, proof.kind, messages));
    return root_from_path(cid, leaf, proof.i, proof.n, proof.path);
}

TEST(BatchSigner, SignatureMatchesThePublishedVector) {
    Digest fingerprint;
    std::iota(fingerprint.begin(), fingerprint.end(), std::uint8_t{0});
    Cid cid;
    std::copy_n(fingerprint.begin(), cid.size(), cid.begin());
    std::vector<Digest> leaves;
    for (std::uint16_t i = 0; i < 3; ++i) {
        const std::vector<Digest> run{message_digest(topic, "m" + std::to_string(i))};
        leaves.push_back(leaf_digest(cid, i, 3, run_digest(cid, Kind::message, run)));
    }
    MerkleTree tree;
    tree.build(cid, leaves);
    const KeyPair key = KeyPair::from_seed(std::string(32, '\0'));

    const Signature signature = key.sign(bytes_of(signed_root(fingerprint, 3, tree.root())));

    EXPECT_EQ(hex(bytes_of(signature)),
              "f402c924d4fc3a055cda3707ccc31eda45089970e21818b9317681e160f87902"
              "5ed9610e14c0822e4b567679909844e642ba20b4710570edef9cfa7f8e585705");
}

TEST(BatchSigner, EveryProofOfABatchLeadsToOneSignedRoot) {
    const SigningFixture world;
    const Identity alice = world.identity("alice");
    BatchSigner signer(alice.key, alice.certificate);
    std::vector<std::string> proofs;
    for (const std::size_t n : {1U, 2U, 3U, 7U, 64U, 255U, 256U}) {
        std::vector<Digest> messages;
        for (std::size_t i = 0; i < n; ++i) messages.push_back(number(i));
        std::vector<RunToSign> runs;
        for (std::size_t i = 0; i < n; ++i) runs.push_back({Kind::message, {&messages[i], 1}});

        signer.sign(runs, proofs);

        ASSERT_EQ(proofs.size(), n);
        const auto first = read_proof(proofs[0]);
        ASSERT_TRUE(first);
        const Digest root = root_of(*first, *alice.certificate, {&messages[0], 1});
        const SignedRoot bytes =
            signed_root(alice.certificate->fingerprint(), static_cast<std::uint16_t>(n), root);
        EXPECT_TRUE(verify_signature(first->signature, bytes_of(bytes), alice.certificate->key()));
        for (std::size_t i = 0; i < n; ++i) {
            const auto proof = read_proof(proofs[i]);
            ASSERT_TRUE(proof);
            EXPECT_EQ(proof->i, i);
            EXPECT_EQ(proof->n, n);
            EXPECT_EQ(proof->signature, first->signature);
            EXPECT_EQ(proof->certificate, alice.certificate->bytes());
            EXPECT_EQ(root_of(*proof, *alice.certificate, {&messages[i], 1}), root);
        }
    }
}

TEST(BatchSigner, RunsKeepTheirOrderLengthAndKind) {
    const SigningFixture world;
    const Identity alice = world.identity("alice");
    const std::vector<Digest> messages{number(1), number(2), number(3)};
    const std::vector<RunToSign> runs{{Kind::ack, {messages.data(), 1}},
                                      {Kind::message, messages},
                                      {Kind::beacon, {messages.data() + 1, 2}}};
    std::vector<std::string> proofs{"left over", "from", "the", "batch", "before"};

    BatchSigner(alice.key, alice.certificate).sign(runs, proofs);

    ASSERT_EQ(proofs.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        const auto proof = read_proof(proofs[i]);
        ASSERT_TRUE(proof);
        EXPECT_EQ(proof->kind, runs[i].kind);
        EXPECT_EQ(proof->k, runs[i].digests.size());
    }
}

// One message alone takes the same way as a full batch: k = n = 1 and no path.
TEST(BatchSigner, OneMessageAloneIsABatchWithoutAPath) {
    const SigningFixture world;
    const Identity alice = world.identity("alice");
    const std::vector<Digest> message{number(1)};
    std::vector<std::string> proofs;

    BatchSigner(alice.key, alice.certificate)
        .sign(std::vector<RunToSign>{{Kind::message, message}}, proofs);

    ASSERT_EQ(proofs.size(), 1U);
    EXPECT_EQ(proofs[0].size(), proof_fixed_bytes + alice.certificate->bytes().size());
}

TEST(BatchSignerDeathTest, RefusesAKeyThatIsNotTheCertificates) {
    const SigningFixture world;
    const Identity alice = world.identity("alice");
    const Identity bob = world.identity("bob");

    EXPECT_DEATH(BatchSigner(alice.key, bob.certificate), "public_key");
}

}  // namespace
}  // namespace weft::signing
