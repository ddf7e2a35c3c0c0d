#include "gateway/rse/id_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/gateway/rse/rse_world.hpp"

namespace weft::gateway::rse {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class IdLineTest : public RseWorld {
protected:
    std::shared_ptr<IdLine> open(reliability::JournalEpoch epoch, reliability::JournalId head) {
        reliability::JournalInfo journal;
        journal.epoch = epoch;
        journal.head = head;
        auto line = IdLine::open(file, journal);
        if (!line) throw std::runtime_error(line.error());
        return *line;
    }
    testing::TempDir dir;
    const std::filesystem::path file = dir / "journal.rse-ids";
};

TEST_F(IdLineTest, TheFirstJournalsIdsAreUsedAsTheyAre) {  // R151
    const auto line = open(7, 0);
    EXPECT_EQ(line->id_of(1), 1U);
    EXPECT_EQ(line->in_journal(5), 5U);
    EXPECT_EQ(open(7, 3)->id_of(4), 4U) << "opened again";
}

TEST_F(IdLineTest, AJournalMadeAnewGoesOnBehindEveryIdThatWasGiven) {  // R150
    reliability::JournalId last = 0;
    {
        const auto line = open(7, 10);
        last = line->id_of(3 * IdLine::step + 7);
    }
    const auto line = open(8, 0);
    EXPECT_GT(line->id_of(1), last);
    EXPECT_EQ(line->in_journal(line->id_of(1)), 1U);
    EXPECT_EQ(line->in_journal(last), 0U) << "everything follows it";
    const auto third = open(9, 0)->id_of(1);
    EXPECT_GT(third, line->id_of(1));
    EXPECT_EQ(open(9, 1)->id_of(1), third);
}

TEST_F(IdLineTest, AFileThatIsNoneIsRefused) {
    reliability::JournalInfo journal;
    for (const char* text : {"x", "weft rse ids 1\n1\n2\n", "weft rse ids 1\n1\n5\n4\n",
                             "weft rse ids 1\n1\n0\n99999999999999999999\n"}) {
        testing::write_text(file, text);
        const auto line = IdLine::open(file, journal);
        ASSERT_FALSE(line) << text;
        EXPECT_THAT(line.error(), HasSubstr("restore it"));
    }
}

TEST_F(IdLineTest, ClientsOfTheFormerJournalGetWhatTheNewOneHas) {  // R150
    static_cast<void>(open(7, 50));
    const auto ids_now = open(8, 0);
    RseHandler now(settings, bridge, tokens, clock, ids_now);
    const auto ask = [&](Request made) {
        const auto exchange = std::make_shared<support::FakeExchange>(std::move(made));
        now.handle(exchange);
        return *exchange->wait();
    };
    const auto posted = id_of(ask(request("POST", "/a", "[]", {{"User-Agent", other}})));
    EXPECT_GT(posted, 50U);
    const Response polled = ask(request("GET", "/a?last-known-id=50"));
    EXPECT_THAT(ids(polled), ElementsAre(posted));
    EXPECT_EQ(polled.headers.find("X-RSE-Last-Id"), std::to_string(posted));
    const std::string after = "/a?last-known-id=" + std::to_string(posted);
    EXPECT_EQ(ask(request("GET", after)).status, 204U);
    now.stop();
}

}  // namespace
}  // namespace weft::gateway::rse
