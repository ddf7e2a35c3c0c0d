#include "reliability/hub/status_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temp_dir.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

HubStatus sample(const std::string& hub = "hub.host1") {
    ConsumerStatus counter;
    counter.name = "counter";
    counter.kind = "isolated plugin";
    counter.topics = "org.weft.dev.** \"odd\"";
    counter.state = "waiting";
    counter.why = "waits for the journal: it is\naway";
    counter.details = "pid 4711";
    counter.waiting = 1;
    counter.in_hand = 2;
    counter.oldest_in_hand = 3ms;
    counter.feed = {4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    counter.last_error = "caf\u00e9";
    counter.last_error_us = 16;
    counter.durable = true;
    ConsumerStatus other;
    other.name = "other";
    other.state = "disabled";
    return {hub, 4711, 17, 18, true, {counter, other}};
}

class StatusFiles : public ::testing::Test {
protected:
    std::unique_ptr<StatusFile> open() {
        auto opened = StatusFile::open(directory_.path());
        if (!opened) throw std::runtime_error(opened.error());
        return std::move(*opened);
    }
    [[nodiscard]] std::vector<std::string> hubs() const {
        std::vector<std::string> names;
        for (const HubStatus& status : read_status_files(directory_.path())) {
            names.push_back(status.hub);
        }
        return names;
    }
    weft::testing::TempDir directory_;
};

TEST_F(StatusFiles, EveryFieldComesBack) {
    const auto read = decode_status(encode_status(sample()));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->hub, "hub.host1");
    EXPECT_EQ(read->pid, 4711U);
    EXPECT_EQ(read->started_us, 17U);
    EXPECT_EQ(read->written_us, 18U);
    EXPECT_TRUE(read->stopping);
    ASSERT_THAT(read->consumers, SizeIs(2));
    const ConsumerStatus got = read->consumers[0], wrote = sample().consumers[0];
    EXPECT_EQ(got.name, wrote.name);
    EXPECT_EQ(got.kind, wrote.kind);
    EXPECT_EQ(got.topics, wrote.topics);
    EXPECT_EQ(got.state, wrote.state);
    EXPECT_EQ(got.why, wrote.why);
    EXPECT_EQ(got.details, wrote.details);
    EXPECT_EQ(got.waiting, 1U);
    EXPECT_EQ(got.in_hand, 2U);
    EXPECT_EQ(got.oldest_in_hand, 3ms);
    EXPECT_EQ(got.last_error, wrote.last_error);
    EXPECT_EQ(got.last_error_us, 16U);
    EXPECT_TRUE(got.durable);
    const FeedStats& feed = got.feed;
    EXPECT_THAT((std::vector{feed.taken, feed.done, feed.retried, feed.given_up, feed.dead_unsaid,
                             feed.lost, feed.passed_over, feed.dropped, feed.refused, feed.late,
                             feed.seen_again, feed.acks, feed.unanswered}),
                ElementsAre(4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16));
    EXPECT_EQ(read->consumers[1].state, "disabled");
    EXPECT_FALSE(read->consumers[1].durable);
}

TEST_F(StatusFiles, WhatIsMissingOrOfAnotherTypeStaysAsItIs) {
    const auto read = decode_status(R"({"hub":7,"pid":"x","consumers":[{"name":"a"},5],"new":1})");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->hub, "");
    EXPECT_EQ(read->pid, 0U);
    ASSERT_THAT(read->consumers, SizeIs(2));
    EXPECT_EQ(read->consumers[0].name, "a");
    EXPECT_EQ(read->consumers[0].feed.done, 0U);
    EXPECT_FALSE(decode_status(""));
    EXPECT_FALSE(decode_status(R"({"hub":)"));
    EXPECT_FALSE(decode_status(encode_status(sample()) + "}}"));
    EXPECT_TRUE(decode_status("[]")) << "no hub, no consumers";
}

TEST_F(StatusFiles, ARunningHubIsSeenWithWhatItWroteLast) {
    const auto file = open();
    ASSERT_TRUE(file->write(sample("a much longer name of a hub")));
    ASSERT_TRUE(file->write(sample("hub")));
    EXPECT_THAT(hubs(), ElementsAre("hub"));
}

TEST_F(StatusFiles, TwoHubsHaveTwoFiles) {
    const auto first = open(), second = open();
    ASSERT_TRUE(first->write(sample("one")));
    ASSERT_TRUE(second->write(sample("two")));
    EXPECT_THAT(hubs(), ElementsAre("one", "two"));
}

TEST_F(StatusFiles, AHubThatEndedIsNotSeenAlsoWhenItWasKilled) {
    open().reset();
    EXPECT_THAT(hubs(), IsEmpty());
    const pid_t child = ::fork();
    if (child == 0) {
        auto file = open();
        ::_exit(file->write(sample("killed")) ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_EQ(status, 0);
    EXPECT_THAT(weft::testing::read_text(directory_ / "hub.0.status"), HasSubstr("killed"));
    EXPECT_THAT(hubs(), IsEmpty());
}

TEST_F(StatusFiles, WhatAKilledHubLeftBehindIsNotTakenForItsSuccessors) {
    weft::testing::write_text(directory_ / "hub.0.status", encode_status(sample("killed")));
    const auto file = open();
    EXPECT_THAT(hubs(), IsEmpty()) << "it has not said anything yet";
    ASSERT_TRUE(file->write(sample("new")));
    EXPECT_THAT(hubs(), ElementsAre("new"));
}

TEST_F(StatusFiles, AFileOfGarbageIsPassedOver) {
    const auto first = open(), second = open();
    ASSERT_TRUE(second->write(sample("two")));
    weft::testing::write_text(directory_ / "hub.0.status", "{{{{");
    EXPECT_THAT(hubs(), ElementsAre("two"));
    EXPECT_THAT(read_status_files(directory_ / "nowhere"), IsEmpty());
}

TEST_F(StatusFiles, ADirectoryThatCannotBeUsedIsNamedWithTheSettingThatNamesIt) {
    weft::testing::write_text(directory_ / "file", "");
    const auto opened = StatusFile::open(directory_ / "file" / "hub");
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error(), AllOf(HasSubstr((directory_ / "file").string()),
                                      HasSubstr("hub.state names the directory")));
}

}  // namespace
}  // namespace weft::reliability::hub
