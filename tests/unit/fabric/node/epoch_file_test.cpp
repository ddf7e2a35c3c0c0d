#include "fabric/node/epoch_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/signing_fixture.hpp"

namespace weft::fabric {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class EpochFile : public ::testing::Test {
protected:
    std::string text() const {
        std::ifstream stream(file_, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    void write(const std::string& text) const { std::ofstream(file_, std::ios::binary) << text; }
    support::TemporaryDirectory directory_;
    const fs::path file_ = directory_.path() / "git.epoch";
};

TEST_F(EpochFile, AMissingFileStartsAtOne) {
    EXPECT_EQ(next_epoch(file_), 1u);
    EXPECT_EQ(text(), "00000000000000000001\n");
}

TEST_F(EpochFile, EachStartRaisesIt) {
    for (std::uint64_t expected = 1; expected <= 12; ++expected) {
        EXPECT_EQ(next_epoch(file_), expected);
    }
    EXPECT_EQ(text(), "00000000000000000012\n");
}

TEST_F(EpochFile, GoesOnFromWhatTheFileHolds) {
    write("00000000000000999999\n");

    EXPECT_EQ(next_epoch(file_), 1'000'000u);
}

// What a crash between creation and first write leaves; no epoch was given out then.
TEST_F(EpochFile, AnEmptyFileStartsAtOne) {
    write("");

    EXPECT_EQ(next_epoch(file_), 1u);
}

TEST_F(EpochFile, OnlyItsOwnerMayReadOrWriteIt) {
    ASSERT_TRUE(next_epoch(file_));

    EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(EpochFile, ThreadsNeverGetTheSameNumberAndEachSeesItGrow) {
    constexpr std::size_t threads = 8, calls = 100;
    std::vector<std::vector<std::uint64_t>> got(threads);
    {
        std::vector<std::jthread> running;
        for (auto& mine : got) {
            running.emplace_back([&mine, this] {
                for (std::size_t i = 0; i < calls; ++i) mine.push_back(next_epoch(file_).value());
            });
        }
    }

    std::set<std::uint64_t> all;
    for (const auto& mine : got) {
        EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
        all.insert(mine.begin(), mine.end());
    }
    EXPECT_EQ(all.size(), threads * calls);
    EXPECT_EQ(*all.begin(), 1u);
    EXPECT_EQ(*all.rbegin(), threads * calls);
}

TEST_F(EpochFile, WhatIsNotOneNumberOfTwentyDigitsIsRefusedAndLeftAlone) {
    for (const std::string& damaged :
         {std::string{"7\n"}, std::string{"garbage"}, std::string(21, '\0'), std::string{"\n"},
          std::string{"0000000000000000000x\n"}, std::string{"00000000000000000007 "},
          std::string{"00000000000000000007\n\n"}, std::string{"-0000000000000000007\n"},
          std::string{"99999999999999999999\n"}, std::string{"7\n"} + std::string(19, 'x'),
          std::string(100, '1')}) {
        write(damaged);

        const auto epoch = next_epoch(file_);

        ASSERT_FALSE(epoch) << damaged << " gave " << *epoch;
        EXPECT_THAT(epoch.error(), HasSubstr(file_.string()));
        EXPECT_THAT(epoch.error(), HasSubstr("write a number higher than any used before"));
        EXPECT_EQ(text(), damaged);
    }
}

TEST_F(EpochFile, TheLastNumberOfAllIsNotFollowedByZero) {
    write("18446744073709551614\n");

    EXPECT_EQ(next_epoch(file_), 18446744073709551615u);
    const auto beyond = next_epoch(file_);
    ASSERT_FALSE(beyond);
    EXPECT_THAT(beyond.error(), HasSubstr("at its end"));
}

TEST_F(EpochFile, AMissingDirectoryIsAnErrorThatSaysWhatToDo) {
    const auto epoch = next_epoch(directory_.path() / "nowhere" / "git.epoch");

    ASSERT_FALSE(epoch);
    EXPECT_THAT(epoch.error(), HasSubstr("nowhere/git.epoch"));
    EXPECT_THAT(epoch.error(), HasSubstr("make its directory writable"));
}

// Root may write everywhere, so an ordinary user tries it.
TEST_F(EpochFile, ADirectoryThatCannotBeWrittenIsAnErrorThatSaysWhatToDo) {
    fs::permissions(directory_.path(), fs::perms::owner_read | fs::perms::owner_exec |
                                           fs::perms::others_read | fs::perms::others_exec);
    const auto try_it = [this] {
        const auto epoch = next_epoch(file_);
        return !epoch && epoch.error().find("make its directory writable") != std::string::npos;
    };
    if (::geteuid() != 0) {
        EXPECT_TRUE(try_it());
        return;
    }
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(::setuid(65534) == 0 && try_it() ? 0 : 1);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(EpochFile, ALinkIsNotFollowed) {
    write("00000000000000000007\n");
    const fs::path link = directory_.path() / "link.epoch";
    fs::create_symlink(file_, link);

    EXPECT_FALSE(next_epoch(link));
    EXPECT_EQ(text(), "00000000000000000007\n");
}

}  // namespace
}  // namespace weft::fabric
