#pragma once
// A node with a journal: the product's own, in steps over a disk that fails, with its retention,
// cursors and groups; and what its recorder does.
// Threads: none.

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "reliability/cursor/cursor_store.hpp"
#include "reliability/cursor/group_service.hpp"
#include "reliability/journal/local_journal.hpp"
#include "reliability/journal/retention_keeper.hpp"
#include "tests/fault/journal_world/disk.hpp"
#include "tests/fault/journal_world/journal_oracle.hpp"

namespace weft::fault {

struct JournalHabits {
    DiskHabits disk;
    Forgetting forgetting;
    bool protects = false;  ///< The cursor `protected_cursor`.
    Instant commit_max{};   ///< A commit begins so long after something waits, at most.
};
inline constexpr const char* protected_cursor = "reader0";

class SimJournal {
public:
    SimJournal(std::size_t number, JournalHabits habits, Scene& scene);
    ~SimJournal();

    using OnStored = std::function<void(const std::vector<Told>&)>;
    /// Messages out of the network, or out of an outbox: stored unless they are there already.
    void record(const Sent& sent, const OnStored& stored);

    /// Null while it is away.
    [[nodiscard]] reliability::Journal* journal();
    [[nodiscard]] reliability::CursorStore* cursors();
    [[nodiscard]] reliability::GroupService* groups();
    /// Counts its lives: what was held in an earlier one is gone.
    [[nodiscard]] std::uint64_t life() const { return life_; }
    /// To be called after every use: a commit may have been the last thing that it did.
    void after_use();

    void kill(bool power);
    void start();
    void retain();
    void trim();

    void end();

    NodeClock clock;
    NodeClock group_clock;
    JournalOracle oracle;
    [[nodiscard]] const std::string& name() const { return name_; }

private:
    struct Life;
    void write_soon();
    [[nodiscard]] std::optional<bool> is_stored(const Told& told);
    void append(const std::vector<Told>& messages, const OnStored& stored);
    void check_failed();

    const std::string name_;
    const JournalHabits habits_;
    Scene& scene_;
    Disk disk_;
    std::unique_ptr<Life> life_now_;
    std::uint64_t life_ = 0;
    bool writing_soon_ = false;
    std::uint64_t failed_life_ = 0;
};

}  // namespace weft::fault
