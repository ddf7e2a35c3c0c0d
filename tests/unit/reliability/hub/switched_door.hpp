#pragma once
// A consumer group behind a door that a test can shut, and whose answers it can hold back.
// Threads: any.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reliability/hub/group_door.hpp"

namespace weft::reliability::hub {

/// The test's hand on the door; outlives it.
class DoorSwitch {
public:
    /// What is behind it from now on.
    void lead_to(GroupService& groups, const std::string& group) {
        const std::scoped_lock lock(mutex_);
        inner_ = open_local_group(groups, group);
    }
    /// Every question is answered so until it is nothing again.
    void fail_with(std::optional<JournalError> error) {
        const std::scoped_lock lock(mutex_);
        error_ = std::move(error);
    }
    void shut(JournalError::Reason reason = JournalError::Reason::away) {
        fail_with(JournalError{reason, "nobody answers there"});
    }
    void open() { fail_with(std::nullopt); }
    /// ack() alone is answered so until it is nothing again.
    void fail_acks_with(std::optional<JournalError> error) {
        const std::scoped_lock lock(mutex_);
        ack_error_ = std::move(error);
    }
    /// Called for each ack(), one at a time. Set before the first.
    std::function<void()> on_ack;
    /// The next read_one() and what follows it find it shut.
    void shut_at_read() {
        const std::scoped_lock lock(mutex_);
        shuts_at_read_ = true;
    }
    /// The next answer to next() that has messages stays on its way until let_go().
    void hold_back() {
        const std::scoped_lock lock(mutex_);
        holds_ = true;
    }
    [[nodiscard]] bool wait_until_held() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return held_; });
    }
    void let_go() {
        const std::scoped_lock lock(mutex_);
        holds_ = held_ = false;
        changed_.notify_all();
    }
    [[nodiscard]] std::set<JournalId> extended() const {
        const std::scoped_lock lock(mutex_);
        return extended_;
    }
    void forget_extended() {
        const std::scoped_lock lock(mutex_);
        extended_.clear();
    }
    /// Questions of all kinds that were answered by an error.
    [[nodiscard]] std::size_t failures() const {
        const std::scoped_lock lock(mutex_);
        return failures_;
    }

private:
    friend class SwitchedDoor;
    /// The door behind, or why there is none now.
    tl::expected<std::shared_ptr<GroupDoor>, JournalError> pass() {
        const std::scoped_lock lock(mutex_);
        if (error_) ++failures_;
        if (error_) return tl::make_unexpected(*error_);
        return inner_;
    }
    void hold() {
        std::unique_lock lock(mutex_);
        if (!holds_) return;
        held_ = true;
        changed_.notify_all();
        changed_.wait(lock, [&] { return !held_; });
    }
    std::optional<JournalError> note_ack() {
        const std::scoped_lock lock(mutex_);
        if (on_ack) on_ack();
        return ack_error_;
    }
    void note_read() {
        const std::scoped_lock lock(mutex_);
        if (shuts_at_read_) error_ = JournalError{JournalError::Reason::away, "it went away"};
        shuts_at_read_ = false;
    }
    void note_extended(const std::vector<JournalId>& ids) {
        const std::scoped_lock lock(mutex_);
        extended_.insert(ids.begin(), ids.end());
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::shared_ptr<GroupDoor> inner_;
    std::optional<JournalError> error_, ack_error_;
    bool holds_ = false, held_ = false, shuts_at_read_ = false;
    std::set<JournalId> extended_;
    std::size_t failures_ = 0;
};

class SwitchedDoor final : public GroupDoor {
public:
    explicit SwitchedDoor(DoorSwitch& hand) : hand_(hand) {}

    JournalResult<CursorStore::Put> put(std::vector<signing::TopicGlob> globs, const Start& start,
                                        const GroupSettings& settings) override {
        return ask([&](GroupDoor& door) { return door.put(std::move(globs), start, settings); });
    }
    JournalResult<CursorView> show() override {
        return ask([&](GroupDoor& door) { return door.show(); });
    }
    JournalResult<Cursor> set(const Start& start) override {
        return ask([&](GroupDoor& door) { return door.set(start); });
    }
    JournalResult<NextMessages> next(const std::string& member, std::size_t max, milliseconds lease,
                                     milliseconds wait) override {
        auto got = ask([&](GroupDoor& door) { return door.next(member, max, lease, wait); });
        if (got && !got->messages.empty()) hand_.hold();
        return got;
    }
    JournalResult<std::vector<Answer>> ack(const std::string& member,
                                           const std::vector<JournalId>& ids) override {
        if (auto error = hand_.note_ack()) return tl::make_unexpected(*error);
        return ask([&](GroupDoor& door) { return door.ack(member, ids); });
    }
    JournalResult<Answer> nack(const std::string& member, JournalId id, std::string_view reason,
                               milliseconds delay) override {
        return ask([&](GroupDoor& door) { return door.nack(member, id, reason, delay); });
    }
    JournalResult<Answer> bury(const std::string& member, JournalId id,
                               std::string_view reason) override {
        return ask([&](GroupDoor& door) { return door.bury(member, id, reason); });
    }
    JournalResult<std::vector<Answer>> extend(const std::string& member,
                                              const std::vector<JournalId>& ids,
                                              milliseconds lease) override {
        auto answers = ask([&](GroupDoor& door) { return door.extend(member, ids, lease); });
        hand_.note_extended(ids);
        return answers;
    }
    JournalResult<void> leave(const std::string& member) override {
        return ask([&](GroupDoor& door) { return door.leave(member); });
    }
    JournalResult<std::optional<DeadLetter>> dead_letter(JournalId id) override {
        return ask([&](GroupDoor& door) { return door.dead_letter(id); });
    }
    JournalResult<std::optional<StoredMessage>> read_one(Position at) override {
        hand_.note_read();
        return ask([&](GroupDoor& door) { return door.read_one(at); });
    }

private:
    template <class Question>
    auto ask(Question question) -> decltype(question(std::declval<GroupDoor&>())) {
        auto door = hand_.pass();
        if (!door) return tl::make_unexpected(door.error());
        return question(**door);
    }
    DoorSwitch& hand_;
};

}  // namespace weft::reliability::hub
