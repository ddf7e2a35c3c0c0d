// The journals of this process under the contract.
#include "reliability/journal/memory_journal.hpp"
#include "reliability/journal/rocksdb_journal.hpp"
#include "tests/contract/journal_contract.hpp"
#include "tests/support/temp_dir.hpp"

namespace weft::contract {
namespace {

class MemoryBench final : public Bench {
public:
    std::unique_ptr<Journal> open(const JournalLimits& limits) override {
        return std::make_unique<MemoryJournal>(
            MemoryJournalOptions{.limits = limits, .clock = &clock});
    }
    bool is_persistent() const override { return false; }
};

class RocksdbBench final : public Bench {
public:
    std::unique_ptr<Journal> open(const JournalLimits& limits) override {
        RocksdbJournalOptions options;
        options.limits = limits;
        options.clock = &clock;
        return ok(RocksdbJournal::open(directory_.path() / "journal", options));
    }
    bool is_persistent() const override { return true; }

private:
    testing::TempDir directory_;
};

INSTANTIATE_TEST_SUITE_P(
    Local, JournalContract,
    ::testing::Values(BenchMaker{"memory", [] { return std::make_unique<MemoryBench>(); }},
                      BenchMaker{"rocksdb", [] { return std::make_unique<RocksdbBench>(); }}),
    name_of_bench);

}  // namespace
}  // namespace weft::contract
