// weft config: what is in force, and where it came from.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/integration/command_fixture.hpp"

namespace weft::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ConfigCommand : public CommandTest {
protected:
    std::string query(const std::string& key) { return weft_done({"config", "--query", key}).out; }
};

TEST_F(ConfigCommand, WithoutAnyFileShowsTheBuiltInValues) {
    const Finished done = weft({"config"});

    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("topic_prefix: org.weft\n"));
    EXPECT_THAT(done.out, HasSubstr("inbound: \"tcp://127.0.0.1:9940\""));
    EXPECT_THAT(done.err, IsEmpty());
}

TEST_F(ConfigCommand, WhatItPrintsLoadsToTheSameAgain) {
    weft_done({"init", "--dir", ".", "--name", "git.host1"});
    const std::string printed = weft_done({"config"}).out;
    write_text(path("copy/all.yaml"), printed);
    std::filesystem::create_directory(path("elsewhere"));

    const Finished again =
        weft_done({"--config", "../copy/all.yaml", "config"}, {.cwd = path("elsewhere")});

    EXPECT_EQ(again.out, printed);
}

TEST_F(ConfigCommand, QueryPrintsASingleValueBareAndAListOneItemALine) {
    write_text(path("weft.d/10.yaml"), "name: git.host7\nreliability: {journals: [j1, j2]}\n");

    EXPECT_EQ(query("name"), "git.host7\n");
    EXPECT_EQ(query("reliability.journals"), "j1\nj2\n");
    EXPECT_EQ(query("reliability.journals.1"), "j2\n");
    EXPECT_EQ(query("fabric.endpoints"), "");
}

TEST_F(ConfigCommand, QueryForAnUnknownKeyNamesTheNearestOne) {
    const Finished done = weft({"config", "--query", "fabric.rely.inbound"});

    EXPECT_EQ(done.exit_code, 2);
    EXPECT_THAT(done.out, IsEmpty());
    EXPECT_THAT(done.err, AllOf(HasSubstr("'rely'"), HasSubstr("'relay'")));
}

TEST_F(ConfigCommand, OriginSaysFileAndLineEnvironmentOptionOrDefault) {
    write_text(path("weft.d/10-weft.yaml"), "# who we are\nname: git.host1\n");

    const Finished done = weft({"config", "--origin", "--set", "fabric.high_water_mark=5"},
                               {.environment = {{"WEFT_FABRIC__MODE", "bind"}}});

    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("\nname: git.host1   # weft.d/10-weft.yaml:2\n"));
    EXPECT_THAT(done.out, HasSubstr("\nfabric.mode: bind   # environment WEFT_FABRIC__MODE\n"));
    EXPECT_THAT(done.out,
                HasSubstr("\nfabric.high_water_mark: 5   # --set fabric.high_water_mark\n"));
    EXPECT_THAT(done.out, HasSubstr("\nenvironment: dev   # default\n"));
}

TEST_F(ConfigCommand, OriginAndQueryTogetherShowOnePart) {
    const Finished done = weft({"config", "--origin", "--query", "fabric.relay"});

    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 3);
    EXPECT_THAT(done.out, HasSubstr("fabric.relay.inbound: \"tcp://127.0.0.1:9940\"   # default"));
}

TEST_F(ConfigCommand, LaterLayersWin) {
    write_text(path("home/.config/weft.d/10.yaml"), "name: from-home\ntopic_prefix: com.home\n");
    write_text(path("weft.d/10.yaml"), "name: from-here\n");
    write_text(path("other/weft.d/10.yaml"), "name: from-config\n");
    const std::map<std::string, std::string> home = {{"HOME", path("home").string()}};
    std::map<std::string, std::string> home_and_variable = home;
    home_and_variable["WEFT_NAME"] = "from-environment";
    const auto name = [&](std::vector<std::string> flags, const auto& environment) {
        flags.insert(flags.end(), {"config", "--query", "name"});
        return weft_done(flags, {.environment = environment}).out;
    };

    EXPECT_EQ(weft_done({"config", "--query", "topic_prefix"}, {.environment = home}).out,
              "com.home\n");
    EXPECT_EQ(name({}, home), "from-here\n");
    EXPECT_EQ(name({"--config", "other"}, home), "from-config\n");
    EXPECT_EQ(name({"--config", "other"}, home_and_variable), "from-environment\n");
    EXPECT_EQ(name({"--config", "other", "--set", "name=from-set"}, home_and_variable),
              "from-set\n");
}

TEST_F(ConfigCommand, RelativePathsStartAtTheDirectoryThatHoldsWeftD) {
    weft_done({"init", "--dir", "demo", "--name", "git.host1"});

    const Finished done = weft_done({"--config", "demo", "keys", "list"});

    EXPECT_THAT(done.out, HasSubstr("git.host1"));
}

TEST_F(ConfigCommand, EveryFaultOfABrokenFileIsNamedWithFileAndLine) {
    write_text(path("weft.d/10-broken.yaml"),
               "topic_prefix: org.weft\n"
               "nmae: git.host1\n"
               "fabric:\n"
               "  mode: relais\n"
               "  high_water_mark: many\n");

    const Finished done = weft({"config"});

    EXPECT_EQ(done.exit_code, 2);
    EXPECT_THAT(done.out, IsEmpty());
    EXPECT_THAT(done.err, HasSubstr("weft.d/10-broken.yaml:2: "));
    EXPECT_THAT(done.err, AllOf(HasSubstr("'nmae'"), HasSubstr("'name'")));
    EXPECT_THAT(done.err, AllOf(HasSubstr("weft.d/10-broken.yaml:4: "), HasSubstr("relais")));
    EXPECT_THAT(done.err, AllOf(HasSubstr("weft.d/10-broken.yaml:5: "), HasSubstr("many")));
}

TEST_F(ConfigCommand, ASettingThatIsNoneIsAUsageErrorThatNamesIt) {
    for (const char* setting : {"fabric.moed=bind", "fabric.mode=relais", "fabric.mode"}) {
        const Finished done = weft({"--set", setting, "config"});

        EXPECT_EQ(done.exit_code, 2) << setting;
        EXPECT_THAT(done.err, HasSubstr("--set fabric.mo")) << setting;
    }
}

TEST_F(ConfigCommand, AConfigPathThatIsMissingIsAUsageErrorThatNamesIt) {
    const Finished done = weft({"--config", "no/such/place", "config"});

    EXPECT_EQ(done.exit_code, 2);
    EXPECT_THAT(done.err, HasSubstr("no/such/place"));
}

TEST_F(ConfigCommand, SecretsAreMasked) {  // K3
    write_text(path("weft.d/10.yaml"), "gateway: {esub: {cluster_token: open-sesame-4711}}\n");

    for (const auto& flags : std::vector<std::vector<std::string>>{
             {"config"}, {"config", "--origin"}, {"config", "--query", "gateway.esub"}}) {
        const Finished done = weft(flags);

        EXPECT_EQ(done.exit_code, 0) << done.err;
        EXPECT_THAT(done.out, HasSubstr("***"));
        EXPECT_THAT(done.out + done.err, Not(HasSubstr("sesame")));
    }
}

}  // namespace
}  // namespace weft::testing
