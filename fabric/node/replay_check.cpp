#include "fabric/node/replay_check.hpp"

#include <algorithm>
#include <utility>

namespace weft::fabric {
namespace {

using Verdict = ReplayGuard::Verdict;

/// What comes again within this time comes by two ways (relay and mesh), or by somebody's hand so
/// quickly that a log line would tell nothing.
constexpr std::uint64_t duplicate_us = 10'000'000;
constexpr std::uint64_t look_every_us = 10'000'000;

ReplayLimits limits_of(const ReplaySettings& settings) {
    ReplayLimits limits;
    limits.past_us = static_cast<std::uint64_t>(settings.past.count()) * 1000;
    limits.future_us = static_cast<std::uint64_t>(settings.future.count()) * 1000;
    return limits;
}

ReplayFile::Found find(const ReplaySettings& settings, std::uint64_t now_us) {
    if (!settings.on || settings.directory.empty()) return {};
    return ReplayFile::open(settings.directory, settings.kind, now_us);
}

std::string seconds(std::uint64_t us) {
    return std::to_string(us / 1'000'000) + " s";
}

}  // namespace

ReplayCheck::ReplayCheck(const ReplaySettings& settings, std::uint64_t now_us)
    : ReplayCheck(settings, now_us, find(settings, now_us)) {}

ReplayCheck::ReplayCheck(const ReplaySettings& settings, std::uint64_t now_us,
                         ReplayFile::Found found)
    : file_(std::move(found.file)),
      guard_(limits_of(settings), file_ != nullptr),
      problem_(std::move(found.problem)) {
    const auto remember = [this](const ReplayState& state) {
        if (!state.closed) unsure_until_us_ = std::max(unsure_until_us_, state.horizon_us);
    };
    if (found.own) {
        guard_.restore(*found.own);
        remember(*found.own);
    }
    for (const ReplayState& state : found.others) {
        guard_.restore_floors(state);
        remember(state);
    }
    if (found.lost) guard_.raise_floor(now_us);
    guard_.forget_old(now_us);
}

ReplayCheck::~ReplayCheck() {
    // Nobody is left to be told if it fails: then the file stays open, and the next one takes care.
    if (file_ && promised_) static_cast<void>(file_->write(guard_.state()));
}

ReplayCheck::Result ReplayCheck::not_accepted(ReplayGuard::Judgement judged, std::uint64_t epoch,
                                              std::uint64_t seq, std::uint64_t time_us) {
    if (judged.verdict == Verdict::promise_first) {
        keep_promise(time_us);
        judged = guard_.judge(epoch, seq, time_us);
        if (judged.verdict == Verdict::accept) return {{}, false, judged.missing};
    }
    const bool duplicate = judged.verdict == Verdict::replayed && now_us_ <= time_us + duplicate_us;
    return {refusal(judged.verdict, epoch, seq, time_us), duplicate, 0};
}

void ReplayCheck::keep_promise(std::uint64_t time_us) {
    guard_.promise(time_us);
    promised_ = true;
    if (auto written = file_->write(guard_.promises()); !written) {
        problem_ = "replay protection is kept in memory only from now on: " + written.error();
        guard_.promise_nothing();
    }
}

signing::Refused ReplayCheck::refusal(Verdict verdict, std::uint64_t epoch, std::uint64_t seq,
                                      std::uint64_t time_us) const {
    const std::string who = "signer '" + signing::escape(signer_) + "'";
    switch (verdict) {
        case Verdict::too_old:
            return {signing::Refusal::too_old, who + ": its clock, or ours, is off by " +
                                                   seconds(now_us_ - time_us) +
                                                   ", or the message waited that long"};
        case Verdict::too_new:
            return {signing::Refusal::too_new,
                    who + ": its clock, or ours, is off by " + seconds(time_us - now_us_)};
        case Verdict::no_sequence:
            return {signing::Refusal::content_undecodable,
                    who + ": the sequence number is 0, and the first is 1"};
        default:
            return {signing::Refusal::replayed,
                    who + ", epoch " + std::to_string(epoch) + ", number " + std::to_string(seq)};
    }
}

ReplayCheck::Result ReplayCheck::tail(std::uint64_t epoch, std::uint64_t last,
                                      std::uint64_t time_us) {
    const auto judged = guard_.tail(epoch, last, time_us);
    if (judged.verdict == Verdict::accept) return {{}, false, judged.missing};
    return {refusal(judged.verdict, epoch, last, time_us), false, 0};
}

void ReplayCheck::had(std::uint64_t epoch, std::uint64_t seq, std::uint64_t time_us) {
    if (guard_.had(epoch, seq, time_us)) return;
    keep_promise(time_us);
    static_cast<void>(guard_.had(epoch, seq, time_us));
}

ReplayCheck::Result ReplayCheck::judge_time(std::uint64_t time_us) const {
    const Verdict verdict = guard_.freshness(time_us);
    if (verdict == Verdict::accept) return {};
    return {refusal(verdict, 0, 0, time_us), false, 0};
}

void ReplayCheck::tick(std::uint64_t now_us) {
    // A clock that went back must not stop this for as long.
    if (now_us < next_look_us_ && next_look_us_ - now_us <= look_every_us) return;
    next_look_us_ = now_us + look_every_us;
    guard_.forget_old(now_us);
}

std::string ReplayCheck::problem() {
    return std::exchange(problem_, {});
}

}  // namespace weft::fabric
