#pragma once
// The configuration files that `weft init` writes: few values, and comments that teach.
// Threads: pure functions.

#include <string>
#include <vector>

namespace weft::tools {

struct SetupValues {
    std::string name, topic_prefix, environment, relay_inbound, relay_outbound, journal;
};

struct SetupFile {
    std::string path;  ///< Below the directory of the setup: "weft.d/10-weft.yaml".
    std::string purpose;
    std::string text;
};

[[nodiscard]] std::vector<SetupFile> setup_files(const SetupValues& values);

}  // namespace weft::tools
