#pragma once
// What one journal has promised and shown, held against what it shows later.
// Threads: none.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reliability/cursor/cursor_store.hpp"
#include "tests/fault/journal_world/scene.hpp"

namespace weft::fault {

/// What it may forget.
struct Forgetting {
    milliseconds max_age{};
    std::uint64_t max_bytes = 0;
    milliseconds ages{};  ///< Of topics that end in `aged_topic`.
};
inline constexpr std::string_view aged_topic = "aged";

class JournalOracle {
public:
    JournalOracle(Scene& scene, std::string name, Forgetting forgetting)
        : scene_(scene), name_(std::move(name)), forgetting_(forgetting) {}

    /// It has answered that these are stored.
    void stored(const std::vector<Told>& messages, const reliability::IdRange& ids,
                std::uint64_t now_us);
    void opened(const reliability::JournalInfo& info);
    /// Somebody has read this, and began when the head was there.
    void page(const reliability::Page& page, JournalId head_before);
    void marks(JournalId low, JournalId head);
    /// The low-water mark is about to be moved by hand.
    void trims_to(JournalId low) { allowed_low_ = std::max(allowed_low_, low); }
    /// Retention has run, by this clock; `floor`: what protected cursors have not read begins here.
    void retained(JournalId low, std::uint64_t latest_us, JournalId floor);
    /// Everything that it shows, at the end.
    void all(reliability::Journal& journal, std::uint64_t latest_us);

    [[nodiscard]] const std::map<JournalId, Told>& known() const { return known_; }
    [[nodiscard]] bool has_stored(const Told& told) const { return acknowledged_.contains(told); }
    [[nodiscard]] bool shows(JournalId id) const { return shown_at_end_.contains(id); }
    /// It was acknowledged before this time.
    [[nodiscard]] bool had_before(JournalId id, Instant time) const {
        const auto at = stored_at_.find(id);
        return at != stored_at_.end() && at->second < time;
    }
    /// It may be gone: nobody need have done it.
    [[nodiscard]] bool may_be_forgotten(JournalId id) const;
    [[nodiscard]] JournalId low() const { return low_; }
    [[nodiscard]] JournalId head() const { return head_; }

private:
    void violation(const std::string& what) { scene_.log.violation(name_ + ": " + what); }
    void learn(JournalId id, const Told& told);
    void learn_time(JournalId first, JournalId last, std::uint64_t stored_us);
    /// It may have reached this age.
    [[nodiscard]] bool may_be_older(JournalId id, milliseconds age, std::uint64_t latest_us) const;
    void check_lost(const reliability::JournalGap& gap, std::uint64_t latest_us);

    Scene& scene_;
    const std::string name_;
    const Forgetting forgetting_;
    reliability::JournalEpoch epoch_ = 0;
    JournalId low_ = 1, head_ = 0;  // the highest that anybody saw
    JournalId allowed_low_ = 1;
    std::map<JournalId, Told> known_;  // by id, as answered or read
    std::map<Told, JournalId> by_message_;
    std::map<Told, JournalId> acknowledged_;
    std::map<JournalId, std::uint64_t> stored_us_;  // as read
    std::map<JournalId, std::uint64_t> appended_us_;
    std::map<JournalId, Instant> stored_at_;
    std::set<JournalId> shown_at_end_;
};

}  // namespace weft::fault
