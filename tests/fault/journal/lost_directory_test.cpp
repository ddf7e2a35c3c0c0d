// A journal whose directory goes away under it. Its files stay open and take everything; nobody
// would ever find it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "reliability/journal/rocksdb_journal.hpp"
#include "tests/fault/journal/told_messages.hpp"
#include "tests/support/temp_dir.hpp"

namespace weft::fault {
namespace {

namespace fs = std::filesystem;
using namespace reliability;
using ::testing::HasSubstr;
using Reason = JournalError::Reason;

class LostDirectory : public ::testing::Test {
protected:
    void SetUp() override { open(); }
    void open() {
        journal_.reset();
        auto opened = RocksdbJournal::open(path(), {});
        ASSERT_TRUE(opened) << opened.error().sentence;
        journal_ = std::move(*opened);
    }
    [[nodiscard]] auto append() { return journal_->append({told_run(++told_, 1)}); }
    void expect_refused() {
        const auto refused = append();
        --told_;
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().reason, Reason::io);
        EXPECT_THAT(refused.error().sentence, HasSubstr("was removed, moved or mounted over"));
        EXPECT_THAT(refused.error().sentence, HasSubstr("open the journal again"));
    }
    [[nodiscard]] fs::path path() const { return directory_.path() / "journal"; }
    [[nodiscard]] fs::path elsewhere() const { return directory_.path() / "elsewhere"; }

    testing::TempDir directory_;
    std::unique_ptr<Journal> journal_;
    JournalId told_ = 0;
};

TEST_F(LostDirectory, IsSaidBeforeAnybodyAppends) {
    ASSERT_TRUE(append());
    EXPECT_EQ(journal_->info().not_ready, "");
    fs::rename(path(), elsewhere());
    EXPECT_THAT(journal_->info().not_ready, HasSubstr("until it is where it was"));
    EXPECT_EQ(journal_->info().head, 1U);
}

TEST_F(LostDirectory, ThatComesBackBeforeAnybodyAppendsIsAsItWas) {
    ASSERT_TRUE(append());
    fs::rename(path(), elsewhere());
    fs::rename(elsewhere(), path());
    EXPECT_EQ(journal_->info().not_ready, "");
    EXPECT_TRUE(append());
}

TEST_F(LostDirectory, AcknowledgesNothingUntilItIsOpenedAgain) {
    ASSERT_TRUE(append());
    fs::rename(path(), elsewhere());
    expect_refused();
    fs::rename(elsewhere(), path());
    expect_refused();
    EXPECT_NE(journal_->info().not_ready, "");
    open();
    EXPECT_EQ(journal_->info().head, 1U) << "what was refused was not stored";
    EXPECT_TRUE(append());
}

TEST_F(LostDirectory, AndACopyInItsPlaceIsNotTheSame) {
    ASSERT_TRUE(append());
    fs::rename(path(), elsewhere());
    fs::copy(elsewhere(), path(), fs::copy_options::recursive);
    expect_refused();
}

TEST_F(LostDirectory, RemovedItIsReadAndClosedAllTheSame) {
    ASSERT_TRUE(append());
    fs::remove_all(path());
    expect_refused();
    const auto state = journal_->state().apply({{"at", "1"}});
    EXPECT_FALSE(state);
    const Heard heard = hear(*journal_);
    EXPECT_EQ(heard.wrong + heard.error, "");
    journal_.reset();
    told_ = 0;
    open();
    EXPECT_TRUE(append()) << "a new one";
}

}  // namespace
}  // namespace weft::fault
