// weft relay: the meeting point for those who cannot bind a port.

#include <memory>
#include <thread>

#include "fabric/node/relay.hpp"
#include "fabric/settings.hpp"
#include "tools/command.hpp"
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
    while (stop.wait() != StopSignal::Woken::stop) {
        Context::info("reload: a relay holds nothing that a reload would change");
    }
    notify_systemd("STOPPING=1");
    relay.stop();
    loop.join();
    const fabric::RelayStats stats = relay.stats();
    Context::info("passed on " + std::to_string(stats.messages) + " runs, " +
                  std::to_string(stats.bytes) + " bytes; dropped " +
                  std::to_string(stats.not_three_frames) + " not_three_frames, " +
                  std::to_string(stats.topic_invalid) + " topic_invalid");
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
