#pragma once
// An expression of recipients as the oracle understands it: made by itself, judged by itself.
// Shares nothing with reliability/ack/recipients but the text that both read.

#include <map>
#include <string>
#include <vector>

#include "tests/fault/random.hpp"

namespace weft::fault {

class Expression {
public:
    enum class Answer { none, acknowledged, rejected };
    using Answers = std::map<std::string, Answer>;

    /// One of names, all, any or k of n, nested up to twice.
    static Expression make(Random& random, const std::vector<std::string>& names, int depth = 0);

    [[nodiscard]] std::string text() const;
    /// Each once, in order of first mention.
    [[nodiscard]] std::vector<std::string> names() const;
    /// Names without an answer have not acknowledged.
    [[nodiscard]] bool satisfied(const Answers& answers) const;
    /// Not even if all who said nothing yet acknowledged.
    [[nodiscard]] bool hopeless(const Answers& answers) const;

private:
    [[nodiscard]] bool holds(const Answers& answers, bool silence_counts) const;
    void collect(std::vector<std::string>& names) const;

    std::string name_;  // a leaf
    std::size_t needed_ = 0;
    std::vector<Expression> parts_;
};

}  // namespace weft::fault
