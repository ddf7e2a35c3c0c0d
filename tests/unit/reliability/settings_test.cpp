#include "reliability/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/load.hpp"

namespace weft::reliability {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;
using namespace std::chrono_literals;

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
    config::Problems problems;
    if (configuration) {
        result.settings = read_settings(*configuration, problems);
    } else {
        problems = configuration.error();
    }
    for (const config::Problem& problem : problems) result.problems.push_back(problem.text());
    return result;
}

/// The groups of a site, one a line, from line 3 on.
Read read_groups(const std::string& lines) {
    return read("reliability:\n  groups:\n" + lines);
}

TEST(ReliabilitySettings, HaveDefaults) {
    const Read result = read("{}");
    EXPECT_THAT(result.problems, IsEmpty());
    EXPECT_EQ(result.settings.ack_timeout, 250ms);
    EXPECT_THAT(result.settings.groups, IsEmpty());
    EXPECT_THAT(result.settings.journals, IsEmpty());
}

TEST(ReliabilitySettings, SayWhatIsWritten) {
    const Read result = read(
        "reliability:\n"
        "  ack_timeout: 3s\n"
        "  journals: [journal.host1, journal.host2]\n"
        "  groups: { web: [web1.host1, \"any(db1, db2)\"] }\n");
    EXPECT_THAT(result.problems, IsEmpty());
    EXPECT_EQ(result.settings.ack_timeout, 3s);
    EXPECT_THAT(result.settings.journals, ElementsAre("journal.host1", "journal.host2"));
    const auto web = Recipients::parse("web", result.settings.groups);
    ASSERT_TRUE(web) << web.error();
    EXPECT_EQ(web->text(), "all(web1.host1, any(db1, db2))");
}

TEST(ReliabilitySettings, GroupsMayStandForGroupsWhereverTheyAreWritten) {
    const Read result = read_groups(
        "    site: [web, db, x]\n"
        "    web: [w1, w2]\n"
        "    db.main: [\"2 of (d1, d2, d3)\"]\n"
        "    db: [db.main]\n");
    EXPECT_THAT(result.problems, IsEmpty());
    EXPECT_EQ(Recipients::parse("site", result.settings.groups)->text(),
              "all(all(w1, w2), 2 of (d1, d2, d3), x)");
}

TEST(ReliabilitySettings, RefuseAWaitThatIsNoneOrLongerThanADay) {
    for (const auto* wrong : {"0s", "25h"}) {
        EXPECT_THAT(read(std::string("reliability: { ack_timeout: ") + wrong + " }").problems,
                    ElementsAre(AllOf(StartsWith("/etc/weft.d/site.yaml:1"),
                                      HasSubstr("reliability.ack_timeout: it must be more than 0s "
                                                "and at most 24h"))));
    }
    EXPECT_THAT(read("reliability: { ack_timeout: 24h }").problems, IsEmpty());
}

TEST(ReliabilitySettings, NameTheLineOfAnEntryThatIsWrong) {
    const Read result = read_groups(
        "    good: [a, b]\n"
        "    bad:\n"
        "      - c\n"
        "      - any(d\n"
        "      - \"\"\n"
        "    Large: [e]\n");
    EXPECT_THAT(result.problems,
                ElementsAre(AllOf(StartsWith("/etc/weft.d/site.yaml:6: reliability.groups.bad.1"),
                                  HasSubstr("this bracket is not closed")),
                            AllOf(StartsWith("/etc/weft.d/site.yaml:7: reliability.groups.bad.2"),
                                  HasSubstr("it is empty")),
                            AllOf(StartsWith("/etc/weft.d/site.yaml:8: reliability.groups.Large"),
                                  HasSubstr("lower-case"))));
    EXPECT_THAT(result.settings.groups, ElementsAre(Pair("good", "a, b")));
}

// Joined they would make sense, but nobody who reads one of them could say which.
TEST(ReliabilitySettings, RefuseABracketThatAnotherEntryCloses) {
    EXPECT_EQ(read_groups("    web: [\"any(a\", \"b)\"]\n").problems.size(), 2U);
}

TEST(ReliabilitySettings, RefuseGroupsThatStandForThemselvesOrForNobody) {
    EXPECT_THAT(read_groups("    a: [x, b]\n"
                            "    b: [a]\n")
                    .problems,
                ElementsAre(AllOf(StartsWith("/etc/weft.d/site.yaml:3: reliability.groups.a"),
                                  HasSubstr("stands for itself: a -> b -> a")),
                            AllOf(StartsWith("/etc/weft.d/site.yaml:4: reliability.groups.b"),
                                  HasSubstr("stands for itself: b -> a -> b"))));
    EXPECT_THAT(read_groups("    a: []\n").problems,
                ElementsAre(AllOf(StartsWith("/etc/weft.d/site.yaml:3: reliability.groups.a"),
                                  HasSubstr("must stand for somebody"))));
    EXPECT_THAT(read_groups("    a: [x, x]\n").problems,
                ElementsAre(HasSubstr("'x' stands twice in one list")));
}

TEST(ReliabilitySettings, RefuseJournalsThatNoCertificateCanName) {
    EXPECT_THAT(read("reliability:\n  journals:\n    - good.host1\n    - Bad\n").problems,
                ElementsAre(AllOf(StartsWith("/etc/weft.d/site.yaml:4: reliability.journals.1"),
                                  HasSubstr("lower-case"))));
}

}  // namespace
}  // namespace weft::reliability
