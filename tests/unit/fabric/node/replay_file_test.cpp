#include "fabric/node/replay_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/signing_fixture.hpp"

namespace weft::fabric {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::uint64_t now = 1'800'000'000'000'000;

class ReplayFileTest : public ::testing::Test {
protected:
    ReplayFile::Found open() const { return ReplayFile::open(path(), "tail", now); }
    fs::path path() const { return dir_.path() / "var" / "replay"; }
    void put(const std::string& name, const std::string& bytes) const {
        fs::create_directories(path());
        std::ofstream(path() / name, std::ios::binary) << bytes;
    }
    static ReplayState open_until(std::uint64_t horizon_us) {
        ReplayState state;
        state.horizon_us = horizon_us;
        return state;
    }

    support::TemporaryDirectory dir_;
};

TEST_F(ReplayFileTest, WhatWasWrittenIsFoundByTheNextOne) {
    auto first = open();
    ASSERT_TRUE(first.file) << first.problem;
    EXPECT_EQ(first.problem, "");
    EXPECT_FALSE(first.own);
    EXPECT_FALSE(first.lost) << "there was nothing to lose";
    ASSERT_TRUE(first.file->write(open_until(now + 5)));
    first.file.reset();

    const auto second = open();
    ASSERT_TRUE(second.own);
    EXPECT_EQ(second.own->horizon_us, now + 5);
    EXPECT_FALSE(second.own->closed);
    EXPECT_EQ(fs::status(path() / "tail.0").permissions(),
              fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(fs::status(path()).permissions(), fs::perms::owner_all);
}

TEST_F(ReplayFileTest, AShorterStateOverALongerOneIsRead) {
    auto found = open();
    ASSERT_TRUE(found.file);
    ReplayState large = open_until(1);
    large.signers.push_back({std::string(200, 'x'), 1, 1});
    ASSERT_TRUE(found.file->write(large));
    ASSERT_TRUE(found.file->write(open_until(now)));
    found.file.reset();

    EXPECT_TRUE(open().own);
}

TEST_F(ReplayFileTest, EachThatRunsHasItsOwnAndReadsThoseOfWhoIsGone) {
    auto first = open();
    auto second = open();
    ASSERT_TRUE(first.file && second.file);
    EXPECT_EQ(second.file->path().filename(), "tail.1");
    EXPECT_TRUE(second.others.empty()) << "the first one lives";
    ASSERT_TRUE(first.file->write(open_until(now - 1)));
    ASSERT_TRUE(second.file->write(open_until(now - 2)));
    second.file.reset();
    first.file.reset();

    const auto third = open();
    EXPECT_EQ(third.file->path().filename(), "tail.0");
    ASSERT_EQ(third.others.size(), 1u);
    EXPECT_EQ(third.others.at(0).horizon_us, now - 2);
    EXPECT_EQ(ReplayFile::open(path(), "hub", now).file->path().filename(), "hub.0");
}

// After a power loss the disk may hold less than was promised.
TEST_F(ReplayFileTest, AnOpenFileOfAnEarlierBootIsNotReliedOn) {
    ReplayState state = open_until(now - 1000);
    state.boot.fill('x');
    put("tail.0", to_bytes(state));
    EXPECT_EQ(open().own->horizon_us, now);

    state.closed = true;
    put("tail.0", to_bytes(state));
    EXPECT_EQ(open().own->horizon_us, now - 1000) << "a closed one says all";
}

TEST_F(ReplayFileTest, WhatIsNoStateIsSaidAndTaken) {
    for (const std::string& bytes :
         {std::string{"WRP1"}, std::string(10'000'000, 'x'), std::string("WRP1\xFF\xFF\xFF\xFF")}) {
        put("tail.0", bytes);
        const auto found = open();
        EXPECT_TRUE(found.file);
        EXPECT_TRUE(found.lost);
        EXPECT_FALSE(found.own);
        EXPECT_THAT(found.problem, HasSubstr("tail.0' is no replay state or is damaged"));
    }
}

TEST_F(ReplayFileTest, LinksAndDirectoriesAreLeftAlone) {
    put("elsewhere", "precious");
    fs::create_symlink(path() / "elsewhere", path() / "tail.0");
    fs::create_directory(path() / "tail.1");

    const auto found = open();

    ASSERT_TRUE(found.file);
    EXPECT_EQ(found.file->path().filename(), "tail.2");
    EXPECT_EQ(fs::file_size(path() / "elsewhere"), 8u);
}

TEST_F(ReplayFileTest, WhereNothingCanBeMadeItSaysWhatWouldHelp) {
    put("file", "x");
    const auto found = ReplayFile::open(path() / "file" / "below", "tail", now);
    EXPECT_FALSE(found.file);
    EXPECT_THAT(found.problem, HasSubstr("in memory only"));
    EXPECT_THAT(found.problem, HasSubstr("fabric.replay.state"));
}

}  // namespace
}  // namespace weft::fabric
