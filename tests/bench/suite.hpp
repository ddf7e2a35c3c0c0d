#pragma once
// Runs peers in turns (A B C A B C), two or more processes a round, and keeps medians and ratios.
// Threads: one; forks.

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "tests/bench/peers.hpp"

namespace weft::bench {

struct Options {
    bool json = false, pinned = true, quick = false;
    int rounds = 5;
    std::vector<std::string> only;  ///< Scenarios; empty: all.
};

class Suite {
public:
    explicit Suite(Options options) : options_(std::move(options)) {}

    /// Every peer in turn, `rounds` times; the median of each goes under "<scenario>.<peer>".
    /// Throws if a round lost a message.
    void run(const std::string& scenario, Load load, const std::vector<const Peer*>& peers);
    /// The quotient of two rates; left out where one of them was not measured.
    void ratio(const std::string& name, const std::string& over, const std::string& under);
    void figure(const std::string& name, double value) { figures_[name] = value; }
    [[nodiscard]] bool wants(const std::string& scenario) const;
    void print() const;

private:
    Options options_;
    std::map<std::string, double> ratios_, figures_;
};

/// Resident KiB that one more idle publisher, and one more idle subscriber, cost this process.
struct IdleMemory {
    double publisher_kib = 0, subscriber_kib = 0;
};
[[nodiscard]] IdleMemory idle_memory(support::SigningFixture& world,
                                     const support::Identity& identity);

}  // namespace weft::bench
