// Durable publishes with reliability.outbox, as real processes: the journal is away, the publisher
// is killed, and everything that was said yes to is in the journal once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/fabric_fixture.hpp"

namespace weft::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Outbox : public ::testing::Test {
protected:
    Outbox() {
        fabric_.configure(
            "reliability: { journals: [git.host1], outbox: var/outbox, journal: { listen: "
            "'tcp://127.0.0.1:" +
            std::to_string(free_port()) + "' } }");
        const Finished issued = fabric_.weft({"keys", "issue", "a", "--publish", "**"});
        if (issued.exit_code != 0) throw std::runtime_error(issued.err);
    }

    static std::vector<std::string> publishing(const std::string& text, const std::string& timeout,
                                               const std::string& flush) {
        return {"publish",
                "deploy",
                "--data",
                text,
                "--durable",
                "--ack-timeout",
                timeout,
                "--flush",
                flush,
                "--set",
                "name=a",
                "--set",
                "fabric.replay.state=var/replay.a"};
    }
    Finished publish(const std::string& text, const std::string& timeout = "300ms",
                     const std::string& flush = "100ms") {
        return fabric_.weft(publishing(text, timeout, flush));
    }
    [[nodiscard]] Process journal() {
        Process journal = fabric_.start({"journal", "serve", "--ready-timeout", "20s"});
        journal.wait_for_line(Stream::out, "ready");
        return journal;
    }
    [[nodiscard]] std::uintmax_t outbox_bytes() const {
        std::error_code none;
        const auto bytes =
            std::filesystem::file_size(fabric_.dir().path() / "var/outbox/messages", none);
        return none ? 0 : bytes;
    }
    void wait_until_the_outbox_grows(std::uintmax_t from) const {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (outbox_bytes() <= from) {
            if (std::chrono::steady_clock::now() > deadline) {
                throw std::runtime_error("nothing came into the outbox");
            }
            std::this_thread::yield();
        }
    }
    /// The bodies of all that is in the journal, in its order.
    std::vector<std::string> journaled() {
        const Finished info = fabric_.weft({"journal", "info", "--json"});
        EXPECT_EQ(info.exit_code, 0) << info.err;
        const auto head = nlohmann::json::parse(info.out).at("head").get<int>();
        const Finished tail =
            fabric_.weft({"tail", "--from", "beginning", "--count", std::to_string(head)});
        EXPECT_EQ(tail.exit_code, 0) << tail.err;
        std::vector<std::string> bodies;
        for (const auto& message : json_lines(tail.out)) bodies.push_back(message.at("body"));
        return bodies;
    }

    Fabric fabric_;
};

TEST_F(Outbox, WhatWasPublishedWhileNoJournalRanIsInItOnceAlsoAfterKillNine) {
    const Process relay = fabric_.relay();

    const Finished first = publish("one");
    EXPECT_EQ(first.exit_code, 1);
    EXPECT_THAT(first.err, AllOf(HasSubstr("git.host1 did not answer"),
                                 HasSubstr("kept in the outbox"), Not(HasSubstr("since"))));
    EXPECT_EQ(first.out, "");

    const auto before = outbox_bytes();
    Process killed = fabric_.start(publishing("two", "60s", "1s"));
    wait_until_the_outbox_grows(before);
    const Finished other = publish("nobody's");
    EXPECT_EQ(other.exit_code, 1);
    EXPECT_THAT(other.err, AllOf(HasSubstr("another process uses it"), HasSubstr("Nothing was")));
    killed.signal(SIGKILL);
    EXPECT_EQ(killed.wait(), 128 + SIGKILL);

    EXPECT_EQ(publish("three").exit_code, 1);

    const Process journal = this->journal();
    const Finished last = publish("four", "20s", "20s");
    EXPECT_EQ(last.exit_code, 0) << last.err;

    auto bodies = journaled();
    // The one that is acknowledged live may come before or among those that are handed in.
    const auto live = std::find(bodies.begin(), bodies.end(), "four");
    ASSERT_NE(live, bodies.end());
    bodies.erase(live);
    EXPECT_THAT(bodies, ElementsAre("one", "two", "three"));
}

TEST_F(Outbox, KeepsWhatIsPublishedWhileTheRelayIsAwayToo) {
    const Finished away = publish("one");
    EXPECT_EQ(away.exit_code, 1);
    EXPECT_THAT(away.err, AllOf(HasSubstr("the relay at"), HasSubstr("kept in the outbox")));

    const Process relay = fabric_.relay();
    const Process journal = this->journal();
    const Finished next = publish("two", "20s", "20s");

    EXPECT_EQ(next.exit_code, 0) << next.err;
    EXPECT_THAT(journaled(), ::testing::UnorderedElementsAre("one", "two"));
}

TEST_F(Outbox, AFullOutboxEndsTheCommandAndSaysWhatToDo) {
    const Process relay = fabric_.relay();
    fabric_.configure("reliability: { outbox_max: 64KiB }");
    const std::string large(40'000, 'x');
    EXPECT_EQ(publish(large).exit_code, 1);

    const Finished full = publish(large);

    EXPECT_EQ(full.exit_code, 1);
    EXPECT_THAT(full.err, AllOf(HasSubstr("is full"), HasSubstr("outbox_max"),
                                HasSubstr("Nothing was published")));
}

}  // namespace
}  // namespace weft::testing
