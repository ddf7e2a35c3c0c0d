// Rules S2 and S9: what a signature is good for, and who decides that it is one.
#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "signing/merkle.hpp"
#include "signing/revocation_list.hpp"
#include "signing/verifier.hpp"
#include "signing/wire.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::signing {
namespace {

using support::Frames;
using support::Identity;
using support::Receiver;

constexpr const char* topic = "org.weft.dev.a.b";

std::string unsigned_certificate(const IssuerId& issuer, const PublicKey& key) {
    return WireWriter()
        .bytes("WFC1")
        .u8(1)
        .u8(all_roles)
        .u64(42)
        .i64(0)
        .i64(2'000'000'000)
        .array(issuer)
        .array(key)
        .array(PublicKey{})
        .u8(5)
        .bytes("alice")
        .u8(0)
        .take();
}

void put_signature(std::string_view signature, std::string& proof) {
    proof.replace(12, 64, signature);
}

/// One key in every office at once, CA and publisher: nothing but the contexts of signatures is
/// left to tell a certificate, a list, a root, an ACK and a beacon apart.
class OneKeyForAllTest : public ::testing::Test {
protected:
    std::shared_ptr<const KeyPair> key =
        std::make_shared<const KeyPair>(KeyPair::from_seed(std::string(32, '\7')));
    CertificateAuthorityKey authority{"root", key->public_key()};
    std::string certificate = unsigned_certificate(authority.id(), key->public_key());
    std::string list =
        RevocationList::unsigned_bytes(authority.id(), 1, 0, 2'000'000'000, {{7, 0, {}}});
    Signature of_certificate = key->sign(signed_bytes("weft1.cert", certificate));
    Signature of_list = key->sign(signed_bytes("weft1.list", list));
    Identity alice{key, *Certificate::verify(certificate + std::string(bytes_of(of_certificate)),
                                             {authority})};
    Frames message = support::sign(alice, topic, {"m"}, Kind::message);
    Frames ack = support::sign(alice, topic, {"m"}, Kind::ack);
    Frames beacon = support::sign(alice, topic, {"m"}, Kind::beacon);
    Frames request = support::sign(alice, topic, {"m"}, Kind::request);
    Frames answer = support::sign(alice, topic, {"m"}, Kind::answer);
    Receiver receiver{nullptr, Receiver::Mode::integrity};

    static std::string root_signature(const Frames& frames) { return frames.proof.substr(12, 64); }
};

TEST_F(OneKeyForAllTest, EachSignatureIsGoodInItsOwnPlace) {
    EXPECT_TRUE(RevocationList::verify(list + std::string(bytes_of(of_list)), authority));
    for (const Frames& frames : {message, ack, beacon, request, answer})
        EXPECT_TRUE(receiver.take(frames));
}

// S2.
TEST_F(OneKeyForAllTest, NoOtherSignaturePassesAsThatOfARoot) {
    for (const Frames& genuine : {message, ack, beacon, request, answer}) {
        std::vector<std::string> offered{std::string(bytes_of(of_certificate)),
                                         std::string(bytes_of(of_list))};
        for (const Frames& other : {message, ack, beacon, request, answer}) {
            if (other.proof != genuine.proof) offered.push_back(root_signature(other));
        }
        ASSERT_EQ(offered.size(), 6U);
        for (const std::string& signature : offered) {
            Frames frames = genuine;
            put_signature(signature, frames.proof);
            EXPECT_EQ(receiver.take(frames), Refusal::signature_bad);
        }
    }
}

// S2: the kind is under the signature.
TEST_F(OneKeyForAllTest, NoKindPassesAsAnother) {
    for (const Frames& genuine : {message, ack, beacon, request, answer}) {
        for (char kind = 0; kind < static_cast<char>(kind_count); ++kind) {
            if (genuine.proof[2] == kind) continue;
            Frames frames = genuine;
            frames.proof[2] = kind;
            EXPECT_EQ(receiver.take(frames), Refusal::signature_bad);
        }
    }
}

// S2.
TEST_F(OneKeyForAllTest, NoOtherSignaturePassesAsThatOfACertificate) {
    for (const std::string& signature :
         {std::string(bytes_of(of_list)), root_signature(message), root_signature(ack),
          root_signature(beacon), root_signature(request), root_signature(answer)}) {
        const auto read = Certificate::verify(certificate + signature, {authority});
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().reason, Refusal::certificate_signature_bad);
    }
}

// S2.
TEST_F(OneKeyForAllTest, NoOtherSignaturePassesAsThatOfARevocationList) {
    for (const std::string& signature :
         {std::string(bytes_of(of_certificate)), root_signature(message), root_signature(ack),
          root_signature(beacon)}) {
        EXPECT_FALSE(RevocationList::verify(list + signature, authority));
    }
}

// S2: nor is a signed object read as another: the signed bytes of a root are no certificate.
TEST_F(OneKeyForAllTest, SignedBytesOfARootAreNoCertificateAndNoList) {
    const std::vector<Digest> digests{message_digest(topic, "m")};
    const Cid cid = alice.certificate->cid();
    const SignedRoot root =
        signed_root(alice.certificate->fingerprint(), 1,
                    leaf_digest(cid, 0, 1, run_digest(cid, Kind::message, digests)));
    const std::string object = std::string(bytes_of(root)) + root_signature(message);
    const std::string without_tag = object.substr(16);

    EXPECT_FALSE(Certificate::verify(object, {authority}));
    EXPECT_FALSE(Certificate::verify(without_tag, {authority}));
    EXPECT_FALSE(RevocationList::verify(object, authority));
    EXPECT_FALSE(RevocationList::verify(without_tag, authority));
}

// S9: S + L satisfies the same equation; libsodium refuses it.
TEST_F(OneKeyForAllTest, ASignatureWithSPlusLIsRefused) {
    ASSERT_TRUE(receiver.take(message));
    constexpr std::string_view order =
        "\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14"
        "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10";
    std::string signature = root_signature(message);
    unsigned carry = 0;
    for (std::size_t byte = 0; byte < 32; ++byte) {  // Little-endian, from byte 32 on.
        carry += static_cast<unsigned char>(signature[32 + byte]);
        carry += static_cast<unsigned char>(order[byte]);
        signature[32 + byte] = static_cast<char>(carry & 0xFFU);
        carry >>= 8U;
    }
    ASSERT_EQ(carry, 0U);
    put_signature(signature, message.proof);

    EXPECT_EQ(receiver.take(message), Refusal::signature_bad);
}

// S9: under a key of small order, R = the neutral element and S = 0 "sign" anything.
TEST_F(OneKeyForAllTest, AKeyOfSmallOrderIsRefused) {
    PublicKey neutral{};
    neutral[0] = 1;
    std::string signature(64, '\0');
    signature[0] = 1;
    const std::string worthless =
        unsigned_certificate(authority.id(), neutral) + std::string(64, '\0');
    Frames frames = message;
    frames.proof = frames.proof.substr(0, proof_fixed_bytes) + worthless;
    put_signature(signature, frames.proof);

    EXPECT_EQ(receiver.take(frames), Refusal::signature_bad);
}

}  // namespace
}  // namespace weft::signing
