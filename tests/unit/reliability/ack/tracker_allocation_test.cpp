// What is left of a wait when memory runs out in the middle (A5).
#include <cstdlib>
#include <new>
#include <set>

#include "reliability/ack/tracker.hpp"
#include "tests/unit/reliability/ack/tracker_fixture.hpp"

namespace {

/// The allocation that fails, counted from now; never, if negative.
thread_local long fails_after = -1;

void* allocated(std::size_t bytes) {
    if (fails_after == 0) {
        fails_after = -1;
        throw std::bad_alloc();
    }
    if (fails_after > 0) --fails_after;
    if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
    throw std::bad_alloc();
}

}  // namespace

// Replaced for the whole test program: as always, unless a test asks for a failure.
void* operator new(std::size_t bytes) {
    return allocated(bytes);
}
void* operator new[](std::size_t bytes) {
    return allocated(bytes);
}
// Not made to fail: whoever asks this way has a way without. They are here so that what they give
// is freed as it was taken.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return std::malloc(bytes == 0 ? 1 : bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
    return std::malloc(bytes == 0 ? 1 : bytes);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace weft::reliability {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using AckTrackerAllocationTest = AckTrackerTest;

/// False: an allocation failed.
template <typename Work>
bool with_failure_after(long count, Work&& work) {
    fails_after = count;
    try {
        work();
    } catch (const std::bad_alloc&) {
        return false;
    }
    fails_after = -1;
    return true;
}

TEST_F(AckTrackerAllocationTest, AnOpenThatFailsLeavesNothing) {
    const auto both = recipients("a-name-that-is-long-enough-to-be-allocated, b");
    for (long count = 0;; ++count) {
        const bool done = with_failure_after(count, [&] {
            AckTracker::Wait wait{.recipients = both, .timeout = seconds{1}};
            EXPECT_TRUE(tracker_.open(nonce_of(1), std::move(wait), 10));
        });
        if (done) {
            EXPECT_GT(count, 3);
            break;
        }
        expect_nothing_kept();
    }
    tracker_.cancel(nonce_of(1));
    expect_nothing_kept();
}

TEST_F(AckTrackerAllocationTest, AnAckWhoseOutcomeCannotBeToldYetIsToldByTheNextTick) {
    long count = 0;
    for (bool done = false; !done; ++count) {
        const auto number = static_cast<std::uint64_t>(count + 1);
        publish(number, "a, b", AckLevel::received, hours{1});
        ack(number, "a");
        const AckStatement last{"b", AckLevel::received, "", subject(number)};
        done = with_failure_after(count, [&] {
            tracker_.on_ack(last, {"b", true, true}, now_, settled_);
        });
        if (!done) {
            EXPECT_THAT(settled_, IsEmpty());
            EXPECT_EQ(tracker_.waits(), 1U);
            tick(now_);
        }
        EXPECT_THAT(verdicts(), ElementsAre(std::to_string(number) + " acknowledged"));
        expect_nothing_kept();
    }
    EXPECT_GT(count, 3);
}

TEST_F(AckTrackerAllocationTest, AMissingAckIsNeverReadAsSuccessWhateverFails) {
    long count = 0;
    for (bool done = false; !done; ++count) {
        const auto number = static_cast<std::uint64_t>(count + 1);
        publish(number, "a, b", AckLevel::received, milliseconds{300}, now_);
        ack(number, "a");
        const fabric::Instant end = now_ + milliseconds{300};
        done = with_failure_after(count, [&] { tick(end); });
        if (!done) {
            EXPECT_THAT(settled_, IsEmpty());
            tick(end);
        }
        EXPECT_THAT(verdicts(), ElementsAre(std::to_string(number) + " unknown"));
        expect_nothing_kept();
    }
    EXPECT_GT(count, 3);
}

TEST_F(AckTrackerAllocationTest, ARejectionIsWholeOrComesAgain) {
    const std::string reason(100, 'r');
    long count = 0;
    for (bool done = false; !done; ++count) {
        const auto number = static_cast<std::uint64_t>(count + 1);
        publish(number, "a", AckLevel::received, hours{1});
        const AckStatement no{"a", AckLevel::rejected, reason, subject(number)};
        const auto say = [&] { tracker_.on_ack(no, {"a", true, true}, now_, settled_); };
        done = with_failure_after(count, say);
        if (!done) {
            say();
            tick(now_);
        }
        ASSERT_EQ(settled_.size(), 1U);
        EXPECT_EQ(settled_[0].outcome.answers()[0].reason, reason);
        EXPECT_THAT(verdicts(), ElementsAre(std::to_string(number) + " rejected"));
        expect_nothing_kept();
    }
    EXPECT_GT(count, 3);
}

TEST_F(AckTrackerAllocationTest, ANoteThatFailsChangesNothing) {
    for (long count = 0; count < 6; ++count) {
        const auto number = static_cast<std::uint64_t>(count + 1);
        publish(number, "a", AckLevel::received, hours{1});
        static_cast<void>(with_failure_after(count, [&] {
            ack_signed(subject(number), "a", AckLevel::received,
                       {"mallory-of-the-long-name", true, true});
        }));
        static_cast<void>(with_failure_after(
            count, [&] { tracker_.on_refused_ack("a", std::string(100, 'x')); }));
        fails_after = -1;
        EXPECT_THAT(verdicts(), IsEmpty());
        ack(number, "a");
        EXPECT_THAT(verdicts(), ElementsAre(std::to_string(number) + " acknowledged"));
        expect_nothing_kept();
    }
}

TEST_F(AckTrackerAllocationTest, BindAndCancelAllocateNothing) {
    EXPECT_TRUE(open(1, "a, b"));
    const auto message = std::make_shared<const SentMessage>(
        SentMessage{"org.weft.dev.deploy", "content", subject(1)});
    EXPECT_TRUE(with_failure_after(0, [&] {
        tracker_.bind(nonce_of(1), message);
        tracker_.cancel(nonce_of(1));
    }));
}

}  // namespace
}  // namespace weft::reliability
