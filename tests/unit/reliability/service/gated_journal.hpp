#pragma once
// A journal in memory whose appends a test holds back, or lets fail. Everything else goes through.
// Threads: as the contract says.

#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "reliability/journal/memory_journal.hpp"

namespace weft::reliability {

class GatedJournal final : public Journal {
public:
    explicit GatedJournal(const fabric::Clock& clock) : memory_({{}, &clock}) {}

    /// Appends wait until open(); what waits is then stored in its order.
    void shut() {
        const std::scoped_lock lock(mutex_);
        shut_ = true;
    }
    void open() {
        std::deque<std::pair<std::vector<RunToStore>, OnAppended>> waiting;
        {
            const std::scoped_lock lock(mutex_);
            shut_ = false;
            waiting.swap(waiting_);
        }
        for (auto& [runs, done] : waiting) memory_.append(std::move(runs), std::move(done));
    }
    /// Every append is answered so, until it is nothing.
    void fail_with(std::optional<JournalError> error) {
        const std::scoped_lock lock(mutex_);
        error_ = std::move(error);
    }
    [[nodiscard]] std::size_t waiting() const {
        const std::scoped_lock lock(mutex_);
        return waiting_.size();
    }

    using Journal::append;
    void append(std::vector<RunToStore> runs, OnAppended done) override {
        std::optional<JournalError> error;
        {
            const std::scoped_lock lock(mutex_);
            if (shut_) return waiting_.emplace_back(std::move(runs), std::move(done)), void();
            error = error_;
        }
        if (error) return done(tl::make_unexpected(*error));
        memory_.append(std::move(runs), std::move(done));
    }
    JournalResult<Page> read(Position after, const TopicFilter& filter,
                             const ReadLimits& limits) override {
        return memory_.read(after, filter, limits);
    }
    JournalResult<Page> read_stream(const StreamRange& range, const ReadLimits& limits) override {
        return memory_.read_stream(range, limits);
    }
    JournalResult<Page> read_last_of_topics(Position after, const TopicFilter& filter,
                                            const ReadLimits& limits) override {
        return memory_.read_last_of_topics(after, filter, limits);
    }
    JournalResult<JournalId> id_at(std::uint64_t stored_us) override {
        return memory_.id_at(stored_us);
    }
    JournalResult<std::optional<JournalId>> find(const fabric::MessageId& id) override {
        return memory_.find(id);
    }
    JournalResult<std::vector<JournalId>> children(const fabric::MessageId& parent, JournalId after,
                                                   std::size_t limit) override {
        return memory_.children(parent, after, limit);
    }
    JournalInfo info() override { return memory_.info(); }
    JournalId wait(JournalId after, std::chrono::milliseconds timeout) override {
        return memory_.wait(after, timeout);
    }
    std::shared_ptr<void> watch(OnHead on_head) override {
        return memory_.watch(std::move(on_head));
    }
    JournalResult<JournalId> trim(JournalId low) override { return memory_.trim(low); }
    JournalResult<JournalId> low_for_bytes(std::uint64_t bytes) override {
        return memory_.low_for_bytes(bytes);
    }
    JournalResult<Expired> expire(Position after, const TopicFilter& filter,
                                  std::uint64_t stored_us, const ReadLimits& limits) override {
        return memory_.expire(after, filter, stored_us, limits);
    }
    StateStore& state() override { return memory_.state(); }
    void close() override { memory_.close(); }

private:
    MemoryJournal memory_;
    mutable std::mutex mutex_;
    bool shut_ = false;
    std::optional<JournalError> error_;
    std::deque<std::pair<std::vector<RunToStore>, OnAppended>> waiting_;
};

}  // namespace weft::reliability
