#include "gateway/bridge/journal_reading.hpp"

#include <algorithm>
#include <utility>

#include "gateway/bridge/bridge_errors.hpp"

namespace weft::gateway {

using reliability::JournalError;
using reliability::JournalInfo;
using reliability::Page;

bool JournalReading::step(reliability::Journal& journal, reliability::StoredVerifier& verifier,
                          const OnRefused& on_refused) {
    if (!begun_) {
        begun_ = true;
        if (begin(journal)) return true;
    }
    return request_.order == ReadRequest::Order::rising
               ? step_rising(journal, verifier, on_refused)
               : step_newest(journal, verifier, on_refused);
}

bool JournalReading::fail(const JournalError& error) {
    result_ = tl::make_unexpected(error_of(error));
    return true;
}

bool JournalReading::begin(reliability::Journal& journal) {
    request_.messages = std::max<std::uint64_t>(request_.messages, 1);
    const JournalInfo info = journal.info();
    at_ = request_.after;
    result_->next = at_;
    result_->head = info.head;
    const bool same_life = at_.epoch == 0 || at_.epoch == info.epoch;
    if (same_life && at_.id > info.head) {
        result_->at_head = true;
        return true;
    }
    if (request_.stored_since_us != 0) {
        const auto first = journal.id_at(request_.stored_since_us);
        if (!first) return fail(first.error());
        if (same_life && *first > at_.id + 1) result_->hidden_through = at_.id = *first - 1;
    }
    through_ = std::min(request_.through, info.head);
    if (request_.order == ReadRequest::Order::newest) {
        floor_ = std::max(same_life ? at_.id : 0, info.low - 1);
        ceiling_ = through_;
        at_.epoch = info.epoch;
        window_ = std::max(window_first, request_.messages);
        if (ceiling_ > floor_) {
            open_window();
            return false;
        }
    } else if (!same_life || at_.id < through_) {
        return false;
    }
    result_->next = {info.epoch, std::max(at_.id, through_)};
    result_->at_head = true;
    return true;
}

JournalReading::Slice JournalReading::events_of(const Page& page,
                                                reliability::StoredVerifier& verifier,
                                                const OnRefused& on_refused) {
    Slice slice;
    verifier.verify(
        page,
        [&](const reliability::VerifiedMessage& verified) {
            StoredEvent event{verified.id, verified.stored_us, verified.message,
                              verified.revoked_later};
            event.message.mark_replayed(verified.id);
            if (event.stored_us < request_.stored_since_us) return;
            if (request_.keep && !request_.keep(event)) return;
            slice.bytes += event.message.content().size();
            slice.events.push_back(std::move(event));
        },
        [&](const reliability::StoredRefusal& refused) {
            result_->refused += refused.last - refused.first + 1;
            if (on_refused) on_refused(refused);
        });
    return slice;
}

bool JournalReading::step_rising(reliability::Journal& journal,
                                 reliability::StoredVerifier& verifier,
                                 const OnRefused& on_refused) {
    EventPage& page = *result_;
    const auto read = journal.read(at_, request_.filter,
                                   {.messages = request_.messages - page.events.size(),
                                    .bytes = std::min(slice_bytes, request_.bytes - bytes_),
                                    .runs_scanned = slice_runs,
                                    .through = through_});
    if (!read) return fail(read.error());
    // A gap belongs in front of a page: what comes behind this one is for the next page.
    if (read->gap && any_slice_ && !page.events.empty()) return true;
    if (read->gap) {
        if (page.gap) {
            page.gap->to = read->gap->to;
            if (page.gap->lost && read->gap->lost) *page.gap->lost += *read->gap->lost;
        } else {
            page.gap = read->gap;
        }
    }
    any_slice_ = true;
    Slice slice = events_of(*read, verifier, on_refused);
    bytes_ += slice.bytes;
    std::move(slice.events.begin(), slice.events.end(), std::back_inserter(page.events));
    at_ = page.next = read->next;
    page.at_head = at_.id >= through_ || read->at_head;
    return page.at_head || page.events.size() >= request_.messages || bytes_ >= request_.bytes;
}

void JournalReading::open_window() {
    at_.id = ceiling_ - floor_ > window_ ? ceiling_ - window_ : floor_;
    through_ = ceiling_;
    ceiling_ = at_.id;
}

bool JournalReading::step_newest(reliability::Journal& journal,
                                 reliability::StoredVerifier& verifier,
                                 const OnRefused& on_refused) {
    const auto read =
        journal.read(at_, request_.filter,
                     {.bytes = slice_bytes, .runs_scanned = slice_runs, .through = through_});
    if (!read) return fail(read.error());
    Slice slice = events_of(*read, verifier, on_refused);
    tail_bytes_ += slice.bytes;
    std::move(slice.events.begin(), slice.events.end(), std::back_inserter(tail_));
    const std::uint64_t wanted = request_.messages - result_->events.size();
    while (tail_.size() > wanted || (bytes_ + tail_bytes_ > request_.bytes && tail_.size() > 1)) {
        tail_bytes_ -= tail_.front().message.content().size();
        tail_.pop_front();
        cut_ = true;
    }
    at_ = read->next;
    if (at_.id < through_ && !read->at_head) return false;
    return end_window();
}

bool JournalReading::end_window() {
    EventPage& page = *result_;
    const bool fits = page.events.empty() || bytes_ + tail_bytes_ <= request_.bytes;
    if (fits) std::move(tail_.rbegin(), tail_.rend(), std::back_inserter(page.events));
    bytes_ += tail_bytes_;
    tail_.clear();
    tail_bytes_ = 0;
    const bool bottom = ceiling_ <= floor_;
    if (bottom || cut_ || !fits || page.events.size() >= request_.messages) {
        page.next = {at_.epoch, page.head};
        page.at_head = bottom && !cut_ && fits;
        return true;
    }
    window_ *= 4;
    open_window();
    return false;
}

}  // namespace weft::gateway
