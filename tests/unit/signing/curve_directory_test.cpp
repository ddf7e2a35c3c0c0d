#include "signing/curve_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/certificate_files.hpp"

namespace weft::signing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CurveDirectoryTest : public ::testing::Test {
protected:
    void write(const std::string& name, const std::string& text) {
        std::ofstream(world_.directory() / name) << text;
    }
    std::size_t known(const support::Identity& who) {
        return directory_.current()->with_key(who.certificate->curve_key()).size();
    }

    support::SigningFixture world_;
    const support::Identity git_ = support::citizen(world_, "git", {Role::publish});
    CurveDirectory directory_{world_.directory(), world_.trust()};
};

TEST_F(CurveDirectoryTest, FindsACertificateByItsCurveKeyAndByItsName) {
    const auto current = directory_.current();

    ASSERT_THAT(current->with_key(git_.certificate->curve_key()), SizeIs(1));
    EXPECT_EQ(current->named("git")->fingerprint(), git_.certificate->fingerprint());
    EXPECT_EQ(current->named("hub"), nullptr);
    EXPECT_THAT(current->with_key(PublicKey{}), IsEmpty());
    EXPECT_THAT(current->with_role(Role::relay), IsEmpty());
}

TEST_F(CurveDirectoryTest, FollowsFilesThatComeAndGo) {
    const auto hub = world_.identity("hub");
    EXPECT_EQ(known(hub), 0u);

    support::put_certificate(world_, hub);
    EXPECT_THAT(directory_.look(), IsEmpty());
    EXPECT_EQ(known(hub), 1u);
    const auto generation = directory_.generation();
    EXPECT_THAT(directory_.look(), IsEmpty());
    EXPECT_EQ(directory_.generation(), generation) << "nothing has changed";

    std::filesystem::remove(support::file_of(world_, "hub"));
    EXPECT_THAT(directory_.look(), IsEmpty());
    EXPECT_EQ(known(hub), 0u);
    EXPECT_EQ(known(git_), 1u);
}

TEST_F(CurveDirectoryTest, WhatNoTrustedCaSignedLetsNobodyIn) {
    const auto stranger = support::SigningFixture::stranger("stranger");
    support::put_certificate(world_, stranger);

    EXPECT_THAT(directory_.look(), ElementsAre(HasSubstr("stranger.cert")));
    EXPECT_EQ(known(stranger), 0u);
    EXPECT_EQ(known(git_), 1u);
}

TEST_F(CurveDirectoryTest, ABrokenFileIsNamedOnceAndHarmsNoOther) {
    write("hub.cert", "nonsense");

    EXPECT_THAT(directory_.look(), ElementsAre(HasSubstr("hub.cert")));
    EXPECT_THAT(directory_.look(), IsEmpty());
    EXPECT_EQ(known(git_), 1u);
}

// Somebody is copying the file just now: its owner must not be cut off for that.
TEST_F(CurveDirectoryTest, AFileThatDoesNotReadAnyMoreKeepsItsOldContent) {
    write("git.cert", "half a fi");

    EXPECT_THAT(directory_.look(), ElementsAre(HasSubstr("stays in force")));
    EXPECT_EQ(known(git_), 1u);

    std::filesystem::remove(support::file_of(world_, "git"));
    EXPECT_THAT(directory_.look(), IsEmpty());
    EXPECT_EQ(known(git_), 0u);
}

TEST_F(CurveDirectoryTest, HiddenFilesAreUnfinishedAndNotRead) {
    const auto hub = world_.identity("hub");
    support::put_certificate(world_, hub, ".hub");

    EXPECT_THAT(directory_.look(), IsEmpty());
    EXPECT_EQ(known(hub), 0u);
}

// A copy under another name lets its owner in, but is nobody's `<name>.cert`.
TEST_F(CurveDirectoryTest, ACertificateUnderAnotherFileNameIsNotFoundByThatName) {
    const auto hub = world_.identity("hub");
    support::put_certificate(world_, hub, "git2");

    EXPECT_THAT(directory_.look(), IsEmpty());
    EXPECT_EQ(known(hub), 1u);
    EXPECT_EQ(directory_.current()->named("git2"), nullptr);
    EXPECT_EQ(directory_.current()->named("hub"), nullptr);
}

// T5: the snapshot's trust is that of the files.
TEST_F(CurveDirectoryTest, ARevocationIsInForceAfterTheNextLook) {
    const auto judge = [&] {
        return directory_.current()->trust().judge_signer(*git_.certificate, Kind::beacon,
                                                          support::SigningFixture::now);
    };
    EXPECT_FALSE(judge());

    world_.revoke(git_);
    EXPECT_THAT(directory_.look(), IsEmpty());

    ASSERT_TRUE(judge());
    EXPECT_EQ(judge()->reason, Refusal::certificate_revoked);
}

// T6
TEST_F(CurveDirectoryTest, ADirectoryThatIsGoneKeepsWhatWasRead) {
    const auto elsewhere = world_.directory().string() + ".away";
    std::filesystem::rename(world_.directory(), elsewhere);

    EXPECT_THAT(directory_.look(), ::testing::Contains(HasSubstr("stays in force")));
    EXPECT_EQ(known(git_), 1u);

    std::filesystem::rename(elsewhere, world_.directory());
}

}  // namespace
}  // namespace weft::signing
