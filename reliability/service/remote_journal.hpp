#pragma once
// A journal elsewhere, by the same contract: each call asks a JournalService. Nothing is kept here
// but what was heard last. Whoever reads verifies the stored messages (stored_verifier.hpp): the
// answer's signature says that the journal gave them, not who published them.
//
// Differences that a caller sees: `away` and `refused`. append() hands in runs that must verify
// (kind 0); what is stored already is not stored again, and the range of a run whose messages are
// not neighbours there is from the smallest to the largest of their ids. A run that does not fit
// into a request is `invalid`. expire() and state() changes are not tried again by themselves:
// after `away` it is not known whether they were done.
//
// Threads, limits: those of Journal and of RemoteLink.

#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "reliability/journal/journal.hpp"
#include "reliability/service/remote_link.hpp"

namespace weft::reliability {

class RemoteJournal final : public Journal {
public:
    [[nodiscard]] static tl::expected<std::unique_ptr<RemoteJournal>, std::string> open(
        fabric::Transport& transport, const fabric::Clock& clock, RemoteSettings settings,
        std::shared_ptr<const signing::Identity> identity,
        std::shared_ptr<signing::TrustStore> trust);
    ~RemoteJournal() override;

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

    using OnPage = std::function<void(JournalResult<Page>)>;
    /// read() that returns at once: several may be under way.
    void read_async(Position after, const TopicFilter& filter, const ReadLimits& limits,
                    OnPage on_page);
    /// Also for operations that others add.
    [[nodiscard]] RemoteLink& link();

private:
    struct Core;
    explicit RemoteJournal(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace weft::reliability
