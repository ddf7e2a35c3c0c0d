#include "config/watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace weft::config {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// What a look may see: one file in a state with this number.
FilesSeen seen(std::uint64_t state) {
    FilesSeen seen;
    seen.files["weft.d/a.yaml"].size = 10;
    seen.files["weft.d/a.yaml"].modified_ns = static_cast<std::int64_t>(state);
    return seen;
}

TEST(ReloadDecider, LoadsNothingWhileNothingChanges) {
    ReloadDecider decider(seen(1));

    for (int i = 0; i < 10; ++i) EXPECT_FALSE(decider.on_look(seen(1), false));
}

TEST(ReloadDecider, LoadsAChangeOnceItHasComeToRest) {
    ReloadDecider decider(seen(1));

    EXPECT_FALSE(decider.on_look(seen(2), false));
    EXPECT_TRUE(decider.on_look(seen(2), false));
    decider.on_loaded(seen(2));

    EXPECT_FALSE(decider.on_look(seen(2), false));
}

TEST(ReloadDecider, LoadsAChangeThatNeverRestsAllTheSame) {
    ReloadDecider decider(seen(1));
    int looks = 1;

    while (!decider.on_look(seen(1 + static_cast<std::uint64_t>(looks)), false)) ++looks;

    EXPECT_EQ(looks, ReloadDecider::looks_for_rest);
}

TEST(ReloadDecider, LoadsAtOnceWhenAsked) {
    ReloadDecider decider(seen(1));

    EXPECT_TRUE(decider.on_look(seen(1), true));
    EXPECT_TRUE(decider.on_look(seen(2), true));
}

// T6
TEST(ReloadDecider, TriesWhatFailedAgainNowAndThenAndSaysItOnce) {
    ReloadDecider decider(seen(1));
    ASSERT_TRUE(decider.on_look(seen(2), true));

    EXPECT_THAT(decider.on_failed(seen(2), {"a.yaml:3: wrong"}), ElementsAre("a.yaml:3: wrong"));
    for (int i = 1; i < ReloadDecider::looks_between_attempts; ++i) {
        EXPECT_FALSE(decider.on_look(seen(2), false));
    }
    EXPECT_TRUE(decider.on_look(seen(2), false));
    EXPECT_THAT(decider.on_failed(seen(2), {"a.yaml:3: wrong"}), IsEmpty());

    EXPECT_THAT(decider.on_failed(seen(3), {"a.yaml:4: other"}), ElementsAre("a.yaml:4: other"));
}

TEST(ReloadDecider, SaysTheSameAgainAfterItHadBeenMended) {
    ReloadDecider decider(seen(1));
    ASSERT_THAT(decider.on_failed(seen(2), {"wrong"}), SizeIs(1));

    EXPECT_FALSE(decider.on_look(seen(1), false));  // put back as it was

    EXPECT_THAT(decider.on_failed(seen(3), {"wrong"}), SizeIs(1));
}

// T6
TEST(VanishedContent, NamesFilesThatLostTheirContentAndFoldersThatAreGone) {
    FilesSeen before = seen(1);
    before.folders = {"weft.d", "etc"};
    before.files["weft.d/always-empty.yaml"] = {};
    before.files["weft.d/removed.yaml"].size = 3;
    FilesSeen now = before;
    now.folders = {"etc"};
    now.files["weft.d/a.yaml"].size = 0;
    now.files.erase("weft.d/removed.yaml");

    const Problems problems = vanished_content(before, now);

    EXPECT_THAT(text_of(problems), HasSubstr("weft.d: this folder is gone"));
    EXPECT_THAT(text_of(problems), HasSubstr("weft.d/a.yaml: this file is empty now"));
    EXPECT_THAT(problems, SizeIs(2));
}

/// Real files, and what becomes of each look.
class WatchFiles : public ::testing::Test {
protected:
    WatchFiles() {
        std::string name = (fs::temp_directory_path() / "weft-watch-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) std::abort();
        root_ = fs::canonical(name);
        options_.directory = root_;
        options_.folders = {"weft.d"};
        fs::create_directories(root_ / "weft.d");
    }
    ~WatchFiles() override { fs::remove_all(root_); }
    WatchFiles(const WatchFiles&) = delete;
    WatchFiles& operator=(const WatchFiles&) = delete;

    void write(const std::string& name, std::string_view text) const {
        std::ofstream(root_ / "weft.d" / (name + ".new"), std::ios::binary) << text;
        fs::rename(root_ / "weft.d" / (name + ".new"), root_ / "weft.d" / name);
    }
    Watch watch() const { return {options_, look_at_files(options_)}; }
    /// As many looks as a change needs.
    void look(Watch& watch, int looks = 2) {
        for (int i = 0; i < looks; ++i) {
            auto outcome = watch.look(false, [this](const Configuration& configuration) {
                names_.push_back(configuration.find("name")->text);
                return refusals_;
            });
            for (std::string& line : outcome.problems) said_.push_back(std::move(line));
        }
    }

    fs::path root_;
    LoadOptions options_;
    std::vector<std::string> names_, said_, refusals_;
};

TEST_F(WatchFiles, AFileThatChangesAppearsOrGoesIsLoaded) {
    write("10.yaml", "name: one\n");
    Watch watch = this->watch();
    look(watch);
    EXPECT_THAT(names_, IsEmpty());

    write("10.yaml", "name: two\n");
    look(watch);
    write("20.yaml", "name: three\n");
    look(watch);
    fs::remove(root_ / "weft.d/20.yaml");
    look(watch);

    EXPECT_THAT(names_, ElementsAre("two", "three", "two"));
    EXPECT_THAT(said_, IsEmpty());
}

TEST_F(WatchFiles, VariablesAndSettingsKeepTheirPrecedence) {
    options_.environment["WEFT_NAME"] = "variable";
    Watch with_variable = watch();
    options_.settings = {"name=setting"};
    Watch with_both = watch();
    write("10.yaml", "name: file\n");

    look(with_variable);
    look(with_both);

    EXPECT_THAT(names_, ElementsAre("variable", "setting"));
}

// T6
TEST_F(WatchFiles, ABrokenFileIsNamedOnceWithItsLineAndAMendedOneTakesOver) {
    write("10.yaml", "name: one\n");
    Watch watch = this->watch();

    write("10.yaml", "name: two\nfabric: [\n");
    look(watch, 20);
    EXPECT_THAT(names_, IsEmpty());
    ASSERT_THAT(said_, SizeIs(1));
    EXPECT_THAT(said_[0], HasSubstr("weft.d/10.yaml:3"));

    write("10.yaml", "name: three\n");
    look(watch);
    EXPECT_THAT(names_, ElementsAre("three"));
}

// T6
TEST_F(WatchFiles, AnEmptiedFileOrFolderKeepsTheOldState) {
    write("10.yaml", "name: one\n");
    Watch watch = this->watch();

    write("10.yaml", "");
    look(watch, 8);
    fs::rename(root_ / "weft.d", root_ / "elsewhere");
    look(watch, 8);

    EXPECT_THAT(names_, IsEmpty());
    ASSERT_THAT(said_, SizeIs(2));
    EXPECT_THAT(said_[0], HasSubstr("weft.d/10.yaml: this file is empty now"));
    EXPECT_THAT(said_[1], HasSubstr("weft.d: this folder is gone"));
}

TEST_F(WatchFiles, WhatIsNotTakenIsSaidOnceAndTriedAgain) {
    write("10.yaml", "name: one\n");
    Watch watch = this->watch();
    refusals_ = {"not like this"};
    write("10.yaml", "name: two\n");

    look(watch, 12);
    EXPECT_THAT(said_, ElementsAre("not like this"));
    const std::size_t attempts = names_.size();
    EXPECT_GT(attempts, 1U);

    refusals_.clear();
    look(watch, ReloadDecider::looks_between_attempts);
    EXPECT_EQ(names_.size(), attempts + 1);
    look(watch, 8);
    EXPECT_EQ(names_.size(), attempts + 1);
}

}  // namespace
}  // namespace weft::config
