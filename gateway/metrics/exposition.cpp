#include "gateway/metrics/exposition.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
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
    figures_.push_back({name, help, Type::counter, value, std::move(labels)});
}

void Figures::gauge(const std::string& name, const std::string& help, double value, Labels labels) {
    figures_.push_back({name, help, Type::gauge, value, std::move(labels)});
}

void Figures::histogram(const std::string& name, const std::string& help, Histogram histogram,
                        Labels labels) {
    figures_.push_back({name, help, Type::histogram, 0, std::move(labels), std::move(histogram)});
}

void Figures::add(const fabric::Counters& counters) {
    for (const std::string& line : counters.lines(fabric::Counters::Show::all)) {
        Line parts = parts_of(line);
        Labels labels;
        if (!parts.reason.empty()) labels.emplace_back("reason", parts.reason);
        const Type type = parts.name.ends_with("_total") ? Type::counter : Type::gauge;
        figures_.push_back({parts.name, "", type, parts.value, std::move(labels)});
    }
}

std::string Figures::text() const {
    const auto family_type = [](Type type) {
        if (type == Type::histogram) return prometheus::MetricType::Histogram;
        return type == Type::counter ? prometheus::MetricType::Counter
                                     : prometheus::MetricType::Gauge;
    };
    std::map<std::string, prometheus::MetricFamily> families;
    for (const Figure& figure : figures_) {
        prometheus::MetricFamily& family = families[figure.name];
        family.name = figure.name;
        if (family.help.empty()) family.help = figure.help;
        family.type = family_type(figure.type);
        prometheus::ClientMetric metric;
        for (const auto& [name, value] : figure.labels) metric.label.push_back({name, value});
        if (figure.type == Type::histogram) {
            metric.histogram.sample_count = figure.histogram.count;
            metric.histogram.sample_sum = figure.histogram.sum;
            for (const auto& [bound, count] : figure.histogram.buckets) {
                metric.histogram.bucket.push_back({count, bound});
            }
            metric.histogram.bucket.push_back(
                {figure.histogram.count, std::numeric_limits<double>::infinity()});
        } else {
            (figure.type == Type::counter ? metric.counter.value : metric.gauge.value) =
                figure.value;
        }
        family.metric.push_back(std::move(metric));
    }
    std::vector<prometheus::MetricFamily> all;
    for (auto& [name, family] : families) all.push_back(std::move(family));
    std::ostringstream out;
    prometheus::TextSerializer{}.Serialize(out, all);
    return out.str();
}

}  // namespace weft::gateway
