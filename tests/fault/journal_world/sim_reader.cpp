#include "tests/fault/journal_world/sim_reader.hpp"

namespace weft::fault {

using namespace reliability;

namespace {

constexpr std::string_view wanted_topic = "t1";

}  // namespace

CursorReader::CursorReader(std::size_t number, SimJournal& journal, Scene& scene)
    : name_("reader" + std::to_string(number)),
      journal_(journal),
      scene_(scene),
      filters_(number > 0 && scene.random.permille(500)) {}

bool CursorReader::wants(const Told& told) const {
    return !filters_ || told.number.stream.topic.ends_with(wanted_topic);
}

void CursorReader::crash() {
    ++scene_.figures.reader_crashes;
    begun_ = false;
}

bool CursorReader::begin() {
    CursorStore& cursors = *journal_.cursors();
    if (!made_) {
        std::vector<signing::TopicGlob> globs;
        if (filters_) globs.push_back(*signing::TopicGlob::parse("*." + std::string{wanted_topic}));
        const auto put = cursors.put(name_, globs, {.kind = Start::Kind::beginning});
        if (!put) return false;
        made_ = true;
        unsure_ = true;  // what was trimmed before it was made it was never told
    }
    const auto cursor = cursors.show(name_);
    if (!cursor) {
        violation("its cursor is gone: " + cursor.error().sentence);
        return false;
    }
    const JournalId stands = cursor->position.id;
    if (stands < durable_) {
        violation("its cursor stands at " + std::to_string(stands) + ", and an advance to " +
                  std::to_string(durable_) + " was answered");
    }
    if (unsure_) {
        for (JournalId id = at_ + 1; id <= stands; ++id) told_lost_.insert(id);
    }
    at_ = stands;
    begun_ = true;
    unsure_ = false;
    life_ = journal_.life();
    return true;
}

void CursorReader::turn() {
    if (journal_.cursors() == nullptr) return;
    // A journal that was away is asked for the place again.
    if (life_ != journal_.life()) begun_ = false;
    if (begun_ || begin()) read();
    journal_.after_use();
}

void CursorReader::read() {
    ReadLimits limits;
    limits.messages = scene_.random.between(1, 9);
    const JournalId head = journal_.oracle.head();
    const auto page = journal_.cursors()->read(name_, limits);
    if (!page) {
        unsure_ = true;
        begun_ = false;
        return;
    }
    journal_.oracle.page(*page, head);
    const JournalId through = page->next.id;
    if (scene_.has(Planted::advances_before_handling)) {
        static_cast<void>(journal_.cursors()->advance(name_, page->next));
        if (scene_.random.permille(100)) return crash();
    }
    handle(*page);
    if (!begun_) return;
    check_passed(at_ + 1, through);
    at_ = std::max(at_, through);
    if (!scene_.healed && scene_.random.permille(60)) return crash();
    if (scene_.healed || scene_.random.permille(800)) advance();
}

void CursorReader::handle(const Page& page) {
    if (page.gap) {
        ++scene_.figures.reader_gaps;
        if (page.gap->from > page.gap->to || page.gap->to <= durable_) violation("an odd gap");
        for (JournalId id = page.gap->from; id <= page.gap->to; ++id) told_lost_.insert(id);
    }
    for (const StoredRun& run : page.runs) {
        for (JournalId id = run.from; id <= run.to; ++id) {
            if (id <= durable_) {
                violation("id " + std::to_string(id) + " comes again, and an advance to " +
                          std::to_string(durable_) + " was answered");
            }
            if (!handled_.insert(id).second) ++scene_.figures.handled_again;
            ++scene_.figures.handled;
            if (!scene_.healed && scene_.random.permille(20)) return crash();
        }
    }
}

/// What lies there and is known was handled at some time, or told as lost.
void CursorReader::check_passed(JournalId from, JournalId to) {
    const auto& known = journal_.oracle.known();
    for (auto one = known.lower_bound(from); one != known.end() && one->first <= to; ++one) {
        if (wants(one->second) && !handled_.contains(one->first) &&
            !told_lost_.contains(one->first)) {
            violation("id " + std::to_string(one->first) + " (" + one->second.number.text() +
                      ") is passed over");
        }
    }
}

void CursorReader::advance() {
    JournalId to = at_;
    if (scene_.has(Planted::reads_from_the_head)) {
        const Look look(scene_);
        to = journal_.journal()->info().head;
    }
    if (to == durable_) return;
    const auto advanced = journal_.cursors()->advance(name_, {0, to});
    if (!advanced) {
        begun_ = false;
        return;
    }
    ++scene_.figures.advances;
    durable_ = std::max(durable_, to);
}

void CursorReader::end() {
    if (!made_) return;
    for (const auto& [id, told] : journal_.oracle.known()) {
        if (!wants(told) || handled_.contains(id)) continue;
        if (journal_.oracle.shows(id) || !told_lost_.contains(id)) {
            violation("id " + std::to_string(id) + " (" + told.number.text() +
                      ") was never handled" +
                      (journal_.oracle.shows(id) ? "" : ", nor told as lost"));
        }
    }
}

}  // namespace weft::fault
