#pragma once
// `weft journal`: the parts of the command, each in a file of its own.

#include <CLI/CLI.hpp>

#include "reliability/settings.hpp"
#include "tools/context.hpp"

namespace weft::tools {

void add_journal_serve(CLI::App& journal, Context& context);
void add_journal_info(CLI::App& journal, Context& context);
void add_journal_verify(CLI::App& journal, Context& context);
void add_journal_export(CLI::App& journal, Context& context);
void add_journal_import(CLI::App& journal, Context& context);
void add_journal_trim(CLI::App& journal, Context& context);
/// ancestors and children
void add_journal_family(CLI::App& journal, Context& context);

/// Exit 2 where the configuration is wrong.
[[nodiscard]] reliability::Settings reliability_settings(Context& context);

}  // namespace weft::tools
