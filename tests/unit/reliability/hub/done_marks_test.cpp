#include "reliability/hub/done_marks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/temp_dir.hpp"

namespace weft::reliability::hub {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Marks : public ::testing::Test {
protected:
    static constexpr std::uint64_t epoch = 7;

    std::unique_ptr<DoneMarks> open(const std::string& consumer = "counter") {
        auto opened = DoneMarks::open(directory_.path(), consumer);
        if (!opened) throw std::runtime_error(opened.error());
        return std::move(*opened);
    }
    std::unique_ptr<DoneMarks> begun() {
        auto marks = open();
        marks->begin(epoch);
        return marks;
    }
    [[nodiscard]] std::filesystem::path file(unsigned slot = 0) const {
        return directory_ / ("counter." + std::to_string(slot) + ".marks");
    }
    /// Runs `what` in another process, which then ends as by kill -9; its exit code.
    template <class What>
    static int elsewhere(What what) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(what());
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    static void expect_empty(const DoneMarks& marks, std::uint64_t of = epoch) {
        EXPECT_THAT(marks.left(of).done, IsEmpty());
        EXPECT_THAT(marks.left(of).in_hand, IsEmpty());
    }

    weft::testing::TempDir directory_;
};

TEST_F(Marks, WhatWasDoneAndInHandIsFoundAfterItsProcessWasKilled) {
    ASSERT_EQ(elsewhere([&] {
                  const auto marks = begun().release();
                  bool room = true;
                  for (const std::uint64_t id : {4, 2, 9}) room = room && marks->done(id);
                  marks->settle(1);
                  marks->in_hand(0, 11);
                  marks->in_hand(DoneMarks::workers_max - 1, 12);
                  marks->in_hand(3, 13);
                  marks->in_hand(3, 0);
                  return room ? 0 : 1;
              }),
              0);
    const auto marks = open();
    EXPECT_EQ(marks->slot(), 0U);
    EXPECT_THAT(marks->left(epoch).done, ElementsAre(2, 9));
    EXPECT_THAT(marks->left(epoch).in_hand, ElementsAre(11, 12));
    marks->begin(epoch);
    expect_empty(*marks);
    EXPECT_EQ(marks->unsettled(), 0U);
}

TEST_F(Marks, AFileThatIsNewSaysNothing) {
    expect_empty(*open());
    expect_empty(*open(), 0);
}

TEST_F(Marks, NumbersOfAnotherEpochMeanOtherMessages) {
    {
        const auto marks = begun();
        ASSERT_TRUE(marks->done(4));
        marks->in_hand(0, 5);
    }
    const auto marks = open();
    expect_empty(*marks, epoch + 1);
    EXPECT_THAT(marks->left(epoch).done, ElementsAre(4)) << "looking forgets nothing";
    marks->begin(epoch + 1);
    expect_empty(*marks, epoch);
    expect_empty(*marks, epoch + 1);
}

TEST_F(Marks, AFullRingSaysSoAndHasRoomAgainForWhatIsSettled) {
    const auto marks = begun();
    for (std::uint64_t id = 1; id <= DoneMarks::entries_max; ++id) ASSERT_TRUE(marks->done(id));
    EXPECT_FALSE(marks->done(99'999));
    EXPECT_EQ(marks->unsettled(), DoneMarks::entries_max);
    EXPECT_THAT(marks->left(epoch).done, SizeIs(DoneMarks::entries_max));
    marks->settle(2);
    EXPECT_TRUE(marks->done(100'001));
    EXPECT_TRUE(marks->done(100'002));
    EXPECT_FALSE(marks->done(100'003));
    const auto left = marks->left(epoch).done;
    ASSERT_THAT(left, SizeIs(DoneMarks::entries_max));
    EXPECT_EQ(left.front(), 3U);
    EXPECT_EQ(left.back(), 100'002U);
}

TEST_F(Marks, TwoAtATimeHaveTwoFilesAlsoInTwoProcesses) {
    const auto first = open();
    EXPECT_EQ(elsewhere([&] { return static_cast<int>(open()->slot()); }), 1);
    {
        const auto second = open();
        EXPECT_EQ(second->slot(), 1U);
        EXPECT_EQ(open("other")->slot(), 0U) << "each consumer has its own";
    }
    EXPECT_EQ(open()->slot(), 1U) << "what was let go is taken again";
}

TEST_F(Marks, WhenAllPlacesAreTakenTheSentenceSaysWhatHelps) {
    std::vector<std::unique_ptr<DoneMarks>> all;
    for (unsigned i = 0; i < DoneMarks::slots_max; ++i) all.push_back(open());
    const auto none = DoneMarks::open(directory_.path(), "counter");
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error(),
                AllOf(HasSubstr("all 64 places of consumer 'counter'"), HasSubstr("hub.state")));
}

TEST_F(Marks, AFileOfGarbageSaysNothingAndIsUsedAnew) {
    weft::testing::write_text(file(), std::string(200'000, '\xA5'));
    {
        const auto marks = open();
        expect_empty(*marks);
        expect_empty(*marks, 0xA5A5A5A5A5A5A5A5U);
        marks->begin(epoch);
        ASSERT_TRUE(marks->done(3));
    }
    EXPECT_THAT(open()->left(epoch).done, ElementsAre(3));
}

TEST_F(Marks, AFileThatWasCutSaysNothingThatNobodyDid) {
    {
        const auto marks = begun();
        for (std::uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(marks->done(id));
        marks->in_hand(1, 4);
    }
    std::filesystem::resize_file(file(), 32);  // the numbers are gone, how many there were is not
    const auto marks = open();
    expect_empty(*marks);
    marks->begin(epoch);
    EXPECT_TRUE(marks->done(1));
    EXPECT_THAT(marks->left(epoch).done, ElementsAre(1));
}

TEST_F(Marks, CountsThatCannotBeSayNothing) {
    begun().reset();
    std::string bytes = weft::testing::read_text(file());
    for (const std::size_t field : {2, 3}) {  // done from, done to
        std::string broken = bytes;
        std::fill_n(broken.begin() + static_cast<std::ptrdiff_t>(field * 8), 8, '\x7F');
        weft::testing::write_text(file(), broken);
        expect_empty(*open());
    }
}

TEST_F(Marks, ADirectoryThatCannotBeWrittenIsNamedWithTheSettingThatNamesIt) {
    weft::testing::write_text(directory_ / "file", "");
    const auto opened = DoneMarks::open(directory_ / "file" / "hub", "counter");
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error(), AllOf(HasSubstr("cannot use " + (directory_ / "file").string()),
                                      HasSubstr("hub.state names the directory")));
}

TEST_F(Marks, AFileThatCannotBeOpenedIsNamed) {
    std::filesystem::create_directory(file());
    const auto directory = DoneMarks::open(directory_.path(), "counter");
    ASSERT_FALSE(directory);
    EXPECT_THAT(directory.error(), HasSubstr("cannot use " + file().string()));
    std::filesystem::remove(file());
    std::filesystem::create_symlink(directory_ / "elsewhere", file());
    EXPECT_FALSE(DoneMarks::open(directory_.path(), "counter")) << "a link may lead anywhere";
    EXPECT_FALSE(std::filesystem::exists(directory_ / "elsewhere"));
}

TEST_F(Marks, TheDirectoryIsMade) {
    EXPECT_TRUE(DoneMarks::open(directory_ / "a" / "b", "counter"));
    EXPECT_TRUE(std::filesystem::exists(directory_ / "a" / "b" / "counter.0.marks"));
}

}  // namespace
}  // namespace weft::reliability::hub
