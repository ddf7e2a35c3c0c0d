#include "reliability/service/open_questions.hpp"

#include <algorithm>

namespace weft::reliability {

void OpenQuestions::set_due(Number number, Open& open, Instant due) {
    due_.erase({open.due, number});
    open.due = due;
    due_.emplace(due, number);
}

void OpenQuestions::make_ready(Number number, Open& open) {
    if (open.ready || open.under_way) return;
    open.ready = true;
    (is_wait(open) ? waits_ready_ : ready_).push_back(number);
}

void OpenQuestions::not_under_way(Open& open) {
    if (!open.under_way) return;
    open.under_way = false;
    --(is_wait(open) ? waits_under_way_ : under_way_);
}

void OpenQuestions::add(Question question, RemoteLink::OnAnswer on_answer, Instant now) {
    const Number number = ++next_;
    const auto patience = question.patience.value_or(settings_.patience) + question.longer;
    const bool in_turn = question.in_turn;
    Open& open =
        open_.emplace(number, Open{std::move(question), std::move(on_answer), now + patience})
            .first->second;
    set_due(number, open, open.give_up);
    if (in_turn) turn_.push_back(number);
    if (!in_turn || turn_.front() == number) make_ready(number, open);
}

OpenQuestions::Open* OpenQuestions::next(Number& number) {
    const bool may_ask = !ready_.empty() && under_way_ < settings_.under_way_max;
    const bool may_wait = !waits_ready_.empty() && waits_under_way_ < settings_.waits_under_way_max;
    if (!may_ask && !may_wait) return nullptr;
    number = may_ask ? ready_.front() : waits_ready_.front();
    return &of(number);
}

void OpenQuestions::sent(Number number, const Nonce& nonce, Instant now) {
    Open& open = of(number);
    (is_wait(open) ? waits_ready_ : ready_).pop_front();
    open.ready = false;
    open.under_way = true;
    ++(is_wait(open) ? waits_under_way_ : under_way_);
    open.nonces.push_back(nonce);
    by_nonce_.emplace(nonce, number);
    set_due(number, open,
            std::min(open.give_up, now + settings_.answer_timeout + open.question.longer));
}

OpenQuestions::Number OpenQuestions::asked_by(const Nonce& nonce) const {
    const auto found = by_nonce_.find(nonce);
    return found == by_nonce_.end() ? 0 : found->second;
}

void OpenQuestions::ask_again(Number number, std::optional<Instant> when) {
    Open& open = of(number);
    not_under_way(open);
    if (when) return set_due(number, open, std::min(*when, open.give_up));
    set_due(number, open, open.give_up);
    make_ready(number, open);
}

void OpenQuestions::ask_all_again() {
    for (auto& [number, open] : open_) {
        if (open.under_way && open.question.again) ask_again(number);
    }
}

OpenQuestions::Open OpenQuestions::settle(Number number) {
    const auto at = open_.find(number);
    Open open = std::move(at->second);
    open_.erase(at);
    due_.erase({open.due, number});
    for (const Nonce& nonce : open.nonces) by_nonce_.erase(nonce);
    not_under_way(open);
    if (open.ready) std::erase(is_wait(open) ? waits_ready_ : ready_, number);
    if (open.question.in_turn) {
        const bool was_first = turn_.front() == number;
        std::erase(turn_, number);
        if (was_first && !turn_.empty()) make_ready(turn_.front(), of(turn_.front()));
    }
    return open;
}

std::vector<OpenQuestions::Open> OpenQuestions::tick(Instant now) {
    std::vector<Open> over;
    while (!due_.empty() && due_.begin()->first <= now) {
        const Number number = due_.begin()->second;
        Open& open = of(number);
        const bool asked_once = !open.nonces.empty() && !open.question.again;
        if (open.give_up <= now || asked_once) {
            over.push_back(settle(number));
        } else {
            ask_again(number);
        }
    }
    return over;
}

std::vector<OpenQuestions::Open> OpenQuestions::settle_all() {
    std::vector<Open> all;
    while (!open_.empty()) all.push_back(settle(open_.begin()->first));
    return all;
}

std::optional<fabric::Instant> OpenQuestions::next_due() const {
    if (due_.empty()) return std::nullopt;
    return due_.begin()->first;
}

}  // namespace weft::reliability
