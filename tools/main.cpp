// weft: one program, a command for each task. This file is the wiring: global flags, the table of
// commands, exit codes.

#include <csignal>
#include <cstdio>
#include <string>

#include "fabric/fabric.hpp"
#include "signing/secret.hpp"
#include "tools/command.hpp"

namespace {

using weft::tools::Context;

void add_global_flags(CLI::App& app, Context& context) {
    app.add_option("--config", context.config_paths,
                   "A configuration folder or file, after the default ones (repeatable)")
        ->type_name("DIR-or-FILE")
        ->allow_extra_args(false);
    app.add_option("--set", context.settings,
                   "One value of the configuration, such as fabric.mode=bind (repeatable)")
        ->type_name("a.b=value")
        ->allow_extra_args(false);
    app.add_option("--log-level", context.log_level,
                   "What goes to stderr (default: log.level, info)")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));
    app.add_option("--log-format", context.log_format, "Form of the lines on stderr")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    app.set_version_flag("--version", "weft " WEFT_VERSION);
}

/// Usage errors end with 2, not with CLI11's own numbers; help and version with 0.
int finish_parse(const CLI::App& app, const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::string command = "weft";
    for (const CLI::App* chosen : app.get_subcommands()) command += " " + chosen->get_name();
    std::fprintf(stderr, "%s: %s\n(try `%s --help`)\n", command.c_str(), error.what(),
                 command.c_str());
    return weft::tools::exit_usage;
}

int run(Context& context, const std::string& command) {
    try {
        context.start_log();
        return context.run();
    } catch (const weft::tools::CommandError& error) {
        std::fprintf(stderr, "weft %s: %s\n", command.c_str(), error.what());
        return error.code();
    } catch (const weft::fabric::OpenFailed& error) {
        std::fprintf(stderr, "weft %s: %s\n", command.c_str(), error.what());
        return weft::tools::exit_usage;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weft %s: %s\n", command.c_str(), error.what());
        return weft::tools::exit_failed;
    }
}

}  // namespace

int main(int argc, char** argv) {
    // A reader of our output that goes away is an error of write(), not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
    weft::signing::disable_core_dumps();

    Context context;
    context.arguments.assign(argv + 1, argv + argc);
    CLI::App app{
        "weft: a signed event fabric. Services publish, anyone subscribes by topic, no broker.\n"
        "Start with:  weft init --dir demo --name git.host1 && cd demo && weft relay"};
    app.name("weft");
    app.require_subcommand(0, 1);  // none is said below, where an unknown name has been refused
    app.fallthrough();
    add_global_flags(app, context);
    for (const auto add :
         {weft::tools::add_init, weft::tools::add_relay, weft::tools::add_logger,
          weft::tools::add_publish, weft::tools::add_tail, weft::tools::add_journal,
          weft::tools::add_cursor, weft::tools::add_replay, weft::tools::add_trigger,
          weft::tools::add_hub, weft::tools::add_gateway, weft::tools::add_webhook,
          weft::tools::add_check, weft::tools::add_keys, weft::tools::add_token,
          weft::tools::add_config, weft::tools::add_bench}) {
        add(app, context);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return finish_parse(app, error);
    }
    if (app.get_subcommands().empty()) {
        std::fprintf(stderr, "%s\nweft: which command?\n", app.help().c_str());
        return weft::tools::exit_usage;
    }
    return run(context, app.get_subcommands().front()->get_name());
}
