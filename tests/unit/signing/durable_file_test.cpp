#include "signing/durable_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/signing/key_directory.hpp"

namespace weft::signing {
namespace {

using testing::content_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::names_in;
using testing::overwrite;
using testing::TemporaryDirectory;

mode_t mode_of(const std::filesystem::path& file) {
    struct stat status {};
    EXPECT_EQ(::lstat(file.c_str(), &status), 0);
    return status.st_mode & 07777U;
}

template <class Result>
std::string error_of(const Result& result) {
    return result ? "" : result.error();
}

class DurableFile : public ::testing::Test {
protected:
    TemporaryDirectory directory_;
    const std::filesystem::path file_ = directory_.path() / "file";
};

TEST_F(DurableFile, IsWrittenAndReadWhole) {
    const std::string content("a\0b\n", 4);
    ASSERT_TRUE(write_file(file_, content, 0644, WhenFileExists::refuse));
    const auto read = read_file(file_, 4);
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(*read, content);
    EXPECT_THAT(names_in(directory_.path()), ElementsAre("file"));
}

TEST_F(DurableFile, IsNotReplacedUnlessAsked) {
    overwrite(file_, "old");
    EXPECT_THAT(error_of(write_file(file_, "new", 0644, WhenFileExists::refuse)),
                HasSubstr(file_.string() + "' is there already and was not touched"));
    EXPECT_EQ(content_of(file_), "old");
    EXPECT_THAT(names_in(directory_.path()), ElementsAre("file"));

    EXPECT_TRUE(write_file(file_, "new", 0644, WhenFileExists::replace));
    EXPECT_EQ(content_of(file_), "new");
}

TEST_F(DurableFile, ReplacesALinkItselfAndNotWhatItPointsTo) {
    overwrite(directory_.path() / "other", "other");
    std::filesystem::create_symlink("other", file_);
    ASSERT_TRUE(write_file(file_, "new", 0600, WhenFileExists::replace));
    EXPECT_EQ(content_of(directory_.path() / "other"), "other");
    EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(file_)));
}

TEST_F(DurableFile, IsNotWrittenThroughADanglingLink) {
    std::filesystem::create_symlink("nowhere", file_);
    EXPECT_FALSE(write_file(file_, "new", 0600, WhenFileExists::refuse));
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "nowhere"));
}

// K1: private from the first moment, whatever the umask allows.
TEST_F(DurableFile, HasItsModeDespiteAWideUmask) {
    const mode_t before = ::umask(0);
    const auto written = write_file(file_, "x", 0600, WhenFileExists::refuse);
    ::umask(before);
    ASSERT_TRUE(written);
    EXPECT_EQ(mode_of(file_), 0600U);
}

TEST_F(DurableFile, LeavesNothingBehindWhenItCannotBeWritten) {
    std::filesystem::create_directory(file_);
    EXPECT_THAT(error_of(write_file(file_, "x", 0600, WhenFileExists::replace)),
                HasSubstr("cannot be written"));
    EXPECT_THAT(names_in(directory_.path()), ElementsAre("file"));
    EXPECT_THAT(names_in(file_), IsEmpty());

    const auto nowhere = directory_.path() / "missing" / "file";
    EXPECT_THAT(error_of(write_file(nowhere, "x", 0600, WhenFileExists::refuse)),
                HasSubstr(nowhere.string()));
}

TEST_F(DurableFile, IsRefusedWhenEmptyTooLargeOrMissing) {
    EXPECT_THAT(error_of(read_file(file_, 10)), HasSubstr("cannot be read: No such file"));
    overwrite(file_, "");
    EXPECT_THAT(error_of(read_file(file_, 10)), HasSubstr("is empty"));
    overwrite(file_, "12345678901");
    EXPECT_THAT(error_of(read_file(file_, 10)), HasSubstr("larger than 10 bytes"));
}

TEST_F(DurableFile, IsRefusedWhenItIsNoRegularFile) {
    EXPECT_THAT(error_of(read_file(directory_.path(), 10)), HasSubstr("not a regular file"));
    ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
    EXPECT_THAT(error_of(read_file(file_, 10)), HasSubstr("not a regular file"));
    EXPECT_THAT(error_of(read_private_file(file_, 10)), HasSubstr("not a regular file"));
}

TEST_F(DurableFile, MayBeALinkUnlessItIsPrivate) {
    ASSERT_TRUE(write_file(directory_.path() / "other", "x", 0600, WhenFileExists::refuse));
    std::filesystem::create_symlink("other", file_);
    EXPECT_TRUE(read_file(file_, 10));
    EXPECT_THAT(error_of(read_private_file(file_, 10)), HasSubstr("is a symbolic link"));
}

TEST_F(DurableFile, IsPrivateOnlyIfNobodyElseMayTouchIt) {
    ASSERT_TRUE(write_file(file_, "secret", 0600, WhenFileExists::refuse));
    ASSERT_TRUE(read_private_file(file_, 10));
    EXPECT_EQ(read_private_file(file_, 10)->reveal(), "secret");
    for (const mode_t mode : {0640U, 0604U, 0620U, 0601U, 0610U, 0644U, 0777U}) {
        ASSERT_EQ(::chmod(file_.c_str(), mode), 0);
        EXPECT_THAT(error_of(read_private_file(file_, 10)),
                    HasSubstr("run: chmod 600 " + file_.string()))
            << mode;
    }
    ASSERT_EQ(::chmod(file_.c_str(), 0400), 0);
    EXPECT_TRUE(read_private_file(file_, 10));
}

TEST_F(DurableFile, IsPrivateOnlyIfItIsOurs) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    ASSERT_TRUE(write_file(file_, "secret", 0600, WhenFileExists::refuse));
    ASSERT_EQ(::chown(file_.c_str(), 12345, 12345), 0);
    EXPECT_THAT(error_of(read_private_file(file_, 10)), HasSubstr("belongs to user id 12345"));
}

TEST_F(DurableFile, IsBoundedWhenItIsPrivateToo) {
    ASSERT_TRUE(write_file(file_, "12345678901", 0600, WhenFileExists::refuse));
    EXPECT_THAT(error_of(read_private_file(file_, 10)), HasSubstr("larger than 10 bytes"));
    EXPECT_TRUE(read_private_file(file_, 11));
}

/// Writes one of two contents over and over, and one byte to `progress` for each.
[[noreturn]] void write_without_end(const std::filesystem::path& file, int progress) {
    const std::string contents[] = {std::string(20'000, 'a'), std::string(30'000, 'b')};
    for (std::size_t i = 0;; ++i) {
        if (!write_file(file, contents[i % 2], 0600, WhenFileExists::replace)) std::_Exit(1);
        if (::write(progress, "x", 1) != 1) std::_Exit(1);
    }
}

// K1: whoever looks sees a whole file, also after the writer was killed in the middle.
TEST_F(DurableFile, IsWholeWheneverItsWriterIsKilled) {
    for (int round = 1; round <= 12; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            ::close(ends[0]);
            write_without_end(file_, ends[1]);
        }
        ::close(ends[1]);
        char progress;
        for (int i = 0; i < round; ++i) ASSERT_EQ(::read(ends[0], &progress, 1), 1);
        ::kill(child, SIGKILL);
        ASSERT_EQ(::waitpid(child, nullptr, 0), child);
        ::close(ends[0]);

        const std::string content = content_of(file_);
        EXPECT_TRUE(content == std::string(20'000, 'a') || content == std::string(30'000, 'b'))
            << content.size();
        EXPECT_EQ(mode_of(file_), 0600U);
    }
}

}  // namespace
}  // namespace weft::signing
