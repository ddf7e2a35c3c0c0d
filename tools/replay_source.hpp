#pragma once
// Finds stored messages again, for `weft replay`: one after the other by their ids, or a range, a
// page at a time. Each is verified as of the time at which it was stored.
// Threads: the main thread. Ownership: the journal must outlive it.
// Errors:  what the journal says ends the command (CommandError); what is not there, or is not
//          believed, is told to the tally.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fabric/message/message.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/journal/stored_verifier.hpp"

namespace weft::tools {

/// What did not work, by what people have asked for.
class ReplayTally {
public:
    void missing(const std::string& what, std::uint64_t count = 1);
    /// Said at once, the first ten times.
    void failed(const std::string& what, const std::string& why);
    [[nodiscard]] bool good() const noexcept { return missing_ == 0 && failed_ == 0; }
    /// ", 1 not found: 4711, 2 failed"; "" if all is well.
    [[nodiscard]] std::string text() const;

private:
    std::uint64_t missing_ = 0, failed_ = 0;
    std::vector<std::string> names_;  // of those that are missing, the first few
};

struct ToReplay {
    reliability::JournalId id = 0;
    std::uint64_t stored_us = 0;
    fabric::Message message;
    std::string dead_for{};  ///< It came out of a dead letter of this consumer.
};

class ReplaySource {
public:
    /// `as_is`: dead letters are messages as any other.
    ReplaySource(reliability::Journal& journal, std::shared_ptr<signing::TrustStore> trust,
                 bool as_is, ReplayTally& tally);

    /// `text`: an id of the journal, or of a message. Exit 2 for anything else.
    static void check(const std::string& text, const std::string& flag = "");
    [[nodiscard]] std::optional<ToReplay> one(const std::string& text);

    struct Range {
        reliability::Position after;
        reliability::JournalId through = 0;
        reliability::TopicFilter filter;
    };
    /// Exit 2 for a place that there is not.
    [[nodiscard]] Range range(const std::string& from, const std::string& to,
                              const reliability::TopicFilter& filter, std::uint64_t now_us);
    /// The messages of the range, counted until there are more than `most`.
    [[nodiscard]] std::uint64_t count(const Range& range, std::uint64_t most);
    /// The next of the range, which moves on; empty at its end.
    [[nodiscard]] std::vector<ToReplay> next(Range& range);

private:
    [[nodiscard]] std::vector<ToReplay> verified(const reliability::Page& page);
    [[nodiscard]] std::optional<ToReplay> unwrapped(ToReplay stored);

    reliability::Journal& journal_;
    reliability::StoredVerifier verifier_;
    const bool as_is_;
    ReplayTally& tally_;
};

}  // namespace weft::tools
