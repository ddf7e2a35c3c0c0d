// The disk says that a sync failed: from then on the journal acknowledges nothing, says why, and a
// restart has everything that was acknowledged. strace makes the system call fail.

#include "tests/integration/journal_fixture.hpp"
#include "tests/integration/strace.hpp"

namespace weft::testing {
namespace {

using ::testing::HasSubstr;

class JournalUnderStrace : public Journaled {
protected:
    void SetUp() override {
        if (const std::string why = no_strace(); !why.empty()) GTEST_SKIP() << why;
    }
    Process serve_with_failing_sync(int when) {
        Process journal =
            start_with_failing_sync(and_more({weft_program()}, serving("journal.host1")), "EIO",
                                    when, fabric_.dir().path());
        journal.wait_for_line(Stream::out, "ready");
        return journal;
    }
};

TEST_F(JournalUnderStrace, AfterASyncThatFailedNothingIsAcknowledgedUntilARestart) {
    constexpr int when = 12;
    Process relay = fabric_.relay();
    {
        Process first_life = serve();
        ASSERT_EQ(publish("0").exit_code, 0);
        stop(first_life);
    }
    std::vector<std::string> acknowledged;
    Process journal = serve_with_failing_sync(when);
    Finished done;
    for (int i = 1; i <= 3 * when; ++i) {
        done = publish(std::to_string(i), "20s");
        if (done.exit_code != 0) break;
        acknowledged.push_back(done.out.substr(0, 36));
    }
    ASSERT_EQ(done.exit_code, 1) << "no sync failed";
    EXPECT_THAT(done.err, HasSubstr("journal.host1 rejected it"));
    EXPECT_THAT(done.err, HasSubstr("not stored: "));
    journal.wait_for_line(Stream::err, "the journal is not ready: ");

    // The calls after it succeed again, and mean nothing: what failed may be lost all the same.
    for (int i = 0; i < 5; ++i) {
        const Finished refused = publish(std::to_string(1000 + i), "20s");
        EXPECT_EQ(refused.exit_code, 1) << refused.out;
        EXPECT_THAT(refused.err, HasSubstr("rejected it"));
    }
    stop_traced(journal);

    Process restarted = serve();
    const Finished after = publish("2000", "20s");
    EXPECT_EQ(after.exit_code, 0) << after.err;
    acknowledged.push_back(after.out.substr(0, 36));
    const Finished exported = this->journal("export");
    for (const std::string& id : acknowledged) EXPECT_THAT(exported.out, HasSubstr(id));
    const Finished verified = this->journal("verify");
    EXPECT_EQ(verified.exit_code, 0) << verified.out;
    std::printf("%zu were acknowledged, all are there\n", acknowledged.size());
}

}  // namespace
}  // namespace weft::testing
