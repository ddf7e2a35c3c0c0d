// Bits that flip and ends that are lost, in every file of a journal: found and named, never served.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <thread>

#include "reliability/journal/rocksdb_journal.hpp"
#include "tests/fault/journal/told_messages.hpp"
#include "tests/support/temp_dir.hpp"

namespace weft::fault {
namespace {

namespace fs = std::filesystem;
using namespace reliability;
using Reason = JournalError::Reason;
using testing::read_text;
using testing::TempDir;

constexpr JournalId last = 300;

/// Half of it in tables, half in the log.
void fill(const fs::path& path) {
    for (const JournalId until : {last / 2, last}) {
        auto journal = RocksdbJournal::open(path);
        ASSERT_TRUE(journal) << journal.error().sentence;
        for (JournalId next = (*journal)->info().head + 1; next <= until; next += 5) {
            ASSERT_TRUE((*journal)->append({told_run(next, 5)}));
        }
    }
}

/// What the damage did: refused to open, an error at reading, or nothing.
enum class Seen { at_open, at_read, nowhere };

Seen look(const fs::path& path) {
    auto journal = RocksdbJournal::open(path);
    if (!journal) {
        EXPECT_THAT(journal.error().sentence, ::testing::HasSubstr(path.string()));
        return Seen::at_open;
    }
    const Heard heard = hear(**journal);
    EXPECT_EQ(heard.wrong, "");
    bool failed = !heard.error.empty();
    if (failed) {
        // All before it was given.
        EXPECT_THAT(heard.error,
                    ::testing::HasSubstr("message " + std::to_string(heard.next) + " "));
    } else {
        EXPECT_EQ(heard.next, last + 1) << "lost without a word";
    }
    for (JournalId id = 1; id <= last; id += 7) {
        const auto found = (*journal)->find(told_id(id));
        failed = failed || !found;
        if (found) {
            EXPECT_EQ(*found, id);
        }
    }
    const auto streamed = (*journal)->read_stream({"alice", 1, told_run(1, 1).topic, 1, 5}, {});
    if (streamed) {
        EXPECT_EQ(streamed->messages(), 5U);
    }
    return failed ? Seen::at_read : Seen::nowhere;
}

std::vector<fs::path> files_in(const fs::path& path) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(path)) {
        const std::string name = entry.path().filename().string();
        const bool helper = name.starts_with("LOG") || name.starts_with("OPTIONS") ||
                            name == "LOCK" || name == "IDENTITY" || name == "ACKNOWLEDGED";
        if (!helper && entry.file_size() > 0) files.push_back(entry.path().filename());
    }
    std::sort(files.begin(), files.end());
    return files;
}

class DamagedFiles : public ::testing::Test {
protected:
    void SetUp() override { fill(directory_ / "whole"); }

    /// Damages one copy after another; how often it was seen, by file.
    template <class Damage>
    void damage_all(std::size_t times, Damage damage) {
        std::mt19937_64 random(seed);
        std::size_t seen = 0, all = 0;
        for (const fs::path& file : files_in(directory_ / "whole")) {
            for (std::size_t time = 0; time < times && !HasFailure(); ++time) {
                const fs::path copy = directory_ / "copy";
                fs::remove_all(copy);
                fs::copy(directory_ / "whole", copy);
                std::string bytes = read_text(copy / file);
                const std::size_t at = random() % bytes.size();
                SCOPED_TRACE(file.string() + " at " + std::to_string(at) + " of " +
                             std::to_string(bytes.size()) + ", seed " + std::to_string(seed));
                damage(bytes, at);
                testing::write_text(copy / file, bytes);
                if (look(copy) != Seen::nowhere) ++seen;
                ++all;
            }
        }
        std::cout << seen << " of " << all << " damages were seen, the others hurt nothing\n";
        EXPECT_GT(seen * 2, all);
    }

    static constexpr std::uint64_t seed = 20'260'101;
    TempDir directory_;
};

TEST_F(DamagedFiles, AFlippedBitIsNamedAndNeverServed) {
    damage_all(12, [](std::string& bytes, std::size_t at) {
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    });
}

TEST_F(DamagedFiles, AnEndThatIsLostIsNamedAndNothingAcknowledgedGoesMissing) {
    damage_all(6, [](std::string& bytes, std::size_t at) { bytes.resize(at); });
}

TEST_F(DamagedFiles, AFileThatIsGoneIsNamed) {
    for (const fs::path& file : files_in(directory_ / "whole")) {
        SCOPED_TRACE(file.string());
        const fs::path copy = directory_ / "copy";
        fs::remove_all(copy);
        fs::copy(directory_ / "whole", copy);
        fs::remove(copy / file);
        EXPECT_NE(look(copy), Seen::nowhere);
    }
}

Reason refused(const fs::path& path, const RocksdbJournalOptions& options = {}) {
    auto journal = RocksdbJournal::open(path, options);
    EXPECT_FALSE(journal);
    if (journal) return Reason::closed;
    EXPECT_THAT(journal.error().sentence, ::testing::HasSubstr(path.string()));
    return journal.error().reason;
}

TEST(OpeningAJournal, SaysWhyItCannot) {
    const TempDir directory;
    testing::write_text(directory / "full/letter.txt", "dear");
    EXPECT_EQ(refused(directory / "full"), Reason::invalid);
    EXPECT_EQ(refused(directory / "full/letter.txt"), Reason::invalid);
    EXPECT_EQ(refused(directory / "none", {.read_only = true}), Reason::not_found);
    EXPECT_FALSE(fs::exists(directory / "none"));
    testing::write_text(directory / "newer/WEFT-JOURNAL", "weft journal, format 7\n");
    EXPECT_EQ(refused(directory / "newer"), Reason::invalid);
    testing::write_text(directory / "odd/WEFT-JOURNAL", "something\n");
    EXPECT_EQ(refused(directory / "odd"), Reason::corrupt);
}

TEST(OpeningAJournal, BeginsAfreshWhereItsFirstFileWasNotWholeWhenItWasKilled) {
    const TempDir directory;
    fs::create_directories(directory / "journal");
    testing::write_text(directory / "journal" / ".WEFT-JOURNAL.tmp-0011223344556677", "weft jou");

    EXPECT_TRUE(RocksdbJournal::open(directory / "journal"));

    fs::create_directories(directory / "other");
    testing::write_text(directory / "other" / ".WEFT-JOURNAL.tmp-0011223344556677", "weft jou");
    testing::write_text(directory / "other" / "diary", "dear");
    EXPECT_FALSE(RocksdbJournal::open(directory / "other"));
}

TEST(OpeningAJournal, IsForOneWriterAndAnyNumberOfReaders) {
    const TempDir directory;
    auto journal = RocksdbJournal::open(directory / "j");
    ASSERT_TRUE(journal) << journal.error().sentence;
    ASSERT_TRUE((*journal)->append({told_run(1, 4)}));
    EXPECT_EQ(refused(directory / "j"), Reason::busy);

    auto reader = RocksdbJournal::open(directory / "j", {.read_only = true});
    ASSERT_TRUE(reader) << reader.error().sentence;
    EXPECT_EQ(hear(**reader).next, 5U);
    const auto stored = (*reader)->append({told_run(5, 1)});
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().reason, Reason::invalid);
    EXPECT_EQ((*reader)->trim(2).error().reason, Reason::invalid);
    EXPECT_NE((*reader)->info().not_ready, "");
}

TEST(Trimming, GivesTheDiskBack) {
    const TempDir directory;
    JournalId head = 0;
    {
        auto journal = RocksdbJournal::open(directory / "j", {.sync = false});
        ASSERT_TRUE(journal) << journal.error().sentence;
        // 160 MiB that do not compress.
        std::mt19937_64 random(1);
        for (int number = 0; number < 640; ++number) {
            std::string noise(256 << 10, '\0');
            for (std::size_t at = 0; at < noise.size(); at += 8) {
                const std::uint64_t bits = random();
                std::memcpy(noise.data() + at, &bits, 8);
            }
            RunToStore run = told_run(1, 1);
            run.contents.clear();
            signing::append_item(noise, run.contents);
            ASSERT_TRUE((*journal)->append({run}));
        }
        head = (*journal)->info().head;
    }
    auto journal = RocksdbJournal::open(directory / "j");
    ASSERT_TRUE(journal) << journal.error().sentence;
    const std::uint64_t before = (*journal)->info().bytes;
    EXPECT_GT(before, std::uint64_t{100} << 20);
    const auto low = (*journal)->low_for_bytes(before / 4);
    ASSERT_TRUE(low);
    EXPECT_GT(*low, head / 2);
    EXPECT_LT(*low, head);
    ASSERT_TRUE((*journal)->trim(*low));
    // At once, or as soon as the background has compacted what no whole file was.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while ((*journal)->info().bytes > before / 2 && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    EXPECT_LE((*journal)->info().bytes, before / 2);
    EXPECT_EQ((*journal)->read({}, {}, {})->gap->lost, *low - 1);
}

}  // namespace
}  // namespace weft::fault
