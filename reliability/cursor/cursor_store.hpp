#pragma once
// The named cursors of one journal: made, listed, read, moved, removed. Each is one record in the
// journal's state; nothing is kept in memory.
//
// Promises: a cursor moves on, never back, except by set(). What read() has told as lost is counted
//           on the cursor and told once: the cursor stands behind it, durably, before read()
//           returns. A cursor of a group is moved by its group alone (group_service.hpp).
// Threads:  every function from any thread. Ownership: journal and clock must outlive it.
// Limits:   10,000 cursors. With a journal elsewhere each cursor has one process that moves it.
// Errors:   the journal's; `not_found` for a name that is none, `invalid` with what would be right.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "reliability/cursor/cursor.hpp"
#include "reliability/cursor/start.hpp"
#include "reliability/journal/journal.hpp"

namespace weft::reliability {

/// How far a cursor is behind.
struct CursorLag {
    std::uint64_t messages = 0;  ///< Head less position: a filter may want fewer of them.
    /// How long the oldest that it would get has been stored; nothing: there is none.
    std::optional<std::chrono::microseconds> oldest_age{};
    std::optional<JournalGap> gap{};  ///< What it will be told as lost.
};

class CursorStore {
public:
    static constexpr std::size_t cursors_max = 10'000;

    CursorStore(Journal& journal, const fabric::Clock& clock) : journal_(journal), clock_(clock) {}

    struct Put {
        Cursor cursor;
        bool created = false;
    };
    /// Makes it at `start`. One that is there keeps its place and takes the globs and, if it is
    /// one, the settings of its group; a plain one never becomes a group, or a group a plain one.
    [[nodiscard]] JournalResult<Put> put(const std::string& name,
                                         std::vector<signing::TopicGlob> globs, const Start& start,
                                         std::optional<GroupSettings> group = {});
    struct Listed {
        std::vector<Cursor> cursors;          ///< By rising names.
        std::vector<std::string> unreadable;  ///< A sentence for each that is damaged.
        std::string last;                     ///< The last name of both: to go on after it.
    };
    /// Those after `after`, at most `limit`.
    [[nodiscard]] JournalResult<Listed> list(std::string_view after = {},
                                             std::size_t limit = cursors_max);
    [[nodiscard]] JournalResult<Cursor> show(const std::string& name);
    [[nodiscard]] JournalResult<CursorLag> lag(const Cursor& cursor);
    /// Back or forth: how an operator replays or skips.
    [[nodiscard]] JournalResult<Cursor> set(const std::string& name, const Start& start);
    /// Everything up to `through` is done. Lower than where it stands changes nothing.
    [[nodiscard]] JournalResult<Cursor> advance(
        const std::string& name, Position through,
        StateStore::Durability durability = StateStore::Durability::sync);
    /// What its reader gets next. Moves the cursor only over what is lost.
    [[nodiscard]] JournalResult<Page> read(const std::string& name, const ReadLimits& limits = {});
    [[nodiscard]] JournalResult<void> remove(const std::string& name);

    [[nodiscard]] Journal& journal() noexcept { return journal_; }
    [[nodiscard]] const fabric::Clock& clock() const noexcept { return clock_; }

private:
    [[nodiscard]] JournalResult<std::optional<Cursor>> find(const std::string& name);
    [[nodiscard]] JournalResult<Cursor> plain(const std::string& name);
    [[nodiscard]] JournalResult<void> save(const Cursor& cursor, StateStore::Durability durability);
    [[nodiscard]] JournalResult<void> room_for_one_more();

    Journal& journal_;
    const fabric::Clock& clock_;
    std::mutex mutex_;  // around each change: reading a record and writing it back
};

/// Where `cursor` stands after it was told of `gap`, and the gap counted on it.
void count_gap(Cursor& cursor, const JournalGap& gap, JournalEpoch epoch, std::uint64_t now_us);

}  // namespace weft::reliability
