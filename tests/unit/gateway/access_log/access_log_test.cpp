#include "gateway/access_log/access_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <mutex>
#include <string>

#include "tests/support/look_again.hpp"
#include "tests/support/temp_dir.hpp"

namespace weft::gateway {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using weft::testing::look_again_after_ms;
using weft::testing::read_text;

class AccessLogFile : public ::testing::Test {
protected:
    std::unique_ptr<AccessLog> open(const std::string& file) {
        auto log = AccessLog::open(file, [this](const std::string& line) {
            const std::lock_guard lock(mutex_);
            warnings_.emplace_back(line);
        });
        EXPECT_TRUE(log) << log.error();
        return std::move(*log);
    }
    std::vector<std::string> warnings() {
        const std::lock_guard lock(mutex_);
        return warnings_;
    }
    weft::testing::TempDir dir_;
    const std::string path_ = (dir_.path() / "access.log").string();
    std::mutex mutex_;
    std::vector<std::string> warnings_;
};

TEST_F(AccessLogFile, HasEachLineInItsOrderAndGoesOnAfterARestart) {
    for (int run = 0; run < 2; ++run) {
        const auto log = open(path_);
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(log->write("line " + std::to_string(i) + "\n"));
    }
    EXPECT_EQ(read_text(path_), "line 0\nline 1\nline 2\nline 0\nline 1\nline 2\n");
    struct stat status {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07U, 0U);
}

TEST_F(AccessLogFile, IsTheFileOfThatNameAfterAReopen) {
    const auto log = open(path_);
    log->write("old\n");
    while (log->stats().written < 1) look_again_after_ms(1);
    fs::rename(path_, path_ + ".1");
    log->write("still old\n");
    log->reopen();
    while (!fs::exists(path_)) look_again_after_ms(1);
    log->write("new\n");
    while (log->stats().written < 3) look_again_after_ms(1);
    EXPECT_EQ(read_text(path_ + ".1"), "old\nstill old\n");
    EXPECT_EQ(read_text(path_), "new\n");
}

TEST_F(AccessLogFile, StaysTheOldOneIfTheNewOneCannotBeHad) {
    const fs::path folder = dir_.path() / "logs";
    fs::create_directory(folder);
    const auto log = open((folder / "a.log").string());
    fs::rename(folder, dir_.path() / "moved");
    log->reopen();
    while (warnings().empty()) look_again_after_ms(1);
    log->write("kept\n");
    while (log->stats().written < 1) look_again_after_ms(1);
    EXPECT_THAT(warnings()[0], HasSubstr("cannot be opened again, the old file stays"));
    EXPECT_EQ(read_text(dir_.path() / "moved/a.log"), "kept\n");
}

TEST_F(AccessLogFile, DropsAndCountsWhatTheQueueHasNoRoomFor) {
    std::signal(SIGPIPE, SIG_IGN);
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    // A pipe that nobody empties, and so the thread that writes stands still.
    const int reader = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(reader, 0);
    {
        const auto log = open(path_);
        const std::string line = std::string(999, 'x') + "\n";
        std::uint64_t refused = 0;
        for (std::size_t i = 0; i < AccessLog::lines_max + 500; ++i) {
            if (!log->write(line)) ++refused;
        }
        EXPECT_GT(refused, 0U);
        EXPECT_EQ(log->stats().dropped, refused);
        ::close(reader);
    }
}

TEST_F(AccessLogFile, SaysOnceThatItCannotBeWrittenAndCountsTheLines) {
    const auto log = open("/dev/full");
    for (std::uint64_t i = 1; i <= 3; ++i) {
        log->write("lost\n");
        while (log->stats().failed < i) look_again_after_ms(1);
    }
    ASSERT_THAT(warnings(), SizeIs(1));
    EXPECT_THAT(warnings()[0], HasSubstr("/dev/full cannot be written"));
    EXPECT_EQ(log->stats().written, 0U);
}

TEST_F(AccessLogFile, IsRefusedAtTheStartWhereNoFileCanBe) {
    const auto log =
        AccessLog::open((dir_.path() / "no/a.log").string(), [](const std::string&) {});
    ASSERT_FALSE(log);
    EXPECT_THAT(log.error(), HasSubstr("gateway.access_log.path"));
}

}  // namespace
}  // namespace weft::gateway
