#include "reliability/hub/durable_feed.hpp"

#include <algorithm>
#include <utility>

namespace weft::reliability::hub {

using fabric::Instant;

std::string DurableFeed::member_name(std::string_view hub, unsigned slot) {
    const std::string tail = "-hub" + std::to_string(slot);
    std::string name{hub.substr(0, signing::Certificate::name_bytes_max - tail.size())};
    return name.append(tail);
}

DurableFeed::DurableFeed(Parts parts)
    : state_(std::move(parts)), taker_(state_), settler_(state_) {}

DurableFeed::~DurableFeed() {
    stop_taking();
    if (taking_.joinable()) taking_.join();
    settling_.request_stop();
}

void DurableFeed::start() {
    taking_ = std::jthread([this](const std::stop_token& stop) { taker_.run(stop); });
    settling_ = std::jthread([this](const std::stop_token& stop) { settler_.run(stop); });
}

std::string DurableFeed::waiting_for() const {
    return state_.waiting_for();
}

bool DurableFeed::failed() const {
    return state_.failed_for_good();
}

FeedStats DurableFeed::stats() const {
    const std::scoped_lock lock(state_.parts.bench.mutex);
    return state_.stats;
}

bool DurableFeed::begins(std::size_t worker, const Work& work) {
    state_.parts.marks->in_hand(worker, work.number);
    return true;
}

void DurableFeed::ends(std::size_t worker, Work work, Verdict verdict) {
    Bench& bench = state_.parts.bench;
    DoneMarks& marks = *state_.parts.marks;
    {
        const std::scoped_lock lock(bench.mutex);
        if (state_.foreign.erase(work.number) != 0) {
            marks.in_hand(worker, 0);
            bench.queue.done(work.number);
        } else if (verdict.is == Verdict::Is::done) {
            // There is room: nothing is taken with half of it unsettled, and less than the other
            // half is leased.
            static_cast<void>(marks.done(work.number));
            marks.in_hand(worker, 0);
            state_.done.push_back(work.number);
            state_.done_set.insert(work.number);
            ++state_.stats.done;
            bench.queue.done(work.number);
        } else if (verdict.is == Verdict::Is::left) {
            marks.in_hand(worker, 0);
            bench.queue.done(work.number);
        } else {
            // In hand, for the queue, until the journal was told: its key stays closed.
            state_.failed.push_back({std::move(work), std::move(verdict)});
            marks.in_hand(worker, 0);
        }
    }
    state_.to_settle.notify_one();
    bench.room.notify_one();
    bench.work.notify_one();
}

void DurableFeed::stop_taking() {
    taking_.request_stop();
    state_.parts.bench.room.notify_all();
}

std::size_t DurableFeed::finish(Instant deadline) {
    Bench& bench = state_.parts.bench;
    stop_taking();
    if (taking_.joinable()) taking_.join();
    std::size_t left = 0;
    {
        std::unique_lock lock(bench.mutex);
        left = bench.queue.drop_waiting() + bench.queue.in_hand();
        state_.to_settle.notify_all();
        const auto patience = deadline - state_.parts.clock.steady();
        bench.room.wait_for(lock, std::max(patience, Instant{0}),
                            [&] { return !state_.something_to_settle() && !state_.settling; });
    }
    settling_.request_stop();
    state_.to_settle.notify_all();
    if (settling_.joinable()) settling_.join();
    // A journal that is away cannot be told; our leases there end by themselves.
    if (waiting_for().empty()) static_cast<void>(state_.parts.door->leave(state_.member));
    return left;
}

}  // namespace weft::reliability::hub
