#pragma once
// Reads by a named cursor: handles what it gets, then moves the cursor; may crash in between, and
// begins again where the cursor stands.
// Threads: none.

#include <optional>
#include <set>
#include <string>

#include "tests/fault/journal_world/sim_journal.hpp"

namespace weft::fault {

class CursorReader {
public:
    CursorReader(std::size_t number, SimJournal& journal, Scene& scene);

    void turn();
    void crash();
    void end();

private:
    [[nodiscard]] bool begin();
    void read();
    void handle(const reliability::Page& page);
    void advance();
    [[nodiscard]] bool wants(const Told& told) const;
    void check_passed(JournalId from, JournalId to);
    void violation(const std::string& what) {
        scene_.log.violation(name_ + " of " + journal_.name() + ": " + what);
    }

    const std::string name_;
    SimJournal& journal_;
    Scene& scene_;
    const bool filters_;
    bool made_ = false;
    bool begun_ = false;      // this life knows where it is
    std::uint64_t life_ = 0;  // of the journal
    JournalId at_ = 0;        // handled, or passed over, up to here in this life
    JournalId durable_ = 0;   // an advance to here was answered
    bool unsure_ = false;     // a read may have told a gap to nobody
    std::set<JournalId> handled_, told_lost_;
};

}  // namespace weft::fault
