#pragma once
// What the commands share that ask a running journal.
// Threads: the main thread.

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "fabric/fabric.hpp"
#include "reliability/service/open_remote.hpp"
#include "tools/context.hpp"

namespace weft::tools {

/// `--journal NAME`, in place of the first of reliability.journals that answers.
void add_journal_name(CLI::App& app, std::string& name);

/// A journal that answers, and the fabric that it is asked over.
class JournalLink {
public:
    /// Exit 2 where the configuration names none; exit 1, with what was tried, where none answers.
    JournalLink(Context& context, const std::string& name, reliability::RemoteAccess access,
                std::chrono::milliseconds patience = std::chrono::seconds{5});

    [[nodiscard]] reliability::RemoteLink& link() { return journal_->link(); }
    [[nodiscard]] fabric::Fabric& fabric() { return *fabric_; }

private:
    std::unique_ptr<fabric::Fabric> fabric_;
    std::unique_ptr<reliability::RemoteJournal> journal_;  // last: gone before the fabric
};

/// The value, or the command ends with exit 1 and the journal's sentence.
template <class T>
T must(reliability::JournalResult<T> result) {
    if (!result) throw failure(result.error().sentence);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace weft::tools
