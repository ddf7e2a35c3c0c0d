#pragma once
// One publish that waits: what was asked, what each recipient has said so far, and what came in its
// name and did not count. Knows nothing of when; that is the tracker's.
// Threads: none inside, as the tracker whose part it is. Limits: notes are taken from a budget.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "reliability/ack/tracker.hpp"
#include "reliability/ack/wanted_names.hpp"

namespace weft::reliability {

class OpenWait {
public:
    /// `names` and `budget` outlive it.
    OpenWait(AckTracker::Wait asked, WantedNames& names, NotesBudget& budget);
    ~OpenWait();
    OpenWait(const OpenWait&) = delete;
    OpenWait& operator=(const OpenWait&) = delete;

    [[nodiscard]] const AckTracker::Wait& asked() const noexcept { return asked_; }
    /// Nothing before bind().
    [[nodiscard]] const std::shared_ptr<const SentMessage>& message() const noexcept {
        return message_;
    }
    void bind(std::shared_ptr<const SentMessage> message) noexcept;

    /// An ACK that counts, from one that has not answered().
    /// False: it is too weak, and changes nothing but what is told of it.
    bool record(std::size_t position, AckLevel level, std::string_view reason, fabric::Instant now);
    [[nodiscard]] bool answered(std::size_t position) const noexcept;

    enum class Wrong { signer, bytes, role };
    /// An ACK that does not count, and why, escaped.
    void note(std::size_t position, Wrong wrong, std::string why);

    [[nodiscard]] Recipients::Standing standing() const;
    /// Each one that has not answered has said something too weak: it lives, and works on it.
    [[nodiscard]] bool all_missing_spoke() const noexcept;
    /// Judges the answers: `otherwise` is the verdict if they decide nothing.
    [[nodiscard]] Outcome outcome(Outcome::Verdict otherwise, fabric::Instant now,
                                  std::uint32_t resent) const;

private:
    /// In as few bytes as possible: ten thousand waits may be open.
    struct Said {
        WantedNames::Wanted name;
        std::chrono::microseconds after{};
        std::uint32_t refused_before = 0;  // of this name, when the wait began
        AckLevel level = AckLevel::received;
        bool spoke = false;  // `level` and `after` mean something
    };
    /// What is rare.
    struct Note {
        std::size_t position = 0;
        std::uint32_t wrong_signer = 0, wrong_bytes = 0, wrong_role = 0;
        std::string last, reason;
    };
    [[nodiscard]] Note* note_at(std::size_t position);
    void keep(std::string& place, std::string text) noexcept;
    [[nodiscard]] std::vector<RecipientAnswer> answers() const;

    AckTracker::Wait asked_;
    std::shared_ptr<const SentMessage> message_;
    NotesBudget& budget_;
    std::size_t noted_ = 0;  // bytes taken from it
    std::vector<Recipients::Answer> answers_;
    std::vector<Said> said_;
    std::vector<Note> notes_;
};

}  // namespace weft::reliability
