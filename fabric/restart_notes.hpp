#pragma once
// Names what changed in the configuration and cannot take effect while the process runs, instead of
// ignoring it in silence.
// Threads: confined to one thread. Ownership: keeps a copy of the configuration at the start.

#include <string>
#include <vector>

#include "config/configuration.hpp"

namespace weft::fabric {

class RestartNotes {
public:
    explicit RestartNotes(config::Configuration running) : running_(std::move(running)) {}

    /// One sentence for each value of the fabric that differs from the running one, such as
    /// "fabric.mode changed at weft.d/10-weft.yaml:3: takes effect at the next start"; only those
    /// that the last call did not return.
    [[nodiscard]] std::vector<std::string> on_reload(const config::Configuration& now);

private:
    config::Configuration running_;
    std::vector<std::string> said_;
};

}  // namespace weft::fabric
