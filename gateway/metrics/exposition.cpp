#include "gateway/metrics/exposition.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <sstream>

namespace weft::gateway {
namespace {

/// `name{reason="x"} 12` as Counters write it: into its parts.
struct Line {
    std::string name, reason;
    double value = 0;
};

Line parts_of(const std::string& line) {
    Line parts;
    const std::size_t space = line.rfind(' ');
    parts.value = std::stod(line.substr(space + 1));
    const std::size_t brace = line.find('{');
    parts.name = line.substr(0, std::min(brace, space));
    if (brace != std::string::npos) {
        const std::size_t from = line.find('"', brace) + 1;
        parts.reason = line.substr(from, line.rfind('"') - from);
    }
    return parts;
}

}  // namespace

void Figures::counter(const std::string& name, const std::string& help, double value,
                      Labels labels) {
    figures_.push_back({name, help, true, value, std::move(labels)});
}

void Figures::gauge(const std::string& name, const std::string& help, double value, Labels labels) {
    figures_.push_back({name, help, false, value, std::move(labels)});
}

void Figures::add(const fabric::Counters& counters) {
    for (const std::string& line : counters.lines(fabric::Counters::Show::all)) {
        Line parts = parts_of(line);
        Labels labels;
        if (!parts.reason.empty()) labels.emplace_back("reason", parts.reason);
        const bool rises = parts.name.ends_with("_total");
        figures_.push_back({parts.name, "", rises, parts.value, std::move(labels)});
    }
}

std::string Figures::text() const {
    std::map<std::string, prometheus::MetricFamily> families;
    for (const Figure& figure : figures_) {
        prometheus::MetricFamily& family = families[figure.name];
        family.name = figure.name;
        if (family.help.empty()) family.help = figure.help;
        family.type =
            figure.rises ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
        prometheus::ClientMetric metric;
        for (const auto& [name, value] : figure.labels) metric.label.push_back({name, value});
        (figure.rises ? metric.counter.value : metric.gauge.value) = figure.value;
        family.metric.push_back(std::move(metric));
    }
    std::vector<prometheus::MetricFamily> all;
    for (auto& [name, family] : families) all.push_back(std::move(family));
    std::ostringstream out;
    prometheus::TextSerializer{}.Serialize(out, all);
    return out.str();
}

}  // namespace weft::gateway
