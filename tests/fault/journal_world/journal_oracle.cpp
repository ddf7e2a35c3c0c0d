#include "tests/fault/journal_world/journal_oracle.hpp"

#include <algorithm>

namespace weft::fault {

using namespace reliability;

namespace {

std::uint64_t microseconds(milliseconds span) {
    return static_cast<std::uint64_t>(span.count()) * 1000;
}

}  // namespace

void JournalOracle::learn(JournalId id, const Told& told) {
    const auto [at, fresh] = known_.emplace(id, told);
    if (!fresh && at->second != told) {
        violation("id " + std::to_string(id) + " was " + at->second.number.text() + " and is " +
                  told.number.text() + " now");
    }
    const auto [place, first] = by_message_.emplace(told, id);
    if (first || place->second == id) return;
    // What it has forgotten it takes again.
    const bool forgotten = std::min(place->second, id) < std::max(low_, allowed_low_) ||
                           told.number.stream.topic.ends_with(aged_topic);
    if (!forgotten) {
        violation(told.number.text() + " is stored twice, as " + std::to_string(place->second) +
                  " and " + std::to_string(id));
    }
}

void JournalOracle::stored(const std::vector<Told>& messages, const IdRange& ids,
                           std::uint64_t now_us) {
    if (ids.last - ids.first + 1 != messages.size()) violation("a range of the wrong size");
    if (ids.first <= head_) {
        violation("id " + std::to_string(ids.first) +
                  " is given to a new message, and the head "
                  "was " +
                  std::to_string(head_) + " before");
    }
    JournalId id = ids.first;
    for (const Told& told : messages) {
        learn(id, told);
        appended_us_.emplace(id, now_us);
        stored_at_.emplace(id, scene_.log.now);
        acknowledged_.emplace(told, id++);
        ++scene_.figures.stored;
    }
    head_ = std::max(head_, ids.last);
}

void JournalOracle::opened(const JournalInfo& info) {
    if (epoch_ != 0 && info.epoch != epoch_) violation("its epoch is another after a restart");
    epoch_ = info.epoch;
    marks(info.low, info.head);
}

void JournalOracle::marks(JournalId low, JournalId head) {
    if (low < low_) {
        violation("the low-water mark went back from " + std::to_string(low_) + " to " +
                  std::to_string(low));
    }
    if (head < head_) {
        violation("the head went back from " + std::to_string(head_) + " to " +
                  std::to_string(head));
    }
    low_ = std::max(low_, low);
    head_ = std::max(head_, head);
}

void JournalOracle::learn_time(JournalId first, JournalId last, std::uint64_t stored_us) {
    const auto later = stored_us_.upper_bound(first);
    if (later != stored_us_.end() && later->second < stored_us) {
        violation("stored_us goes back after id " + std::to_string(last));
    }
    if (later != stored_us_.begin() && std::prev(later)->second > stored_us) {
        violation("stored_us goes back before id " + std::to_string(first));
    }
    stored_us_.emplace(first, stored_us);
}

void JournalOracle::page(const Page& page, JournalId head_before) {
    if (page.head < head_before) {
        violation("a page saw the head " + std::to_string(page.head) + " after it was " +
                  std::to_string(head_before));
    }
    head_ = std::max(head_, page.head);
    JournalId last = 0;
    for (const StoredRun& run : page.runs) {
        if (run.from <= last || run.to > page.head || run.from < low_) {
            violation("a page has ids " + std::to_string(run.from) + " to " +
                      std::to_string(run.to) + " behind " + std::to_string(last) +
                      " with the watermarks " + std::to_string(low_) + " and " +
                      std::to_string(page.head));
        }
        last = run.to;
        learn_time(run.first, run.last, run.stored_us);
        for_each_message(run, [&](JournalId id, std::string_view text) {
            const Told told = told_of(run.topic, text);
            if (told.number.seq == 0) violation("id " + std::to_string(id) + " is garbage");
            learn(id, told);
        });
    }
}

void JournalOracle::retained(JournalId low, std::uint64_t latest_us, JournalId floor) {
    const JournalId before = low_;
    marks(low, head_);
    if (low <= before || forgetting_.max_bytes > 0) return;
    for (JournalId id = std::max(before, allowed_low_); id < low; ++id) {
        if (!may_be_older(id, forgetting_.max_age, latest_us)) {
            return violation("id " + std::to_string(id) + " was trimmed, which nothing allowed");
        }
        if (id >= floor) {
            return violation("id " + std::to_string(id) +
                             " was trimmed, and a protected cursor "
                             "had not read it");
        }
    }
}

bool JournalOracle::may_be_older(JournalId id, milliseconds age, std::uint64_t latest_us) const {
    if (age.count() == 0) return false;
    const auto appended = appended_us_.find(id);
    return appended == appended_us_.end() || appended->second + microseconds(age) <= latest_us;
}

bool JournalOracle::may_be_forgotten(JournalId id) const {
    const auto told = known_.find(id);
    return id < low_ || told == known_.end() ||
           (forgetting_.ages.count() > 0 && told->second.number.stream.topic.ends_with(aged_topic));
}

void JournalOracle::check_lost(const JournalGap& gap, std::uint64_t latest_us) {
    for (JournalId id = gap.from; id <= gap.to; ++id) {
        const auto told = known_.find(id);
        if (told == known_.end()) continue;
        const bool allowed = told->second.number.stream.topic.ends_with(aged_topic) &&
                             may_be_older(id, forgetting_.ages, latest_us);
        if (!allowed) {
            violation("id " + std::to_string(id) + " (" + told->second.number.text() +
                      ") is missing, and nothing allowed that");
        }
    }
}

void JournalOracle::all(Journal& journal, std::uint64_t latest_us) {
    const JournalInfo info = journal.info();
    marks(info.low, info.head);
    Position after{0, info.low - 1};
    JournalId next = info.low;
    while (true) {
        const auto page = journal.read(after, {}, {.messages = 7});
        if (!page) return violation("it cannot be read: " + page.error().sentence);
        this->page(*page, info.head);
        if (page->gap) {
            if (page->gap->from != next || page->gap->lost != page->gap->to - next + 1) {
                violation("a gap of the wrong size at " + std::to_string(next));
            }
            check_lost(*page->gap, latest_us);
            next = page->gap->to + 1;
        }
        for (const StoredRun& run : page->runs) {
            if (run.from != next) violation("id " + std::to_string(next) + " is missing");
            for (JournalId id = run.from; id <= run.to; ++id) shown_at_end_.insert(id);
            next = run.to + 1;
        }
        if (page->at_head) break;
        if (page->next.id <= after.id) return violation("a page that does not move");
        after = page->next;
    }
    if (next != info.head + 1) violation("it ends at " + std::to_string(next - 1));
    for (const auto& [told, id] : acknowledged_) {
        if (id > info.head) {
            violation(told.number.text() + " was acknowledged as " + std::to_string(id) +
                      " and is missing: the head is " + std::to_string(info.head));
        }
    }
}

}  // namespace weft::fault
