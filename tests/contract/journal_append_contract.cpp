// Appending: ids, order, all or none, what becomes readable when.
#include <gmock/gmock.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "tests/contract/journal_contract.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::contract {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_P(JournalContract, IdsBeginAtOneAndRiseWithoutHoles) {
    EXPECT_EQ(journal->info().head, 0U);
    const auto ranges = ok(journal->append({run_of("a", {"1", "2", "3"}), run_of("b", {"4"})}));
    EXPECT_THAT(ranges, ElementsAre(IdRange{1, 3}, IdRange{4, 4}));
    EXPECT_EQ(add(), 5U);
    EXPECT_EQ(journal->info().head, 5U);
    EXPECT_EQ(journal->info().low, 1U);
    EXPECT_NE(journal->info().epoch, 0U);
    EXPECT_EQ(journal->info().not_ready, "");
}

TEST_P(JournalContract, AnAppendOfNothingIsAnsweredWithNothing) {
    EXPECT_THAT(ok(journal->append({})), IsEmpty());
    EXPECT_EQ(journal->info().head, 0U);
}

TEST_P(JournalContract, OneBadRunKeepsAllOfAnAppendOut) {
    RunToStore too_few = run_of("a", {"1", "2"});
    too_few.messages.pop_back();
    RunToStore no_topic = run_of("a", {"1"});
    no_topic.topic = "a..b";
    RunToStore cut = run_of("a", {"1"});
    cut.contents.pop_back();
    RunToStore nothing = run_of("a", {});
    for (const RunToStore& bad : {too_few, no_topic, cut, nothing}) {
        EXPECT_EQ(reason_of(journal->append({run_of("a", {"good"}), bad})), Reason::invalid);
    }
    EXPECT_EQ(journal->info().head, 0U);
    EXPECT_THAT(read_all(), IsEmpty());
}

TEST_P(JournalContract, BytesComeBackAsTheyWereSigned) {
    const support::SigningFixture world;
    const support::Identity alice = world.identity("alice");
    const support::Frames frames =
        support::sign(alice, "org.weft.dev.a", {std::string("\0\xFF", 2), "", "three"});
    RunToStore run = run_of("org.weft.dev.a", {"", "", ""});
    run.contents = frames.contents;
    run.proof = frames.proof;
    add_run(std::move(run));

    const Page page = read();

    ASSERT_THAT(page.runs, SizeIs(1));
    EXPECT_EQ(page.runs[0].topic, frames.topic);
    EXPECT_EQ(page.runs[0].contents, frames.contents);
    EXPECT_EQ(page.runs[0].proof, frames.proof);
}

TEST_P(JournalContract, ItemsLeftOutHaveNoId) {
    const support::Frames whole = support::unsigned_frames("a", {"one", "two", "three"});
    RunToStore run = run_of("a", {""});
    run.contents = support::alone(whole, 1).contents;
    EXPECT_EQ(add_run(std::move(run)), (IdRange{1, 1}));
    add("b", "next");

    EXPECT_THAT(read_all(), ElementsAre("1 a two", "2 b next"));
}

TEST_P(JournalContract, AppendsOfOneThreadAreStoredInTheirOrderAndAnsweredOnce) {
    constexpr std::size_t count = 300;
    std::mutex mutex;
    std::condition_variable answered;
    std::vector<JournalId> ids;
    for (std::size_t number = 0; number < count; ++number) {
        journal->append({run_of("a", {std::to_string(number)})}, [&](auto result) {
            const std::scoped_lock lock(mutex);
            ids.push_back(result ? result->front().first : 0);
            answered.notify_one();
        });
    }
    std::unique_lock lock(mutex);
    answered.wait(lock, [&] { return ids.size() == count; });
    for (std::size_t number = 0; number < count; ++number) EXPECT_EQ(ids[number], number + 1);
    const auto texts = read_all();
    ASSERT_EQ(texts.size(), count);
    EXPECT_EQ(texts.back(), "300 a 299");
}

TEST_P(JournalContract, WhoIsAnsweredCanReadWhatWasStored) {
    std::promise<JournalId> seen;
    journal->append({run_of("a", {"x"})}, [&](auto) {
        const auto page = journal->read({}, {}, {});
        seen.set_value(page ? page->head : 0);
    });
    EXPECT_EQ(seen.get_future().get(), 1U);
}

TEST_P(JournalContract, ReadersNeverSeeAHoleOrSomethingNewBeforeSomethingOld) {
    constexpr std::size_t threads = 4, each = 150;
    std::atomic<std::size_t> running{threads};
    std::vector<std::thread> appenders;
    for (std::size_t thread = 0; thread < threads; ++thread) {
        appenders.emplace_back([&, thread] {
            for (std::size_t number = 0; number < each; ++number) {
                const std::string topic = "t" + std::to_string(thread);
                const auto ranges = journal->append(
                    {run_of(topic, {"1", "2"}, number * 2), run_of("other", {"3"})});
                if (!ranges) ADD_FAILURE() << ranges.error().sentence;
            }
            --running;
        });
    }
    Position after;
    JournalId expected = 1;
    bool last_round = false;
    while (!last_round) {
        last_round = running == 0;
        const Page page = ok(journal->read(after, {}, {.messages = 50}));
        EXPECT_FALSE(page.gap);
        for (const JournalId id : ids_of(page)) {
            ASSERT_EQ(id, expected++);
            ASSERT_LE(id, page.head);
        }
        if (page.next.id < page.head) last_round = false;
        after = page.next;
    }
    for (std::thread& appender : appenders) appender.join();
    EXPECT_EQ(journal->info().head, threads * each * 3);
    EXPECT_EQ(expected, threads * each * 3 + 1);
}

TEST_P(JournalContract, BeyondItsLimitsItSaysBusyAndNothingIsLost) {
    open({.waiting_messages = 8, .waiting_bytes = 1 << 20});
    std::mutex mutex;
    std::condition_variable answered;
    std::size_t stored = 0, busy = 0, asked = 0;
    // Whoever asks in a callback keeps the writer from taking anything meanwhile.
    std::promise<void> full;
    journal->append({run_of("a", {"first"})}, [&](auto) {
        for (; asked < 20; ++asked) {
            journal->append({run_of("a", {"x"})}, [&](auto result) {
                const std::scoped_lock lock(mutex);
                if (result) {
                    ++stored;
                } else {
                    EXPECT_EQ(result.error().reason, Reason::busy);
                    ++busy;
                }
                answered.notify_one();
            });
        }
        full.set_value();
    });
    full.get_future().wait();
    std::unique_lock lock(mutex);
    answered.wait(lock, [&] { return stored + busy == 20; });
    EXPECT_EQ(stored, 8U);
    EXPECT_EQ(busy, 12U);
    EXPECT_EQ(journal->info().head, 9U);
}

TEST_P(JournalContract, AnAppendThatCouldNeverWaitIsInvalid) {
    open({.waiting_messages = 2, .waiting_bytes = 1 << 20});
    EXPECT_EQ(reason_of(journal->append({run_of("a", {"1", "2", "3"})})), Reason::invalid);
}

TEST_P(JournalContract, AfterClosingEverythingSaysClosed) {
    add();
    journal->close();
    EXPECT_EQ(reason_of(journal->append({run_of("a", {"x"})})), Reason::closed);
    EXPECT_EQ(reason_of(journal->read({}, {}, {})), Reason::closed);
    EXPECT_EQ(reason_of(journal->find(id_of(1))), Reason::closed);
    EXPECT_EQ(reason_of(journal->trim(1)), Reason::closed);
    EXPECT_EQ(reason_of(journal->state().get("a")), Reason::closed);
    EXPECT_EQ(reason_of(journal->state().apply({{"a", "b"}})), Reason::closed);
    EXPECT_EQ(journal->wait(1, std::chrono::hours(1)), 1U);
    EXPECT_NE(journal->info().not_ready, "");
    journal->close();
}

TEST_P(JournalContract, ClosingAnswersEveryAppendExactlyOnce) {
    std::atomic<std::size_t> stored{0}, closed{0}, other{0};
    for (std::size_t number = 0; number < 200; ++number) {
        journal->append({run_of("a", {"x"})}, [&](auto result) {
            if (result) {
                ++stored;
            } else {
                ++(result.error().reason == Reason::closed ? closed : other);
            }
        });
    }
    journal->close();
    EXPECT_EQ(stored + closed, 200U);
    EXPECT_EQ(other, 0U);
    if (bench->is_persistent()) {
        open();
        EXPECT_EQ(journal->info().head, stored);
    }
}

TEST_P(JournalContract, StoredTimesNeverGoBackThoughTheClockJumps) {
    add();
    bench->clock.now_us -= 5'000'000;
    add();
    bench->clock.now_us += 7'000'000;
    add();
    const Page page = read();
    ASSERT_THAT(page.runs, SizeIs(3));
    EXPECT_EQ(page.runs[0].stored_us, SetClock::begin_us);
    EXPECT_EQ(page.runs[1].stored_us, SetClock::begin_us);
    EXPECT_EQ(page.runs[2].stored_us, SetClock::begin_us + 2'000'000);
    EXPECT_EQ(journal->info().oldest_us, SetClock::begin_us);
    EXPECT_EQ(journal->info().newest_us, SetClock::begin_us + 2'000'000);
}

TEST_P(JournalContract, AWaiterWakesWhenTheHeadMovesAndOnlyThen) {
    EXPECT_EQ(journal->wait(0, std::chrono::milliseconds(1)), 0U);
    std::thread appender([&] { add(); });
    EXPECT_EQ(journal->wait(0, std::chrono::seconds(30)), 1U);
    appender.join();
    EXPECT_EQ(journal->wait(0, std::chrono::milliseconds(0)), 1U);
}

TEST_P(JournalContract, AWatcherIsCalledUntilItsHandleIsGone) {
    std::mutex mutex;
    std::condition_variable called;
    JournalId seen = 0;
    auto handle = journal->watch([&](JournalId head) {
        const std::scoped_lock lock(mutex);
        EXPECT_GE(head, seen);
        seen = head;
        called.notify_one();
    });
    add();
    add();
    {
        std::unique_lock lock(mutex);
        called.wait(lock, [&] { return seen == 2; });
    }
    handle.reset();
    add();
    add();
    EXPECT_EQ(seen, 2U);
}

TEST_P(JournalContract, AWatcherMayLeaveFromInsideItsCall) {
    std::atomic<int> calls{0};
    std::shared_ptr<void> handle;
    handle = journal->watch([&](JournalId) {
        ++calls;
        handle.reset();
    });
    // The call comes after the answer: the second answer is behind the first call.
    add();
    add();
    add();
    EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace weft::contract
