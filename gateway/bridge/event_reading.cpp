#include "gateway/bridge/event_reading.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "fabric/message/codec.hpp"
#include "gateway/bridge/bridge_errors.hpp"

namespace weft::gateway {
namespace {

using reliability::JournalGap;
using reliability::JournalId;
using reliability::Page;
using reliability::StoredRefusal;
using reliability::StoredVerifier;
using reliability::VerifiedMessage;

// One part of a read.
constexpr std::uint64_t part_messages = 1024, part_runs = 16'384;
constexpr std::size_t part_bytes = std::size_t{1} << 20;

constexpr std::uint64_t window_min = 64, window_first_max = 1024, window_max = 65'536;

std::size_t size_of(const Page& page) {
    std::size_t bytes = 0;
    for (const auto& run : page.runs) bytes += run.contents.size() + run.proof.size();
    return bytes;
}

/// Keeps its own run instead of the whole page.
void let_go_of_page(StoredEvent& event) {
    const fabric::RunBytes& run = *event.message.run();
    const std::string_view content = event.message.content();
    const auto offset = static_cast<std::size_t>(content.data() - run.contents.data());
    auto own = std::make_shared<fabric::RunBytes>(run.topic, run.contents, run.proof);
    own->signer = run.signer;
    own->verified = run.verified;
    const std::string_view same = own->contents.substr(offset, content.size());
    fabric::DecodedContent decoded;
    if (!fabric::decode_content(same, decoded)) return;
    const signing::Digest digest = event.message.digest();
    event.message = fabric::Message(std::move(own), std::move(decoded), same, digest);
    event.message.mark_replayed(event.id);
}

void join(std::optional<JournalGap>& gap, const JournalGap& next) {
    if (!gap) {
        gap = next;
        return;
    }
    gap->to = std::max(gap->to, next.to);
    if (gap->lost && next.lost) {
        *gap->lost += *next.lost;
    } else {
        gap->lost.reset();
    }
}

}  // namespace

std::optional<BridgeResult<EventPage>> EventReading::go_on(StoredVerifier& verifier,
                                                           const OnRefused& on_refused) {
    if (!began_) {
        began_ = true;
        if (auto done = begin()) return done;
    }
    return request_.order == ReadRequest::Order::rising ? rising(verifier, on_refused)
                                                        : newest(verifier, on_refused);
}

EventReading::Done EventReading::begin() {
    if (request_.messages == 0) {
        return tl::make_unexpected(
            BridgeError{BridgeError::Kind::invalid, "a read is for at least 1 message, not 0"});
    }
    const reliability::JournalInfo info = journal_.info();
    if (!info.not_ready.empty()) {
        // Where it cannot be looked into, this is what was known last: too little to go by.
        const auto looked = journal_.read({0, info.head}, {}, {});
        if (!looked) return tl::make_unexpected(error_of(looked.error()));
    }
    epoch_ = info.epoch;
    page_.head = info.head;
    through_ = std::min(request_.through, info.head);
    const bool foreign = request_.after.epoch != 0 && request_.after.epoch != epoch_;
    after_ = foreign ? info.low - 1 : request_.after.id;
    if (foreign) page_.gap = JournalGap{1, info.low - 1, std::nullopt};
    if (after_ >= through_) return finish();
    if (request_.stored_since_us > 0) {
        const auto first = journal_.id_at(request_.stored_since_us);
        if (!first) return tl::make_unexpected(error_of(first.error()));
        // What was trimmed was stored earlier still, and is not asked for.
        if (*first > info.low) after_ = std::max(after_, *first - 1);
    }
    if (request_.order == ReadRequest::Order::rising) return std::nullopt;
    if (after_ + 1 < info.low) {
        below_ = JournalGap{after_ + 1, info.low - 1, info.low - 1 - after_};
        after_ = info.low - 1;
    }
    window_.size = std::clamp(request_.messages, window_min, window_first_max);
    open_window(through_);
    return std::nullopt;
}

reliability::JournalResult<Page> EventReading::read(JournalId after, JournalId through,
                                                    std::uint64_t messages, std::size_t bytes) {
    reliability::ReadLimits limits;
    limits.messages = std::min(messages, part_messages);
    limits.bytes = std::clamp<std::size_t>(bytes, 1, part_bytes);
    limits.runs_scanned = part_runs;
    limits.through = through;
    return journal_.read({epoch_, after}, request_.filter, limits);
}

void EventReading::verify(const Page& page, StoredVerifier& verifier, const OnRefused& on_refused,
                          const std::function<bool(StoredEvent)>& take) {
    bool goes_on = true;
    const auto on_message = [&](const VerifiedMessage& verified) {
        if (!goes_on) return;
        StoredEvent event{verified.id, verified.stored_us, verified.message,
                          verified.revoked_later};
        event.message.mark_replayed(event.id);
        if (request_.keep && !request_.keep(event)) return;
        goes_on = take(std::move(event));
    };
    const auto refused = [&](const StoredRefusal& refusal) {
        if (!goes_on) return;
        page_.refused += refusal.last - refusal.first + 1;
        if (on_refused) on_refused(refusal);
    };
    for (const auto& run : page.runs) {
        if (!goes_on) return;
        verifier.verify(run, page.bytes, on_message, refused);
    }
}

EventReading::Done EventReading::rising(StoredVerifier& verifier, const OnRefused& on_refused) {
    if (after_ >= through_) return finish();
    const auto page =
        read(after_, through_, request_.messages - events_.size(), request_.bytes - bytes_);
    if (!page) {
        if (!events_.empty()) return finish();
        return tl::make_unexpected(error_of(page.error()));
    }
    if (page->gap) {
        // It belongs in front of the events that follow it.
        if (!events_.empty()) return finish();
        join(page_.gap, *page->gap);
    }
    bool full = false;
    std::size_t taken = 0, taken_bytes = 0;
    JournalId done = page->next.id;
    verify(*page, verifier, on_refused, [&](StoredEvent event) {
        ++taken;
        taken_bytes += event.message.content().size();
        full = events_.size() + 1 >= request_.messages || bytes_ + taken_bytes >= request_.bytes;
        if (full) done = event.id;
        events_.push_back(std::move(event));
        return !full;
    });
    if (taken_bytes * 4 < size_of(*page)) {
        std::for_each(events_.end() - static_cast<std::ptrdiff_t>(taken), events_.end(),
                      let_go_of_page);
    }
    bytes_ += taken_bytes;
    if (done <= after_) return finish();
    after_ = done;
    if (full || after_ >= through_) return finish();
    return std::nullopt;
}

void EventReading::open_window(JournalId through) {
    window_.through = through;
    window_.from = std::max(after_, through - std::min(through, window_.size));
    window_.at = window_.from;
    window_.events.clear();
    window_.bytes = 0;
}

EventReading::Done EventReading::newest(StoredVerifier& verifier, const OnRefused& on_refused) {
    if (window_.at >= window_.through) return end_window();
    const std::uint64_t messages = request_.messages - events_.size();
    const std::size_t bytes = request_.bytes - bytes_;
    const auto page = read(window_.at, window_.through, part_messages, part_bytes);
    if (!page) {
        if (!events_.empty()) return finish();
        return tl::make_unexpected(error_of(page.error()));
    }
    std::size_t taken = 0, taken_bytes = 0;
    verify(*page, verifier, on_refused, [&](StoredEvent event) {
        ++taken;
        taken_bytes += event.message.content().size();
        window_.bytes += event.message.content().size();
        window_.events.push_back(std::move(event));
        while (window_.events.size() > messages ||
               (window_.bytes > bytes && window_.events.size() > 1)) {
            window_.bytes -= window_.events.front().message.content().size();
            window_.events.pop_front();
            left_out_ = true;
        }
        return true;
    });
    if (taken_bytes * 4 < size_of(*page)) {
        const auto still = static_cast<std::ptrdiff_t>(std::min(taken, window_.events.size()));
        std::for_each(window_.events.end() - still, window_.events.end(), let_go_of_page);
    }
    window_.at = page->next.id > window_.at ? page->next.id : window_.through;
    return window_.at >= window_.through ? end_window() : std::nullopt;
}

EventReading::Done EventReading::end_window() {
    std::move(window_.events.rbegin(), window_.events.rend(), std::back_inserter(events_));
    bytes_ += window_.bytes;
    if (left_out_ || events_.size() >= request_.messages || bytes_ >= request_.bytes) {
        return finish();
    }
    if (window_.from <= after_) {
        if (below_ && !page_.gap) page_.gap = below_;
        return finish();
    }
    window_.size = std::min(window_.size * 2, window_max);
    open_window(window_.from);
    return std::nullopt;
}

EventReading::Done EventReading::finish() {
    const bool is_rising = request_.order == ReadRequest::Order::rising;
    const JournalId next = is_rising ? after_ : std::max(after_, through_);
    page_.next = {epoch_, next};
    page_.at_head = next >= through_;
    page_.events.reserve(events_.size());
    std::move(events_.begin(), events_.end(), std::back_inserter(page_.events));
    return std::move(page_);
}

}  // namespace weft::gateway
