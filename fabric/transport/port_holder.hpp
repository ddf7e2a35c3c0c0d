#pragma once
// Who has a TCP port, as far as /proc tells: for the error message of a bind that fails.

#include <string>

namespace weft::fabric {

/// "pid 4711 (nginx)" for the process that listens on the port of `tcp://host:port`; "" if the
/// endpoint has no port, nobody is found or the kernel does not tell us.
[[nodiscard]] std::string port_holder(const std::string& endpoint);

}  // namespace weft::fabric
