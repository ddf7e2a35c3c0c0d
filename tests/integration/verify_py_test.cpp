// examples/verify.py: the wire format as somebody reads it who has only docs/wire-format.md. What
// weft publishes is what that verifier believes, and what it refuses is refused for the same
// reasons.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/integration/fabric_fixture.hpp"

namespace weft::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Finished verify_py(std::vector<std::string> arguments, const std::string& input = "") {
    const std::vector<std::string> program{"/usr/bin/python3",
                                           WEFT_SOURCE_DIR "/examples/verify.py"};
    arguments.insert(arguments.begin(), program.begin(), program.end());
    return run(arguments, {.cwd = {}, .environment = {}, .stdin_text = input});
}

/// What each printed line comes to: "verified", or why it was refused.
std::vector<std::string> verdicts(const Finished& done) {
    std::vector<std::string> all;
    for (const nlohmann::json& line : json_lines(done.out)) {
        all.push_back(line.value("verified", false) ? "verified"
                                                    : line.value("refused", "neither"));
    }
    return all;
}

/// The line with one character of the base64 of its contents changed: one within the first content.
std::string with_altered_contents(std::string line) {
    static const std::string member = "\"contents\":\"";
    const std::size_t begin = line.find(member);
    if (begin == std::string::npos) throw std::runtime_error("no contents in " + line);
    char& character = line.at(begin + member.size() + 40);
    character = character == 'A' ? 'B' : 'A';
    return line;
}

/// Three runs, captured from a relay: each command is a publisher of its own.
class VerifyPy : public ::testing::Test {
protected:
    VerifyPy() : relay_(fabric_.relay(free_ports())) {
        fabric_.configure("fabric: { relay: { inbound: '" + endpoint("inbound") + "', outbound: '" +
                          endpoint("outbound") + "' } }");
        Process tail = fabric_.tail({"--raw", "--count", "3"});
        publish({"publish", "git.commit", "--json", R"({"hash": "2f1c9e", "files": [1, 2.5]})"});
        publish({"publish", "git.push", "--data", "\xC3\xBC\x62\x65r", "--header", "ticket=4711"});
        publish({"logger", "--message", "hello"});
        EXPECT_EQ(tail.wait(), 0) << tail.output();
        captured_ = tail.out();
    }

    static std::vector<std::string> free_ports() {
        return {"--set", "fabric.relay.inbound=tcp://127.0.0.1:0", "--set",
                "fabric.relay.outbound=tcp://127.0.0.1:0"};
    }
    std::string endpoint(const std::string& side) const {
        const std::string printed = relay_.out();
        std::smatch found;
        const std::regex line("listening " + side + " (tcp://\\S+)");
        if (!std::regex_search(printed, found, line)) throw std::runtime_error(relay_.output());
        return found[1];
    }
    void publish(const std::vector<std::string>& arguments) {
        const Finished done = fabric_.weft(arguments);
        EXPECT_EQ(done.exit_code, 0) << done.err;
    }
    Finished verify(const std::string& lines) const {
        return verify_py({"--keys", (fabric_.dir() / "keys").string()}, lines);
    }

    Fabric fabric_;
    Process relay_;
    std::string captured_;
};

TEST(VerifyPySelfTest, EveryVectorOfTheDocumentHoldsAndEveryAlteredBitIsRefused) {
    const Finished done = verify_py({"--self-test"});

    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr(" 0 failed"));
}

TEST_F(VerifyPy, BelievesWhatWeftPublishedAndReadsWhatItSays) {
    const Finished done = verify(captured_);

    EXPECT_EQ(done.exit_code, 0) << done.err;
    ASSERT_THAT(verdicts(done), ElementsAre("verified", "verified", "verified")) << done.out;
    const auto lines = json_lines(done.out);
    EXPECT_EQ(lines[0]["topic"], "org.weft.dev.git.commit");
    EXPECT_EQ(lines[0]["signer"], "git.host1");
    EXPECT_EQ(lines[0]["body"], nlohmann::json::parse(R"({"hash": "2f1c9e", "files": [1, 2.5]})"));
    EXPECT_EQ(lines[1]["body"], "\xC3\xBC\x62\x65r");
    EXPECT_EQ(lines[1]["headers"]["ticket"], "4711");
    EXPECT_EQ(lines[2]["body"]["log"], "hello");
}

// S1, A4: whoever stands between publisher and reader alters nothing unnoticed.
TEST_F(VerifyPy, RefusesARunOnceOneCharacterOfItIsAltered) {
    const Finished done = verify(with_altered_contents(captured_));

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(verdicts(done), ElementsAre("signature_bad", "verified", "verified")) << done.out;
}

TEST_F(VerifyPy, GoesOnBehindALineThatIsNoRun) {
    const Finished done = verify("{\"topic\": 1}\n" + captured_);

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(verdicts(done), ElementsAre("line_unreadable", "verified", "verified", "verified"))
        << done.out;
}

TEST_F(VerifyPy, RefusesARevokedSigner) {
    publish({"keys", "revoke", "git.host1"});

    const Finished done = verify(captured_);

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(verdicts(done),
                ElementsAre("certificate_revoked", "certificate_revoked", "certificate_revoked"))
        << done.out;
}

TEST_F(VerifyPy, FailsWhereNothingWasCaptured) {
    EXPECT_EQ(verify("").exit_code, 1);
}

// T6: no CA, and a CA without its list, are errors, never "believe all".
TEST_F(VerifyPy, FailsWithoutACaOrItsRevocationList) {
    std::filesystem::remove(fabric_.dir() / "keys/root.revoked");
    const Finished without_list = verify(captured_);
    std::filesystem::remove(fabric_.dir() / "keys/root.ca");
    const Finished without_ca = verify(captured_);

    EXPECT_EQ(without_list.exit_code, 2);
    EXPECT_THAT(without_list.err, HasSubstr("root.revoked"));
    EXPECT_EQ(without_ca.exit_code, 2);
    EXPECT_THAT(without_ca.err, HasSubstr("no CA"));
}

}  // namespace
}  // namespace weft::testing
