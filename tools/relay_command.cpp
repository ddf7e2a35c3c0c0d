// weft relay: the meeting point for those who cannot bind a port.

#include <memory>
#include <thread>

#include "config/section.hpp"
#include "fabric/curve_setup.hpp"
#include "fabric/node/counters.hpp"
#include "fabric/node/relay.hpp"
#include "fabric/restart_notes.hpp"
#include "fabric/settings.hpp"
#include "signing/settings.hpp"
#include "tools/command.hpp"
#include "tools/housekeeping.hpp"
#include "tools/ready_notice.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

std::shared_ptr<fabric::Curve> make_curve(Context& context, const fabric::Settings& settings,
                                          const fabric::Clock& clock) {
    if (!settings.curve) return nullptr;
    config::Problems problems;
    const auto signing_settings =
        signing::read_settings(config::Section(context.configuration(), "signing", problems));
    Context::require_none(problems);
    auto curve = fabric::make_curve(settings, signing_settings, nullptr, clock, &Context::warn);
    if (!curve) throw usage_error(curve.error());
    if (const std::string refusal = fabric::relay_refusal(**curve, settings); !refusal.empty()) {
        throw usage_error(refusal);
    }
    return std::move(*curve);
}

fabric::RelaySettings relay_settings(Context& context, const fabric::Clock& clock) {
    config::Problems problems;
    const fabric::Settings settings = fabric::read_settings(context.configuration(), problems);
    Context::require_none(problems);
    for (const auto& endpoint : {settings.relay_inbound, settings.relay_outbound}) {
        if (const auto refusal = fabric::bind_refusal(endpoint, settings); !refusal.empty()) {
            throw usage_error(refusal);
        }
        if (const auto warning = fabric::bind_warning(endpoint, settings); !warning.empty()) {
            Context::warn(warning);
        }
    }
    fabric::RelaySettings relay;
    relay.inbound = settings.relay_inbound.text();
    relay.outbound = settings.relay_outbound.text();
    relay.socket.high_water_mark = static_cast<int>(settings.high_water_mark);
    relay.curve = make_curve(context, settings, clock);
    return relay;
}

std::string gate_report(const fabric::GateStats& gate) {
    std::string text = "connections let in " + std::to_string(gate.let_in) + ", refused " +
                       std::to_string(gate.refused_total());
    for (std::size_t i = 0; i < gate.refused.size(); ++i) {
        if (gate.refused[i] == 0) continue;
        text += ", " + std::to_string(gate.refused[i]) + " " +
                std::string{signing::name_of(static_cast<signing::Refusal>(i))};
    }
    return text + "; opened anew " + std::to_string(gate.reopened);
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
    const fabric::SystemClock clock;
    const fabric::RelaySettings settings = relay_settings(context, clock);
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
    const fabric::RelayStats stats = relay.stats();
    Context::info("passed on " + std::to_string(stats.messages) + " runs, " +
                  std::to_string(stats.bytes) + " bytes; dropped " +
                  std::to_string(stats.not_three_frames) + " not_three_frames, " +
                  std::to_string(stats.topic_invalid) + " topic_invalid");
    if (settings.curve) Context::info(gate_report(stats.gate));
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
        "where it listens, then `ready`. Stops on SIGTERM and Ctrl-C. It passes on bytes that\n"
        "only their signer can have made, and signs nothing. With fabric.curve on it needs a\n"
        "certificate of its own with the role relay, and lets in only who has one itself.\n"
        "Example:  weft relay --set fabric.relay.inbound=tcp://127.0.0.1:9940");
    command->callback([&context] { context.run = [&context] { return run_relay(context); }; });
}

}  // namespace weft::tools
