#pragma once
// A relay and a journal as processes of their own, and this process's fabric beside them.
// Threads: one. Ownership: everything that was started ends with it.
// Errors: std::runtime_error.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fabric/fabric.hpp"
#include "reliability/settings.hpp"
#include "tests/fault/journal_storm/ledger.hpp"
#include "tests/integration/fabric_fixture.hpp"

namespace weft::fault {

class Stand {
public:
    /// `journal_path` empty: below the stand's own directory.
    explicit Stand(const std::string& journal_path = "");

    /// Starts the journal; it is ready once it says so.
    [[nodiscard]] testing::Process start_journal();
    [[nodiscard]] testing::Process serve();
    /// Any other command.
    [[nodiscard]] testing::Process start(std::vector<std::string> arguments) {
        return setup_.start(std::move(arguments));
    }
    void configure(const std::string& yaml) { setup_.configure(yaml); }
    [[nodiscard]] std::filesystem::path directory() const { return setup_.dir().path(); }
    [[nodiscard]] fabric::Fabric& fabric() { return *fabric_; }
    [[nodiscard]] const reliability::Settings& settings() const { return settings_; }

    /// Gives the ledger what the journal, which must be served, has behind what was read before.
    void read_into(Ledger& ledger);
    /// Forgets what was read; the journal must not be served.
    void trim_what_was_read();
    /// What `weft journal verify` says; throws unless it is good.
    std::string verify();

private:
    testing::Fabric setup_;
    std::unique_ptr<testing::Process> relay_;
    std::unique_ptr<fabric::Fabric> fabric_;
    reliability::Settings settings_;
    reliability::Position read_{};
};

}  // namespace weft::fault
