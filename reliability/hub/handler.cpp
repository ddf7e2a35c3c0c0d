#include "reliability/hub/handler.hpp"

#include "reliability/hub/exec_handler.hpp"
#include "reliability/hub/plugin_host.hpp"

namespace weft::reliability::hub {}  // namespace weft::reliability::hub
