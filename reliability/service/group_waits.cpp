#include "reliability/service/group_waits.hpp"

#include <algorithm>
#include <utility>

#include "reliability/service/field_codec.hpp"

namespace weft::reliability {
namespace {

using std::chrono::milliseconds;
using Why = ConsumerGroup::Next::Why;

/// For leases that end by themselves, which nobody tells.
constexpr milliseconds look_again{500};

JournalError closed_error() {
    return {JournalError::Reason::closed, "the journal's service stops"};
}

/// Whether the next member of the group would get nothing, either.
bool nothing_for_anybody(const NextMessages& next) {
    return next.messages.empty() && (next.why == Why::nothing_waits ||
                                     next.why == Why::all_in_flight || next.why == Why::no_room);
}

}  // namespace

JournalResult<NextMessages> GroupWaits::ask(GroupService& groups, const Wanted& wanted) {
    return groups.next(wanted.group, wanted.member, wanted.max, wanted.lease, milliseconds{0},
                       page_bytes_max);
}

GroupWaits::GroupWaits(GroupService& groups, Journal& journal, const fabric::Clock& clock,
                       const GroupWaitLimits& limits)
    : groups_(groups),
      clock_(clock),
      limits_(limits),
      thread_([this] { run(); }),
      watch_(journal.watch([this](JournalId) { wake(); })) {}

GroupWaits::~GroupWaits() {
    stop();
}

std::uint64_t GroupWaits::wakes() const {
    const std::scoped_lock lock(mutex_);
    return wakes_;
}

std::size_t GroupWaits::parked() const {
    const std::scoped_lock lock(mutex_);
    return parked_.size();
}

bool GroupWaits::park(Wanted wanted, const std::string& signer, fabric::Instant deadline,
                      std::uint64_t wakes_seen, Reply& reply) {
    {
        const std::scoped_lock lock(mutex_);
        if (!stopping_) {
            const auto known = signers_.find(signer);
            if (parked_.size() >= limits_.all ||
                (known != signers_.end() && known->second >= limits_.per_signer)) {
                return false;
            }
            ++signers_[signer];
            parked_.emplace(++next_, Parked{std::move(wanted), signer, deadline, std::move(reply)});
            // A round that has begun meanwhile may have passed its place already.
            if (wakes_ != wakes_seen) ++wakes_;
            changed_.notify_one();
            return true;
        }
    }
    reply(tl::make_unexpected(closed_error()));
    return true;
}

void GroupWaits::wake() {
    const std::scoped_lock lock(mutex_);
    ++wakes_;
    if (!parked_.empty()) changed_.notify_one();
}

void GroupWaits::forget(const std::string& group, const std::string& member) {
    std::unique_lock lock(mutex_);
    const auto is_of = [&](const Parked& parked) {
        return parked.wanted.group == group && parked.wanted.member == member;
    };
    bool some = false;
    for (auto& [number, parked] : parked_) {
        if (is_of(parked)) parked.forgotten = some = true;
    }
    if (!some) return;
    asked_.wait(lock, [&] { return asking_ == nullptr || !is_of(*asking_); });
    ++wakes_;
    changed_.notify_one();
}

void GroupWaits::stop() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
        changed_.notify_one();
    }
    const std::scoped_lock joining(joining_);
    if (thread_.joinable()) thread_.join();
}

milliseconds GroupWaits::patience() const {
    const fabric::Instant now = clock_.steady();
    milliseconds wait = look_again;
    for (const auto& [number, parked] : parked_) {
        wait = std::min(wait, std::chrono::ceil<milliseconds>(parked.deadline - now));
    }
    return std::max(wait, milliseconds{0});
}

void GroupWaits::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        if (parked_.empty()) {
            wakes_done_ = wakes_;
            changed_.wait(lock);
            continue;
        }
        if (wakes_done_ == wakes_) {
            const auto woken = [this] { return stopping_ || wakes_ != wakes_done_; };
            // Somebody new may have the next deadline: so without a loop around it.
            if (!woken()) changed_.wait_for(lock, patience());
        }
        if (!stopping_) round(lock);
    }
    auto left = std::exchange(parked_, {});
    signers_.clear();
    lock.unlock();
    for (auto& [number, parked] : left) parked.reply(tl::make_unexpected(closed_error()));
}

void GroupWaits::round(std::unique_lock<std::mutex>& lock) {
    wakes_done_ = wakes_;
    std::map<std::string, NextMessages> idle;  // groups that have nothing for anybody now
    // Entries stay where they are while the lock is let go: only this thread erases.
    for (auto at = parked_.begin(); at != parked_.end() && !stopping_;) {
        Parked& parked = at->second;
        const bool over = parked.forgotten || clock_.steady() >= parked.deadline;
        JournalResult<NextMessages> got;
        if (parked.forgotten) {
            got = NextMessages{{}, Why::nothing_waits, "the member has left", {}};
        } else if (const auto known = idle.find(parked.wanted.group); known != idle.end()) {
            got = known->second;
        } else {
            asking_ = &parked;
            lock.unlock();
            got = ask(groups_, parked.wanted);
            if (got && !got->gap && nothing_for_anybody(*got)) {
                idle.emplace(parked.wanted.group, *got);
            }
            lock.lock();
            asking_ = nullptr;
            asked_.notify_all();
        }
        if (got && got->messages.empty() && !got->gap && !over) {
            ++at;
            continue;
        }
        const Reply reply = std::move(parked.reply);
        if (--signers_[parked.signer] == 0) signers_.erase(parked.signer);
        at = parked_.erase(at);
        lock.unlock();
        reply(std::move(got));
        lock.lock();
    }
}

}  // namespace weft::reliability
