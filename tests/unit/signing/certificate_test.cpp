#include "signing/certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "signing/wire.hpp"
#include "tests/unit/signing/key_directory.hpp"

namespace weft::signing {
namespace {

using testing::certificate_of;
using testing::globs_of;
using ::testing::HasSubstr;
using testing::hour;
using testing::must;
using testing::new_authority;
using testing::noon;
using testing::request_for;
using testing::roles_of;

constexpr std::size_t signature_bytes = 64;

/// A CA whose key the tests hold, so that they can sign what Authority would never sign.
struct Forger {
    KeyPair key = KeyPair::generate();
    CertificateAuthorityKey authority{"root", key.public_key()};

    [[nodiscard]] std::string signed_certificate(const std::string& tbs) const {
        return tbs + std::string(bytes_of(key.sign(signed_bytes("weft1.cert", tbs))));
    }
    /// The fields before the name, good ones.
    [[nodiscard]] WireWriter start(std::uint8_t roles = 1) const {
        WireWriter writer;
        writer.bytes("WFC1").u8(1).u8(roles).u64(7).i64(noon - hour).i64(noon + hour);
        writer.array(authority.id()).array(PublicKey{}).array(PublicKey{});
        return writer;
    }
    [[nodiscard]] tl::expected<std::shared_ptr<const Certificate>, Refused> verify(
        const std::string& tbs) const {
        return Certificate::verify(signed_certificate(tbs), {authority});
    }
};

class Certificates : public ::testing::Test {
protected:
    [[nodiscard]] auto verify(std::string_view bytes) const {
        return Certificate::verify(bytes, {authority_.public_half()});
    }
    [[nodiscard]] Refusal reason(std::string_view bytes) const {
        const auto read = verify(bytes);
        if (read) ADD_FAILURE() << "it was accepted";
        return read ? Refusal::not_three_frames : read.error().reason;
    }

    const Authority authority_ = new_authority();
    const std::string bytes_ = must(authority_.issue(request_for("git.host1")));
};

TEST_F(Certificates, SayWhatWasAskedFor) {
    CertificateRequest request = request_for("git.host1");
    request.roles = roles_of({Role::publish, Role::journal});
    request.globs = globs_of({"org.weft.dev.git.**", "org.weft.dev.ci.*"});
    request.curve_key.fill(9);
    const auto certificate = certificate_of(authority_, request);

    EXPECT_EQ(certificate->name(), "git.host1");
    EXPECT_TRUE(certificate->has(Role::publish));
    EXPECT_TRUE(certificate->has(Role::journal));
    EXPECT_FALSE(certificate->has(Role::ack));
    EXPECT_EQ(certificate->not_before(), noon - hour);
    EXPECT_EQ(certificate->not_after(), noon + hour);
    EXPECT_EQ(certificate->issuer(), authority_.public_half().id());
    EXPECT_EQ(certificate->key(), request.key);
    EXPECT_EQ(certificate->curve_key(), request.curve_key);
    EXPECT_EQ(certificate->globs(), request.globs);
}

TEST_F(Certificates, KeepTheirBytesAsReceived) {
    const auto read = verify(bytes_);
    ASSERT_TRUE(read);
    EXPECT_EQ((*read)->bytes(), bytes_);
}

TEST_F(Certificates, AreFingerprintedWithoutTheirSignature) {
    const auto read = verify(bytes_);
    ASSERT_TRUE(read);
    const std::string tbs = bytes_.substr(0, bytes_.size() - signature_bytes);
    const Digest expected = TaggedHash("weft1.certfp").add(tbs).finish();
    EXPECT_EQ((*read)->fingerprint(), expected);
    const Cid cid = (*read)->cid();
    EXPECT_TRUE(std::equal(cid.begin(), cid.end(), expected.begin()));
}

TEST_F(Certificates, HaveASerialOfTheirOwn) {
    EXPECT_NE(certificate_of(authority_, request_for("a"))->serial(),
              certificate_of(authority_, request_for("a"))->serial());
}

// T1: nothing of a certificate can be altered.
TEST_F(Certificates, AreRefusedWithAnyBitFlipped) {
    for (std::size_t bit = 0; bit < 8 * bytes_.size(); ++bit) {
        std::string altered = bytes_;
        altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(verify(altered)) << "bit " << bit;
    }
}

// T1
TEST_F(Certificates, AreRefusedWithTrailingBytesOrCut) {
    EXPECT_EQ(reason(bytes_ + '\0'), Refusal::certificate_signature_bad);
    EXPECT_EQ(reason(bytes_ + bytes_), Refusal::certificate_signature_bad);
    for (std::size_t length = 0; length < bytes_.size(); ++length) {
        EXPECT_FALSE(verify(bytes_.substr(0, length))) << length;
    }
}

TEST_F(Certificates, SayWhyTheyAreRefused) {
    EXPECT_EQ(reason(""), Refusal::certificate_malformed);
    EXPECT_EQ(reason(std::string(100, 'x')), Refusal::certificate_malformed);
    EXPECT_EQ(reason(std::string(Certificate::bytes_max + 1, 'x')), Refusal::certificate_too_large);

    std::string altered = bytes_;
    altered[4] = 2;  // S7: the suite
    EXPECT_EQ(reason(altered), Refusal::suite_of_certificate_unknown);
    altered[4] = 0;
    EXPECT_EQ(reason(altered), Refusal::suite_of_certificate_unknown);
    altered = bytes_;
    altered[5] = 31;  // roles
    EXPECT_EQ(reason(altered), Refusal::certificate_signature_bad);
    EXPECT_EQ(reason(must(new_authority("other").issue(request_for("a")))),
              Refusal::issuer_unknown);
}

TEST_F(Certificates, AreVerifiedUnderTheCaThatTheyNameAmongSeveral) {
    const Authority other = new_authority("other");
    const std::vector<CertificateAuthorityKey> both{other.public_half(), authority_.public_half()};
    EXPECT_TRUE(Certificate::verify(bytes_, both));
    EXPECT_TRUE(Certificate::verify(must(other.issue(request_for("a"))), both));
    EXPECT_FALSE(Certificate::verify(bytes_, {}));
}

// S2: a signature made for one use is none for another.
TEST_F(Certificates, AreRefusedUnderASignatureMadeForAnotherUse) {
    const Forger forger;
    const std::string tbs = forger.start().u8(1).bytes("a").u8(0).take();
    ASSERT_TRUE(forger.verify(tbs));
    for (const std::string_view tag : {"weft1.list", "weft1.root", "weft1.cer", "weft1.certfp"}) {
        const std::string bytes =
            tbs + std::string(bytes_of(forger.key.sign(signed_bytes(tag, tbs))));
        EXPECT_FALSE(Certificate::verify(bytes, {forger.authority})) << tag;
    }
    const std::string untagged = tbs + std::string(bytes_of(forger.key.sign(tbs)));
    EXPECT_FALSE(Certificate::verify(untagged, {forger.authority}));
}

// T1, D1: what a CA should not have signed is not read as if it had meant something.
TEST(CertificateFields, AreRefusedWhenTheyMakeNoSenseUnderAGoodSignature) {
    const Forger forger;
    const auto detail = [&](const std::string& tbs) {
        const auto read = forger.verify(tbs);
        if (read) return std::string("accepted");
        EXPECT_EQ(read.error().reason, Refusal::certificate_malformed);
        return read.error().detail;
    };
    const auto after = [&](std::string_view bytes) {
        return detail(forger.start().bytes(bytes).take());
    };

    EXPECT_EQ(after({"\1a\0", 3}), "accepted");
    EXPECT_THAT(after({"\1a\0x", 4}), HasSubstr("between its last glob and signature"));
    EXPECT_THAT(after({"\1a", 2}), HasSubstr("ends too early"));
    EXPECT_THAT(after({"\2a", 2}), HasSubstr("ends too early"));
    EXPECT_THAT(after({"\0\0", 2}), HasSubstr("at least one character"));
    EXPECT_THAT(after({"\1A\0", 3}), HasSubstr("lower-case"));
    EXPECT_THAT(after({"\1a\1", 3}), HasSubstr("ends too early"));
    EXPECT_THAT(after({"\1a\1\2x", 5}), HasSubstr("ends too early"));
    EXPECT_THAT(after({"\1a\1\2x.", 6}), HasSubstr("glob 'x.' is not valid"));
    EXPECT_THAT(after({"\1a\x21", 3}), HasSubstr("33 globs; at most 32"));
    EXPECT_THAT(detail(forger.start(32).u8(1).bytes("a").u8(0).take()), HasSubstr("roles"));

    WireWriter backwards;
    backwards.bytes("WFC1").u8(1).u8(1).u64(7).i64(noon).i64(noon - 1);
    backwards.array(forger.authority.id()).array(PublicKey{}).array(PublicKey{});
    EXPECT_THAT(detail(backwards.u8(1).bytes("a").u8(0).take()),
                HasSubstr("ends before it begins"));
}

TEST_F(Certificates, CanBeReadWithoutBelievingThem) {
    std::string altered = bytes_;
    altered.back() = static_cast<char>(altered.back() ^ 1);
    const auto read = Certificate::read_unverified(altered);
    ASSERT_TRUE(read);
    EXPECT_EQ((*read)->name(), "git.host1");
    EXPECT_FALSE(Certificate::read_unverified(bytes_.substr(0, 80)));
    EXPECT_FALSE(Certificate::read_unverified(""));
    EXPECT_FALSE(Certificate::read_unverified(std::string(5000, 'x')));
}

// T2
TEST_F(Certificates, GrantWhatOneOfTheirGlobsMatches) {
    CertificateRequest request = request_for("git");
    request.globs = globs_of({"org.weft.dev.git.**", "log"});
    const auto certificate = certificate_of(authority_, request);
    EXPECT_TRUE(certificate->grants("org.weft.dev.git.push"));
    EXPECT_TRUE(certificate->grants("log"));
    EXPECT_FALSE(certificate->grants("org.weft.dev.payroll"));
    EXPECT_FALSE(certificate->grants("org.weft.dev.gitx"));
}

// T2
TEST_F(Certificates, WithoutGlobsGrantNothing) {
    CertificateRequest request = request_for("reader");
    request.globs.clear();
    const auto certificate = certificate_of(authority_, request);
    EXPECT_FALSE(certificate->grants("org.weft.dev.git.push"));
    EXPECT_FALSE(certificate->grants("a"));
    EXPECT_FALSE(certificate->grants(""));
}

TEST(Name, HasLowerCaseLettersDigitsAndAFewMarks) {
    for (const std::string_view name : {"a", "git.host1", "a-b_c.9", "0"}) {
        EXPECT_EQ(name_error(name), "") << name;
    }
    EXPECT_EQ(name_error(std::string(200, 'a')), "");
    for (const std::string_view name : {"", "A", "a b", "a/b", "../a", "é", "a\n", "a*", "a:b"}) {
        EXPECT_NE(name_error(name), "") << name;
    }
    EXPECT_NE(name_error(std::string(201, 'a')), "");
    EXPECT_NE(name_error(std::string_view("a\0", 2)), "");
}

TEST(Name, IsAlwaysFitToBePartOfATopic) {
    for (const std::string_view name : {".", "..", ".a", "a.", "a..b"}) {
        EXPECT_THAT(name_error(name), HasSubstr("dot")) << name;
    }
}

TEST(Name, IsEscapedInTheComplaintAboutIt) {
    EXPECT_THAT(name_error("a\n"), HasSubstr("'a\\x0a'"));
}

TEST(Role, HasAName) {
    for (const Role role : {Role::publish, Role::ack, Role::journal, Role::gateway, Role::relay}) {
        EXPECT_EQ(role_named(name_of(role)), role);
    }
    EXPECT_EQ(role_named("admin"), std::nullopt);
    EXPECT_EQ(roles_text(roles_of({Role::relay, Role::publish})), "publish,relay");
    EXPECT_EQ(roles_text(0), "");
}

TEST(CertificateAuthorityKey, IsReadAsItWasWritten) {
    CertificateAuthorityKey authority{"root", {}};
    authority.key.fill(7);
    const auto read = CertificateAuthorityKey::read(authority.bytes());
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->name, "root");
    EXPECT_EQ(read->key, authority.key);
    EXPECT_EQ(authority.bytes(), "WCA1\1" + std::string(32, '\7') + "\4root");
}

TEST(CertificateAuthorityKey, IsReadStrictly) {
    const std::string good = CertificateAuthorityKey{"root", {}}.bytes();
    const auto error = [](const std::string& bytes) {
        const auto read = CertificateAuthorityKey::read(bytes);
        return read ? "" : read.error();
    };
    for (std::size_t length = 0; length < good.size(); ++length) {
        EXPECT_NE(error(good.substr(0, length)), "") << length;
    }
    EXPECT_THAT(error(good + "x"), HasSubstr("something follows"));
    EXPECT_THAT(error("WCA2" + good.substr(4)), HasSubstr("mark"));
    EXPECT_THAT(error("WCA1\2" + good.substr(5)), HasSubstr("suite is 2"));
    EXPECT_THAT(error(good.substr(0, good.size() - 1) + "T"), HasSubstr("name is not valid"));
}

TEST(CertificateAuthorityKey, HasAnIdFromItsKeyAlone) {
    CertificateAuthorityKey one{"one", {}}, renamed{"two", {}}, other{"one", {}};
    other.key.fill(1);
    EXPECT_EQ(one.id(), renamed.id());
    EXPECT_NE(one.id(), other.id());
    const Digest digest = TaggedHash("weft1.ca").add(std::string(32, '\0')).finish();
    const IssuerId id = one.id();
    EXPECT_TRUE(std::equal(id.begin(), id.end(), digest.begin()));
}

}  // namespace
}  // namespace weft::signing
