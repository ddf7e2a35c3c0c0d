#include "reliability/hub/feed_state.hpp"

#include <algorithm>
#include <utility>

#include "reliability/hub/durable_feed.hpp"

namespace weft::reliability::hub {

using std::chrono::milliseconds;
using Level = Surroundings::Level;
using Reason = JournalError::Reason;

bool FeedState::comes_back(Reason reason) {
    return reason == Reason::away || reason == Reason::busy || reason == Reason::disk_full ||
           reason == Reason::io;
}

FeedState::FeedState(DurableFeedParts the_parts)
    : parts(std::move(the_parts)),
      name(parts.settings.name),
      member(DurableFeed::member_name(parts.surroundings.hub_name(), parts.marks->slot())),
      // Long enough for one attempt and some waiting before it; extended while we live.
      lease(std::min<milliseconds>(parts.settings.timeout * 2 + std::chrono::seconds{30},
                                   GroupSettings::lease_max)) {}

void FeedState::say(Level level, const std::string& line) const {
    parts.surroundings.log(level, name, line);
}

void FeedState::set_standing(std::string sentence, bool failed_for_good) {
    {
        const std::scoped_lock lock(state_mutex_);
        if (sentence == waiting_for_ && failed_for_good == failed_for_good_) return;
        waiting_for_ = sentence;
        failed_for_good_ = failed_for_good;
    }
    if (sentence.empty()) {
        say(Level::info, "takes messages from the journal");
    } else {
        say(failed_for_good ? Level::error : Level::warning, sentence);
    }
}

void FeedState::trouble(const JournalError& error) {
    if (comes_back(error.reason)) {
        return set_standing("waits for the journal: " + error.sentence);
    }
    set_standing(error.sentence, true);
}

std::string FeedState::waiting_for() const {
    const std::scoped_lock lock(state_mutex_);
    return waiting_for_;
}

bool FeedState::failed_for_good() const {
    const std::scoped_lock lock(state_mutex_);
    return failed_for_good_;
}

bool FeedState::pause(const std::stop_token& stop, milliseconds duration) const {
    std::unique_lock lock(parts.bench.mutex);
    parts.bench.room.wait_for(lock, stop, duration, [] { return false; });
    return !stop.stop_requested();
}

}  // namespace weft::reliability::hub
