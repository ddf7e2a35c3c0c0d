#pragma once
// The questions of a RemoteLink that are not answered yet: which is to be sent next, which answer
// is whose, and when to ask again or to give up. A state machine: no socket, no clock, no keys.
// Threads: one. Limits: those who ask are counted by the caller.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "reliability/ack/request.hpp"
#include "reliability/service/remote_link.hpp"

namespace weft::reliability {

class OpenQuestions {
public:
    using Number = std::uint64_t;
    using Instant = fabric::Instant;
    struct Open {
        Question question;
        RemoteLink::OnAnswer on_answer;
        Instant give_up{};
        std::vector<Nonce> nonces{};  ///< Of each time that it was sent.
        int lives = 0;                ///< How often it named an old one.
        JournalError::Reason last = JournalError::Reason::away;
        Instant due{};
        bool under_way = false, ready = false;
    };

    explicit OpenQuestions(const RemoteSettings& settings) : settings_(settings) {}

    void add(Question question, RemoteLink::OnAnswer on_answer, Instant now);
    /// The next one that may be sent; null: none. It stays the next one until sent().
    [[nodiscard]] Open* next(Number& number);
    void sent(Number number, const Nonce& nonce, Instant now);
    /// Whose nonce this is; 0: nobody's.
    [[nodiscard]] Number asked_by(const Nonce& nonce) const;
    [[nodiscard]] Open& of(Number number) { return open_.find(number)->second; }
    /// To be sent once more, now or at `when`.
    void ask_again(Number number, std::optional<Instant> when = std::nullopt);
    /// Who was asked has started anew: answers to what is under way will not come.
    void ask_all_again();
    /// It is answered: out with it.
    [[nodiscard]] Open settle(Number number);
    /// Those whose time is over for good. The others that are due are ready to be sent again.
    [[nodiscard]] std::vector<Open> tick(Instant now);
    [[nodiscard]] std::vector<Open> settle_all();
    [[nodiscard]] std::optional<Instant> next_due() const;

private:
    static bool is_wait(const Open& open) noexcept {
        return open.question.operation == Operation::wait || open.question.longer.count() > 0;
    }
    void set_due(Number number, Open& open, Instant due);
    void make_ready(Number number, Open& open);
    void not_under_way(Open& open);

    const RemoteSettings& settings_;
    std::map<Number, Open> open_;
    std::map<Nonce, Number> by_nonce_;
    std::set<std::pair<Instant, Number>> due_;
    std::deque<Number> ready_, waits_ready_;
    std::deque<Number> turn_;  // in_turn: the first may go
    std::size_t under_way_ = 0, waits_under_way_ = 0;
    Number next_ = 0;
};

}  // namespace weft::reliability
