#include "reliability/cursor/start.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/signing_fixture.hpp"
#include "tests/support/switchable_journal.hpp"

namespace weft::reliability {
namespace {

using namespace std::chrono_literals;
using support::globs_of;
using support::SwitchableJournal;
using ::testing::HasSubstr;
using Reason = JournalError::Reason;

Start start(std::string_view text) {
    return support::must(Start::parse(text));
}

TEST(Start, EveryFormIsReadAndWrittenBack) {
    const std::string uuid = "0190a5c4-5d1e-7cc3-98c4-dc0c0c07398f";
    for (const std::string& text :
         std::vector<std::string>{"beginning", "now", "4711", "9f86d081884c7d65:4711", uuid,
                                  "last:100", "since:10m", "since:0s", "last-per-topic"}) {
        EXPECT_EQ(start(text).text(), text);
        EXPECT_EQ(start(start(text).text()), start(text));
    }
    EXPECT_EQ(start("end"), start("now"));
    EXPECT_EQ(start("9f86d081884c7d65:4711").after, (Position{0x9f86d081884c7d65, 4711}));
    EXPECT_EQ(start("since:10m").age, 10min);
}

TEST(Start, WhatIsNoneIsRefusedWithWhatWouldBeRight) {
    const std::vector<std::pair<std::string, std::string>> wrong = {
        {"", "write beginning, now"},        {"yesterday", "write beginning, now"},
        {"-1", "write beginning, now"},      {"last:", "how many messages"},
        {"last:0", "1 to 1000000"},          {"last:1000001", "1 to 1000000"},
        {"last:-5", "how many messages"},    {"since:", "how far back"},
        {"since:10", "how far back"},        {"since:-10m", "how far back"},
        {"1:4711", "write beginning, now"},  {"18446744073709551616", "write beginning, now"},
        {"last per topic", "last-per-topic"}};
    for (const auto& [text, sentence] : wrong) {
        const auto parsed = Start::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_THAT(parsed.error(), HasSubstr(sentence)) << text;
    }
}

TEST(Start, ControlCharactersOfAWrongPlaceAreNotShownAsTheyAre) {
    const auto parsed = Start::parse("\x1b[31mred");
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().find('\x1b'), std::string::npos);
}

class ResolvedStart : public ::testing::Test {
protected:
    ResolvedStart() {
        // Ids 1 to 20: "a" for odd ones, "b" for even ones, one each second from 1000 s on.
        for (std::uint64_t i = 1; i <= 20; ++i) {
            journal_.now_us = (999 + i) * 1'000'000;
            journal_.put(i % 2 == 1 ? "a" : "b");
        }
    }
    Position at(std::string_view text, const TopicFilter& filter = {}) {
        auto position = resolve(start(text), journal_, filter, 1'020'000'000);
        if (!position) throw std::runtime_error(position.error().sentence);
        return *position;
    }
    JournalError error(std::string_view text) {
        auto position = resolve(start(text), journal_, {}, 1'020'000'000);
        return position ? JournalError{} : position.error();
    }
    SwitchableJournal journal_;
};

TEST_F(ResolvedStart, EveryPlaceIsTheOneBeforeTheFirstThatIsRead) {
    EXPECT_EQ(at("beginning"), (Position{7, 0}));
    EXPECT_EQ(at("now"), (Position{7, 20}));
    EXPECT_EQ(at("5"), (Position{7, 5}));
    EXPECT_EQ(at("last:3"), (Position{7, 17}));
    EXPECT_EQ(at("last:100"), (Position{7, 0}));
    EXPECT_EQ(at("since:10s"), (Position{7, 10}));
    EXPECT_EQ(at("since:7d"), (Position{7, 0}));
    EXPECT_EQ(at("since:0s"), (Position{7, 20}));
    EXPECT_EQ(at(journal_.message_id(9).text()), (Position{7, 9}));
}

TEST_F(ResolvedStart, AfterTrimmingTheBeginningIsTheOldestThatIsThere) {
    ASSERT_TRUE(journal_.trim(8));
    EXPECT_EQ(at("beginning"), (Position{7, 7}));
    EXPECT_EQ(at("last:100"), (Position{7, 7}));
    EXPECT_EQ(at("since:7d"), (Position{7, 7}));
    EXPECT_EQ(at("3"), (Position{7, 3})) << "its reader is told what is gone";
}

TEST_F(ResolvedStart, TheLastFewAreCountedAmongThoseThatMatch) {
    const TopicFilter only_a{globs_of({"a"})};
    EXPECT_EQ(at("last:3", only_a), (Position{7, 14})) << "15, 17 and 19 come";
    EXPECT_EQ(at("last:100", only_a), (Position{7, 0}));
    EXPECT_EQ(at("last:3", TopicFilter{globs_of({"nobody"})}), (Position{7, 0}));
}

TEST_F(ResolvedStart, WhatTheJournalDoesNotHaveIsSaid) {
    EXPECT_EQ(error("21").reason, Reason::invalid);
    EXPECT_THAT(error("21").sentence, HasSubstr("its newest is 20"));
    EXPECT_EQ(error("0190a5c4-5d1e-7cc3-98c4-dc0c0c07398f").reason, Reason::not_found);
    EXPECT_EQ(error("last-per-topic").reason, Reason::invalid);
    EXPECT_EQ(at("00000000000000ff:4000"), (Position{0xff, 4000}))
        << "of another life: reading from there tells the gap";
}

}  // namespace
}  // namespace weft::reliability
