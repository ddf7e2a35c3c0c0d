// The journal as its users see it: publishes that are on disk, history and live as one sequence,
// and the commands that care for what is kept.

#include <csignal>
#include <random>

#include "tests/integration/journal_fixture.hpp"

namespace weft::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

TEST_F(Journaled, ADurablePublishSucceedsOnceTheJournalHasIt) {
    Process relay = fabric_.relay();
    Process journal = serve();

    const Finished done = publish(R"({"n": 1})");

    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.out.size(), 37U) << done.out;
    const auto read = read_from("beginning", 1);
    ASSERT_THAT(read, SizeIs(1));
    EXPECT_EQ(read[0]["id"], done.out.substr(0, 36));
    EXPECT_EQ(read[0]["journal_id"], 1);
    EXPECT_EQ(read[0]["body"]["n"], 1);
    EXPECT_EQ(read[0]["verified"], true);
}

TEST_F(Journaled, WithoutAJournalADurablePublishFailsAndNamesIt) {
    Process relay = fabric_.relay();

    const Finished done = publish(R"({"n": 1})", "1s");

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("journal.host1 did not answer"));
    EXPECT_EQ(done.out, "");
}

TEST_F(Journaled, WhereNoJournalIsNamedDurableIsAUsageErrorThatSaysWhatToSet) {
    const Finished done = publish("1", "1s", {"--set", "reliability.journals=[]"});

    EXPECT_EQ(done.exit_code, 2);
    EXPECT_THAT(done.err, HasSubstr("set reliability.journals"));
}

TEST_F(Journaled, AnyOfTwoJournalsSufficesWhileTheOtherIsAway) {
    fabric_.configure("reliability: { journals: [away.host2, journal.host1] }");
    Process relay = fabric_.relay();
    Process journal = serve();

    const Finished done = publish(R"({"n": 1})");

    EXPECT_EQ(done.exit_code, 0) << done.err;
}

TEST_F(Journaled, TailBeginsWhereItIsTold) {
    Process relay = fabric_.relay();
    Process journal = serve();
    log_numbers(1, 8);
    const Finished ninth =
        fabric_.weft({"logger", "--topic", "other", "--durable", "--ack-timeout", "20s"}, "9\n");
    ASSERT_EQ(ninth.exit_code, 0) << ninth.err;
    log_numbers(10, 10);

    const auto all = read_from("beginning", 10);
    EXPECT_EQ(numbers(all), all_from_to(1, 10));
    EXPECT_EQ(journal_ids(all), all_from_to<std::uint64_t>(1, 10));
    EXPECT_EQ(numbers(read_from("6", 4)), all_from_to(7, 10));
    EXPECT_EQ(numbers(read_from(all[6]["id"], 3)), all_from_to(8, 10));
    EXPECT_EQ(numbers(read_from("last:3", 3)), all_from_to(8, 10));
    EXPECT_EQ(numbers(read_from("since:1h", 10)), all_from_to(1, 10));
    EXPECT_THAT(numbers(read_from("last-per-topic", 2)), ElementsAre(9, 10));
    EXPECT_THAT(numbers(read_from("last:1", 1, {"--topic", "**.other"})), ElementsAre(9));
    const Finished nowhere = fabric_.weft({"tail", "--from", "yesterday"});
    EXPECT_EQ(nowhere.exit_code, 2);
    EXPECT_THAT(nowhere.err, HasSubstr("--from"));
}

TEST_F(Journaled, HistoryAndLiveAreOneSequenceWithoutAGapOrADuplicate) {
    constexpr int history = 500, total = 4000;
    Process relay = fabric_.relay();
    Process journal = serve();
    log_numbers(1, history);
    Process load = fabric_.start({"logger", "--durable", "--ack-timeout", "25s"},
                                 {.stdin_text = lines(history + 1, total)});

    Process early = fabric_.start({"tail", "--from", "beginning"});
    journal.wait_for_line(Stream::err, "ids ");
    printed(early, 1);
    Process late = fabric_.start({"tail", "--from", "last:100"});

    EXPECT_EQ(load.wait(), 0) << load.output();
    const auto all = printed(early, total);
    EXPECT_EQ(numbers(all), all_from_to(1, total));
    EXPECT_EQ(journal_ids(all), all_from_to<std::uint64_t>(1, total));
    printed(late, 100);
    late.wait_for_line(Stream::out, "\"log\":\"" + std::to_string(total) + "\"");
    const auto end = numbers(json_lines(late.out()));
    EXPECT_EQ(end, all_from_to(end.front(), total));
    stop(early);
    stop(late);
}

TEST_F(Journaled, APlaceThatWasTrimmedIsToldAsAGap) {
    Process relay = fabric_.relay();
    {
        Process journal = serve();
        log_numbers(1, 10);
        stop(journal);
    }
    const Finished trimmed = journal("trim", {"--below", "7"});
    ASSERT_EQ(trimmed.exit_code, 0) << trimmed.err;
    EXPECT_THAT(trimmed.out, HasSubstr("trimmed 6 ids; 4 of 10 left"));
    Process journal = serve();

    const auto read = read_from("2", 5);

    ASSERT_THAT(read, SizeIs(5));
    EXPECT_EQ(read[0], json::parse(R"({"gap":{"from":3,"to":6,"lost":4}})"));
    EXPECT_EQ(numbers(read), all_from_to(7, 10));
    EXPECT_EQ(info()["low"], 7);
    log_numbers(11, 11);
    EXPECT_THAT(journal_ids(read_from("10", 1)), ElementsAre(11U));
}

TEST_F(Journaled, TrimmedToNothingItsIdsGoOn) {
    Process relay = fabric_.relay();
    {
        Process journal = serve();
        log_numbers(1, 5);
        stop(journal);
    }
    ASSERT_EQ(journal("trim", {"--older-than", "0s"}).exit_code, 0);
    EXPECT_THAT(journal("info").out, HasSubstr("none left; the next is 6"));
    Process journal = serve();
    log_numbers(6, 6);

    EXPECT_THAT(journal_ids(read_from("last:1", 1)), ElementsAre(6U));
}

/// Flips a bit in the store where this text stands; how often.
int flip_bit_at(const std::filesystem::path& store, const std::string& text) {
    int flipped = 0;
    for (const auto& entry : std::filesystem::directory_iterator(store)) {
        if (entry.path().extension() != ".sst" && entry.path().extension() != ".log") continue;
        std::string bytes = read_text(entry.path());
        const std::size_t at = bytes.find(text);
        if (at == std::string::npos) continue;
        bytes[at] = static_cast<char>(bytes[at] ^ 1);
        write_text(entry.path(), bytes);
        ++flipped;
    }
    return flipped;
}

/// That no compression makes small: what lies around the needle fills blocks of its own.
std::string noisy_lines(int from, int to, int words = 50) {
    std::mt19937_64 random(7);
    std::string text;
    for (int number = from; number <= to; ++number) {
        text += std::to_string(number);
        for (int i = 0; i < words; ++i) text += " " + std::to_string(random());
        text += "\n";
    }
    return text;
}

TEST_F(Journaled, VerifyIsGoodAndNamesTheIdAfterABitOfTheStoreFlipped) {
    Process relay = fabric_.relay();
    {
        Process journal = serve();
        log_lines(noisy_lines(1, 400));
        ASSERT_EQ(publish(R"("Zq7needle0Xw")").exit_code, 0);
        log_lines(noisy_lines(402, 402, 1000));  // the last of the needle's block
        log_lines(noisy_lines(403, 800));
        stop(journal);
    }
    {
        // What was in the log goes to a table.
        Process journal = serve();
        stop(journal);
    }
    const Finished good = journal("verify", {"--json"});
    ASSERT_EQ(good.exit_code, 0) << good.out << good.err;
    EXPECT_EQ(json::parse(good.out)["messages"], 800);
    EXPECT_EQ(json::parse(good.out)["problems"], 0);

    ASSERT_GE(flip_bit_at(store(), "needle0"), 1);

    const Finished bad = journal("verify", {"--json"});
    EXPECT_EQ(bad.exit_code, 1) << bad.out << bad.err;
    std::uint64_t named = 0, damaged_from = 401;
    // Several may lie one behind the other: it is skipped over in steps.
    std::uint64_t begin = 0, end = 0;
    for (const auto& line : json_lines(bad.out)) {
        if (!line.contains("problem")) continue;
        const std::uint64_t first = line["problem"]["first"], last = line["problem"]["last"];
        EXPECT_GT(first, 1U) << "all is well there: " << line;
        if (first != end + 1) begin = first;
        end = last;
        if (first > 401 || last < 401) continue;
        ++named;
        damaged_from = std::min(damaged_from, begin);
    }
    EXPECT_GE(named, 1U) << bad.out << bad.err;
    const Finished for_people = journal("verify");
    EXPECT_EQ(for_people.exit_code, 1);
    EXPECT_THAT(for_people.out, AllOf(HasSubstr("NOT GOOD"), HasSubstr("cannot be read")));

    // What lies in one block with it shares its fate: a few messages.
    EXPECT_GT(damaged_from, 300U);
    // Whoever reads gets all that lies before that, and goes on behind it.
    Process journal = serve();
    auto read = journal_ids(read_from("beginning", static_cast<int>(damaged_from)));
    ASSERT_THAT(read, SizeIs(damaged_from));
    EXPECT_GT(read.back(), 401U);
    read.pop_back();
    EXPECT_EQ(read, all_from_to<std::uint64_t>(1, static_cast<int>(damaged_from) - 1));
}

TEST_F(Journaled, WhereTheNewestMessageIsDamagedThatIsSaidAtOnce) {
    Process relay = fabric_.relay();
    for (int life = 0; life < 2; ++life) {
        Process journal = serve();
        if (life == 0) {
            ASSERT_EQ(publish(R"("Zq7needle0Xw")").exit_code, 0);
        }
        stop(journal);
    }
    ASSERT_GE(flip_bit_at(store(), "needle0"), 1);

    for (const char* command : {"verify", "info", "export"}) {
        const Finished done = journal(command);
        EXPECT_EQ(done.exit_code, 1) << command;
        EXPECT_THAT(done.err, HasSubstr("message 1 cannot be read")) << command;
    }
}

TEST_F(Journaled, WhatIsExportedAsFramesIsImportedElsewhereOnce) {
    Process relay = fabric_.relay();
    Process journal_process = serve();
    log_numbers(1, 40);
    const std::string other = (fabric_.dir() / "other").string();
    const Finished frames = journal("export", {"--format", "frames"});
    ASSERT_EQ(frames.exit_code, 0) << frames.err;

    const Finished first = journal("import", {"--path", other}, frames.out);
    const Finished again = journal("import", {"--path", other}, frames.out);

    EXPECT_EQ(first.exit_code, 0) << first.err;
    EXPECT_THAT(first.err, HasSubstr("imported 40 messages; 0 were there already"));
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_THAT(again.err, HasSubstr("imported 0 messages; 40 were there already"));
    const Finished there = journal("export", {"--path", other});
    const Finished here = journal("export");
    EXPECT_EQ(numbers(json_lines(there.out)), all_from_to(1, 40));
    EXPECT_EQ(there.out, here.out) << "the same ids, as the other was empty";
    EXPECT_EQ(journal("verify", {"--path", other}).exit_code, 0);
}

TEST_F(Journaled, AForgedLineIsNotImported) {
    Process relay = fabric_.relay();
    Process journal_process = serve();
    ASSERT_EQ(publish(R"({"n": 1})").exit_code, 0);
    json line = json::parse(journal("export", {"--format", "frames"}).out);
    std::string proof = line["proof"];
    proof[proof.size() / 2] = proof[proof.size() / 2] == 'A' ? 'B' : 'A';
    line["proof"] = proof;

    const Finished done =
        journal("import", {"--path", (fabric_.dir() / "other").string()}, line.dump() + "\n");

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, AllOf(HasSubstr("not believed"), HasSubstr("imported 0 messages")));
    const Finished none = journal("import", {"--path", (fabric_.dir() / "third").string()}, "{}\n");
    EXPECT_EQ(none.exit_code, 1);
    EXPECT_THAT(none.err, HasSubstr("standard input:1: this is not a line of"));
}

TEST_F(Journaled, ExportWritesTheRangeAndTopicsThatWereAskedFor) {
    Process relay = fabric_.relay();
    Process journal_process = serve();
    log_numbers(1, 5);
    ASSERT_EQ(publish(R"({"n": 1})").exit_code, 0);

    EXPECT_EQ(numbers(json_lines(journal("export", {"--from", "2", "--to", "4"}).out)),
              all_from_to(3, 4));
    const std::string file = (fabric_.dir() / "out.jsonl").string();
    const Finished done = journal("export", {"--topic", "deploy", "--output", file});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    const auto written = json_lines(read_text(file));
    ASSERT_THAT(written, SizeIs(1));
    EXPECT_EQ(written[0]["journal_id"], 6);
}

TEST_F(Journaled, WhileItIsServedItCanBeLookedAtAndWhoHasItIsNamedToWhoWouldChangeIt) {
    Process relay = fabric_.relay();
    Process journal_process = serve();
    log_numbers(1, 20);

    const json seen = info();
    EXPECT_EQ(seen["backend"], "rocksdb");
    EXPECT_EQ(seen["low"], 1);
    EXPECT_EQ(seen["head"], 20);
    EXPECT_EQ(seen["ids"], 20);
    EXPECT_EQ(seen["epoch"].get<std::string>().size(), 16U);
    EXPECT_TRUE(seen.contains("not_ready"));
    EXPECT_EQ(journal("verify").exit_code, 0);
    EXPECT_EQ(numbers(json_lines(journal("export").out)), all_from_to(1, 20));
    const Finished trim = journal("trim", {"--below", "5"});
    EXPECT_EQ(trim.exit_code, 1);
    EXPECT_THAT(trim.err, HasSubstr("`weft journal serve`"));
    EXPECT_THAT(trim.err, HasSubstr("another process has this journal open"));
    EXPECT_EQ(info()["low"], 1);
}

TEST_F(Journaled, ACertificateWithoutTheRoleIsRefusedWithTheCommandThatMakesOne) {
    issue("plain.host1", {"--role", "publish", "--role", "ack"});
    Process relay = fabric_.relay();

    const Finished done = fabric_.weft(serving("plain.host1"));

    EXPECT_EQ(done.exit_code, 2) << done.err;
    EXPECT_THAT(done.err, HasSubstr("weft keys issue plain.host1 --role journal"));
}

TEST_F(Journaled, InMemoryItWorksAndWarnsThatItForgets) {
    Process relay = fabric_.relay();
    Process journal = serve({"--set", "reliability.journal.backend=memory"});
    EXPECT_THAT(journal.err(), HasSubstr("it forgets everything when it ends"));
    log_numbers(1, 5);

    EXPECT_EQ(numbers(read_from("beginning", 5)), all_from_to(1, 5));
    EXPECT_FALSE(std::filesystem::exists(store()));
    stop(journal);
}

TEST_F(Journaled, SigtermEndsItWithinFiveSecondsAlsoUnderLoad) {
    Process relay = fabric_.relay();
    Process journal = serve();
    Process load = fabric_.start({"bench", "pub", "--rate", "3000", "--count", "90000"});
    Process reader = fabric_.start({"tail", "--from", "beginning"});
    printed(reader, 100);

    const auto begun = std::chrono::steady_clock::now();
    journal.signal(SIGTERM);

    EXPECT_EQ(journal.wait(), 0) << journal.output();
    const auto took = std::chrono::steady_clock::now() - begun;
    EXPECT_LT(took, std::chrono::seconds(5)) << journal.output();
    EXPECT_THAT(journal.err(), HasSubstr("recorded "));
    stop(reader);
}

TEST_F(Journaled, AfterARestartIdsGoOnInTheSameEpoch) {
    Process relay = fabric_.relay();
    std::string epoch;
    for (int life = 0; life < 3; ++life) {
        Process journal = serve();
        log_numbers(life * 10 + 1, life * 10 + 10);
        stop(journal);
        const json seen = info();
        EXPECT_EQ(seen["head"], life * 10 + 10);
        if (life > 0) {
            EXPECT_EQ(seen["epoch"], epoch);
        }
        epoch = seen["epoch"];
    }
    Process journal = serve();
    const auto all = read_from("beginning", 30);
    EXPECT_EQ(numbers(all), all_from_to(1, 30));
    EXPECT_EQ(journal_ids(all), all_from_to<std::uint64_t>(1, 30));
}

TEST_F(Journaled, AfterKill9EverythingThatWasAcknowledgedIsThere) {
    Process relay = fabric_.relay();
    Process journal_process = serve();
    log_numbers(1, 50);
    const std::string epoch = info()["epoch"];
    Process load = fabric_.start({"logger", "--durable", "--ack-timeout", "25s"},
                                 {.stdin_text = lines(51, 3000)});
    Process reader = fabric_.start({"tail", "--from", "50"});
    printed(reader, 20);

    journal_process.signal(SIGKILL);
    EXPECT_EQ(journal_process.wait(), 128 + SIGKILL);
    journal_process = serve();

    // It says so only if the journal stored every single one, before the kill or after.
    EXPECT_EQ(load.wait(), 0) << load.output();
    EXPECT_EQ(info()["epoch"], epoch);
    auto there = numbers(read_from("beginning", 3000));
    std::sort(there.begin(), there.end());
    EXPECT_EQ(there, all_from_to(1, 3000));
    // The reader was there all the time.
    const auto followed = printed(reader, 2950);
    EXPECT_EQ(journal_ids(followed), all_from_to<std::uint64_t>(51, 3000));
    const Finished verified = journal("verify");
    EXPECT_EQ(verified.exit_code, 0) << verified.out;
}

TEST_F(Journaled, ATailFromAJournalThatIsAwayNamesWhichAndWhy) {
    Process relay = fabric_.relay();

    const Finished done = fabric_.weft({"tail", "--from", "beginning"});

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("journal.host1"));
}

}  // namespace
}  // namespace weft::testing
