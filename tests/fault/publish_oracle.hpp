#pragma once
// Knows of each publish what its tracker was told that counts, and so how it must end and when.
// Written from the rules (A1 to A5), without the tracker's code.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "reliability/ack/tracker.hpp"
#include "tests/fault/expression.hpp"
#include "tests/fault/run_log.hpp"

namespace weft::fault {

/// A publisher, and which of its lives: each start is one, with an epoch of its own.
struct Life {
    std::size_t publisher = 0;
    std::uint64_t epoch = 0;
    friend auto operator<=>(const Life&, const Life&) = default;
};

class PublishOracle {
public:
    struct Publish {
        std::uint64_t number = 0;
        Life life;
        reliability::Nonce nonce{};
        Expression expression;
        reliability::AckLevel level = reliability::AckLevel::received;
        fabric::Instant start{};
        std::chrono::microseconds timeout{};
        bool notes_are_scarce = false;  ///< Then a reason may be left out.
    };

    /// Waits end at most `tick` after their deadline.
    PublishOracle(RunLog& log, fabric::Instant tick) : log_(log), tick_(tick) {}

    void known_as(Life life, const signing::Digest& fingerprint);
    void opened(Publish publish);
    void bound(const reliability::Nonce& nonce, const reliability::AckSubject& subject);
    void cancelled(const reliability::Nonce& nonce);
    void sent_again(const reliability::Nonce& nonce);
    /// The life ends now: in good order, so that its waits are aborted, or killed.
    void closing(Life life) { closing_.insert(life); }
    /// Its caller does not want to know any more.
    void aborting(const reliability::Nonce& nonce) { aborting_.insert(nonce); }
    void killed(Life life);

    /// Before the tracker sees it.
    void ack_arrives(Life life, const reliability::AckStatement& ack,
                     const reliability::AckSigner& signer);
    void settled(Life life, std::uint64_t number, const reliability::Outcome& outcome);
    /// After each step of a tracker: nothing that is decided or overdue may be open.
    void check();
    /// At the end of all.
    void check_nothing_open();

private:
    struct Heard {
        Expression::Answer answer = Expression::Answer::none;
        std::optional<reliability::AckLevel> level;
        fabric::Instant at{};
        std::string reason;
    };
    struct Wait {
        Publish publish;
        std::optional<reliability::AckSubject> subject;
        std::map<std::string, Heard> heard;
        std::optional<reliability::Outcome::Verdict> decided;
        std::uint32_t resent = 0;
    };
    [[nodiscard]] bool genuine(const Wait& wait, const reliability::AckStatement& ack,
                               const reliability::AckSigner& signer) const;
    [[nodiscard]] static Expression::Answers answers_of(const Wait& wait);
    void check_verdict(const Wait& wait, const reliability::Outcome& outcome);
    void check_answers(const Wait& wait, const reliability::Outcome& outcome);
    void complain(const Wait& wait, const std::string& what);
    void forget(const reliability::Nonce& nonce);

    RunLog& log_;
    fabric::Instant tick_;
    std::map<reliability::Nonce, Wait> open_;
    std::map<std::uint64_t, reliability::Nonce> by_number_;
    std::set<std::pair<fabric::Instant, reliability::Nonce>> deadlines_;
    std::set<reliability::Nonce> decided_;
    std::map<Life, std::set<signing::Digest>> fingerprints_;
    std::set<Life> closing_;
    std::set<reliability::Nonce> aborting_;
};

}  // namespace weft::fault
