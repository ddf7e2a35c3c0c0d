#pragma once
// A journal in this process: the contract over a storage that keeps bytes (commit.hpp).
// Threads and limits: journal.hpp. Ownership: owns its storage and its writer.

#include <memory>
#include <string>

#include "fabric/transport/clock.hpp"
#include "reliability/journal/commit.hpp"
#include "reliability/journal/journal.hpp"

namespace weft::reliability {

class LocalJournal : public Journal {
public:
    /// `clock` outlives the journal. `read_only`: "" or why nothing may be written.
    LocalJournal(std::unique_ptr<RunStorage> storage, std::string backend,
                 const fabric::Clock& clock, JournalLimits limits, std::string read_only = {},
                 WriterRuns writer = WriterRuns::in_its_thread);
    ~LocalJournal() override;
    LocalJournal(const LocalJournal&) = delete;
    LocalJournal& operator=(const LocalJournal&) = delete;

    using Journal::append;
    void append(std::vector<RunToStore> runs, OnAppended done) override;
    [[nodiscard]] JournalResult<Page> read(Position after, const TopicFilter& filter,
                                           const ReadLimits& limits) override;
    [[nodiscard]] JournalResult<Page> read_stream(const StreamRange& range,
                                                  const ReadLimits& limits) override;
    [[nodiscard]] JournalResult<Page> read_last_of_topics(Position after, const TopicFilter& filter,
                                                          const ReadLimits& limits) override;
    [[nodiscard]] JournalResult<JournalId> id_at(std::uint64_t stored_us) override;
    [[nodiscard]] JournalResult<std::optional<JournalId>> find(
        const fabric::MessageId& id) override;
    [[nodiscard]] JournalResult<std::vector<JournalId>> children(const fabric::MessageId& parent,
                                                                 JournalId after,
                                                                 std::size_t limit) override;
    [[nodiscard]] JournalInfo info() override;
    [[nodiscard]] JournalId wait(JournalId after, std::chrono::milliseconds timeout) override;
    [[nodiscard]] std::shared_ptr<void> watch(OnHead on_head) override;
    [[nodiscard]] JournalResult<JournalId> trim(JournalId low) override;
    [[nodiscard]] JournalResult<JournalId> low_for_bytes(std::uint64_t bytes) override;
    [[nodiscard]] JournalResult<Expired> expire(Position after, const TopicFilter& filter,
                                                std::uint64_t stored_us,
                                                const ReadLimits& limits) override;
    [[nodiscard]] StateStore& state() override;
    void close() override;
    /// See GroupCommit::step().
    bool step();

private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace weft::reliability
