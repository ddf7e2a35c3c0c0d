#pragma once
// The environment of the programs that we start: little of ours, so that neither a passphrase nor a
// WEFT_... of ours reaches a program that a message's sender may have a say in.
//
// Passed on: PATH, HOME, USER, LOGNAME, LANG, LC_*, TZ, TMPDIR, XDG_RUNTIME_DIR. All else is given
// by name.
//
// Threads: any, unless somebody changes the environment meanwhile.

#include <string>
#include <string_view>
#include <vector>

#include "reliability/hub/consumer_settings.hpp"

namespace weft::reliability::hub {

/// What of ours is passed on, and `given`, as NAME=value; a given name replaces ours.
[[nodiscard]] std::vector<std::string> program_environment(const std::vector<std::string>& given);

/// What a consumer's own process is given: WEFT_CONSUMER, WEFT_HUB, and what its key `environment`
/// says.
[[nodiscard]] std::vector<std::string> consumer_environment(const ConsumerSettings& settings,
                                                            std::string_view hub_name);

/// "" or why a consumer may not be given a variable of this name.
[[nodiscard]] std::string variable_name_error(std::string_view name);

}  // namespace weft::reliability::hub
