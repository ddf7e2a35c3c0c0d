#pragma once
// How a publish with required recipients ended, and what each of them said.
//
// Verdicts: acknowledged  enough of the recipients acknowledged, each with its own key
//           rejected      so many said "I will not" that enough can no longer come
//           unknown       the deadline passed: who did not answer may have the message or not
//           aborted       the publisher was closed while it waited: as unknown as that
// Success is made in one place (A5): Outcome's constructor demands a FullSet, and only
// FullSet::of() makes one, from answers that satisfy the recipients.
// Threads: values.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fabric/message/message_id.hpp"
#include "reliability/ack/level.hpp"
#include "reliability/ack/recipients.hpp"

namespace weft::reliability {

struct RecipientAnswer {
    enum class State : std::uint8_t {
        unknown,  ///< Nothing that counts came in time. Not "failed": it may have the message.
        acknowledged,
        rejected,
    };
    std::string name;
    State state = State::unknown;
    /// acknowledged: what it said. unknown: the most that it said, where that was too weak.
    std::optional<AckLevel> level;
    /// From the publish until this answer; of an unknown one: until its last too weak one.
    std::chrono::microseconds after{};
    std::string reason;  ///< rejected: in its own words, not escaped.

    /// What came under this name and did not count.
    struct Ignored {
        std::uint32_t wrong_signer = 0;  ///< Signed by somebody else's key.
        std::uint32_t wrong_bytes = 0;   ///< About another digest, id, epoch or publisher.
        std::uint32_t wrong_role = 0;    ///< Its certificate may not say that.
        std::uint32_t refused = 0;  ///< The proof was not believed: revoked, expired, forged …
        std::string last;           ///< The last of them in words, escaped.
    } ignored;
};

/// Answers that satisfy the recipients: the only key to success.
class FullSet {
public:
    /// Nothing unless `recipients` is somebody, every answer stands for the name at its place, and
    /// the acknowledged ones are enough at this level.
    [[nodiscard]] static std::optional<FullSet> of(const Recipients& recipients, AckLevel asked,
                                                   std::span<const RecipientAnswer> answers);

private:
    friend class Outcome;
    FullSet() = default;
    [[nodiscard]] bool is_of(AckLevel asked, std::span<const RecipientAnswer> answers) const;

    AckLevel asked_ = AckLevel::received;
    std::vector<bool> acknowledged_;  // by position
};

class Outcome {
public:
    enum class Verdict : std::uint8_t { acknowledged, rejected, unknown, aborted };

    /// What was asked for, common to all verdicts.
    struct About {
        fabric::MessageId id;
        std::string topic;
        std::string recipients;  ///< Recipients::text()
        AckLevel level = AckLevel::received;
        std::chrono::microseconds timeout{};
        std::chrono::microseconds elapsed{};
        std::uint32_t resent = 0;  ///< How often the message was sent again.
    };

    /// `proof` is of these answers and this level (asserted): that of another publish is no good.
    Outcome(const FullSet& proof, About about, std::vector<RecipientAnswer> answers);
    /// `verdict` is not acknowledged (asserted).
    Outcome(Verdict verdict, About about, std::vector<RecipientAnswer> answers);

    [[nodiscard]] bool ok() const noexcept { return verdict_ == Verdict::acknowledged; }
    [[nodiscard]] Verdict verdict() const noexcept { return verdict_; }
    [[nodiscard]] const About& about() const noexcept { return about_; }
    /// One per name of the recipients, in their order.
    [[nodiscard]] const std::vector<RecipientAnswer>& answers() const noexcept { return answers_; }

    /// One line: what happened, and who. "org.weft.dev.deploy 0190a5c4-… was not acknowledged by
    /// all(a, b) within 300 ms: b did not answer (unknown: it may have the message or not); a
    /// processed it after 1.2 ms". Escaped, and cut where there are many names.
    [[nodiscard]] std::string sentence() const;
    /// A line for each recipient, in columns: name, what it did, after how long, why. For people.
    [[nodiscard]] std::string table() const;

private:
    Verdict verdict_;
    About about_;
    std::vector<RecipientAnswer> answers_;
};

/// "acknowledged", "rejected", "unknown", "aborted".
[[nodiscard]] std::string_view name_of(Outcome::Verdict verdict) noexcept;
[[nodiscard]] std::string_view name_of(RecipientAnswer::State state) noexcept;

}  // namespace weft::reliability
