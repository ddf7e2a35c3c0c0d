#include "signing/identity_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/support/signing_fixture.hpp"

namespace weft::signing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class IdentityWatchTest : public ::testing::Test {
protected:
    Identity issue() {
        CertificateRequest request;
        request.name = "git";
        request.roles = static_cast<std::uint8_t>(Role::publish);
        request.globs = support::globs_of({"**"});
        request.not_before = support::SigningFixture::now;
        request.not_after = support::SigningFixture::now + support::SigningFixture::day;
        return support::must(issue_identity(world_.directory(), world_.authority(), request,
                                            WhenFileExists::replace));
    }
    IdentityWatch watch() {
        return {world_.directory(), "git", [this] {
                    ++loads_;
                    return load_identity(world_.directory(), "git");
                }};
    }

    support::SigningFixture world_;
    int loads_ = 0;
};

TEST_F(IdentityWatchTest, ReadsNothingWhileNothingChanges) {
    const Identity first = issue();
    IdentityWatch watch = this->watch();

    for (int i = 0; i < 3; ++i) EXPECT_FALSE(watch.look(first).renewed);

    EXPECT_EQ(loads_, 0);
}

TEST_F(IdentityWatchTest, TakesARenewedPairOnce) {
    const Identity first = issue();
    IdentityWatch watch = this->watch();
    const Identity second = issue();

    const auto look = watch.look(first);

    ASSERT_TRUE(look.renewed);
    EXPECT_EQ(look.renewed->certificate->bytes(), second.certificate->bytes());
    EXPECT_EQ(look.renewed->key->public_key(), second.key->public_key());
    EXPECT_FALSE(watch.look(*look.renewed).renewed);
}

TEST_F(IdentityWatchTest, ATouchedFileIsNoRenewal) {
    const Identity first = issue();
    IdentityWatch watch = this->watch();
    const auto file = certificate_file(world_.directory(), "git");
    std::filesystem::last_write_time(
        file, std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));

    EXPECT_FALSE(watch.look(first).renewed);
    EXPECT_EQ(loads_, 1);
}

// T6: between the two renames key and certificate do not belong together.
TEST_F(IdentityWatchTest, AHalfRenewedPairKeepsTheOldOneAndIsSaidOnceAtTheSecondLook) {
    const Identity first = issue();
    const auto file = certificate_file(world_.directory(), "git");
    const auto aside = file.string() + ".aside";
    std::filesystem::copy_file(file, aside);
    IdentityWatch watch = this->watch();
    const Identity second = issue();
    std::filesystem::rename(file, file.string() + ".new");
    std::filesystem::rename(aside, file);

    EXPECT_THAT(watch.look(first).problem, IsEmpty());
    const auto look = watch.look(first);
    EXPECT_FALSE(look.renewed);
    EXPECT_THAT(look.problem, HasSubstr("git.cert"));
    EXPECT_THAT(watch.look(first).problem, IsEmpty());

    std::filesystem::rename(file.string() + ".new", file);
    const auto whole = watch.look(first);
    ASSERT_TRUE(whole.renewed);
    EXPECT_EQ(whole.renewed->certificate->bytes(), second.certificate->bytes());
}

// T6
TEST_F(IdentityWatchTest, AnEmptyFileKeepsTheOldOne) {
    const Identity first = issue();
    IdentityWatch watch = this->watch();
    std::ofstream(certificate_file(world_.directory(), "git"), std::ios::trunc).flush();

    EXPECT_FALSE(watch.look(first).renewed);
    EXPECT_THAT(watch.look(first).problem, HasSubstr("git.cert"));
}

}  // namespace
}  // namespace weft::signing
