#pragma once
// Figures in the text format that Prometheus reads, with HELP and TYPE. Names end in _total for
// what only rises; base units; labels come from small closed sets. Threads: values and pure
// functions.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fabric/node/counters.hpp"

namespace weft::gateway {

class Figures {
public:
    using Labels = std::vector<std::pair<std::string, std::string>>;

    /// What only rises; `name` ends in "_total".
    void counter(const std::string& name, const std::string& help, double value,
                 Labels labels = {});
    void gauge(const std::string& name, const std::string& help, double value, Labels labels = {});
    /// `buckets`: upper bounds, rising, and how many were not above them; "+Inf" is added.
    struct Histogram {
        std::vector<std::pair<double, std::uint64_t>> buckets{};
        std::uint64_t count = 0;
        double sum = 0;
    };
    void histogram(const std::string& name, const std::string& help, Histogram histogram,
                   Labels labels = {});
    /// Everything that a node counts, under its own names.
    void add(const fabric::Counters& counters);

    [[nodiscard]] std::string text() const;

private:
    enum class Type : std::uint8_t { counter, gauge, histogram };
    struct Figure {
        std::string name, help;
        Type type;
        double value;
        Labels labels;
        Histogram histogram{};
    };
    std::vector<Figure> figures_;
};

}  // namespace weft::gateway
