#include "reliability/journal/retention_keeper.hpp"

#include <algorithm>
#include <utility>

namespace weft::reliability {

RetentionKeeper::RetentionKeeper(Journal& journal, CursorStore& cursors, JournalSettings settings,
                                 WholeGlob globs)
    : journal_(journal), cursors_(cursors), settings_(std::move(settings)) {
    for (const auto& [configured, age] : settings_.ages) {
        auto glob = globs ? globs(configured) : signing::TopicGlob::parse(configured);
        if (glob) progress_[configured].filter = TopicFilter{{std::move(*glob)}};
    }
}

void RetentionKeeper::say_once(const std::string& about, std::string sentence,
                               RetentionReport& report) {
    std::string& last = last_said_[about];
    if (last == sentence) return;
    last = sentence;
    if (!sentence.empty()) report.said.push_back(std::move(sentence));
}

std::vector<Position> RetentionKeeper::protected_positions(RetentionReport& report) {
    std::vector<Position> positions;
    for (const std::string& name : settings_.protect) {
        if (name.ends_with('*')) {
            protect_all(name, positions, report);
            continue;
        }
        const auto cursor = cursors_.show(name);
        std::string wrong;
        if (cursor) {
            positions.push_back(cursor->position);
        } else if (cursor.error().reason == JournalError::Reason::not_found ||
                   cursor.error().reason == JournalError::Reason::invalid) {
            wrong = "reliability.journal.protect names '" + name +
                    "', which is no cursor (yet): nothing is held back for it";
        } else {
            // Not known where it stands: nothing may go because of its age.
            positions.push_back({});
            wrong = "protected cursor: " + cursor.error().sentence;
        }
        say_once("cursor " + name, std::move(wrong), report);
    }
    return positions;
}

void RetentionKeeper::protect_all(const std::string& pattern, std::vector<Position>& positions,
                                  RetentionReport& report) {
    const std::string front = pattern.substr(0, pattern.size() - 1);
    const auto listed = cursors_.list();
    std::string wrong;
    if (!listed) wrong = "protected cursors: " + listed.error().sentence;
    for (const std::string& sentence : listed ? listed->unreadable : std::vector<std::string>{}) {
        if (sentence.starts_with("cursor '" + front)) wrong = "protected " + sentence;
    }
    // Not known where one stands: nothing may go because of its age.
    if (!wrong.empty()) positions.push_back({});
    for (const Cursor& cursor : listed ? listed->cursors : std::vector<Cursor>{}) {
        if (cursor.name.starts_with(front)) positions.push_back(cursor.position);
    }
    say_once("cursor " + pattern, std::move(wrong), report);
}

void RetentionKeeper::trim(const RetentionPlan& plan, const JournalInfo& info,
                           RetentionReport& report) {
    JournalId low = info.low;
    std::string wrong;
    if (plan.trim_before_us) {
        const auto id = journal_.id_at(*plan.trim_before_us);
        if (id) low = std::max(low, std::min(*id, plan.age_floor));
        if (!id) wrong = id.error().sentence;
    }
    if (plan.shrink_to_bytes) {
        const auto id = journal_.low_for_bytes(*plan.shrink_to_bytes);
        if (id) low = std::max(low, *id);
        if (!id) wrong = id.error().sentence;
    }
    if (low > info.low) {
        const auto now_low = journal_.trim(low);
        if (now_low) report.trimmed = *now_low - info.low;
        if (!now_low) wrong = now_low.error().sentence;
    }
    say_once("trim", wrong.empty() ? "" : "retention: " + wrong, report);
}

void RetentionKeeper::expire(const RetentionPlan& plan, const JournalInfo& info,
                             RetentionReport& report) {
    for (const RetentionPlan::OfTopics& topics : plan.expire) {
        const auto found = progress_.find(topics.glob);
        if (found == progress_.end()) continue;
        Progress& progress = found->second;
        if (progress.next.epoch != info.epoch) progress.next = {info.epoch, 0};
        progress.next.id = std::max(progress.next.id, info.low - 1);
        ReadLimits limits;
        limits.messages = expire_at_a_time;
        limits.through = std::min(plan.age_floor - 1, info.head);
        if (progress.next.id >= limits.through) continue;
        // What lies before `next` has been looked at and never gets younger.
        const auto expired =
            journal_.expire(progress.next, progress.filter, topics.before_us, limits);
        say_once("expire " + topics.glob,
                 expired ? "" : "retention of " + topics.glob + ": " + expired.error().sentence,
                 report);
        if (!expired) continue;
        report.expired += expired->messages;
        if (expired->next.epoch == info.epoch) {
            report.more = report.more || (!expired->done && expired->next.id > progress.next.id);
            progress.next.id = std::max(progress.next.id, expired->next.id);
        }
    }
}

RetentionReport RetentionKeeper::run(fabric::Instant steady, std::uint64_t utc_us) {
    RetentionReport report;
    const JournalInfo info = journal_.info();
    auto reading = age_clock_.read(steady, utc_us, info.newest_us);
    if (!reading.said.empty()) report.said.push_back(std::move(reading.said));
    const RetentionPlan plan =
        plan_retention(info, settings_, protected_positions(report), reading.utc_us);
    trim(plan, info, report);
    expire(plan, journal_.info(), report);
    return report;
}

RetentionThread::RetentionThread(RetentionKeeper& keeper, const fabric::Clock& clock,
                                 std::function<void(const RetentionReport&)> on_report)
    : keeper_(keeper),
      clock_(clock),
      on_report_(std::move(on_report)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

RetentionThread::~RetentionThread() {
    thread_.request_stop();
}

void RetentionThread::poke() {
    {
        const std::scoped_lock lock(mutex_);
        run_now_ = true;
    }
    poked_.notify_one();
}

void RetentionThread::work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const RetentionReport report = keeper_.run(clock_.steady(), clock_.utc_us());
        if (on_report_) on_report_(report);
        std::unique_lock lock(mutex_);
        if (report.more) continue;
        poked_.wait_for(lock, stop, every, [this] { return run_now_; });
        run_now_ = false;
    }
}

}  // namespace weft::reliability
