#include "config/load.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::config {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A directory of its own for each test, with folders as a real machine has them.
class Load : public ::testing::Test {
protected:
    Load() {
        std::string name = (fs::temp_directory_path() / "weft-load-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) std::abort();
        root_ = fs::canonical(name);
        options_.directory = root_ / "here";
        options_.folders = {root_ / "etc/weft.d", root_ / "home/.config/weft.d", "weft.d"};
        fs::create_directories(options_.directory);
    }
    ~Load() override { fs::remove_all(root_); }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    void write(const fs::path& file, std::string_view text) const {
        fs::create_directories((root_ / file).parent_path());
        std::ofstream(root_ / file, std::ios::binary) << text;
    }

    [[nodiscard]] std::string value(std::string_view key) const {
        const auto configuration = load(options_);
        if (!configuration) return text_of(configuration.error());
        const Value* found = configuration->find(key);
        return found == nullptr ? "(nothing)" : found->text + " from " + found->origin.text();
    }

    [[nodiscard]] std::vector<std::string> problems() const {
        std::vector<std::string> lines;
        const auto configuration = load(options_);
        if (configuration) return lines;
        for (const Problem& problem : configuration.error()) lines.push_back(problem.text());
        return lines;
    }

    fs::path root_;
    LoadOptions options_;
};

TEST_F(Load, GivesTheDefaultsWhereNothingIsSaid) {
    EXPECT_EQ(value("fabric.high_water_mark"), "100000 from default");
}

TEST_F(Load, LetsEachLayerWinOverTheOnesBefore) {
    EXPECT_EQ(value("name"), "git.host1 from default");
    write("etc/weft.d/a.yaml", "name: a\n");
    EXPECT_EQ(value("name"), "a from " + (root_ / "etc/weft.d/a.yaml:1").string());
    write("home/.config/weft.d/a.yaml", "name: b\n");
    EXPECT_EQ(value("name"), "b from " + (root_ / "home/.config/weft.d/a.yaml:1").string());
    write("here/weft.d/a.yaml", "\nname: c\n");
    EXPECT_EQ(value("name"), "c from weft.d/a.yaml:2");
    write("here/extra.yaml", "name: d\n");
    options_.paths.emplace_back("extra.yaml");
    EXPECT_EQ(value("name"), "d from extra.yaml:1");
    options_.documents.push_back({"document", "name: e"});
    EXPECT_EQ(value("name"), "e from document:1");
    options_.environment["WEFT_NAME"] = "f";
    EXPECT_EQ(value("name"), "f from environment WEFT_NAME");
    options_.settings.emplace_back("name=g");
    EXPECT_EQ(value("name"), "g from --set name");
    options_.settings.emplace_back("name=h");
    EXPECT_EQ(value("name"), "h from --set name");
}

TEST_F(Load, ReadsTheFilesOfAFolderInTheOrderOfTheirNames) {
    write("here/weft.d/20-b.yaml", "name: b\n");
    write("here/weft.d/10-a.yaml", "name: a\nenvironment: stg\n");
    write("here/weft.d/9.yaml", "name: c\n");

    EXPECT_EQ(value("name"), "c from weft.d/9.yaml:1");
    EXPECT_EQ(value("environment"), "stg from weft.d/10-a.yaml:2");
}

TEST_F(Load, LeavesOtherAndHiddenFilesAlone) {
    write("here/weft.d/a.yaml", "name: a\n");
    write("here/weft.d/b.yaml.bak", "name: b\n");
    write("here/weft.d/.c.yaml", "name: c\n");
    write("here/weft.d/README", "name: d\n");

    EXPECT_EQ(value("name"), "a from weft.d/a.yaml:1");
}

TEST_F(Load, MergesMapsAndReplacesLists) {
    write("here/weft.d/1.yaml",
          "fabric: {srv: [a.org, b.org], endpoints: {x: [\"tcp://x:1\"], y: [\"tcp://y:1\"]}}\n");
    write("here/weft.d/2.yaml", "fabric: {srv: [c.org], endpoints: {x: [\"tcp://z:1\"]}}\n");

    EXPECT_EQ(value("fabric.srv.0"), "c.org from weft.d/2.yaml:1");
    EXPECT_EQ(value("fabric.srv.1"), "(nothing)");
    EXPECT_EQ(value("fabric.endpoints.x.0"), "tcp://z:1 from weft.d/2.yaml:1");
    EXPECT_EQ(value("fabric.endpoints.y.0"), "tcp://y:1 from weft.d/1.yaml:1");
}

TEST_F(Load, TakesEmptyFilesAndEmptyFoldersForNothingSaid) {
    write("here/weft.d/a.yaml", "");
    write("here/weft.d/b.yaml", "# nothing\n");
    fs::create_directories(root_ / "etc/weft.d");

    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Load, ReadsTheLayerFolderOfADirectoryThatConfigNames) {
    write("other/weft.d/a.yaml", "name: inner\n");
    write("other/tokens.yaml", "not: configuration\n");
    options_.paths = {"../other"};

    EXPECT_EQ(value("name"), "inner from ../other/weft.d/a.yaml:1");
}

TEST_F(Load, ReadsADirectoryThatConfigNamesItselfIfItHasNoLayerFolder) {
    write("other/a.yaml", "name: outer\n");
    options_.paths = {root_ / "other"};

    EXPECT_EQ(value("name"), "outer from " + (root_ / "other/a.yaml:1").string());
}

TEST_F(Load, TakesConfigAgainAndAgainTheLastWinning) {
    write("here/a.yaml", "name: a\nenvironment: stg\n");
    write("here/b.conf", "name: b\n");
    options_.paths = {"a.yaml", "b.conf"};

    EXPECT_EQ(value("name"), "b from b.conf:1");
    EXPECT_EQ(value("environment"), "stg from a.yaml:2");
}

TEST_F(Load, RefusesAConfigThatIsNotThere) {
    options_.paths = {"missing.yaml", "", "missing/"};

    EXPECT_THAT(problems(),
                ElementsAre(HasSubstr("--config missing.yaml: there is no such file or directory"),
                            HasSubstr("--config"), HasSubstr("--config missing/")));
}

TEST_F(Load, ReadsAFileThatIsReachedTwiceOnceAtItsLastPlace) {
    write("here/weft.d/a.yaml", "name: a\nfabrik: 1\n");
    options_.paths = {"."};

    EXPECT_THAT(problems(), ElementsAre(HasSubstr("weft.d/a.yaml:2: fabrik")));
}

TEST_F(Load, NeverIgnoresWhatItCannotRead) {
    fs::create_directories(root_ / "here/weft.d/directory.yaml");
    fs::create_symlink("nowhere", root_ / "here/weft.d/dangling.yaml");
    write("etc/weft.d", "a file where a folder belongs");

    EXPECT_THAT(
        problems(),
        ElementsAre(HasSubstr("etc/weft.d: is not a directory"),
                    HasSubstr("weft.d/dangling.yaml: cannot be read: there is no such file"),
                    HasSubstr("weft.d/directory.yaml: cannot be read: this is not a regular "
                              "file")));
}

TEST_F(Load, NeverIgnoresAFileWithoutPermission) {
    if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
    write("here/weft.d/a.yaml", "name: a\n");
    fs::permissions(root_ / "here/weft.d/a.yaml", fs::perms::none);

    EXPECT_THAT(problems(), ElementsAre(HasSubstr("cannot be read: Permission denied")));
}

TEST_F(Load, RefusesAFileOfMoreThanOneMebibyte) {
    write("here/weft.d/a.yaml", "#" + std::string(1024 * 1024, 'x'));

    EXPECT_THAT(problems(), ElementsAre(HasSubstr("weft.d/a.yaml: this is larger than 1 MiB")));
}

TEST_F(Load, ReportsThreeDifferentFaultsOfOneFileInTheOrderOfTheirLines) {
    write("here/weft.d/10-weft.yaml",
          "name: a\n"
          "fabrik:\n"
          "  mode: relay\n"
          "reliability:\n"
          "  ack_timeout: 250\n"
          "signing:\n"
          "  sign: true\n"
          "  sign: false\n"
          "gateway: 8080\n");

    EXPECT_THAT(
        problems(),
        ElementsAre(
            "weft.d/10-weft.yaml:2: fabrik: unknown key 'fabrik': did you mean 'fabric'?",
            HasSubstr(
                "weft.d/10-weft.yaml:5: reliability.ack_timeout: '250' has no unit: write 250s"),
            HasSubstr("weft.d/10-weft.yaml:8: signing.sign: the key 'sign' stands here twice, on "
                      "lines 7 and 8"),
            HasSubstr("weft.d/10-weft.yaml:9: gateway: a map")));
}

TEST_F(Load, ReportsTheProblemsOfEveryLayer) {
    write("etc/weft.d/a.yaml", "nam: a\n");
    write("here/weft.d/a.yaml", "environment: [\n");
    write("here/weft.d/b.yaml", "environment: moon\n");
    options_.environment = {{"WEFT_FABRIK__MODE", "bind"}, {"WEFT_FABRIC__FLUSH", "5"}};
    options_.settings = {"environment=dev", "hub.consumer=[]", "nonsense"};

    EXPECT_THAT(
        problems(),
        ElementsAre(HasSubstr("etc/weft.d/a.yaml:1: nam: unknown key 'nam': did you mean "
                              "'name'?"),
                    HasSubstr("weft.d/a.yaml:"), HasSubstr("weft.d/b.yaml:1: environment"),
                    HasSubstr("environment WEFT_FABRIC__FLUSH: fabric.flush: '5' has no unit"),
                    HasSubstr("environment WEFT_FABRIK__MODE: fabrik: unknown key 'fabrik': "
                              "did you mean 'fabric'?"),
                    HasSubstr("--set hub.consumer: unknown key 'consumer': did you mean "
                              "'consumers'?"),
                    HasSubstr("--set: 'nonsense'")));
}

TEST_F(Load, ReportsAMistakeEvenWhereALaterLayerHidesIt) {
    write("here/weft.d/a.yaml", "environment: moon\n");
    options_.settings = {"environment=dev"};

    EXPECT_THAT(problems(), SizeIs(1));
}

TEST_F(Load, LeavesTheRestOfTheEnvironmentAlone) {
    options_.environment = {{"PATH", "/bin"},     {"WEFTY", "x"},         {"weft_name", "x"},
                            {"WEFT_TOPIC", "t"},  {"WEFT_ID", "i"},       {"WEFT_SIGNER", "s"},
                            {"WEFT_HUB", "h"},    {"WEFT_CONSUMER", "c"}, {"WEFT_SETTINGS", "{}"},
                            {"XWEFT_FABRIK", "1"}};

    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Load, RefusesVariablesWithoutAKnownFirstKey) {
    options_.environment = {{"WEFT_TOPICS", "t"}};

    EXPECT_THAT(problems(), ElementsAre(HasSubstr("environment WEFT_TOPICS: topics: unknown key")));
}

TEST_F(Load, LetsAMoreSpecificVariableWin) {
    options_.environment = {{"WEFT_FABRIC", "{mode: bind, curve: on}"},
                            {"WEFT_FABRIC__MODE", "relay"}};

    EXPECT_EQ(value("fabric.mode"), "relay from environment WEFT_FABRIC__MODE");
    EXPECT_EQ(value("fabric.curve"), "on from environment WEFT_FABRIC");
}

TEST_F(Load, TakesWhatTheEsubServerWasTold) {
    options_.environment = {{"ESUB_PORT", "9123"},          {"ESUB_PING_FREQUENCY", "2"},
                            {"ESUB_CONFIRM_RECEIPT", "ok"}, {"ESUB_TOKEN", "of a client"},
                            {"ESUB_METRIC_PREFIX", "a"},    {"WEFT_GATEWAY__ESUB__PING", "3s"}};

    EXPECT_EQ(value("gateway.esub.port"), "9123 from environment ESUB_PORT");
    EXPECT_EQ(value("gateway.esub.confirm"), "true from environment ESUB_CONFIRM_RECEIPT");
    EXPECT_EQ(value("gateway.esub.metric_prefix"), "a from environment ESUB_METRIC_PREFIX");
    EXPECT_EQ(value("gateway.esub.ping"), "3s from environment WEFT_GATEWAY__ESUB__PING");
    options_.environment = {{"ESUB_CONFIRM_RECEIPT", "0"}, {"ESUB_PING_FREQUENCY", "2"}};
    EXPECT_EQ(value("gateway.esub.confirm"), "false from environment ESUB_CONFIRM_RECEIPT");
    EXPECT_EQ(value("gateway.esub.ping"), "2s from environment ESUB_PING_FREQUENCY");
    options_.environment = {{"ESUB_PORT", "80800"}};
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("environment ESUB_PORT: gateway.esub.port")));
}

TEST(ProcessOptions, LookAtTheRealProcess) {
    const LoadOptions options = process_options({"x.yaml"}, {"name=a"});

    EXPECT_EQ(options.directory, fs::current_path());
    ASSERT_THAT(options.folders, Not(IsEmpty()));
    EXPECT_EQ(options.folders.front(), "/etc/weft.d");
    EXPECT_EQ(options.folders.back(), "weft.d");
    EXPECT_THAT(options.paths, ElementsAre(fs::path("x.yaml")));
    EXPECT_THAT(options.settings, ElementsAre("name=a"));
}

}  // namespace
}  // namespace weft::config
