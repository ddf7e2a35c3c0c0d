// The example plugin, run as the hub runs it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "reliability/hub/plugin_handler.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"
#include "tests/unit/reliability/hub/recording_surroundings.hpp"

namespace weft::reliability::hub {
namespace {

using fabric::Value;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Is = Verdict::Is;

class CommitCounter : public ::testing::Test {
protected:
    std::string error_of_start(const std::string& settings_json) {
        ConsumerSettings settings;
        settings.name = "commit-counter";
        settings.plugin = WEFT_COMMIT_COUNTER;
        settings.settings_json = settings_json;
        host = make_plugin_in_process(settings, surroundings);
        const auto started = host->start();
        if (!started) return started.error();
        handler = host->make();
        return "";
    }
    void start(const std::string& settings_json) { ASSERT_EQ(error_of_start(settings_json), ""); }
    Verdict commit_by(const std::string& author) {
        return handler->handle(fabric::received(Value{{"author", author}, {"hash", "2f1c9e"}}), 1);
    }
    [[nodiscard]] std::string with_output(const std::string& more = "") const {
        return R"({"output":")" + output + "\"" + more + "}";
    }

    weft::testing::TempDir dir;
    const std::string output = dir / "authors.json";
    RecordingSurroundings surroundings;
    std::unique_ptr<HandlerHost> host;
    std::unique_ptr<Handler> handler;
};

TEST_F(CommitCounter, WritesTheCountsAfterEachCommit) {
    start(with_output());

    EXPECT_EQ(commit_by("ann").is, Is::done);
    EXPECT_EQ(weft::testing::read_text(output), "{\"ann\":1}\n");
    EXPECT_EQ(commit_by("bob \"the\\builder\"").is, Is::done);
    EXPECT_EQ(commit_by("ann").is, Is::done);

    EXPECT_EQ(weft::testing::read_text(output), R"({"ann":2,"bob \"the\\builder\"":1})"
                                                "\n");
}

TEST_F(CommitCounter, GoesOnCountingAfterARestart) {
    start(with_output());
    static_cast<void>(commit_by("ann"));
    static_cast<void>(commit_by("bob \"the\\builder\""));
    host->stop(std::chrono::seconds{5});

    start(with_output());

    EXPECT_THAT(surroundings.lines(), Contains("info commit-counter: begins with 2 commits"));
    static_cast<void>(commit_by("bob \"the\\builder\""));
    EXPECT_EQ(weft::testing::read_text(output), R"({"ann":1,"bob \"the\\builder\"":2})"
                                                "\n");
}

TEST_F(CommitCounter, ReportsAsOftenAsItsSettingsSay) {
    start(R"({"report_every":2})");

    static_cast<void>(commit_by("ann"));
    EXPECT_THAT(surroundings.published(), IsEmpty());
    static_cast<void>(commit_by("bob"));
    static_cast<void>(commit_by("ann"));

    ASSERT_THAT(surroundings.published(), SizeIs(1));
    EXPECT_EQ(surroundings.published()[0].topic, "git.authors");
    EXPECT_EQ(surroundings.published()[0].body, R"({"commits":2,"authors":{"ann":1,"bob":1}})");
    EXPECT_EQ(surroundings.published()[0].parent, fabric::sample_header().id);
}

TEST_F(CommitCounter, CountsACommitThatNoReportCouldBeMadeOf) {
    surroundings.refusal = "not granted";
    start(R"({"report_every":1})");

    EXPECT_EQ(commit_by("ann").is, Is::done);

    EXPECT_THAT(surroundings.lines(), Contains("warning commit-counter: no report: not granted"));
}

TEST_F(CommitCounter, RejectsACommitOfNobody) {
    start("{}");

    EXPECT_EQ(handler->handle(fabric::received(Value{{"hash", "2f1c9e"}}), 1).is, Is::reject);
    EXPECT_EQ(commit_by("ann\nbob").is, Is::reject);
}

TEST_F(CommitCounter, CountsNothingThatItCouldNotWrite) {
    std::filesystem::create_directory(dir / "gone");
    start(R"({"output":")" + (dir / "gone").string() + R"(/authors.json"})");
    std::filesystem::remove(dir / "gone");

    const Verdict verdict = commit_by("ann");

    EXPECT_EQ(verdict.is, Is::retry);
    EXPECT_THAT(verdict.reason, HasSubstr("cannot write"));
    std::filesystem::create_directory(dir / "gone");
    EXPECT_EQ(commit_by("ann").is, Is::done);
    EXPECT_EQ(weft::testing::read_text(dir / "gone/authors.json"), "{\"ann\":1}\n");
}

TEST_F(CommitCounter, SaysWhichSettingOrFileIsWrong) {
    EXPECT_THAT(error_of_start(R"({"report_every":"often"})"),
                HasSubstr("settings.report_every is the text \"often\""));
    EXPECT_THAT(error_of_start(R"({"report_every":0})"), HasSubstr("at least 1"));
    for (const char* text : {"", "{", "{\"ann\":", "{\"ann\":1", "[1]", "{\"ann\":x}"}) {
        weft::testing::write_text(output, text);
        EXPECT_THAT(error_of_start(with_output()), HasSubstr("remove it to count from nothing"))
            << text;
    }
    weft::testing::write_text(output, "{}\n");
    EXPECT_EQ(error_of_start(with_output()), "");
}

}  // namespace
}  // namespace weft::reliability::hub
