#pragma once
// A small world of publishers, journals, subscribers, cursors and groups of consumers over a bad
// network and worse disks, run from a seed: the same seed, the same world. Oracles hold what the
// contracts promise against what was seen. Real: the journal with its writer, reading and
// retention, cursors, groups, gap repair, the replay guard. Simulated: time, disks, the network,
// and who uses all that.
// Threads: one simulation has none; several may run at the same time.

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace weft::fault {

/// A fault that is planted on purpose, around the code under test: the simulator is worth something
/// only if it finds each of them.
enum class Planted {
    nothing,
    acknowledges_before_sync,
    shows_before_sync,
    shows_unsynced_after_a_restart,
    tears_commits,
    forgets_the_low_mark,
    forgets_the_head,
    forgets_the_time,
    begins_a_new_life,
    loses_synced_state,
    trims_too_much,
    ignores_protection,
    appends_twice,
    forgets_the_outbox,
    reuses_the_epoch,
    judges_no_replays,
    holds_nothing_back,
    tells_no_losses,
    asks_one_journal,
    advances_before_handling,
    reads_from_the_head,
    leases_never_end,
    leases_end_early,
    acknowledges_in_memory,
    forgets_dead_letters,
};
struct PlantedFault {
    Planted fault;
    std::string_view name;
    std::string_view seen_as;  ///< What an oracle must say of it, among others.
};
[[nodiscard]] const std::vector<PlantedFault>& planted_journal_faults();

struct JournalFigures {
    std::uint64_t published = 0, durable = 0, stored = 0, outboxed = 0, submitted = 0;
    std::uint64_t commits = 0, failed_commits = 0, full_disks = 0, kills = 0, power_losses = 0;
    std::uint64_t appended = 0, found_again = 0, trimmed = 0, expired = 0;
    std::uint64_t shown = 0, duplicates = 0, holes = 0, repaired = 0, lost = 0, early = 0;
    std::uint64_t handled = 0, handled_again = 0, advances = 0, reader_gaps = 0, reader_crashes = 0;
    std::uint64_t leased = 0, redelivered = 0, acknowledged = 0, late_acks = 0, lost_leases = 0;
    std::uint64_t nacks = 0, dead = 0, retried = 0, member_crashes = 0, clock_jumps = 0;

    void add(const JournalFigures& other);
    [[nodiscard]] std::string text() const;
};

struct JournalReport {
    std::uint64_t seed = 0;
    JournalFigures figures;
    std::vector<std::string> violations;  ///< The first few.
};

/// `trace` may be nobody.
[[nodiscard]] JournalReport simulate_journals(std::uint64_t seed, Planted planted,
                                              std::ostream* trace = nullptr);

}  // namespace weft::fault
