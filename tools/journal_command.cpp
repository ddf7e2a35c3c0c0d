// weft journal: serve one, and care for it.

#include "tools/journal_command.hpp"

#include "tools/command.hpp"

namespace weft::tools {

reliability::Settings reliability_settings(Context& context) {
    config::Problems problems;
    auto settings = reliability::read_settings(context.configuration(), problems);
    Context::require_none(problems);
    return settings;
}

void add_journal(CLI::App& app, Context& context) {
    CLI::App* journal =
        app.add_subcommand("journal", "Keep what passes on the fabric, and care for what is kept");
    journal->require_subcommand(1);
    journal->footer(
        "The journal of this configuration lies at reliability.journal.path. info, verify and\n"
        "export also work while it is being served; import and trim want it stopped. ancestors\n"
        "and children ask the one that runs.\n"
        "Example:  weft journal serve\n"
        "          weft journal verify");
    add_journal_serve(*journal, context);
    add_journal_info(*journal, context);
    add_journal_verify(*journal, context);
    add_journal_export(*journal, context);
    add_journal_import(*journal, context);
    add_journal_trim(*journal, context);
    add_journal_family(*journal, context);
}

}  // namespace weft::tools
