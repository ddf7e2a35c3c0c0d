#include "reliability/journal/retention.hpp"

#include <algorithm>

#include "config/duration.hpp"

namespace weft::reliability {
namespace {

std::uint64_t microseconds(std::chrono::nanoseconds span) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(span).count());
}

std::uint64_t before(std::uint64_t now_us, std::chrono::milliseconds age) {
    const std::uint64_t age_us = microseconds(age);
    return now_us > age_us ? now_us - age_us : 0;
}

}  // namespace

AgeClock::Reading AgeClock::read(fabric::Instant steady, std::uint64_t utc_us,
                                 std::uint64_t newest_us) {
    std::uint64_t expected = trusted_us_;
    if (begun_) {
        expected += microseconds(steady - at_);
    } else {
        expected = newest_us == 0 ? utc_us : newest_us + microseconds(idle);
    }
    Reading reading;
    if (utc_us <= expected + microseconds(tolerance)) {
        jumped_at_.reset();
        trusted_us_ = utc_us;
    } else if (!jumped_at_) {
        jumped_at_ = steady;
        trusted_us_ = begun_ ? expected : std::min(utc_us, newest_us);
        const auto ahead =
            std::chrono::milliseconds{static_cast<std::int64_t>((utc_us - trusted_us_) / 1000)};
        reading.said =
            "the clock is " + config::duration_text(std::min(ahead, config::duration_max)) +
            (begun_ ? " ahead of where it was" : " ahead of the journal's newest message") +
            "; if that is a mistake, set it right within 1h: until then nothing more is forgotten "
            "for its age";
    } else if (steady - *jumped_at_ >= hold) {
        jumped_at_.reset();
        trusted_us_ = utc_us;
    } else {
        trusted_us_ = expected;
    }
    begun_ = true;
    at_ = steady;
    reading.utc_us = trusted_us_;
    return reading;
}

RetentionPlan plan_retention(const JournalInfo& info, const JournalSettings& settings,
                             const std::vector<Position>& positions, std::uint64_t now_us) {
    RetentionPlan plan;
    if (info.low > info.head) return plan;
    for (const Position& position : positions) {
        const JournalId floor = position.epoch == info.epoch ? position.id + 1 : info.low;
        plan.age_floor = std::min(plan.age_floor, std::max(floor, info.low));
    }
    const bool may_age = plan.age_floor > info.low;
    if (settings.max_age.count() > 0 && may_age) {
        const std::uint64_t limit = before(now_us, settings.max_age);
        if (info.oldest_us < limit) plan.trim_before_us = limit;
    }
    for (const auto& [glob, age] : settings.ages) {
        if (age.count() > 0 && may_age && info.oldest_us < before(now_us, age)) {
            plan.expire.push_back({glob, before(now_us, age)});
        }
    }
    if (settings.max_bytes > 0 && info.bytes > settings.max_bytes) {
        plan.shrink_to_bytes = settings.max_bytes;
    }
    return plan;
}

}  // namespace weft::reliability
