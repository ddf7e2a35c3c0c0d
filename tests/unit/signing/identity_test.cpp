#include "signing/identity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "signing/armor.hpp"
#include "tests/unit/signing/key_directory.hpp"

namespace weft::signing {
namespace {

using testing::authority_in;
using testing::content_of;
using ::testing::HasSubstr;
using testing::hour;
using testing::list_number;
using testing::must;
using testing::new_authority;
using testing::noon;
using testing::overwrite;
using testing::request_for;
using testing::TemporaryDirectory;
using testing::write_list;

template <class Result>
std::string error_of(const Result& result) {
    return result ? "" : result.error();
}

class IdentityTest : public ::testing::Test {
protected:
    Identity issue(const std::string& name) const {
        return must(issue_identity(directory_.path(), authority_, request_for(name)));
    }
    [[nodiscard]] tl::expected<Identity, std::string> load(const std::string& name,
                                                           UtcSeconds now = noon) const {
        const auto store = must(TrustStore::open({directory_.path(), {}, false, {}}));
        return load_identity(directory_.path(), name, *store->current(), now);
    }
    [[nodiscard]] std::filesystem::path file(std::string_view name) const {
        return directory_.path() / name;
    }

    TemporaryDirectory directory_;
    const Authority authority_ = authority_in(directory_.path());
};

TEST_F(IdentityTest, IsLoadedAsItWasIssued) {
    const Identity issued = issue("git.host1");
    const auto loaded = load("git.host1");
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->certificate->bytes(), issued.certificate->bytes());
    EXPECT_EQ(loaded->key->public_key(), loaded->certificate->key());
    const Signature signature = loaded->key->sign("x");
    EXPECT_TRUE(verify_signature(signature, "x", issued.certificate->key()));
}

TEST_F(IdentityTest, MayShareItsDirectoryWithOthers) {
    issue("git");
    issue("ci");
    EXPECT_EQ(load("git")->certificate->name(), "git");
    EXPECT_EQ(load("ci")->certificate->name(), "ci");
    EXPECT_NE(load("git")->key->public_key(), load("ci")->key->public_key());
}

// K1
TEST_F(IdentityTest, HasAPrivateKeyFile) {
    issue("git");
    struct stat status {};
    ASSERT_EQ(::stat(file("git.key").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    ASSERT_EQ(::chmod(file("git.key").c_str(), 0644), 0);
    EXPECT_THAT(error_of(load("git")), HasSubstr("chmod 600"));
}

TEST_F(IdentityTest, IsNotIssuedOverAnother) {
    const Identity first = issue("git");
    EXPECT_THAT(error_of(issue_identity(directory_.path(), authority_, request_for("git"))),
                HasSubstr("is there already"));
    EXPECT_EQ(load("git")->certificate->bytes(), first.certificate->bytes());

    const Identity second = must(
        issue_identity(directory_.path(), authority_, request_for("git"), WhenFileExists::replace));
    EXPECT_EQ(load("git")->certificate->bytes(), second.certificate->bytes());
}

TEST_F(IdentityTest, LeavesNoKeyBehindWhereOnlyTheCertificateWasInTheWay) {
    issue("git");
    std::filesystem::remove(file("git.key"));
    EXPECT_FALSE(issue_identity(directory_.path(), authority_, request_for("git")));
    EXPECT_FALSE(std::filesystem::exists(file("git.key")));
}

TEST_F(IdentityTest, IsNotIssuedUnderABadName) {
    EXPECT_THAT(error_of(issue_identity(directory_.path(), authority_, request_for("../git"))),
                HasSubstr("lower-case"));
}

TEST_F(IdentityTest, IsRefusedWhenKeyAndCertificateDoNotFit) {
    issue("git");
    issue("ci");
    overwrite(file("git.key"), content_of(file("ci.key")));
    EXPECT_THAT(error_of(load("git")), HasSubstr("is for another key than the one in"));
}

TEST_F(IdentityTest, IsRefusedUnderAnotherName) {
    issue("git");
    std::filesystem::copy_file(file("git.cert"), file("ci.cert"));
    std::filesystem::copy_file(file("git.key"), file("ci.key"));
    EXPECT_THAT(error_of(load("ci")), HasSubstr("certificate of 'git', not of 'ci'"));
    EXPECT_THAT(error_of(load("CI")), HasSubstr("lower-case"));
}

TEST_F(IdentityTest, IsRefusedWhenAFileIsMissing) {
    EXPECT_THAT(error_of(load("git")), HasSubstr("git.cert' cannot be read"));
    issue("git");
    std::filesystem::remove(file("git.key"));
    EXPECT_THAT(error_of(load("git")), HasSubstr("git.key' cannot be read"));
}

TEST_F(IdentityTest, IsRefusedFromACaThatIsNotTrustedHere) {
    must(issue_identity(directory_.path(), new_authority("other"), request_for("git")));
    EXPECT_THAT(error_of(load("git")), HasSubstr("issued by a CA that is not trusted here"));
}

TEST_F(IdentityTest, IsRefusedWhenItsCertificateWasAltered) {
    const Identity issued = issue("git");
    std::string bytes = issued.certificate->bytes();
    bytes[bytes.size() - 1] = static_cast<char>(bytes.back() ^ 1);
    overwrite(file("git.cert"), armor(ArmorLabel::certificate, bytes));
    EXPECT_THAT(error_of(load("git")), HasSubstr("genuine signature"));
    EXPECT_TRUE(load_identity(directory_.path(), "git"));  // says nothing of belief
}

// T8
TEST_F(IdentityTest, IsRefusedOutsideItsValidity) {
    issue("git");
    EXPECT_THAT(error_of(load("git", noon - 2 * hour)), HasSubstr("not valid yet"));
    EXPECT_THAT(error_of(load("git", noon + 2 * hour)), HasSubstr("has expired"));
}

TEST_F(IdentityTest, IsRefusedOnceItIsRevoked) {
    const Identity issued = issue("git");
    write_list(authority_, directory_.path(),
               list_number(2, {{issued.certificate->serial(), noon, {}}}));
    EXPECT_THAT(error_of(load("git")), HasSubstr("has been revoked"));
}

TEST_F(IdentityTest, NeedsNoRoleToBeLoaded) {
    CertificateRequest request = request_for("reader");
    request.roles = 0;
    request.globs.clear();
    must(issue_identity(directory_.path(), authority_, request));
    EXPECT_TRUE(load("reader"));
}

}  // namespace
}  // namespace weft::signing
