// Whatever a sanitizer finds in a program that a test starts makes the test fail, though nobody
// reads what the program said. In builds without sanitizers there is nothing to be tried.

#include "tests/support/sanitizer_reports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/process.hpp"

namespace weft::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A test's processes have gone with its fixture when it ends.
class Watch final : public ::testing::EmptyTestEventListener {
    void OnTestEnd(const ::testing::TestInfo& /*test*/) override {
        const std::vector<std::string> reports = take_reports();
        if (!reports.empty()) {
            ADD_FAILURE() << "programs with reports of a sanitizer, see above: " << reports.size();
        }
    }
};

[[maybe_unused]] const bool is_watching = [] {
    ::testing::UnitTest::GetInstance()->listeners().Append(new Watch);
    return true;
}();

class SanitizerReports : public ::testing::Test {
protected:
    void SetUp() override {
        if (!is_sanitized) GTEST_SKIP() << "a build without sanitizers";
        ASSERT_THAT(take_reports(), IsEmpty());
    }
    /// Nobody waits for it or looks at what it says.
    static void start_and_forget(const std::vector<std::string>& arguments) {
        Process::start(arguments).wait_for_line(Stream::out, "begun");
    }
    static void start_with(const std::string& fault) { start_and_forget({WEFT_FAULTY, fault}); }
};

TEST_F(SanitizerReports, AProgramWithoutAFaultHasNone) {
    start_with("none");
    EXPECT_THAT(take_reports(), IsEmpty());
}

#if defined(__SANITIZE_ADDRESS__)
TEST_F(SanitizerReports, ALeakIsSeenInAProgramThatRanToItsEnd) {
    start_with("leak");
    EXPECT_THAT(take_reports(), ElementsAre(HasSubstr("detected memory leaks")));
}

TEST_F(SanitizerReports, AUseAfterFreeIsSeen) {
    start_with("use after free");
    EXPECT_THAT(take_reports(), ElementsAre(HasSubstr("heap-use-after-free")));
}

TEST_F(SanitizerReports, AnOverflowIsSeen) {
    start_with("overflow");
    EXPECT_THAT(take_reports(), ElementsAre(HasSubstr("signed integer overflow")));
}

TEST_F(SanitizerReports, AreSeenInProgramsThatProgramsStart) {
    // The shell lives as long as what it started.
    start_and_forget({"sh", "-c", "trap '' TERM; \"$0\" 'use after free'; true", WEFT_FAULTY});
    EXPECT_THAT(take_reports(), ElementsAre(HasSubstr("heap-use-after-free")));
}
#endif

#if defined(__SANITIZE_THREAD__)
TEST_F(SanitizerReports, ARaceIsSeen) {
    start_with("race");
    EXPECT_THAT(take_reports(), ElementsAre(HasSubstr("data race")));
}
#endif

}  // namespace
}  // namespace weft::testing
