#pragma once
// How a long-running command says that it serves: `listening NAME ENDPOINT` for each socket, then
// `ready`, on stdout; and to systemd where it started us (sd_notify, Type=notify).
// Threads: the main thread.

#include <string>

namespace weft::tools {

void say_listening(const std::string& name, const std::string& endpoint);
void say_ready();
/// "STOPPING=1", "RELOADING=1": does nothing without NOTIFY_SOCKET.
void notify_systemd(const std::string& state);

}  // namespace weft::tools
