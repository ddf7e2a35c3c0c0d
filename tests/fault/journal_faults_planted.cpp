#include <array>
#include <sstream>
#include <utility>

#include "tests/fault/journal_simulator.hpp"

namespace weft::fault {
namespace {

using Figure = std::uint64_t JournalFigures::*;
using Named = std::pair<Figure, std::string_view>;

constexpr std::array figures{
    Named{&JournalFigures::published, "published"},
    Named{&JournalFigures::durable, "to be stored"},
    Named{&JournalFigures::stored, "stored"},
    Named{&JournalFigures::outboxed, "put into outboxes"},
    Named{&JournalFigures::submitted, "handed in"},
    Named{&JournalFigures::commits, "commits"},
    Named{&JournalFigures::failed_commits, "failed commits"},
    Named{&JournalFigures::full_disks, "full disks"},
    Named{&JournalFigures::kills, "kills"},
    Named{&JournalFigures::power_losses, "power losses"},
    Named{&JournalFigures::appended, "appended"},
    Named{&JournalFigures::found_again, "found again"},
    Named{&JournalFigures::trimmed, "trimmed"},
    Named{&JournalFigures::expired, "expired"},
    Named{&JournalFigures::shown, "shown"},
    Named{&JournalFigures::duplicates, "duplicates refused"},
    Named{&JournalFigures::holes, "holes"},
    Named{&JournalFigures::repaired, "repaired"},
    Named{&JournalFigures::lost, "lost"},
    Named{&JournalFigures::early, "from before the first"},
    Named{&JournalFigures::handled, "handled by readers"},
    Named{&JournalFigures::handled_again, "handled again"},
    Named{&JournalFigures::advances, "advances"},
    Named{&JournalFigures::reader_gaps, "gaps told to readers"},
    Named{&JournalFigures::reader_crashes, "crashes of readers"},
    Named{&JournalFigures::leased, "leased"},
    Named{&JournalFigures::redelivered, "redelivered"},
    Named{&JournalFigures::acknowledged, "acknowledged"},
    Named{&JournalFigures::late_acks, "late acknowledgements"},
    Named{&JournalFigures::lost_leases, "lost leases"},
    Named{&JournalFigures::nacks, "given back"},
    Named{&JournalFigures::dead, "dead letters"},
    Named{&JournalFigures::retried, "retried"},
    Named{&JournalFigures::member_crashes, "crashes of members"},
    Named{&JournalFigures::clock_jumps, "jumps of clocks"},
};

}  // namespace

void JournalFigures::add(const JournalFigures& other) {
    for (const auto& [figure, name] : figures) this->*figure += other.*figure;
}

std::string JournalFigures::text() const {
    std::ostringstream out;
    for (std::size_t i = 0; i < figures.size(); ++i) {
        out << this->*figures[i].first << ' ' << figures[i].second
            << (i % 6 == 5 || i + 1 == figures.size() ? "\n" : ", ");
    }
    return out.str();
}

const std::vector<PlantedFault>& planted_journal_faults() {
    using enum Planted;
    static const std::vector<PlantedFault> faults{
        {acknowledges_before_sync, "acknowledges-before-sync", "went back"},
        {shows_before_sync, "shows-before-sync", "went back"},
        {shows_unsynced_after_a_restart, "shows-unsynced-after-a-restart", "went back"},
        {tears_commits, "tears-commits", "is missing"},
        {forgets_the_low_mark, "forgets-the-low-mark", "low-water mark went back"},
        {forgets_the_head, "forgets-the-head", "head went back"},
        {forgets_the_time, "forgets-the-time", "stored_us goes back"},
        {begins_a_new_life, "begins-a-new-life", "its epoch is another"},
        {loses_synced_state, "loses-synced-state", "an advance to"},
        {trims_too_much, "trims-too-much", "which nothing allowed"},
        {ignores_protection, "ignores-protection", "a protected cursor had not read it"},
        {appends_twice, "appends-twice", "is stored twice"},
        {forgets_the_outbox, "forgets-the-outbox", "never was"},
        {reuses_the_epoch, "reuses-the-epoch", "pub"},
        {judges_no_replays, "judges-no-replays", "is shown twice"},
        {holds_nothing_back, "holds-nothing-back", "is shown twice, or out of order"},
        {tells_no_losses, "tells-no-losses", "nobody told of a loss"},
        {asks_one_journal, "asks-one-journal", "stored nowhere"},
        {advances_before_handling, "advances-before-handling", "was never handled"},
        {reads_from_the_head, "advances-to-the-head", "was never handled"},
        {leases_never_end, "leases-never-end", "neither acknowledged nor a dead letter"},
        {leases_end_early, "leases-end-early", "has a lease on it"},
        {acknowledges_in_memory, "acknowledges-in-memory", "was acknowledged before"},
        {forgets_dead_letters, "forgets-dead-letters", "neither acknowledged nor a dead letter"},
    };
    return faults;
}

}  // namespace weft::fault
