#pragma once
// What happened in one run: figures, broken promises, and a trace for people who replay it.

#include <array>
#include <cstdint>
#include <iomanip>
#include <ostream>
#include <string>
#include <vector>

#include "fabric/transport/clock.hpp"

namespace weft::fault {

struct Figures {
    std::uint64_t publishes = 0, acknowledged = 0, rejected = 0, unknown = 0, aborted = 0;
    std::uint64_t cancelled = 0, refused_full = 0, died = 0;  // with their publisher
    std::uint64_t resent = 0, acks_arrived = 0, acks_counted = 0, forgeries = 0;
    std::uint64_t handlers = 0, restarts = 0;

    void add(const Figures& other) {
        const auto sum = [&](auto member) { this->*member += other.*member; };
        for (const auto member :
             {&Figures::publishes, &Figures::acknowledged, &Figures::rejected, &Figures::unknown,
              &Figures::aborted, &Figures::cancelled, &Figures::refused_full, &Figures::died,
              &Figures::resent, &Figures::acks_arrived, &Figures::acks_counted, &Figures::forgeries,
              &Figures::handlers, &Figures::restarts}) {
            sum(member);
        }
    }
};

class RunLog {
public:
    explicit RunLog(std::ostream* trace) : trace_(trace) {}

    fabric::Instant now{};
    Figures figures;

    /// `text` makes the line; it is only called if somebody reads it.
    template <typename Text>
    void trace(Text&& text) {
        if (trace_ != nullptr) line(text());
    }
    void violation(const std::string& what) {
        if (violations_.size() < 10) violations_.push_back(at() + what);
        if (trace_ != nullptr) line("VIOLATION " + what);
    }
    [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }

private:
    [[nodiscard]] std::string at() const {
        return "at " + std::to_string(now.count() / 1000) + " us: ";
    }
    void line(const std::string& text) {
        *trace_ << std::setw(9) << now.count() / 1000 << " us  " << text << '\n';
    }

    std::ostream* trace_;
    std::vector<std::string> violations_;
};

}  // namespace weft::fault
