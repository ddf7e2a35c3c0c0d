#include "tests/fault/journal_world/sim_journal.hpp"

#include <algorithm>
#include <utility>

namespace weft::fault {

using namespace reliability;
using std::chrono::seconds;

struct SimJournal::Life {
    Life(Disk& disk, const NodeClock& clock, const NodeClock& group_clock,
         const JournalSettings& settings)
        : journal(disk.open(), "simulated", clock, {}, {}, WriterRuns::in_steps),
          cursors(journal, clock),
          group_cursors(journal, group_clock),
          groups(group_cursors),
          keeper(journal, cursors, settings) {}

    LocalJournal journal;
    CursorStore cursors, group_cursors;
    GroupService groups;
    RetentionKeeper keeper;
    std::set<Told> in_flight;
};

namespace {

JournalSettings settings_of(const JournalHabits& habits, const Scene& scene) {
    JournalSettings settings;
    settings.max_age = habits.forgetting.max_age;
    settings.max_bytes = habits.forgetting.max_bytes;
    if (habits.forgetting.ages.count() > 0) {
        settings.ages["*." + std::string{aged_topic}] = habits.forgetting.ages;
    }
    if (habits.protects && !scene.has(Planted::ignores_protection)) {
        settings.protect = {protected_cursor};
    }
    return settings;
}

}  // namespace

SimJournal::SimJournal(std::size_t number, JournalHabits habits, Scene& scene)
    : clock(scene.log),
      group_clock(scene.log),
      oracle(scene, "journal" + std::to_string(number), habits.forgetting),
      name_("journal" + std::to_string(number)),
      habits_(habits),
      scene_(scene),
      disk_(scene, 0xE0 + number * 16, habits.disk) {
    if (scene.has(Planted::leases_never_end)) group_clock.freeze();
    if (scene.has(Planted::leases_end_early)) group_clock.speed = 3;
    start();
}

SimJournal::~SimJournal() = default;

void SimJournal::start() {
    if (life_now_) return;
    life_now_ = std::make_unique<Life>(disk_, clock, group_clock, settings_of(habits_, scene_));
    ++life_;
    writing_soon_ = false;
    scene_.log.trace([&] { return name_ + " starts"; });
    const Look look(scene_);
    oracle.opened(life_now_->journal.info());
}

void SimJournal::kill(bool power) {
    if (!life_now_) return;
    scene_.log.trace([&] { return name_ + (power ? " loses its power" : " is killed"); });
    ++(power ? scene_.figures.power_losses : scene_.figures.kills);
    // What waits is answered `closed`, to nobody.
    ++life_;
    life_now_.reset();
    if (power) disk_.lose_power();
    scene_.schedule.in(scene_.random.between(milliseconds{1}, milliseconds{800}),
                       [this] { start(); });
}

void SimJournal::after_use() {
    if (!life_now_) return;
    if (disk_.dead()) return kill(scene_.random.permille(500));
    check_failed();
}

/// A journal that has failed is opened anew, by somebody who looks now and then.
void SimJournal::check_failed() {
    const Look look(scene_);
    if (life_now_->journal.info().not_ready.empty() || failed_life_ == life_) return;
    failed_life_ = life_;
    scene_.schedule.in(scene_.random.between(milliseconds{10}, milliseconds{500}),
                       [this, life = life_] {
                           if (life != life_ || !life_now_) return;
                           const Look look_again(scene_);
                           if (life_now_->journal.info().not_ready.empty()) {
                               failed_life_ = 0;
                               return;
                           }
                           kill(scene_.random.permille(300));
                       });
}

Journal* SimJournal::journal() {
    return life_now_ ? &life_now_->journal : nullptr;
}

CursorStore* SimJournal::cursors() {
    return life_now_ ? &life_now_->cursors : nullptr;
}

GroupService* SimJournal::groups() {
    return life_now_ ? &life_now_->groups : nullptr;
}

std::optional<bool> SimJournal::is_stored(const Told& told) {
    const auto found = life_now_->journal.read_stream(
        {"", told.number.stream.epoch, told.number.stream.topic, told.number.seq, told.number.seq},
        {});
    if (!found) return std::nullopt;
    bool stored = false;
    for (const StoredRun& run : found->runs) {
        for_each_message(run, [&](JournalId, std::string_view text) {
            stored = stored || told_of(run.topic, text) == told;
        });
    }
    return stored;
}

void SimJournal::record(const Sent& sent, const OnStored& stored) {
    if (!life_now_) return;
    std::vector<Told> fresh, found;
    for (const Told& told : sent.messages) {
        if (life_now_->in_flight.contains(told)) continue;
        const auto known = is_stored(told);
        if (!known) continue;
        const bool again = *known && !scene_.has(Planted::appends_twice);
        (again ? found : fresh).push_back(told);
    }
    scene_.figures.found_again += found.size();
    if (!found.empty()) stored(found);
    if (!fresh.empty()) append(fresh, stored);
}

void SimJournal::append(const std::vector<Told>& messages, const OnStored& stored) {
    for (const Told& told : messages) life_now_->in_flight.insert(told);
    life_now_->journal.append({run_of(messages)},
                              [this, life = life_, messages, stored](const auto& done) {
                                  if (life != life_) return;
                                  for (const Told& told : messages)
                                      life_now_->in_flight.erase(told);
                                  if (!done) return;
                                  scene_.figures.appended += messages.size();
                                  scene_.log.trace([&] {
                                      return name_ + " has " + messages.front().number.text() +
                                             " as " + std::to_string(done->front().first);
                                  });
                                  oracle.stored(messages, done->front(), clock.utc_us());
                                  stored(messages);
                              });
    write_soon();
}

void SimJournal::write_soon() {
    if (std::exchange(writing_soon_, true)) return;
    scene_.schedule.in(scene_.random.between(Instant{0}, habits_.commit_max), [this, life = life_] {
        if (life != life_ || !life_now_) return;
        writing_soon_ = false;
        while (life_now_->journal.step()) {
        }
        after_use();
    });
}

void SimJournal::retain() {
    if (!life_now_) return;
    JournalId floor = UINT64_MAX;
    if (habits_.protects) {
        const auto cursor = life_now_->cursors.show(protected_cursor);
        if (cursor) floor = cursor->position.id + 1;
    }
    const RetentionReport report = life_now_->keeper.run(clock.steady(), clock.utc_us());
    scene_.figures.trimmed += report.trimmed;
    scene_.figures.expired += report.expired;
    if (report.trimmed + report.expired > 0) {
        scene_.log.trace([&] {
            return name_ + " forgets " + std::to_string(report.trimmed) + " and of some topics " +
                   std::to_string(report.expired);
        });
    }
    const Look look(scene_);
    oracle.retained(life_now_->journal.info().low, clock.latest_us(), floor);
    if (scene_.has(Planted::trims_too_much)) {
        static_cast<void>(life_now_->journal.trim(life_now_->journal.info().low + 1));
        oracle.retained(life_now_->journal.info().low, clock.latest_us(), floor);
    }
    after_use();
}

void SimJournal::trim() {
    if (!life_now_) return;
    const Look look(scene_);
    const JournalInfo info = life_now_->journal.info();
    const JournalId to = scene_.random.permille(100)
                             ? info.head + 1
                             : info.low + scene_.random.below((info.head + 1 - info.low) / 2 + 1);
    oracle.trims_to(to);
    const auto low = life_now_->journal.trim(to);
    scene_.log.trace([&] { return name_ + " is trimmed to " + std::to_string(to); });
    if (low) {
        scene_.figures.trimmed += *low - info.low;
        oracle.marks(*low, oracle.head());
    }
    after_use();
}

void SimJournal::end() {
    oracle.all(life_now_->journal, clock.latest_us());
}

}  // namespace weft::fault
