#pragma once
// What the configuration says about reliability, as types. Read once, at the edge.
// Threads: a value.

#include <chrono>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "config/problem.hpp"
#include "reliability/ack/recipients.hpp"

namespace weft::reliability {

struct Settings {
    std::chrono::milliseconds ack_timeout{250};  ///< Of who says nothing else; > 0.
    /// Each stands for all of its entries, and has been parsed: using one can only fail because the
    /// whole becomes too large or too deep.
    Recipients::Groups groups;
    std::vector<std::string> journals;  ///< Names on the certificates of the fabric's journals.
};

/// Problems name file and line, of a group its own.
[[nodiscard]] Settings read_settings(const config::Configuration& configuration,
                                     config::Problems& problems);

}  // namespace weft::reliability
