#pragma once
// A plugin in this process. Fast, and trusted: a crash of the plugin is one of the hub, and a
// consume() that never returns keeps its worker for ever (keeps_timeout() is false).
//
// Threads:   as HandlerHost says.
// Ownership: refers to `surroundings`. Where a consume() is under way when stop()'s patience ends,
//            the plugin's stop() is not called, which is said; that consume() keeps what it needs
//            and destroys the consumer when it returns, but reaches nothing of the hub any more.
// Errors:    what a plugin throws, whatever its type, is a sentence or a retry with its text.

#include <exception>
#include <memory>
#include <string>

#include "reliability/hub/handler.hpp"

namespace weft::reliability::hub {

[[nodiscard]] std::unique_ptr<HandlerHost> make_plugin_in_process(const ConsumerSettings& settings,
                                                                  Surroundings& surroundings);

/// The text of the exception that is being handled, of any type; only inside a handler.
[[nodiscard]] std::string thrown_text();

}  // namespace weft::reliability::hub
