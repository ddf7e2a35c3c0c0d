// Each write and each sync of a journal fails once, in every way that disks fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "reliability/journal/rocksdb_journal.hpp"
#include "tests/fault/journal/faulty_files.hpp"
#include "tests/fault/journal/told_messages.hpp"
#include "tests/support/temp_dir.hpp"

namespace weft::fault {
namespace {

using namespace reliability;
using Reason = JournalError::Reason;

constexpr JournalId appends = 12;

/// One journal whose files fail, and what it has answered.
class Attempt {
public:
    Attempt() : env_(rocksdb::NewCompositeEnv(files_)) {}

    [[nodiscard]] JournalResult<std::unique_ptr<Journal>> open() {
        RocksdbJournalOptions options;
        options.env = env_.get();
        return RocksdbJournal::open(directory_.path() / "journal", options);
    }
    FaultyFiles& files() { return *files_; }

    /// Appends until something fails; the last id that was answered.
    [[nodiscard]] static JournalId append_all(Journal& journal, std::optional<JournalError>& why) {
        JournalId acknowledged = journal.info().head;
        while (acknowledged < appends * 2) {
            auto answer = journal.append({told_run(acknowledged + 1, 2)});
            if (!answer) {
                why = answer.error();
                return acknowledged;
            }
            EXPECT_EQ(answer->front().first, acknowledged + 1);
            acknowledged = answer->back().last;
            if (acknowledged % 8 == 0) {
                const auto kept = journal.state().apply({{"at", std::to_string(acknowledged)}});
                if (!kept) {
                    why = kept.error();
                    return acknowledged;
                }
            }
        }
        return acknowledged;
    }

private:
    testing::TempDir directory_;
    std::shared_ptr<FaultyFiles> files_ = std::make_shared<FaultyFiles>();
    std::unique_ptr<rocksdb::Env> env_;
};

/// False: there is no such operation any more.
bool try_fault(FileFault fault, std::uint64_t number) {
    SCOPED_TRACE(name_of(fault) + " " + std::to_string(number));
    Attempt attempt;
    attempt.files().arm(fault, number);
    JournalId acknowledged = 0;
    std::optional<JournalError> why;
    {
        auto journal = attempt.open();
        if (!journal) {
            EXPECT_TRUE(attempt.files().has_fired()) << journal.error().sentence;
        } else {
            acknowledged = Attempt::append_all(**journal, why);
            // Reads go on.
            const Heard heard = hear(**journal);
            EXPECT_EQ(heard.wrong + heard.error, "");
            EXPECT_EQ(heard.next, acknowledged + 1);
            if (why) {
                EXPECT_TRUE(attempt.files().has_fired()) << why->sentence;
                EXPECT_NE((*journal)->info().not_ready, "");
                attempt.files().disarm();
                const auto next = (*journal)->append({told_run(acknowledged + 1, 2)});
                if (why->reason == Reason::disk_full) {
                    // There is room again: it goes on by itself, and the ids without a hole.
                    EXPECT_TRUE(next) << next.error().sentence;
                    EXPECT_EQ((*journal)->info().not_ready, "");
                    acknowledged = Attempt::append_all(**journal, why);
                } else {
                    EXPECT_EQ(why->reason, Reason::io) << why->sentence;
                    EXPECT_FALSE(next);
                }
            }
        }
    }
    const bool fired = attempt.files().has_fired();
    attempt.files().disarm();
    auto again = attempt.open();
    EXPECT_TRUE(again) << again.error().sentence;
    if (!again) return false;
    Heard heard = hear(**again);
    EXPECT_EQ(heard.wrong + heard.error, "");
    EXPECT_GT(heard.next, acknowledged) << "acknowledged, and not there";
    why.reset();
    EXPECT_GE(Attempt::append_all(**again, why), acknowledged);
    EXPECT_FALSE(why) << why->sentence;
    return fired;
}

class FailingFiles : public ::testing::TestWithParam<FileFault> {};

TEST_P(FailingFiles, NothingIsAcknowledgedThatIsNotThereAfterwards) {
    std::uint64_t number = 1;
    while (try_fault(GetParam(), number) && !HasFailure()) ++number;
    // Faults that never fire prove nothing.
    EXPECT_GT(number, appends);
    std::cout << name_of(GetParam()) << ": " << number - 1 << " places\n";
}

INSTANTIATE_TEST_SUITE_P(EveryKind, FailingFiles,
                         ::testing::Values(FileFault::write_error, FileFault::short_write,
                                           FileFault::sync_error, FileFault::no_room),
                         [](const auto& tested) {
                             std::string name = name_of(tested.param);
                             for (char& letter : name) {
                                 if (letter == ' ') letter = '_';
                             }
                             return name;
                         });

TEST(FullDisk, StoresNothingAndGoesOnByItselfOnceThereIsRoom) {
    Attempt attempt;
    auto journal = attempt.open();
    ASSERT_TRUE(journal) << journal.error().sentence;
    ASSERT_TRUE((*journal)->append({told_run(1, 3)}));
    attempt.files().arm(FileFault::no_room, 1);
    const auto full = (*journal)->append({told_run(4, 3)});
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().reason, Reason::disk_full);
    EXPECT_THAT((*journal)->info().not_ready, ::testing::HasSubstr("make room"));
    EXPECT_EQ((*journal)->info().head, 3U);
    attempt.files().disarm();
    const auto stored = (*journal)->append({told_run(4, 3)});
    ASSERT_TRUE(stored) << stored.error().sentence;
    EXPECT_EQ(stored->front(), (IdRange{4, 6}));
    EXPECT_EQ((*journal)->info().not_ready, "");
    EXPECT_EQ(hear(**journal).next, 7U);
}

}  // namespace
}  // namespace weft::fault
