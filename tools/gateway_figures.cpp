// What the gateway counts, for /metrics.

#include <string>

#include "fabric/node/counters.hpp"
#include "tools/gateway_parts.hpp"

namespace weft::tools {

gateway::Figures Gateway::figures() {
    gateway::Figures figures;
    figures.gauge("weft_build_info", "Version of weft.", 1, {{"version", WEFT_VERSION}});
    const reliability::JournalInfo journal = bridge_->journal();
    figures.gauge("weft_journal_head_id", "Newest id of the journal.",
                  static_cast<double>(journal.head));
    figures.gauge("weft_journal_low_id", "Oldest id that is there.",
                  static_cast<double>(journal.low));
    figures.gauge("weft_ready", "1: it can publish durably and read.",
                  bridge_->not_ready().empty() ? 1 : 0);
    figures.counter("weft_gateway_waited_for_room_total",
                    "Publishes that came while the sending queue was full.",
                    static_cast<double>(bridge_->stats().waited_for_room));
    if (server_) {
        for (const auto& [name, value] : server_->stats()) {
            const bool open = name.ends_with("_open");
            const std::size_t dot = name.find('.');
            gateway::Figures::Labels labels;
            if (dot != std::string::npos) labels.emplace_back("reason", name.substr(dot + 1));
            const std::string full = "weft_http_" + name.substr(0, dot);
            if (open) {
                figures.gauge(full, "Now.", static_cast<double>(value), labels);
            } else {
                figures.counter(full + "_total", "Since the start.", static_cast<double>(value),
                                labels);
            }
        }
    }
    if (access_log_) {
        const gateway::AccessLogStats log = access_log_->stats();
        const auto count = [&](const char* name, const char* help, std::uint64_t value) {
            figures.counter(name, help, static_cast<double>(value));
        };
        count("weft_gateway_access_log_written_total", "Lines of the access log.", log.written);
        count("weft_gateway_access_log_dropped_total", "Lines for which the queue had no room.",
              log.dropped);
        count("weft_gateway_access_log_failed_total", "Lines that could not be written.",
              log.failed);
    }
    for (const gateway::delivery::EngineFigure& one : engine_->figures()) {
        const auto add =
            one.name.ends_with("_total") ? &gateway::Figures::counter : &gateway::Figures::gauge;
        (figures.*add)(one.name, one.help, one.value, one.labels);
    }
    esub_house_->add_figures(figures);
    esub_elsewhere_->add_figures(figures);
    fabric::Counters counters;
    counters.add(fabric_->publisher().stats());
    figures.add(counters);
    routemaster_->figures(figures);
    return figures;
}

}  // namespace weft::tools
