#pragma once
// The process of an isolated plugin: our own executable, started by the hub with a stream socket as
// descriptor 3. It runs the plugin as the hub would in its own process (plugin_handler.hpp), with
// the hub reached over the socket (plugin_frames.hpp).
//
// Threads:   the calling one runs the plugin; another one reads the socket.
// Errors:    without such a socket it says on stderr what it is for and returns 2. When the hub is
//            gone, or says what cannot be read, the process ends at once.

namespace weft::reliability::hub {

/// Returns the status to exit with: 0 after a Stop of the hub, 1 if the plugin did not start.
[[nodiscard]] int run_plugin_host();

}  // namespace weft::reliability::hub
