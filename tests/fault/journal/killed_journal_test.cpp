// kill -9 in the middle of appending: what was acknowledged is there, byte for byte.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>
#include <sstream>

#include "reliability/journal/rocksdb_journal.hpp"
#include "tests/fault/journal/told_messages.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace weft::fault {
namespace {

std::size_t kills() {
    const char* given = std::getenv("WEFT_KILLS");
    return given == nullptr ? 24 : std::strtoul(given, nullptr, 10);
}

JournalId last_acknowledged(const std::string& out) {
    JournalId last = 0;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) {
        // A line that the kill cut short has no newline and may say too little.
        if (line.starts_with("ack ") && !lines.eof()) last = std::stoull(line.substr(4));
    }
    return last;
}

TEST(KilledJournal, EverythingAcknowledgedIsThereByteForByte) {
    const testing::TempDir directory;
    const std::uint64_t seed = std::random_device{}();
    std::cout << "seed " << seed << '\n';
    std::mt19937_64 random(seed);
    JournalId acknowledged = 0, epoch = 0;
    std::chrono::steady_clock::duration slowest{};
    for (std::size_t kill = 0; kill < kills(); ++kill) {
        {
            auto appender =
                testing::Process::start({WEFT_JOURNAL_APPENDER, (directory / "journal").string()});
            appender.wait_for_line(testing::Stream::out, "ready");
            for (std::uint64_t left = random() % 60; left > 0; --left) {
                appender.wait_for_line(testing::Stream::out, "ack ");
            }
            appender.signal(SIGKILL);
            appender.wait();
            acknowledged = std::max(acknowledged, last_acknowledged(appender.out()));
        }
        const auto begin = std::chrono::steady_clock::now();
        auto journal = reliability::RocksdbJournal::open(directory / "journal");
        slowest = std::max(slowest, std::chrono::steady_clock::now() - begin);
        ASSERT_TRUE(journal) << journal.error().sentence << ", seed " << seed;
        const auto info = (*journal)->info();
        ASSERT_GE(info.head, acknowledged) << "seed " << seed;
        ASSERT_TRUE(epoch == 0 || epoch == info.epoch);
        epoch = info.epoch;
        const Heard heard = hear(**journal);
        ASSERT_EQ(heard.wrong + heard.error, "") << "seed " << seed;
        ASSERT_EQ(heard.next, info.head + 1);
        for (JournalId id = 1; id <= info.head; id += 1 + info.head / 50) {
            const auto found = (*journal)->find(told_id(id));
            ASSERT_TRUE(found && *found == id);
        }
    }
    EXPECT_GT(acknowledged, kills());
    std::cout << kills() << " kills, " << acknowledged << " acknowledged, opened again within "
              << std::chrono::duration_cast<std::chrono::milliseconds>(slowest).count() << " ms\n";
}

}  // namespace
}  // namespace weft::fault
