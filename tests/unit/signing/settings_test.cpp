#include "signing/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/load.hpp"

namespace weft::signing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct Read {
    Settings settings;
    std::vector<std::string> problems;
};

/// Reads YAML as if it stood in /etc/weft.d/site.yaml.
Read read(const std::string& yaml) {
    config::LoadOptions options;
    options.directory = "/srv/weft";
    options.documents.push_back({"/etc/weft.d/site.yaml", yaml});
    const auto configuration = config::load(options);
    Read result;
    if (!configuration) {
        for (const config::Problem& problem : configuration.error()) {
            result.problems.push_back(problem.text());
        }
        return result;
    }
    config::Problems problems;
    result.settings = read_settings(config::Section(*configuration, "signing", problems));
    for (const config::Problem& problem : problems) result.problems.push_back(problem.text());
    return result;
}

TEST(SigningSettings, HaveSafeDefaults) {
    const Read result = read("{}");
    EXPECT_THAT(result.problems, IsEmpty());
    EXPECT_TRUE(result.settings.sign);
    EXPECT_TRUE(result.settings.validate);
    EXPECT_FALSE(result.settings.trust.nitpicky);
    EXPECT_THAT(result.settings.trust.policy, IsEmpty());
    EXPECT_EQ(result.settings.trust.when_list_expired, WhenListExpired::warn);
    EXPECT_EQ(result.settings.directory, "/srv/weft/keys");
    EXPECT_EQ(result.settings.trust.directory, result.settings.directory);
}

TEST(SigningSettings, SayWhatIsWritten) {
    const Read result = read(
        "signing:\n"
        "  sign: false\n"
        "  validate: false\n"
        "  directory: /var/keys\n"
        "  nitpicky: true\n"
        "  policy:\n"
        "    org.weft.dev.git.**: [git.host1, git.host2]\n"
        "    org.weft.dev.closed: []\n");
    EXPECT_THAT(result.problems, IsEmpty());
    EXPECT_FALSE(result.settings.sign);
    EXPECT_FALSE(result.settings.validate);
    EXPECT_TRUE(result.settings.trust.nitpicky);
    EXPECT_EQ(result.settings.directory, "/var/keys");
    ASSERT_EQ(result.settings.trust.policy.size(), 2U);
    EXPECT_EQ(result.settings.trust.policy[0].glob.text(), "org.weft.dev.git.**");
    EXPECT_THAT(result.settings.trust.policy[0].names, ElementsAre("git.host1", "git.host2"));
    EXPECT_EQ(result.settings.trust.policy[1].glob.text(), "org.weft.dev.closed");
    EXPECT_THAT(result.settings.trust.policy[1].names, IsEmpty());
}

// T4
TEST(SigningSettings, RefuseAnExpiredListWhenToldOrWhenNitpicky) {
    const auto when = [](const std::string& lines) {
        return read("signing:\n" + lines).settings.trust.when_list_expired;
    };
    EXPECT_EQ(when("  revocation_expired: fail\n"), WhenListExpired::refuse);
    EXPECT_EQ(when("  revocation_expired: warn\n"), WhenListExpired::warn);
    EXPECT_EQ(when("  nitpicky: true\n"), WhenListExpired::refuse);
    EXPECT_EQ(when("  nitpicky: true\n  revocation_expired: warn\n"), WhenListExpired::warn);
}

TEST(SigningSettings, NameThePlaceOfABadGlobOrName) {
    const Read result = read(
        "signing:\n"
        "  policy:\n"
        "    org.[a-z: [git]\n"
        "    org.ok: [Bad Name, git]\n");
    EXPECT_THAT(result.problems,
                UnorderedElementsAre(AllOf(HasSubstr("site.yaml:3"), HasSubstr("org.[a-z"),
                                           HasSubstr("character 5: '[' is never closed")),
                                     AllOf(HasSubstr("site.yaml:4"), HasSubstr("org.ok"),
                                           HasSubstr("'Bad Name' has something else"))));
}

// T6: a policy that cannot be read is a problem, never no policy at all.
TEST(SigningSettings, NeverTakeABadPolicyForNone) {
    for (const char* policy : {"policy: allow", "policy: [git]", "policy: {org.a: {b: c}}"}) {
        EXPECT_FALSE(read("signing: {" + std::string(policy) + "}").problems.empty()) << policy;
    }
}

}  // namespace
}  // namespace weft::signing
