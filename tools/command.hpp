#pragma once
// The table of commands. Each add_… function stands in a file of its own, declares its flags and
// help with CLI11 and, when chosen, sets Context::run.

#include <CLI/CLI.hpp>

#include "tools/context.hpp"

namespace weft::tools {

void add_init(CLI::App& app, Context& context);
void add_keys(CLI::App& app, Context& context);
void add_config(CLI::App& app, Context& context);
void add_relay(CLI::App& app, Context& context);
void add_logger(CLI::App& app, Context& context);
void add_publish(CLI::App& app, Context& context);
void add_tail(CLI::App& app, Context& context);
void add_trigger(CLI::App& app, Context& context);
void add_check(CLI::App& app, Context& context);
void add_bench(CLI::App& app, Context& context);
void add_journal(CLI::App& app, Context& context);
void add_cursor(CLI::App& app, Context& context);
void add_token(CLI::App& app, Context& context);
void add_gateway(CLI::App& app, Context& context);
void add_webhook(CLI::App& app, Context& context);
void add_hub(CLI::App& app, Context& context);
void add_replay(CLI::App& app, Context& context);

}  // namespace weft::tools
