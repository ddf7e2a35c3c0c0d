// weft config: the configuration that is in force, and where each value came from.

#include <memory>
#include <string>

#include "config/explain.hpp"
#include "tools/command.hpp"
#include "tools/standard_output.hpp"

namespace weft::tools {
namespace {

struct Flags {
    std::string query;
    bool origin = false;
};

std::string answer(const config::Configuration& configuration, const Flags& flags) {
    if (!flags.origin && flags.query.empty()) return config::effective_yaml(configuration);
    const auto text = flags.origin ? config::origins(configuration, flags.query)
                                   : config::query(configuration, flags.query);
    if (!text) throw usage_error(text.error().text());
    return *text;
}

}  // namespace

void add_config(CLI::App& app, Context& context) {
    CLI::App* command =
        app.add_subcommand("config", "Show the configuration that is in force, all layers merged");
    auto flags = std::make_shared<Flags>();
    command->add_option("--query", flags->query, "Only this key, such as fabric.relay.inbound")
        ->type_name("a.b");
    command->add_flag("--origin", flags->origin,
                      "One value a line, with the file and line that it came from");
    command->footer(
        "Later wins: built-in defaults, /etc/weft.d/*.yaml, ~/.config/weft.d/*.yaml,\n"
        "./weft.d/*.yaml, --config, the environment (WEFT_FABRIC__MODE is fabric.mode), --set.\n"
        "Secrets are shown as ***. A list is printed one item a line, a single value bare.\n\n"
        "Example:\n"
        "  weft config --query fabric.relay.inbound\n"
        "  weft config --origin --query signing\n"
        "  WEFT_FABRIC__MODE=bind weft config --origin --query fabric.mode");
    command->callback([flags, &context] {
        context.run = [flags, &context]() -> int {
            write_out(answer(context.configuration(), *flags));
            return exit_done;
        };
    });
}

}  // namespace weft::tools
