#include "fabric/node/replay_guard.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace weft::fabric {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
/// Leads are rounded up to this, so that a clock that drifts costs few promises.
constexpr std::uint64_t lead_step_us = 1'000'000;
/// A signer with this share of all streams makes room for its next one itself.
constexpr std::size_t share_of_one = 8;
/// What one pass over all streams makes room for: the pass is paid for by many new streams.
constexpr std::size_t share_evicted = 16;

constexpr std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
    return a > most - b ? most : a + b;
}
constexpr std::uint64_t difference(std::uint64_t a, std::uint64_t b) {
    return a > b ? a - b : 0;
}

}  // namespace

std::size_t ReplayGuard::KeyHash::operator()(const KeyView& key) const noexcept {
    std::size_t hash = std::hash<std::string_view>{}(key.topic);
    hash ^= (key.epoch + reinterpret_cast<std::uintptr_t>(key.signer)) * 0x9E3779B97F4A7C15U;
    return hash;
}

void ReplayGuard::begin(std::string_view signer, std::string_view topic, std::uint64_t now_us) {
    now_us_ = now_us;
    oldest_us_ = difference(now_us, limits_.past_us);
    newest_us_ = sum(now_us, limits_.future_us);
    if (topic == last_topic_ && signer == last_signer_) return;
    if (signer != last_signer_ || signer_ == nullptr) {
        last_signer_ = signer;
        const auto known = signers_.find(signer);
        signer_ = known == signers_.end() ? nullptr : &known->second;
    }
    last_topic_ = topic;
    stream_ = nullptr;
}

ReplayGuard::Verdict ReplayGuard::freshness(std::uint64_t time_us) const noexcept {
    if (time_us < oldest_us_) return Verdict::too_old;
    if (time_us > newest_us_) return Verdict::too_new;
    return Verdict::accept;
}

void ReplayGuard::find_stream(std::uint64_t epoch) {
    if (stream_ != nullptr && epoch == epoch_) return;
    stream_ = nullptr;
    if (signer_ == nullptr) return;
    epoch_ = epoch;
    const auto found = streams_.find(KeyView{signer_, epoch, last_topic_});
    if (found != streams_.end()) stream_ = &found->second;
}

bool ReplayGuard::promised(std::uint64_t time_us) const noexcept {
    return !promises_ ||
           time_us <= sum(horizon_us_, signer_ == nullptr ? lead_us_ : signer_->lead_us);
}

ReplayGuard::Judgement ReplayGuard::judge(std::uint64_t epoch, std::uint64_t seq,
                                          std::uint64_t time_us) {
    if (const Verdict fresh = freshness(time_us); fresh != Verdict::accept) return {fresh, 0};
    if (seq == 0) return {Verdict::no_sequence, 0};
    find_stream(epoch);
    if (stream_ == nullptr) return open_stream(epoch, seq, time_us);
    Stream& stream = *stream_;
    const bool ahead = seq > stream.high;
    if (!ahead && (stream.high - seq >= window || is_seen(stream, seq))) {
        return {Verdict::replayed, 0};
    }
    if (time_us <= stream.floor_us) return {Verdict::replayed, 0};
    if (!promised(time_us)) return {Verdict::promise_first, 0};
    std::uint64_t missing = 0;
    if (ahead && seq - stream.high == 1 && stream.counting) {
        stream.high = seq;  // nearly always
    } else if (ahead) {
        missing = advance(stream, seq);
        // `seq` itself is here.
        if (missing > 0) --missing;
        add_missing(missing);
    } else if (stream.counting && seq > stream.base && counters_.missing != most) {
        --counters_.missing;
    }
    set_seen(stream, seq);
    stream.last_time_us = std::max(stream.last_time_us, time_us);
    stream.last_use = ++uses_;
    return {Verdict::accept, missing};
}

ReplayGuard::Judgement ReplayGuard::open_stream(std::uint64_t epoch, std::uint64_t seq,
                                                std::uint64_t time_us) {
    // Whatever was forgotten is not newer than the floor: what is newer was never accepted.
    if (time_us <= (signer_ == nullptr ? floor_us_ : signer_->floor_us)) {
        return {Verdict::replayed, 0};
    }
    if (!promised(time_us)) return {Verdict::promise_first, 0};
    Signer& signer = signer_named(last_signer_);
    Stream& stream = add_stream(signer, epoch, last_topic_);
    signer_ = &signer;
    stream_ = &stream;
    epoch_ = epoch;
    stream.high = seq;
    stream.base = seq;
    stream.counting = true;
    stream.last_time_us = time_us;
    set_seen(stream, seq);
    return {};
}

/// Numbers above `high` that the stream has moved past, with `to`; 0 where counting only begins.
std::uint64_t ReplayGuard::advance(Stream& stream, std::uint64_t to) {
    const std::uint64_t step = to - stream.high;
    if (step >= window) {
        stream.seen.fill(0);
    } else {
        for (std::uint64_t seq = stream.high + 1; seq <= to && seq != 0; ++seq) {
            stream.seen[seq % window / 64] &= ~(std::uint64_t{1} << (seq % 64));
        }
    }
    stream.high = to;
    if (stream.counting) return step;
    stream.counting = true;
    stream.base = to;
    return 0;
}

ReplayGuard::Judgement ReplayGuard::tail(std::uint64_t epoch, std::uint64_t last,
                                         std::uint64_t time_us) {
    if (const Verdict fresh = freshness(time_us); fresh != Verdict::accept) return {fresh, 0};
    find_stream(epoch);
    if (stream_ == nullptr || last <= stream_->high) return {};
    const std::uint64_t missing = advance(*stream_, last);
    add_missing(missing);
    return {Verdict::accept, missing};
}

bool ReplayGuard::had(std::uint64_t epoch, std::uint64_t seq, std::uint64_t time_us) {
    find_stream(epoch);
    if (stream_ == nullptr || seq > stream_->high || stream_->high - seq >= window) return true;
    // What cannot be accepted now would raise the promise for nothing.
    if (freshness(time_us) == Verdict::accept && !promised(time_us)) return false;
    set_seen(*stream_, seq);
    stream_->last_time_us = std::max(stream_->last_time_us, std::min(time_us, newest_us_));
    return true;
}

void ReplayGuard::add_missing(std::uint64_t count) noexcept {
    if (count == 0) return;
    ++counters_.gaps;
    counters_.missing = sum(counters_.missing, count);
}

void ReplayGuard::promise(std::uint64_t time_us) {
    horizon_us_ = std::max({horizon_us_, restored_horizon_us_, sum(now_us_, promise_us)});
    if (promised(time_us)) return;
    const std::uint64_t ahead = difference(time_us, horizon_us_);
    signer_ = &signer_named(last_signer_);
    signer_->lead_us = sum(ahead, lead_step_us - 1) / lead_step_us * lead_step_us;
}

ReplayGuard::Signer& ReplayGuard::signer_named(std::string_view name) {
    auto found = signers_.find(name);
    if (found == signers_.end()) {
        if (signers_.size() >= limits_.signers_max) make_room_for_signer();
        found = signers_.try_emplace(std::string{name}).first;
        found->second.name = found->first;
        found->second.floor_us = floor_us_;
        found->second.lead_us = lead_us_;
    }
    found->second.last_use = ++uses_;
    return found->second;
}

ReplayGuard::Stream& ReplayGuard::add_stream(Signer& signer, std::uint64_t epoch,
                                             std::string_view topic) {
    if (streams_.size() >= limits_.streams_max) make_room_for_stream(signer);
    const auto [at, added] = streams_.try_emplace(Key{&signer, epoch, std::string{topic}});
    if (added) ++signer.streams;
    signer.last_use = ++uses_;
    at->second.floor_us = signer.floor_us;
    at->second.last_use = uses_;
    return at->second;
}

ReplayGuard::Streams::iterator ReplayGuard::forget(Streams::iterator at) {
    Signer& signer = *at->first.signer;
    signer.floor_us = std::max(signer.floor_us, at->second.last_time_us);
    --signer.streams;
    if (&at->second == stream_) stream_ = nullptr;
    return streams_.erase(at);
}

ReplayGuard::Signers::iterator ReplayGuard::forget(Signers::iterator at) {
    floor_us_ = std::max(floor_us_, at->second.floor_us);
    lead_us_ = std::max(lead_us_, at->second.lead_us);
    if (&at->second == signer_) signer_ = nullptr;
    return signers_.erase(at);
}

void ReplayGuard::make_room_for_stream(const Signer& newcomer) {
    // Who uses much more than others must not push them out.
    const bool own =
        newcomer.streams >= std::max<std::size_t>(1, limits_.streams_max / share_of_one);
    std::vector<std::uint64_t> uses;
    uses.reserve(streams_.size());
    for (const auto& [key, stream] : streams_) {
        if (!own || key.signer == &newcomer) uses.push_back(stream.last_use);
    }
    const std::size_t wanted =
        std::min(uses.size(), std::max<std::size_t>(1, limits_.streams_max / share_evicted)) - 1;
    std::nth_element(uses.begin(), uses.begin() + static_cast<std::ptrdiff_t>(wanted), uses.end());
    const std::uint64_t newest = uses[wanted];
    for (auto at = streams_.begin(); at != streams_.end();) {
        if (at->second.last_use > newest || (own && at->first.signer != &newcomer)) {
            ++at;
            continue;
        }
        at = forget(at);
        ++counters_.streams_evicted;
    }
}

void ReplayGuard::make_room_for_signer() {
    std::vector<std::uint64_t> uses;
    uses.reserve(signers_.size());
    for (const auto& [name, signer] : signers_) uses.push_back(signer.last_use);
    const std::size_t wanted = std::max<std::size_t>(1, limits_.signers_max / share_evicted) - 1;
    std::nth_element(uses.begin(), uses.begin() + static_cast<std::ptrdiff_t>(wanted), uses.end());
    const std::uint64_t newest = uses[wanted];
    for (auto at = streams_.begin(); at != streams_.end();) {
        at = at->first.signer->last_use <= newest ? forget(at) : std::next(at);
    }
    for (auto at = signers_.begin(); at != signers_.end();) {
        if (at->second.last_use > newest) {
            ++at;
            continue;
        }
        at = forget(at);
        ++counters_.signers_evicted;
    }
}

void ReplayGuard::forget_old(std::uint64_t now_us) {
    const std::uint64_t oldest = difference(now_us, limits_.past_us);
    for (auto at = streams_.begin(); at != streams_.end();) {
        at = at->second.last_time_us < oldest ? forget(at) : std::next(at);
    }
    for (auto at = signers_.begin(); at != signers_.end();) {
        const Signer& signer = at->second;
        const bool idle = signer.streams == 0 && signer.floor_us < oldest;
        // Its lead belongs to messages that are too old by now, so it need not outlive it.
        if (idle) at->second.lead_us = 0;
        at = idle ? forget(at) : std::next(at);
    }
}

ReplayState ReplayGuard::promises() const {
    ReplayState state;
    state.horizon_us = horizon_us_;
    state.floor_us = floor_us_;
    state.lead_us = lead_us_;
    for (const auto& [name, signer] : signers_) {
        if (signer.lead_us > 0) state.signers.push_back({name, 0, signer.lead_us});
    }
    return state;
}

ReplayState ReplayGuard::state() const {
    ReplayState state = promises();
    state.closed = true;
    state.horizon_us = std::max(horizon_us_, restored_horizon_us_);
    state.signers.clear();
    std::unordered_map<const Signer*, std::uint32_t> places;
    for (const auto& [name, signer] : signers_) {
        places.emplace(&signer, static_cast<std::uint32_t>(state.signers.size()));
        state.signers.push_back({name, signer.floor_us, signer.lead_us});
    }
    state.streams.reserve(streams_.size());
    for (const auto& [key, stream] : streams_) {
        state.streams.push_back({places.at(key.signer), key.epoch, key.topic, stream.high,
                                 stream.last_time_us, stream.floor_us, stream.seen});
    }
    return state;
}

void ReplayGuard::restore(const ReplayState& state) {
    restored_horizon_us_ = std::max(restored_horizon_us_, state.horizon_us);
    if (!state.closed) return restore_floors(state);
    floor_us_ = std::max(floor_us_, state.floor_us);
    lead_us_ = std::max(lead_us_, state.lead_us);
    // No more than fit: the rest counts as forgotten.
    if (state.signers.size() > limits_.signers_max || state.streams.size() > limits_.streams_max) {
        return restore_floors(state);
    }
    for (const ReplayState::Signer& from : state.signers) {
        Signer& signer = signer_named(from.name);
        signer.floor_us = std::max(signer.floor_us, from.floor_us);
        signer.lead_us = std::max(signer.lead_us, from.lead_us);
    }
    for (const ReplayState::Stream& from : state.streams) {
        Signer& signer = signer_named(state.signers[from.signer].name);
        Stream& stream = add_stream(signer, from.epoch, from.topic);
        stream.high = from.high;
        stream.last_time_us = from.last_time_us;
        stream.floor_us = from.floor_us;
        stream.seen = from.seen;
    }
}

void ReplayGuard::restore_floors(const ReplayState& state) {
    raise_floor(state.floor_us);
    if (!state.closed) {
        restored_horizon_us_ = std::max(restored_horizon_us_, state.horizon_us);
        raise_floor(sum(state.horizon_us, state.lead_us));
    }
    std::vector<std::uint64_t> floors;
    for (const ReplayState::Signer& signer : state.signers) {
        floors.push_back(state.closed ? signer.floor_us : sum(state.horizon_us, signer.lead_us));
    }
    for (const ReplayState::Stream& stream : state.streams) {
        floors[stream.signer] = std::max(floors[stream.signer], stream.last_time_us);
    }
    std::unordered_map<const Signer*, std::uint64_t> floor_of;
    for (std::size_t i = 0; i < floors.size(); ++i) {
        const ReplayState::Signer& from = state.signers[i];
        if (signers_.size() >= limits_.signers_max && !signers_.contains(from.name)) {
            floor_us_ = std::max(floor_us_, floors[i]);
            continue;
        }
        Signer& signer = signer_named(from.name);
        signer.floor_us = std::max(signer.floor_us, floors[i]);
        signer.lead_us = std::max(signer.lead_us, from.lead_us);
        floor_of.emplace(&signer, floors[i]);
    }
    for (auto& [key, stream] : streams_) {
        const auto floor = floor_of.find(key.signer);
        if (floor != floor_of.end()) stream.floor_us = std::max(stream.floor_us, floor->second);
    }
}

void ReplayGuard::raise_floor(std::uint64_t time_us) {
    floor_us_ = std::max(floor_us_, time_us);
    for (auto& [name, signer] : signers_) signer.floor_us = std::max(signer.floor_us, time_us);
    for (auto& [key, stream] : streams_) stream.floor_us = std::max(stream.floor_us, time_us);
}

}  // namespace weft::fabric
