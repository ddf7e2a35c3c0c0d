// weft gateway: HTTP onto the fabric, with a journal of its own.

#include <chrono>
#include <memory>
#include <string>

#include "gateway/settings.hpp"
#include "tools/command.hpp"
#include "tools/duration_flag.hpp"
#include "tools/gateway_parts.hpp"
#include "tools/housekeeping.hpp"
#include "tools/ready_notice.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds look_every{250};

gateway::GatewaySettings gateway_settings(Context& context) {
    config::Problems problems;
    auto settings = gateway::read_gateway_settings(context.configuration(), problems);
    Context::require_none(problems);
    return settings;
}

int run_gateway(Context& context, milliseconds ready_timeout) {
    const gateway::GatewaySettings settings = gateway_settings(context);
    StopSignal stop;
    Gateway gateway(context, settings);
    const auto deadline = std::chrono::steady_clock::now() + ready_timeout;
    std::string waits = gateway.not_ready();
    while (!waits.empty() && std::chrono::steady_clock::now() < deadline &&
           stop.wait(milliseconds{10}) == StopSignal::Woken::timeout) {
        waits = gateway.not_ready();
    }
    if (!waits.empty() && !stop.requested()) Context::warn(waits);
    gateway.say_where();
    say_ready();
    {
        const Housekeeping housekeeping(
            context, stop,
            {[&](const config::Configuration& now) { return gateway.apply(now); },
             {},
             [&] { gateway.reopen_log(); }});
        while (stop.wait(look_every) == StopSignal::Woken::timeout) gateway.refresh();
        notify_systemd("STOPPING=1");
    }
    gateway.stop();
    return stop.exit_code();
}

}  // namespace

void add_gateway(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("gateway", "Bring HTTP to the fabric");
    auto timeout = std::make_shared<milliseconds>(5000);
    add_duration(*command, "--ready-timeout", *timeout,
                 "When to complain that the relay does not answer (default: 5s)");
    command->footer(
        "Serves gateway.listeners: weft's own API with webhooks, RSE polling, Routemaster, esub "
        "and\n"
        "metrics, over a journal of its own at reliability.journal.path. Prints where it listens,\n"
        "then `ready`.\n"
        "SIGTERM ends streams with a last word and answers who waits, within 5 s.\n"
        "Examples:  curl -d '{\"hash\": \"2f1c9e\"}' http://127.0.0.1:8080/v1/topics/git.commit\n"
        "           curl 'http://127.0.0.1:8080/v1/events?topic=git.*&wait=30s'\n"
        "           curl -N 'http://127.0.0.1:8080/v1/stream?topic=git.**'\n"
        "docs/gateway.md has every route.");
    command->callback([&context, timeout] {
        context.run = [&context, timeout] { return run_gateway(context, *timeout); };
    });
}

}  // namespace weft::tools
