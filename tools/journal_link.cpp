#include "tools/journal_link.hpp"

#include "tools/journal_command.hpp"

namespace weft::tools {
namespace {

std::unique_ptr<fabric::Fabric> open_fabric(Context& context) {
    fabric::FabricOptions options;
    options.warn = &Context::warn;
    options.source = "weft";
    return fabric::Fabric::open(context.configuration(), options);
}

}  // namespace

void add_journal_name(CLI::App& app, std::string& name) {
    app.add_option("--journal", name,
                   "Which journal to ask (default: the first of reliability.journals that answers)")
        ->type_name("NAME");
}

JournalLink::JournalLink(Context& context, const std::string& name,
                         reliability::RemoteAccess access, std::chrono::milliseconds patience)
    : fabric_(open_fabric(context)) {
    reliability::Settings settings = reliability_settings(context);
    if (!name.empty()) settings.journals = {name};
    auto journal = reliability::open_any_journal(*fabric_, settings, access, patience);
    if (!journal) {
        throw CommandError(settings.journals.empty() ? exit_usage : exit_failed, journal.error());
    }
    journal_ = std::move(*journal);
}

}  // namespace weft::tools
