#include "signing/key_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "signing/sodium.hpp"
#include "tests/unit/signing/key_directory.hpp"

namespace weft::signing {
namespace {

using testing::content_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::overwrite;
using testing::TemporaryDirectory;

class KeyFile : public ::testing::Test {
protected:
    void write() {
        ASSERT_TRUE(write_key_file(file_, key_, ArmorLabel::signing_key, WhenFileExists::refuse));
    }
    /// A file with this content, mode 0600, as if somebody had made it by hand.
    void write_content(std::string_view content) {
        ASSERT_TRUE(write_file(file_, armor(ArmorLabel::signing_key, content), 0600,
                               WhenFileExists::replace));
    }
    [[nodiscard]] std::string error(ArmorLabel label = ArmorLabel::signing_key) const {
        const auto read = read_key_file(file_, label);
        return read ? "" : read.error();
    }

    TemporaryDirectory directory_;
    const std::filesystem::path file_ = directory_.path() / "git.key";
    const KeyPair key_ = KeyPair::from_seed(std::string(32, 's'));
};

TEST_F(KeyFile, GivesTheKeyBack) {
    write();
    const auto read = read_key_file(file_, ArmorLabel::signing_key);
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->public_key(), key_.public_key());
    EXPECT_EQ(read->sign("x"), key_.sign("x"));
}

TEST_F(KeyFile, IsThisTextSoThatOldFilesStayReadable) {
    write();
    EXPECT_EQ(content_of(file_),
              "-----BEGIN WEFT SIGNING KEY-----\n"
              "V1NLMQEAc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=\n"
              "-----END WEFT SIGNING KEY-----\n");
}

// K1
TEST_F(KeyFile, IsWrittenForItsOwnerOnly) {
    write();
    struct stat status {};
    ASSERT_EQ(::stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

// K1
TEST_F(KeyFile, IsRefusedWhenOthersMayReadItAndSaysWhatToDo) {
    write();
    ASSERT_EQ(::chmod(file_.c_str(), 0640), 0);
    EXPECT_THAT(error(), HasSubstr("mode 0640"));
    EXPECT_THAT(error(), HasSubstr("run: chmod 600 " + file_.string()));
}

// K1
TEST_F(KeyFile, IsRefusedBehindALink) {
    write();
    const auto link = directory_.path() / "link.key";
    std::filesystem::create_symlink(file_, link);
    const auto read = read_key_file(link, ArmorLabel::signing_key);
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error(), HasSubstr(link.string() + "' is a symbolic link"));
}

TEST_F(KeyFile, IsRefusedInThePlaceOfAnother) {
    write();
    EXPECT_THAT(error(ArmorLabel::ca_key), HasSubstr("it holds 'WEFT SIGNING KEY'"));
}

TEST_F(KeyFile, IsNotOverwrittenUnlessAsked) {
    write();
    const auto again =
        write_key_file(file_, KeyPair::generate(), ArmorLabel::signing_key, WhenFileExists::refuse);
    ASSERT_FALSE(again);
    EXPECT_THAT(again.error(), HasSubstr("is there already"));
    EXPECT_EQ(read_key_file(file_, ArmorLabel::signing_key)->public_key(), key_.public_key());
}

TEST_F(KeyFile, IsRefusedWhenItIsCutAnywhere) {
    write();
    const std::string whole = content_of(file_);
    for (std::size_t length = 0; length + 1 < whole.size(); ++length) {
        overwrite(file_, whole.substr(0, length));
        EXPECT_THAT(error(), HasSubstr(file_.string())) << length;
    }
}

TEST_F(KeyFile, IsRefusedUnlessItsContentIsExactlyAKey) {
    const std::string seed(32, 's');
    write_content(std::string("WSK1\1\0", 6) + seed);
    EXPECT_EQ(error(), "");
    write_content(std::string("WSK2\1\0", 6) + seed);
    EXPECT_THAT(error(), HasSubstr("mark of a key"));
    write_content(std::string("WSK1\2\0", 6) + seed);
    EXPECT_THAT(error(), HasSubstr("suite is not known"));
    write_content(std::string("WSK1\1\1", 6) + seed);
    EXPECT_THAT(error(), HasSubstr("sealed with a passphrase"));
    write_content(std::string("WSK1\1\0", 6) + seed + "x");
    EXPECT_THAT(error(), HasSubstr("something follows"));
    write_content(std::string("WSK1\1\0", 6) + seed.substr(1));
    EXPECT_THAT(error(), HasSubstr("ends too early"));
    write_content("W");
    EXPECT_THAT(error(), HasSubstr("mark of a key"));
}

TEST_F(KeyFile, ShowsNothingOfTheKeyInItsErrors) {
    const std::string canary = "canary-canary-canary-canary-cana";
    write_content(std::string("WSK1\1\0", 6) + canary + "x");
    EXPECT_THAT(error(), Not(HasSubstr("canary")));
    EXPECT_THAT(error(), Not(HasSubstr(to_base64(canary).substr(0, 8))));
}

TEST_F(KeyFile, OfAnUnfinishedWriteIsNeverTakenForAKey) {
    write();
    overwrite(directory_.path() / ".git.key.tmp-0123456789abcdef", "-----BEGIN WEFT SIGN");
    EXPECT_EQ(error(), "");
}

TEST_F(KeyFile, IsBounded) {
    ASSERT_TRUE(write_file(file_, std::string(5000, 'x'), 0600, WhenFileExists::refuse));
    EXPECT_THAT(error(), HasSubstr("larger than 4096 bytes"));
}

TEST_F(KeyFile, ForThePublicIsReadableByAllAndBounded) {
    const auto file = directory_.path() / "root.ca";
    ASSERT_TRUE(write_armored_file(file, ArmorLabel::ca, "content", WhenFileExists::refuse));
    EXPECT_EQ(read_armored_file(file, ArmorLabel::ca, 7).value(), "content");
    const auto too_small = read_armored_file(file, ArmorLabel::ca, 6);
    ASSERT_FALSE(too_small);
    EXPECT_THAT(too_small.error(), HasSubstr("more than 6 bytes"));
    const auto other = read_armored_file(file, ArmorLabel::certificate, 7);
    ASSERT_FALSE(other);
    EXPECT_THAT(other.error(), HasSubstr(file.string() + "' is not usable"));
}

}  // namespace
}  // namespace weft::signing
