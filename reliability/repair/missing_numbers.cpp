#include "reliability/repair/missing_numbers.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace weft::reliability {
namespace {

/// So many numbers that are there may be asked for again to spare a question.
constexpr std::uint64_t close_by = 64;

}  // namespace

void MissingNumbers::open(const Hole& hole) {
    assert(hole.from <= hole.to);
    assert(holes_.empty() || std::prev(holes_.end())->second.to < hole.from);
    holes_.emplace_hint(holes_.end(), hole.from, Rest{hole.to, hole.order, hole.opened});
}

MissingNumbers::Holes::const_iterator MissingNumbers::hole_of(std::uint64_t seq) const {
    auto after = holes_.upper_bound(seq);
    if (after == holes_.begin()) return holes_.end();
    const auto hole = std::prev(after);
    return seq <= hole->second.to ? hole : holes_.end();
}

bool MissingNumbers::take(std::uint64_t seq) {
    const auto found = hole_of(seq);
    if (found == holes_.end()) return false;
    const std::uint64_t from = found->first;
    const Rest rest = found->second;
    auto next = holes_.erase(found);
    if (seq < rest.to) next = holes_.emplace_hint(next, seq + 1, rest);
    if (from < seq) holes_.emplace_hint(next, from, Rest{seq - 1, rest.order, rest.opened});
    return true;
}

void MissingNumbers::take_first_through(std::uint64_t to) {
    assert(!holes_.empty());
    const auto begin = holes_.begin();
    const Rest rest = begin->second;
    assert(begin->first <= to && to <= rest.to);
    const auto next = holes_.erase(begin);
    if (to < rest.to) holes_.emplace_hint(next, to + 1, rest);
}

MissingNumbers::Hole MissingNumbers::first() const {
    assert(!holes_.empty());
    const auto& [from, rest] = *holes_.begin();
    return {from, rest.to, rest.order, rest.opened};
}

bool MissingNumbers::has(std::uint64_t seq) const {
    return hole_of(seq) != holes_.end();
}

bool MissingNumbers::any_in(std::uint64_t from, std::uint64_t to) const {
    if (has(from)) return true;
    const auto next = holes_.lower_bound(from);
    return next != holes_.end() && next->first <= to;
}

std::uint64_t MissingNumbers::question_end(std::uint64_t numbers) const {
    assert(!holes_.empty() && numbers > 0);
    const std::uint64_t from = holes_.begin()->first;
    std::uint64_t end = from;
    for (const auto& [begin, rest] : holes_) {
        if (begin - end > close_by && begin != from) break;
        if (begin - from >= numbers) break;
        end = rest.to - from >= numbers ? from + (numbers - 1) : rest.to;
        if (end != rest.to) break;
    }
    return end;
}

}  // namespace weft::reliability
