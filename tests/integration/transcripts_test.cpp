// The commands that documents show, as they stand there, against a relay and a gateway: what they
// print is what the documents say.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/integration/transcript.hpp"
#include "tests/support/look_again.hpp"

namespace weft::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
        text.replace(at, from.size(), to);
    }
    return text;
}

class Transcripts : public ::testing::Test {
protected:
    Transcripts() {
        fabric_.configure(
            "reliability: { journals: [git.host1], journal: { listen: 'tcp://127.0.0.1:" +
            std::to_string(free_port()) + "' } }\n" + "gateway: { listeners: [ { address: '" +
            native_ + "', serve: [native, metrics] }, { address: '" + rse_ +
            "', serve: [rse] } ], webhooks: { allow_http: true, allow_networks: [127.0.0.0/8] } }");
    }

    static std::string document(const std::string& name) {
        return read_text(std::filesystem::path(WEFT_SOURCE_DIR) / "docs" / name);
    }

    /// With our ports; the gateway is running already.
    [[nodiscard]] std::string adapted(const std::string& text) const {
        return replaced(replaced(std::regex_replace(text, std::regex("weft gateway &[^\n]*"), ":"),
                                 "127.0.0.1:8080", native_),
                        "127.0.0.1:8000", rse_);
    }

    void run_document(const std::string& name) {
        const Process relay = fabric_.relay();
        Process gateway = fabric_.start({"gateway"});
        gateway.wait_for_line(Stream::out, "ready");
        const std::string bin = std::filesystem::path(weft_program()).parent_path().string();
        const std::map<std::string, std::string> environment{{"PATH", bin + ":/usr/bin:/bin"}};
        const auto blocks = transcript_of(document(name));
        EXPECT_FALSE(blocks.empty());
        std::string variables;
        std::vector<Process> going_on;
        for (const TranscriptBlock& block : blocks) {
            SCOPED_TRACE("docs/" + name + ":" + std::to_string(block.line) + "\n" + block.script);
            going_on.push_back(
                Process::start({"/bin/bash", "-ec", variables + adapted(block.script)},
                               {.cwd = fabric_.dir().path(), .environment = environment}));
            Process& shell = going_on.back();
            const std::string wrong =
                block.goes_on() ? wait_for_output(shell, block) : wait_for_end(shell, block);
            EXPECT_EQ(wrong, "") << shell.output() << gateway.output();
            static const std::regex assignment("(^|\n)([A-Z]+='[^']*')");
            for (std::sregex_iterator at(block.script.begin(), block.script.end(), assignment), end;
                 at != end; ++at) {
                variables += adapted((*at)[2]) + "\n";
            }
        }
    }
    static std::string wait_for_end(Process& shell, const TranscriptBlock& block) {
        const int code = shell.wait();
        if (code != 0) return "it ended with " + std::to_string(code);
        return difference(block, shell.out());
    }
    /// Until it has printed what is shown, or its first line.
    static std::string wait_for_output(Process& shell, const TranscriptBlock& block) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (true) {
            const std::string wrong =
                block.shown.empty() && shell.out().find('\n') == std::string::npos
                    ? "it printed no line"
                    : difference(block, shell.out());
            if (wrong.empty() || shell.has_ended() || std::chrono::steady_clock::now() > deadline) {
                return wrong;
            }
            look_again_after_ms(10);
        }
    }

    Fabric fabric_;
    const std::string native_ = "127.0.0.1:" + std::to_string(free_port()),
                      rse_ = "127.0.0.1:" + std::to_string(free_port());
};

TEST_F(Transcripts, OfTheGatewayAreWhatIsPrinted) {
    run_document("gateway.md");
}

TEST_F(Transcripts, OfEachRouteOfTheGatewayAreWhatIsPrinted) {
    run_document("gateway-transcripts.md");
}

TEST_F(Transcripts, OfRseAreWhatIsPrinted) {
    run_document("rse.md");
}

TEST_F(Transcripts, ShowEachRouteThatTheApiDescribes) {
    const auto api = nlohmann::json::parse(
        read_text(std::filesystem::path(WEFT_SOURCE_DIR) / "gateway/native/openapi.json"));
    std::string shown;
    for (const char* name : {"gateway.md", "gateway-transcripts.md", "rse.md"}) {
        for (const auto& block : transcript_of(document(name))) {
            shown += replaced(block.script, "\\\n", " ");
        }
    }
    std::vector<std::string> missing;
    for (const auto& [path, item] : api["paths"].items()) {
        if (path == "/{channel}") continue;  // of RSE, whose paths are its clients'
        const std::string pattern =
            std::regex_replace(path, std::regex("\\{[a-z]+\\}"), "[A-Za-z0-9.$_-]+");
        for (const char* method : {"get", "post", "put", "delete"}) {
            if (!item.contains(method)) continue;
            const std::string word = method;
            std::string upper = word;
            for (char& c : upper) c = static_cast<char>(std::toupper(c));
            // A line of curl; -d alone is a POST.
            const std::string url = "[^\n]*:80[08]0" + pattern + "([?' \n#]|$)";
            const bool there =
                word == "get" ? std::regex_search(shown, std::regex("curl (?![^\n]*-(X|d) )" + url))
                : word == "post"
                    ? std::regex_search(shown, std::regex("curl (?=[^\n]*(-X POST|-d ))" + url))
                    : std::regex_search(shown, std::regex("curl (?=[^\n]*-X " + upper + ")" + url));
            if (!there) missing.push_back(upper + " " + path);
        }
    }
    EXPECT_THAT(missing, IsEmpty()) << "docs/gateway-transcripts.md shows each of them";
}

TEST(TranscriptBlocks, AreReadWithWhatTheyShow) {
    const auto blocks = transcript_of(
        "a\n```sh\necho 1\n```\n\n```text\n1\n```\nb\n```sh\necho "
        "2\n```\ntext\n```json\n{}\n```\n");
    ASSERT_THAT(blocks, SizeIs(2));
    EXPECT_EQ(blocks[0].script, "echo 1\n");
    EXPECT_EQ(blocks[0].shown, "1\n");
    EXPECT_EQ(blocks[1].shown, "") << "it is about something else";
    EXPECT_FALSE(blocks[0].goes_on());
    for (const char* endless :
         {"curl -N 'http://h/v1/stream?a=b&c=d'\n", "weft tail --topic '**'\n",
          "true\nweft tail --topic 'a.**'   # for ever\n"}) {
        EXPECT_TRUE((TranscriptBlock{endless}.goes_on())) << endless;
    }
    EXPECT_FALSE((TranscriptBlock{"weft tail --topic '**' &\ntrue\n"}.goes_on()));
}

TEST(TranscriptBlocks, ShowWhatStaysTheSameAndNothingElse) {
    const auto wrong = [](const char* shown, const char* printed) {
        return json_difference(nlohmann::json::parse(shown), nlohmann::json::parse(printed));
    };
    EXPECT_EQ(wrong(R"({"id":"0199-…","n":1,"age":3})", R"({"id":"0199-…","n":1,"age":4})"), "");
    EXPECT_EQ(wrong(R"({"t":"2026-11-21T02:43:29.000000Z"})", R"({"t":"2027-01-01T00:00:00Z"})"),
              "");
    EXPECT_EQ(wrong(R"({"a":"…","…":0})", R"({"a":[1],"b":2})"), "");
    EXPECT_THAT(wrong(R"({"n":1})", R"({"n":2})"), HasSubstr("$.n"));
    EXPECT_THAT(wrong(R"({"n":1})", R"({"n":1,"m":2})"), HasSubstr("not shown"));
    EXPECT_THAT(wrong(R"({"n":1})", "{}"), HasSubstr("not printed"));
    EXPECT_THAT(wrong(R"([1])", "[1,1]"), HasSubstr("$"));
    TranscriptBlock lines{"", "a\n…\nz\n"};
    EXPECT_EQ(difference(lines, "a\nb\nc\nz\n"), "");
    EXPECT_NE(difference(lines, "a\nb\n"), "");
    EXPECT_NE(difference(lines, "b\nz\n"), "");
}

}  // namespace
}  // namespace weft::testing
