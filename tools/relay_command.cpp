// weft relay: the meeting point for those who cannot bind a port.

#include <memory>
#include <thread>

#include "fabric/node/counters.hpp"
#include "fabric/node/relay.hpp"
#include "fabric/restart_notes.hpp"
#include "fabric/settings.hpp"
#include "tools/command.hpp"
#include "tools/housekeeping.hpp"
#include "tools/ready_notice.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

fabric::RelaySettings relay_settings(Context& context) {
    config::Problems problems;
    const fabric::Settings settings = fabric::read_settings(context.configuration(), problems);
    Context::require_none(problems);
    for (const auto& endpoint : {settings.relay_inbound, settings.relay_outbound}) {
        if (const auto refusal = fabric::bind_refusal(endpoint, settings.insecure);
            !refusal.empty()) {
            throw usage_error(refusal);
        }
        if (!endpoint.is_loopback()) {
            Context::warn("fabric.insecure is on: " + endpoint.text() +
                          " is bound without CURVE; any host that reaches it may connect");
        }
    }
    fabric::RelaySettings relay;
    relay.inbound = settings.relay_inbound.text();
    relay.outbound = settings.relay_outbound.text();
    relay.socket.high_water_mark = static_cast<int>(settings.high_water_mark);
    return relay;
}

/// A relay holds no trust: of a new configuration it only takes the log level.
config::Watch::Apply check_and_note(const config::Configuration& running) {
    auto notes = std::make_shared<fabric::RestartNotes>(running);
    return [notes](const config::Configuration& now) {
        config::Problems problems;
        static_cast<void>(fabric::read_settings(now, problems));
        std::vector<std::string> lines;
        for (const config::Problem& problem : problems) lines.push_back(problem.text());
        if (!lines.empty()) return lines;
        for (const std::string& note : notes->on_reload(now)) Context::warn(note);
        return lines;
    };
}

int run_relay(Context& context) {
    const fabric::RelaySettings settings = relay_settings(context);
    StopSignal stop;
    auto opened = fabric::Relay::open(settings);
    if (!opened) throw failure(opened.error());
    fabric::Relay& relay = **opened;
    std::jthread loop([&relay] { relay.run(); });
    say_listening("inbound", relay.inbound());
    say_listening("outbound", relay.outbound());
    say_ready();
    const Housekeeping housekeeping(context, stop, {check_and_note(context.configuration()), {}});
    stop.wait();
    notify_systemd("STOPPING=1");
    relay.stop();
    loop.join();
    fabric::Counters counters;
    counters.add(relay.stats());
    Context::say_counters(counters);
    return stop.exit_code();
}

}  // namespace

void add_relay(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand(
        "relay", "Pass messages from publishers to subscribers that cannot reach each other");
    command->footer(
        "Binds fabric.relay.inbound for publishers and fabric.relay.outbound for subscribers, "
        "prints\n"
        "where it listens, then `ready`. Stops on SIGTERM and Ctrl-C. Holds no keys: it passes on\n"
        "bytes that only their signer can have made.\n"
        "Example:  weft relay --set fabric.relay.inbound=tcp://127.0.0.1:9940");
    command->callback([&context] { context.run = [&context] { return run_relay(context); }; });
}

}  // namespace weft::tools
