#pragma once
// A journal for tests of what stands on one: the contract of reliability/journal/journal.hpp over
// vectors, one message a run, with switches for what a test wants to go wrong. Its state outlives
// it if the test keeps the SwitchableState.
// Threads: as the contract says, by one mutex.

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "fabric/message/codec.hpp"
#include "reliability/journal/journal.hpp"
#include "signing/proof.hpp"

namespace weft::support {

using reliability::JournalError;
using reliability::JournalId;
using reliability::JournalResult;

class SwitchableState final : public reliability::StateStore {
public:
    JournalResult<std::optional<std::string>> get(std::string_view key) override {
        const std::scoped_lock lock(mutex_);
        const auto found = entries_.find(std::string{key});
        if (found == entries_.end()) return std::optional<std::string>{};
        return std::optional<std::string>{found->second};
    }
    JournalResult<std::vector<Entry>> list(std::string_view prefix, std::string_view after,
                                           std::size_t limit) override {
        const std::scoped_lock lock(mutex_);
        std::vector<Entry> found;
        for (const auto& entry : entries_) {
            if (found.size() >= limit) break;
            if (entry.first.starts_with(prefix) && entry.first > after) found.push_back(entry);
        }
        return found;
    }
    JournalResult<void> apply(const std::vector<reliability::StateChange>& changes,
                              Durability durability) override {
        const std::scoped_lock lock(mutex_);
        if (!failure_.empty()) {
            return tl::make_unexpected(JournalError{JournalError::Reason::io, failure_});
        }
        for (const auto& change : changes) {
            if (change.value) {
                entries_[change.key] = *change.value;
            } else {
                entries_.erase(change.key);
            }
        }
        if (durability == Durability::sync) {
            ++syncs_;
            safe_ = entries_;
        }
        return {};
    }

    void fail_with(std::string sentence) {
        const std::scoped_lock lock(mutex_);
        failure_ = std::move(sentence);
    }
    /// What a power loss may take: everything since the last change that was waited for.
    void lose_power() {
        const std::scoped_lock lock(mutex_);
        entries_ = safe_;
    }
    [[nodiscard]] int syncs() const {
        const std::scoped_lock lock(mutex_);
        return syncs_;
    }
    [[nodiscard]] std::size_t size() const {
        const std::scoped_lock lock(mutex_);
        return entries_.size();
    }

private:
    mutable std::mutex mutex_;
    std::map<std::string, std::string> entries_, safe_;
    std::string failure_;
    int syncs_ = 0;
};

class SwitchableJournal final : public reliability::Journal {
public:
    using Journal::append;
    struct Row {
        JournalId id;
        std::uint64_t stored_us;
        std::string topic, contents, proof;
        fabric::MessageId message, parent;
        bool expired = false;
    };
    using Rows = std::vector<std::shared_ptr<Row>>;

    explicit SwitchableJournal(
        std::shared_ptr<SwitchableState> state = std::make_shared<SwitchableState>(),
        reliability::JournalEpoch epoch = 7)
        : state_(std::move(state)), epoch_(epoch) {}

    /// One message of this topic, stored at `now_us`; its content is a real one.
    JournalId put(const std::string& topic, const std::string& text = "x",
                  const fabric::MessageId& parent = {}, const std::string& proof = "") {
        fabric::ContentHeader header;
        header.id = fabric::MessageId::make(1);
        header.content_type = "text/plain";
        if (!parent.is_none()) header.parent = parent;
        return put_content(topic, header, text, proof);
    }
    JournalId put_content(const std::string& topic, const fabric::ContentHeader& header,
                          const std::string& text, const std::string& proof = "") {
        std::string content(fabric::encoded_size(header, text), '\0');
        fabric::encode_content(header, text, content.data());
        auto row = std::make_shared<Row>();
        row->topic = topic;
        row->proof = proof;
        signing::append_item(content, row->contents);
        row->message = header.id;
        row->parent = header.parent.value_or(fabric::MessageId{});
        OnHead tell;
        JournalId id = 0;
        {
            const std::scoped_lock lock(mutex_);
            row->id = id = ++head_;
            row->stored_us = newest_us_ = std::max(newest_us_, now_us);
            rows_.push_back(std::move(row));
            tell = on_head_;
        }
        grew_.notify_all();
        if (tell) tell(id);
        return id;
    }
    [[nodiscard]] fabric::MessageId message_id(JournalId id) const {
        const std::scoped_lock lock(mutex_);
        for (const auto& row : rows_) {
            if (row->id == id) return row->message;
        }
        return {};
    }

    void append(std::vector<reliability::RunToStore>, OnAppended done) override {
        done(tl::make_unexpected(JournalError{JournalError::Reason::invalid, "use put()"}));
    }
    JournalResult<reliability::Page> read(reliability::Position after,
                                          const reliability::TopicFilter& filter,
                                          const reliability::ReadLimits& limits) override {
        const std::scoped_lock lock(mutex_);
        ++reads;
        if (!read_failure.empty()) {
            return tl::make_unexpected(JournalError{JournalError::Reason::io, read_failure});
        }
        const bool foreign = after.epoch != 0 && after.epoch != epoch_;
        JournalId at = foreign ? 0 : after.id;
        if (at > head_) {
            return tl::make_unexpected(JournalError{JournalError::Reason::invalid, "beyond"});
        }
        reliability::Page page;
        page.head = head_;
        if (foreign) page.gap = {1, low_ - 1, {}};
        if (at + 1 < low_) {
            if (!foreign) page.gap = {at + 1, low_ - 1, low_ - 1 - at};
            at = low_ - 1;
        }
        auto keep = std::make_shared<Rows>();
        for (const auto& row : rows_) {
            if (row->id <= at) continue;
            if (row->id > limits.through || page.runs.size() >= limits.messages) break;
            if (row->expired && filter.matches(row->topic)) {
                if (!page.runs.empty()) break;
                if (!page.gap) page.gap = {row->id, row->id, 0};
                page.gap->to = row->id;
                page.gap->lost = page.gap->lost.value_or(0) + 1;
            } else if (filter.matches(row->topic)) {
                keep->push_back(row);
                page.runs.push_back(run_of(*row));
            }
            at = row->id;
        }
        page.next = {epoch_, at};
        page.at_head = at >= head_;
        page.bytes = keep;
        return page;
    }
    JournalResult<reliability::Page> read_stream(const reliability::StreamRange&,
                                                 const reliability::ReadLimits&) override {
        return tl::make_unexpected(JournalError{JournalError::Reason::invalid, "not faked"});
    }
    JournalResult<reliability::Page> read_last_of_topics(reliability::Position,
                                                         const reliability::TopicFilter&,
                                                         const reliability::ReadLimits&) override {
        return tl::make_unexpected(JournalError{JournalError::Reason::invalid, "not faked"});
    }
    JournalResult<JournalId> id_at(std::uint64_t stored_us) override {
        const std::scoped_lock lock(mutex_);
        for (const auto& row : rows_) {
            if (row->id >= low_ && row->stored_us >= stored_us) return row->id;
        }
        return head_ + 1;
    }
    JournalResult<std::optional<JournalId>> find(const fabric::MessageId& id) override {
        const std::scoped_lock lock(mutex_);
        for (const auto& row : rows_) {
            if (row->message == id && row->id >= low_ && !row->expired) {
                return std::optional<JournalId>{row->id};
            }
        }
        return std::optional<JournalId>{};
    }
    JournalResult<std::vector<JournalId>> children(const fabric::MessageId& parent, JournalId after,
                                                   std::size_t limit) override {
        const std::scoped_lock lock(mutex_);
        std::vector<JournalId> found;
        for (const auto& row : rows_) {
            if (found.size() >= limit) break;
            if (row->parent == parent && row->id > after && row->id >= low_) {
                found.push_back(row->id);
            }
        }
        return found;
    }
    reliability::JournalInfo info() override {
        const std::scoped_lock lock(mutex_);
        reliability::JournalInfo info;
        info.epoch = epoch_;
        info.low = low_;
        info.head = head_;
        info.newest_us = newest_us_;
        for (const auto& row : rows_) {
            if (row->id < low_) continue;
            if (info.oldest_us == 0) info.oldest_us = row->stored_us;
            info.bytes += bytes_per_message;
        }
        info.backend = "fake";
        return info;
    }
    JournalId wait(JournalId after, std::chrono::milliseconds timeout) override {
        std::unique_lock lock(mutex_);
        grew_.wait_for(lock, timeout, [&] { return head_ > after; });
        return head_;
    }
    std::shared_ptr<void> watch(OnHead on_head) override {
        const std::scoped_lock lock(mutex_);
        on_head_ = std::move(on_head);
        return {this, [](SwitchableJournal* self) {
                    const std::scoped_lock end(self->mutex_);
                    self->on_head_ = nullptr;
                }};
    }
    JournalResult<JournalId> trim(JournalId low) override {
        const std::scoped_lock lock(mutex_);
        low_ = std::max(low_, std::min(low, head_ + 1));
        return low_;
    }
    JournalResult<JournalId> low_for_bytes(std::uint64_t bytes) override {
        const std::scoped_lock lock(mutex_);
        const std::uint64_t kept = bytes / bytes_per_message;
        return std::max(low_, head_ + 1 > kept ? head_ + 1 - kept : 1);
    }
    JournalResult<Expired> expire(reliability::Position after,
                                  const reliability::TopicFilter& filter, std::uint64_t stored_us,
                                  const reliability::ReadLimits& limits) override {
        const std::scoped_lock lock(mutex_);
        Expired expired;
        expired.next = {epoch_, after.id};
        for (const auto& row : rows_) {
            if (row->id <= after.id || row->id < low_) continue;
            if (row->stored_us >= stored_us || row->id > limits.through) {
                expired.done = true;
                return expired;
            }
            if (expired.messages >= limits.messages) return expired;
            expired.next.id = row->id;
            if (!filter.matches(row->topic) || row->expired) continue;
            row->expired = true;
            ++expired.messages;
        }
        expired.done = true;
        return expired;
    }
    reliability::StateStore& state() override { return *state_; }
    void close() override {}

    static constexpr std::uint64_t bytes_per_message = 100;
    std::uint64_t now_us = 1;  ///< When put() stores; of the test's thread.
    std::string read_failure;
    int reads = 0;

private:
    static reliability::StoredRun run_of(const Row& row) {
        return {row.id, row.id, row.id, row.id, row.stored_us, row.topic, row.contents, row.proof};
    }

    mutable std::mutex mutex_;
    std::condition_variable grew_;
    const std::shared_ptr<SwitchableState> state_;
    const reliability::JournalEpoch epoch_;
    Rows rows_;
    JournalId low_ = 1, head_ = 0;
    std::uint64_t newest_us_ = 0;
    OnHead on_head_;
};

}  // namespace weft::support
