#pragma once
// What the parts of `weft hub` share. Threads: the main thread.

#include <memory>
#include <string>

#include "fabric/fabric.hpp"
#include "reliability/hub/consumer_settings.hpp"
#include "reliability/hub/handler.hpp"
#include "tools/context.hpp"

namespace weft::tools {

/// The hub's part of the configuration; exit 2 with every problem.
[[nodiscard]] reliability::hub::Settings hub_settings(Context& context);

/// `--list`: the consumers of the configuration, how the hubs of this host have them, and how far
/// they are behind.
int list_consumers(Context& context, bool json);

/// `--consume ID --only NAME`.
struct ConsumeFlags {
    std::string id, only;
    bool dry_run = false;
};
int consume_one(Context& context, const ConsumeFlags& flags);

[[nodiscard]] std::unique_ptr<fabric::Fabric> open_fabric(Context& context);
/// Where the log of a consumer goes.
void log_line(reliability::hub::Surroundings::Level level, const std::string& line);
/// Our own executable.
[[nodiscard]] std::string own_program();

}  // namespace weft::tools
