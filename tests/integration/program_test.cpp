// What holds for `weft` as a whole: help, version, exit codes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/integration/command_fixture.hpp"

namespace weft::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Program : public CommandTest {};

TEST_F(Program, TellsItsVersion) {
    const Finished done = weft({"--version"});

    EXPECT_EQ(done.exit_code, 0);
    EXPECT_THAT(done.out, StartsWith("weft 0."));
    EXPECT_THAT(done.err, IsEmpty());
}

TEST_F(Program, HelpNamesTheCommandsAndWhereToStart) {
    const Finished done = weft({"--help"});

    EXPECT_EQ(done.exit_code, 0);
    for (const char* command : {"init", "keys", "config"}) {
        EXPECT_THAT(done.out, HasSubstr(command));
    }
    EXPECT_THAT(done.out, HasSubstr("weft init --dir demo"));
}

TEST_F(Program, AnUnknownCommandOrNoneIsAUsageError) {
    for (const auto& arguments : std::vector<std::vector<std::string>>{
             {}, {"frobnicate"}, {"keys"}, {"keys", "frobnicate"}}) {
        const Finished done = weft(arguments);

        EXPECT_EQ(done.exit_code, 2);
        EXPECT_THAT(done.out, IsEmpty());
        EXPECT_THAT(done.err, HasSubstr("--help"));
    }
}

TEST_F(Program, AnUnknownFlagIsAUsageErrorThatNamesIt) {
    const Finished done = weft({"config", "--frobnicate"});

    EXPECT_EQ(done.exit_code, 2);
    EXPECT_THAT(done.err, HasSubstr("--frobnicate"));
}

TEST_F(Program, TheHelpOfEachCommandTeachesWithAnExample) {
    for (const auto& command : std::vector<std::vector<std::string>>{{"init"},
                                                                     {"config"},
                                                                     {"keys"},
                                                                     {"keys", "ca"},
                                                                     {"keys", "issue"},
                                                                     {"keys", "revoke"},
                                                                     {"keys", "list"},
                                                                     {"keys", "show"}}) {
        std::vector<std::string> arguments = command;
        arguments.emplace_back("--help");
        std::string typed = "weft";
        for (const std::string& word : command) typed += " " + word;

        const Finished done = weft(arguments);

        EXPECT_EQ(done.exit_code, 0) << typed;
        EXPECT_THAT(done.out, HasSubstr("Example:\n  ")) << typed;
        EXPECT_THAT(done.out.substr(done.out.find("Example:")), HasSubstr(typed));
    }
}

TEST_F(Program, OutputThatCannotBeWrittenIsAFailure) {
    const Finished done = run({"/bin/sh", "-c", "exec \"$0\" config >/dev/full", weft_program()},
                              {.cwd = dir_.path()});

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("standard output"));
}

}  // namespace
}  // namespace weft::testing
