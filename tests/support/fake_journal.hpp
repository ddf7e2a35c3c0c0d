#pragma once
// A journal in a few containers, for tests of what stands upon the contract: correct for what they
// ask, not fast, not durable. Runs that it does not store whole are not cut: a read gives the run,
// and from and to say what it is about.
// Threads: as the contract says.

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reliability/journal/journal.hpp"

namespace weft::support {

using reliability::IdRange;
using reliability::JournalError;
using reliability::JournalId;
using reliability::JournalResult;
using reliability::Page;
using reliability::Position;
using reliability::ReadLimits;
using reliability::StoredRun;
using reliability::TopicFilter;

class FakeState final : public reliability::StateStore {
public:
    tl::expected<std::optional<std::string>, JournalError> get(std::string_view key) override {
        const std::scoped_lock lock(mutex_);
        const auto found = values_.find(key);
        if (found == values_.end()) return std::nullopt;
        return found->second;
    }
    tl::expected<std::vector<Entry>, JournalError> list(std::string_view prefix,
                                                        std::string_view after,
                                                        std::size_t limit) override {
        const std::scoped_lock lock(mutex_);
        std::vector<Entry> entries;
        for (const auto& [key, value] : values_) {
            if (key.starts_with(prefix) && key > after && entries.size() < limit) {
                entries.emplace_back(key, value);
            }
        }
        return entries;
    }
    tl::expected<void, JournalError> apply(const std::vector<reliability::StateChange>& changes,
                                           Durability) override {
        const std::scoped_lock lock(mutex_);
        for (const auto& [key, value] : changes) {
            if (value) {
                values_[key] = *value;
            } else {
                values_.erase(key);
            }
        }
        return {};
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::string, std::less<>> values_;
};

class FakeJournal final : public reliability::Journal {
public:
    using Journal::append;
    void append(std::vector<reliability::RunToStore> runs, OnAppended done) override {
        if (const auto no = refusal()) return done(tl::make_unexpected(*no));
        std::vector<IdRange> ranges;
        {
            const std::scoped_lock lock(mutex_);
            for (auto& run : runs) {
                const JournalId first = head_ + 1;
                head_ += run.messages.size();
                ranges.push_back({first, head_});
                stored_.push_back({std::make_shared<reliability::RunToStore>(std::move(run)), first,
                                   head_, stored_us_});
            }
        }
        changed_.notify_all();
        tell();
        done(ranges);
    }
    JournalResult<Page> read(Position after, const TopicFilter& filter,
                             const ReadLimits& limits) override {
        if (const auto no = refusal()) return tl::make_unexpected(*no);
        const std::scoped_lock lock(mutex_);
        Page page;
        page.head = head_;
        if (after.epoch != 0 && after.epoch != epoch) {
            page.gap = reliability::JournalGap{1, head_, std::nullopt};
            after.id = 0;
        }
        if (after.id > head_) {
            return tl::make_unexpected(
                JournalError{JournalError::Reason::invalid, "the position is beyond the head"});
        }
        page.next = {epoch, std::max(after.id, low_ - 1)};
        std::uint64_t messages = 0;
        for (const Stored& run : stored_) {
            if (run.last <= page.next.id) continue;
            if (messages >= limits.messages) return page;
            const JournalId from = std::max(run.first, page.next.id + 1);
            const JournalId to = std::min(run.last, from + (limits.messages - messages) - 1);
            page.next.id = to;
            if (!filter.matches(run.run->topic)) continue;
            messages += to - from + 1;
            page.runs.push_back(view(run, from, to));
        }
        page.at_head = page.next.id == head_;
        return page;
    }
    JournalResult<Page> read_stream(const reliability::StreamRange& range,
                                    const ReadLimits& limits) override {
        if (const auto no = refusal()) return tl::make_unexpected(*no);
        const std::scoped_lock lock(mutex_);
        Page page;
        for (const Stored& run : stored_) {
            if (run.run->signer != range.signer || run.run->topic != range.topic) continue;
            for (std::size_t i = 0; i < run.run->messages.size(); ++i) {
                const auto& key = run.run->messages[i];
                if (key.epoch != range.epoch || key.seq < range.from || key.seq > range.to)
                    continue;
                if (page.runs.size() < limits.messages) {
                    page.runs.push_back(view(run, run.first + i, run.first + i));
                }
            }
        }
        return page;
    }
    JournalResult<Page> read_last_of_topics(Position after, const TopicFilter& filter,
                                            const ReadLimits&) override {
        const std::scoped_lock lock(mutex_);
        std::map<std::string, const Stored*> last;
        for (const Stored& run : stored_) last[run.run->topic] = &run;
        Page page;
        page.head = head_;
        for (const Stored& run : stored_) {
            if (last[run.run->topic] == &run && run.last > after.id &&
                filter.matches(run.run->topic)) {
                page.runs.push_back(view(run, run.last, run.last));
            }
        }
        page.next = {epoch, head_};
        page.at_head = true;
        return page;
    }
    JournalResult<JournalId> id_at(std::uint64_t stored_us) override {
        const std::scoped_lock lock(mutex_);
        for (const Stored& run : stored_) {
            if (run.stored_us >= stored_us) return run.first;
        }
        return head_ + 1;
    }
    JournalResult<std::optional<JournalId>> find(const fabric::MessageId& id) override {
        return first_with([&](const auto& key) { return key.id == id; });
    }
    JournalResult<std::vector<JournalId>> children(const fabric::MessageId& parent, JournalId after,
                                                   std::size_t limit) override {
        const std::scoped_lock lock(mutex_);
        std::vector<JournalId> ids;
        for (const Stored& run : stored_) {
            for (std::size_t i = 0; i < run.run->messages.size(); ++i) {
                if (run.run->messages[i].parent == parent && run.first + i > after &&
                    ids.size() < limit) {
                    ids.push_back(run.first + i);
                }
            }
        }
        return ids;
    }
    reliability::JournalInfo info() override {
        const std::scoped_lock lock(mutex_);
        reliability::JournalInfo info;
        info.epoch = epoch;
        info.low = low_;
        info.head = head_;
        info.backend = "fake";
        return info;
    }
    JournalId wait(JournalId after, std::chrono::milliseconds timeout) override {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, timeout, [&] { return head_ > after; });
        return head_;
    }
    std::shared_ptr<void> watch(OnHead on_head) override {
        const std::scoped_lock lock(calls_);
        watchers_.push_back(std::move(on_head));
        const auto at = std::prev(watchers_.end());
        return {&*at, [this, at](void*) {
                    const std::scoped_lock gone(calls_);
                    watchers_.erase(at);
                }};
    }
    JournalResult<JournalId> trim(JournalId low) override {
        const std::scoped_lock lock(mutex_);
        low_ = std::clamp(low, low_, head_ + 1);
        return low_;
    }
    JournalResult<JournalId> low_for_bytes(std::uint64_t bytes) override {
        return bytes == 0 ? info().head + 1 : 1;
    }
    JournalResult<Expired> expire(Position, const TopicFilter&, std::uint64_t,
                                  const ReadLimits&) override {
        return Expired{3, {epoch, info().head}, true};
    }
    reliability::StateStore& state() override { return state_; }
    void close() override {}

    static constexpr std::uint64_t epoch = 0x9f86d081884c7d65;
    /// Everything answers so until it is nothing again.
    void fail_with(std::optional<JournalError> error) {
        const std::scoped_lock lock(mutex_);
        error_ = std::move(error);
    }
    void set_stored_us(std::uint64_t now) {
        const std::scoped_lock lock(mutex_);
        stored_us_ = now;
    }

private:
    struct Stored {
        std::shared_ptr<reliability::RunToStore> run;
        JournalId first = 0, last = 0;
        std::uint64_t stored_us = 0;
    };
    static StoredRun view(const Stored& run, JournalId from, JournalId to) {
        return {run.first,      run.last,          from,          to, run.stored_us,
                run.run->topic, run.run->contents, run.run->proof};
    }
    template <class Is>
    JournalResult<std::optional<JournalId>> first_with(Is is) {
        const std::scoped_lock lock(mutex_);
        for (const Stored& run : stored_) {
            for (std::size_t i = 0; i < run.run->messages.size(); ++i) {
                if (is(run.run->messages[i])) return std::optional{run.first + i};
            }
        }
        return std::optional<JournalId>{};
    }
    std::optional<JournalError> refusal() {
        const std::scoped_lock lock(mutex_);
        return error_;
    }
    void tell() {
        const std::scoped_lock lock(calls_);
        for (const auto& on_head : watchers_) on_head(info().head);
    }

    std::mutex mutex_;  // guards all but the watchers
    std::condition_variable changed_;
    std::list<Stored> stored_;  // never removed: pages are views
    JournalId head_ = 0, low_ = 1;
    std::uint64_t stored_us_ = 1'800'000'000'000'000;
    std::optional<JournalError> error_;
    std::mutex calls_;
    std::list<OnHead> watchers_;
    FakeState state_;
};

}  // namespace weft::support
