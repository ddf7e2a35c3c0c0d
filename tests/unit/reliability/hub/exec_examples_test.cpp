// The example consumers in examples/, as the hub runs them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reliability/hub/child_process.hpp"
#include "tests/unit/reliability/hub/exec_world.hpp"

namespace weft::reliability::hub {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ExecExamples : public ExecWorld {
protected:
    static std::string example(const std::string& name) {
        return std::string{WEFT_SOURCE_DIR} + "/examples/" + name;
    }
    /// What a program that reads the database says.
    std::string rows() {
        auto child = ChildProcess::start(
            {.argv = {python("import sqlite3, sys\n"
                             "for row in sqlite3.connect(sys.argv[1]).execute("
                             "'SELECT hash, author, message FROM commits'):\n    print(*row)\n"),
                      path("commits.db")}});
        EXPECT_TRUE(child) << child.error();
        return child ? output_of((*child)->out(), (*child)->ended_fd()) : "";
    }
    void start_database(const std::string& database) {
        auto settings = settings_for({example("exec_consumer.py")});
        settings.settings_json = R"({"database":")" + path(database) + R"("})";
        start(std::move(settings));
    }
};

TEST_F(ExecExamples, ThePythonOneKeepsEachCommitOnceHoweverOftenItComes) {
    start_database("commits.db");

    EXPECT_EQ(handle(1), done());
    EXPECT_EQ(handle(2), done());

    EXPECT_EQ(rows(), "2f1c ann " + fabric::sample_header().id.text() + "\n");
    EXPECT_TRUE(becomes_true([&] { return surroundings_.logged("keeps commits for counter"); }));
}

TEST_F(ExecExamples, ThePythonOneDropsWhatIsNoCommit) {
    start_database("commits.db");

    EXPECT_EQ(handle(fabric::received(fabric::Value{{"hash", 7}})),
              (Verdict{Verdict::Is::reject, "a commit is an object with a text \"hash\""}));
    EXPECT_EQ(handle(fabric::received("text/plain", "hello")).is, Verdict::Is::reject);
    EXPECT_EQ(rows(), "");
}

TEST_F(ExecExamples, ThePythonOneAsksForARetryWhileTheDatabaseIsLocked) {
    start_database("commits.db");
    ASSERT_EQ(handle(), done());
    auto holder = ChildProcess::start(
        {.argv = {python("import sqlite3, sys\n"
                         "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
                         "database.execute('BEGIN EXCLUSIVE')\n"
                         "print('locked', flush=True)\nsys.stdin.read()\n"),
                  path("commits.db")}});
    ASSERT_TRUE(holder) << holder.error();
    pollfd locked{(*holder)->out(), POLLIN, 0};
    ASSERT_EQ(::poll(&locked, 1, 20'000), 1);

    EXPECT_EQ(handle(), retry("the database says: database is locked"));

    (*holder)->close_in();
    ASSERT_TRUE((*holder)->wait(patience));
    EXPECT_EQ(handle(2), done());
}

TEST_F(ExecExamples, TheOneInBashAppendsALineForEachCommit) {
    start(settings_for({example("exec_consumer.sh"), path("commits.txt")}));

    EXPECT_EQ(handle(), done());
    EXPECT_EQ(handle(fabric::received(fabric::Value{{"hash", "$(id)\n'"}, {"author", "bob"}})),
              done());
    EXPECT_EQ(handle(fabric::received(fabric::Value{{"author", "bob"}})),
              (Verdict{Verdict::Is::reject, "a commit has a hash"}));

    EXPECT_EQ(text_of("commits.txt"), "2f1c\tann\n$(id)\\n'\tbob\n");
}

TEST_F(ExecExamples, TheOneInBashAsksForARetryWhereItCannotWrite) {
    start(settings_for({example("exec_consumer.sh"), path("no/commits.txt")}));

    EXPECT_EQ(handle(), retry("cannot write " + path("no/commits.txt")));
}

}  // namespace
}  // namespace weft::reliability::hub
