#include "reliability/hub/group_door.hpp"

namespace weft::reliability::hub {
namespace {

/// What both have under the same names.
template <class Groups>
class Door : public GroupDoor {
public:
    Door(Groups groups, Journal& journal, std::string group)
        : groups_(groups), journal_(journal), group_(std::move(group)) {}

    JournalResult<NextMessages> next(const std::string& member, std::size_t max, milliseconds lease,
                                     milliseconds wait) override {
        return groups_.next(group_, member, max, lease, wait);
    }
    JournalResult<std::vector<Answer>> ack(const std::string& member,
                                           const std::vector<JournalId>& ids) override {
        return groups_.ack(group_, member, ids);
    }
    JournalResult<Answer> nack(const std::string& member, JournalId id, std::string_view reason,
                               milliseconds delay) override {
        return groups_.nack(group_, member, id, reason, delay);
    }
    JournalResult<Answer> bury(const std::string& member, JournalId id,
                               std::string_view reason) override {
        return groups_.bury(group_, member, id, reason);
    }
    JournalResult<std::vector<Answer>> extend(const std::string& member,
                                              const std::vector<JournalId>& ids,
                                              milliseconds lease) override {
        return groups_.extend(group_, member, ids, lease);
    }
    JournalResult<void> leave(const std::string& member) override {
        return groups_.leave(group_, member);
    }
    JournalResult<std::optional<DeadLetter>> dead_letter(JournalId id) override {
        std::optional<DeadLetter> none;
        const auto letters = groups_.dead(group_, id - 1, 1);
        if (!letters) return tl::make_unexpected(letters.error());
        if (letters->empty() || letters->front().id != id) return none;
        return std::optional<DeadLetter>{letters->front()};
    }
    JournalResult<std::optional<StoredMessage>> read_one(Position at) override {
        std::optional<StoredMessage> none;
        const auto page =
            journal_.read({at.epoch, at.id - 1}, TopicFilter{}, {.messages = 1, .through = at.id});
        // The caller's fault at most if the journal is a shorter one now.
        if (!page && page.error().reason == JournalError::Reason::invalid) return none;
        if (!page) return tl::make_unexpected(page.error());
        std::vector<StoredMessage> messages = messages_of(*page);
        if (page->next.epoch != at.epoch || messages.empty() || messages.front().id() != at.id) {
            return none;
        }
        return std::optional<StoredMessage>{std::move(messages.front())};
    }

protected:
    Groups groups_;
    Journal& journal_;
    const std::string group_;
};

class RemoteDoor final : public Door<RemoteGroups> {
public:
    RemoteDoor(RemoteJournal& journal, const fabric::Clock& clock, std::string group)
        : Door(RemoteGroups(journal.link(), clock), journal, std::move(group)),
          cursors_(journal.link()) {}

    JournalResult<CursorStore::Put> put(std::vector<signing::TopicGlob> globs, const Start& start,
                                        const GroupSettings& settings) override {
        return cursors_.put(group_, std::move(globs), start, settings);
    }
    JournalResult<CursorView> show() override { return cursors_.show(group_); }
    JournalResult<Cursor> set(const Start& start) override { return cursors_.set(group_, start); }

private:
    RemoteCursors cursors_;
};

class LocalDoor final : public Door<GroupService&> {
public:
    LocalDoor(GroupService& groups, std::string group)
        : Door(groups, groups.cursors().journal(), std::move(group)) {}

    JournalResult<CursorStore::Put> put(std::vector<signing::TopicGlob> globs, const Start& start,
                                        const GroupSettings& settings) override {
        return groups_.put(group_, std::move(globs), start, settings);
    }
    JournalResult<CursorView> show() override {
        auto view = groups_.show(group_);
        if (!view) return tl::make_unexpected(view.error());
        auto lag = groups_.cursors().lag(view->cursor);
        if (!lag) return tl::make_unexpected(lag.error());
        return CursorView{view->cursor, std::move(*lag), view->stats};
    }
    JournalResult<Cursor> set(const Start& start) override { return groups_.set(group_, start); }
};

}  // namespace

std::unique_ptr<GroupDoor> open_remote_group(RemoteJournal& journal, const fabric::Clock& clock,
                                             const std::string& group) {
    return std::make_unique<RemoteDoor>(journal, clock, group);
}

std::unique_ptr<GroupDoor> open_local_group(GroupService& groups, const std::string& group) {
    return std::make_unique<LocalDoor>(groups, group);
}

}  // namespace weft::reliability::hub
