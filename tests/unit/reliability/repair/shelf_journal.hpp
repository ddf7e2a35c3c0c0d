#pragma once
// A journal for tests of repair: what a test puts on the shelf is read by stream, and nothing else
// is to be done with it. It may be away, and it counts what it was asked for.
// Threads: any.

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "fabric/message/codec.hpp"
#include "reliability/journal/journal.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::reliability {

class ShelfJournal final : public Journal {
public:
    using Journal::append;

    /// All items must be present.
    void put(const std::string& signer, const support::Frames& frames) {
        const std::scoped_lock lock(mutex_);
        Run run{frames, signer, next_, {}};
        signing::ItemReader items(run.frames.contents);
        while (!items.at_end()) {
            fabric::DecodedContent content;
            const auto item = items.next();
            if (item && fabric::decode_content(item->bytes, content)) {
                run.epoch = content.header.epoch;
                run.seqs.push_back(content.header.seq);
            }
        }
        next_ += run.seqs.size();
        runs_.push_back(std::make_shared<const Run>(std::move(run)));
    }
    void be_away(bool away) {
        const std::scoped_lock lock(mutex_);
        away_ = away;
    }
    [[nodiscard]] std::vector<StreamRange> asked() const {
        const std::scoped_lock lock(mutex_);
        return asked_;
    }

    JournalResult<Page> read_stream(const StreamRange& range, const ReadLimits& limits) override {
        const std::scoped_lock lock(mutex_);
        asked_.push_back(range);
        if (away_) return tl::make_unexpected(JournalError{JournalError::Reason::away, "away"});
        Page page;
        auto kept = std::make_shared<std::vector<std::shared_ptr<const Run>>>();
        std::uint64_t messages = 0;
        for (const auto& run : runs_) {
            if (run->signer != range.signer || run->frames.topic != range.topic ||
                run->epoch != range.epoch || messages >= limits.messages) {
                continue;
            }
            StoredRun stored{run->first,
                             run->first + run->seqs.size() - 1,
                             0,
                             0,
                             0,
                             run->frames.topic,
                             run->frames.contents,
                             run->frames.proof};
            for (std::size_t i = 0; i < run->seqs.size(); ++i) {
                if (run->seqs[i] < range.from || run->seqs[i] > range.to) continue;
                if (stored.from == 0) stored.from = run->first + i;
                stored.to = run->first + i;
                ++messages;
            }
            if (stored.from == 0) continue;
            page.runs.push_back(stored);
            kept->push_back(run);
        }
        page.bytes = kept;
        return page;
    }

    void append(std::vector<RunToStore>, OnAppended done) override {
        done(tl::make_unexpected(none()));
    }
    JournalResult<Page> read(Position, const TopicFilter&, const ReadLimits&) override {
        return tl::make_unexpected(none());
    }
    JournalResult<Page> read_last_of_topics(Position, const TopicFilter&,
                                            const ReadLimits&) override {
        return tl::make_unexpected(none());
    }
    JournalResult<JournalId> id_at(std::uint64_t) override { return tl::make_unexpected(none()); }
    JournalResult<std::optional<JournalId>> find(const fabric::MessageId&) override {
        return tl::make_unexpected(none());
    }
    JournalResult<std::vector<JournalId>> children(const fabric::MessageId&, JournalId,
                                                   std::size_t) override {
        return tl::make_unexpected(none());
    }
    JournalInfo info() override { return {}; }
    JournalId wait(JournalId, std::chrono::milliseconds) override { return 0; }
    std::shared_ptr<void> watch(OnHead) override { return nullptr; }
    JournalResult<JournalId> trim(JournalId) override { return tl::make_unexpected(none()); }
    JournalResult<JournalId> low_for_bytes(std::uint64_t) override {
        return tl::make_unexpected(none());
    }
    JournalResult<Expired> expire(Position, const TopicFilter&, std::uint64_t,
                                  const ReadLimits&) override {
        return tl::make_unexpected(none());
    }
    StateStore& state() override { std::abort(); }
    void close() override {}

private:
    struct Run {
        support::Frames frames;
        std::string signer;
        JournalId first = 0;
        std::vector<std::uint64_t> seqs;
        std::uint64_t epoch = 0;
    };
    static JournalError none() {
        return {JournalError::Reason::invalid, "this journal is read by stream only"};
    }

    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<const Run>> runs_;
    std::vector<StreamRange> asked_;
    JournalId next_ = 101;
    bool away_ = false;
};

}  // namespace weft::reliability
