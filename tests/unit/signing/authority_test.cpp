#include "signing/authority.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/signing/key_directory.hpp"

namespace weft::signing {
namespace {

using testing::certificate_of;
using testing::glob;
using ::testing::HasSubstr;
using testing::hour;
using testing::list_number;
using testing::must;
using testing::names_in;
using testing::new_authority;
using testing::noon;
using testing::overwrite;
using testing::request_for;
using testing::TemporaryDirectory;
using ::testing::UnorderedElementsAre;
using testing::write_list;

template <class Result>
std::string error_of(const Result& result) {
    return result ? "" : result.error();
}

class AuthorityFiles : public ::testing::Test {
protected:
    AuthorityFiles() { must(authority_.save(directory_.path())); }

    TemporaryDirectory directory_;
    const Authority authority_ = new_authority();
};

TEST_F(AuthorityFiles, GiveTheSameAuthorityBack) {
    EXPECT_THAT(names_in(directory_.path()), UnorderedElementsAre("root.ca", "root.ca-key"));
    const Authority loaded = must(Authority::load(directory_.path()));
    EXPECT_EQ(loaded.public_half().key, authority_.public_half().key);
    EXPECT_EQ(loaded.public_half().name, "root");
    EXPECT_TRUE(
        Certificate::verify(must(loaded.issue(request_for("a"))), {authority_.public_half()}));
}

// K1
TEST_F(AuthorityFiles, KeepTheKeyPrivateAndThePublicHalfPublic) {
    struct stat key {
    }, open{};
    ASSERT_EQ(::stat(authority_key_file(directory_.path(), "root").c_str(), &key), 0);
    ASSERT_EQ(::stat(authority_file(directory_.path(), "root").c_str(), &open), 0);
    EXPECT_EQ(key.st_mode & 07777U, 0600U);
    EXPECT_NE(open.st_mode & 0400U, 0U);
}

TEST_F(AuthorityFiles, AreNotOverwrittenUnlessAsked) {
    const Authority other = new_authority();
    EXPECT_THAT(error_of(other.save(directory_.path())), HasSubstr("is there already"));
    EXPECT_EQ(must(Authority::load(directory_.path())).public_half().key,
              authority_.public_half().key);
    must(other.save(directory_.path(), WhenFileExists::replace));
    EXPECT_EQ(must(Authority::load(directory_.path())).public_half().key, other.public_half().key);
}

TEST_F(AuthorityFiles, AreRefusedWhenTheyDoNotBelongTogether) {
    TemporaryDirectory elsewhere;
    must(new_authority().save(elsewhere.path()));
    std::filesystem::copy_file(authority_file(elsewhere.path(), "root"),
                               authority_file(directory_.path(), "root"),
                               std::filesystem::copy_options::overwrite_existing);
    EXPECT_THAT(error_of(Authority::load(directory_.path())), HasSubstr("do not belong together"));
}

TEST_F(AuthorityFiles, AreNamedWhenOneIsMissingOrBad) {
    overwrite(authority_file(directory_.path(), "root"), "");
    EXPECT_THAT(error_of(Authority::load(directory_.path())), HasSubstr("root.ca' is empty"));
    EXPECT_THAT(error_of(Authority::load(directory_.path(), "other")), HasSubstr("other.ca'"));
    EXPECT_THAT(error_of(Authority::load(directory_.path(), "../root")), HasSubstr("a name has"));
}

TEST(Authority, IsOnlyMadeUnderAValidName) {
    EXPECT_THAT(error_of(Authority::create("Root")), HasSubstr("lower-case"));
    EXPECT_THAT(error_of(Authority::create("")), HasSubstr("at least one character"));
    EXPECT_TRUE(Authority::create("root.2"));
}

TEST(Authority, RefusesToSignACertificateThatNobodyWouldAccept) {
    const Authority authority = new_authority();
    CertificateRequest request = request_for("Bad Name");
    EXPECT_THAT(error_of(authority.issue(request)), HasSubstr("lower-case"));

    request = request_for("a");
    request.roles = 32;
    EXPECT_THAT(error_of(authority.issue(request)), HasSubstr("roles"));

    request = request_for("a");
    request.not_after = request.not_before - 1;
    EXPECT_THAT(error_of(authority.issue(request)), HasSubstr("end before it begins"));

    request = request_for("a");
    request.globs.assign(33, glob("a"));
    EXPECT_THAT(error_of(authority.issue(request)), HasSubstr("at most 32 globs"));

    request.globs.assign(20, glob(std::string(255, 'a')));
    EXPECT_THAT(error_of(authority.issue(request)), HasSubstr("at most 4096"));
}

TEST(Authority, SignsTheLargestCertificateThatIsAllowed) {
    CertificateRequest request = request_for(std::string(200, 'n'));
    request.globs.assign(14, glob(std::string(255, 'a')));
    const auto certificate = certificate_of(new_authority(), request);
    EXPECT_EQ(certificate->globs().size(), 14U);
    EXPECT_GT(certificate->bytes().size(), 3900U);
}

TEST_F(AuthorityFiles, HoldTheRevocationListToo) {
    EXPECT_THAT(error_of(authority_.read_list(directory_.path())), HasSubstr("root.revoked"));
    write_list(authority_, directory_.path(), list_number(1));
    EXPECT_EQ(must(authority_.read_list(directory_.path())).number(), 1U);

    const Revocation revoked{42, noon, RevocationReason::key_compromised};
    write_list(authority_, directory_.path(), list_number(2, {revoked}));
    const RevocationList list = must(authority_.read_list(directory_.path()));
    EXPECT_EQ(list.number(), 2U);
    ASSERT_NE(list.find(42), nullptr);
    EXPECT_EQ(*list.find(42), revoked);
    EXPECT_EQ(list.next_update(), noon + 48 * hour);
}

}  // namespace
}  // namespace weft::signing
