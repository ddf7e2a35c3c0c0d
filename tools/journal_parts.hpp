#pragma once
// What the commands that care for a journal on this host share.
// Threads: the main thread.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/message/topic.hpp"
#include "reliability/journal/open_journal.hpp"
#include "signing/trust_store.hpp"
#include "tools/context.hpp"

namespace weft::tools {

/// `--path`, in place of reliability.journal.path.
struct JournalFlags {
    std::string path;
    void add_to(CLI::App& app);
};

/// Exit 1 with the journal's own sentence where it cannot be opened; where another process has it,
/// also what to do.
[[nodiscard]] std::unique_ptr<reliability::Journal> open_own_journal(
    Context& context, const JournalFlags& flags, reliability::JournalAccess access);

/// Null where signing.validate is off, which is said.
[[nodiscard]] std::shared_ptr<signing::TrustStore> own_trust(Context& context);

/// What `--topic` asks for; short globs are completed, none means everything. Exit 2 for one that
/// is none.
[[nodiscard]] reliability::TopicFilter filter_of(const fabric::TopicSpace& space,
                                                 const std::vector<std::string>& globs);

/// "12.3 MiB".
[[nodiscard]] std::string size_text(std::uint64_t bytes);

}  // namespace weft::tools
