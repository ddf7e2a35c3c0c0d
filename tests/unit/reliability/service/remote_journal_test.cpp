// The journal's contract, kept by asking a service.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/reliability/service/service_world.hpp"

namespace weft::reliability {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Reason = JournalError::Reason;

class RemoteJournalTest : public ::testing::Test {
protected:
    void SetUp() override { world_.serve(); }
    ServiceWorld world_;
};

TEST_F(RemoteJournalTest, SaysAboutItselfWhatTheJournalSays) {
    world_.store(1, 3);
    const auto remote = world_.remote();

    const JournalInfo info = remote->info();

    EXPECT_EQ(info.epoch, support::FakeJournal::epoch);
    EXPECT_EQ(info.head, 3u);
    EXPECT_EQ(info.low, 1u);
    EXPECT_EQ(info.backend, "remote");
    EXPECT_EQ(info.not_ready, "");
}

TEST_F(RemoteJournalTest, GivesTheFramesAsTheyAreStored) {
    world_.store(1, 3);
    const auto remote = world_.remote();

    const auto page = remote->read({}, {}, {.messages = 2});
    const auto here = world_.journal.read({}, {}, {.messages = 2});

    ASSERT_TRUE(page) << page.error().sentence;
    ASSERT_EQ(page->runs.size(), 2u);
    EXPECT_EQ(page->next, (Position{support::FakeJournal::epoch, 2}));
    EXPECT_EQ(page->head, 3u);
    EXPECT_FALSE(page->at_head);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(page->runs[i].topic, here->runs[i].topic);
        EXPECT_EQ(page->runs[i].contents, here->runs[i].contents);
        EXPECT_EQ(page->runs[i].proof, here->runs[i].proof);
        EXPECT_EQ(page->runs[i].stored_us, here->runs[i].stored_us);
        EXPECT_EQ(page->runs[i].first, i + 1);
    }
    EXPECT_TRUE(remote->read(page->next, {}, {})->at_head);
}

TEST_F(RemoteJournalTest, FiltersWhereTheJournalIs) {
    world_.store(1, 2);
    const auto remote = world_.remote();

    const auto none = remote->read({}, TopicFilter(support::globs_of({"org.weft.live.**"})), {});
    const auto all =
        remote->read({}, TopicFilter(support::globs_of({"a", "org.weft.*.git.*"})), {});

    EXPECT_EQ(none->messages(), 0u);
    EXPECT_EQ(none->next.id, 2u);
    EXPECT_EQ(all->messages(), 2u);
}

TEST_F(RemoteJournalTest, TellsOfGapsAndOfPositionsThatAreNone) {
    world_.store(1, 2);
    const auto remote = world_.remote();

    const auto other_epoch = remote->read({77, 1}, {}, {});
    const auto beyond = remote->read({0, 100}, {}, {});

    ASSERT_TRUE(other_epoch->gap);
    EXPECT_EQ(*other_epoch->gap, (JournalGap{1, 2, std::nullopt}));
    ASSERT_FALSE(beyond);
    EXPECT_EQ(beyond.error().reason, Reason::invalid);
    EXPECT_THAT(beyond.error().sentence, HasSubstr("the journal 'hub'"));
    EXPECT_THAT(beyond.error().sentence, HasSubstr("beyond the head"));
}

TEST_F(RemoteJournalTest, FindsByNumberTopicTimeIdAndParent) {
    world_.store(1, 4);
    const auto remote = world_.remote();
    const auto stored = world_.journal.read({}, {}, {});
    fabric::DecodedContent content;
    ASSERT_TRUE(fabric::decode_content(stored->runs[2].contents.substr(4), content));

    const auto stream = remote->read_stream({"git", 3, ServiceWorld::topic, 2, 3}, {});
    const auto last = remote->read_last_of_topics({}, {}, {});

    EXPECT_EQ(stream->messages(), 2u);
    ASSERT_EQ(last->runs.size(), 1u);
    EXPECT_EQ(last->runs[0].from, 4u);
    EXPECT_EQ(*remote->find(content.header.id), std::optional<JournalId>{3});
    EXPECT_EQ(*remote->find(fabric::MessageId::make(1)), std::nullopt);
    EXPECT_EQ(*remote->id_at(0), 1u);
    EXPECT_EQ(*remote->id_at(UINT64_MAX), 5u);
    EXPECT_EQ(remote->children({}, 2, 10)->size(), 2u);
    EXPECT_EQ(*remote->low_for_bytes(0), 5u);
}

TEST_F(RemoteJournalTest, AppendsWhatVerifiesAndSaysWhichIdsItGot) {
    const auto remote = world_.remote(world_.git);
    std::vector<RunToStore> runs{
        ServiceWorld::to_store(world_.git, "org.weft.dev.a",
                               {ServiceWorld::content(1), ServiceWorld::content(2)}),
        ServiceWorld::to_store(world_.git, "org.weft.dev.b", {ServiceWorld::content(1)})};

    const auto stored = remote->append(runs);

    ASSERT_TRUE(stored) << stored.error().sentence;
    EXPECT_THAT(*stored, ElementsAre(IdRange{1, 2}, IdRange{3, 3}));
    EXPECT_EQ(world_.journal.info().head, 3u);
}

TEST_F(RemoteJournalTest, AppendsOfOneThreadAreStoredInTheirOrder) {
    const auto remote = world_.remote(world_.git);
    std::atomic<int> answered{0};
    for (std::uint64_t seq = 1; seq <= 40; ++seq) {
        std::vector<RunToStore> runs{world_.to_store(seq)};
        remote->append(std::move(runs), [&, seq](auto stored) {
            EXPECT_TRUE(stored && stored->front().first == seq);
            ++answered;
        });
    }

    EXPECT_TRUE(eventually([&] { return answered == 40; }));
}

TEST_F(RemoteJournalTest, WhatIsNoRequestAtAllIsNotAppended) {
    const auto remote = world_.remote(world_.git);
    RunToStore large = world_.to_store(1);
    large.contents.resize(asking_bytes_max);

    for (auto runs : {std::vector<RunToStore>{}, std::vector<RunToStore>{large}}) {
        const auto stored = remote->append(std::move(runs));
        ASSERT_FALSE(stored);
        EXPECT_EQ(stored.error().reason, Reason::invalid);
    }
}

TEST_F(RemoteJournalTest, TrimsAndExpiresForItsKeepers) {
    world_.store(1, 4);
    const auto keeper = world_.remote(world_.hub);

    EXPECT_EQ(*keeper->trim(3), 3u);
    EXPECT_EQ(keeper->info().low, 3u);
    const auto expired = keeper->expire({}, {}, 1, {});
    ASSERT_TRUE(expired);
    EXPECT_EQ(expired->messages, 3u);
    EXPECT_TRUE(expired->done);
}

TEST_F(RemoteJournalTest, KeepsStateForItsKeepers) {
    const auto keeper = world_.remote(world_.hub);
    StateStore& state = keeper->state();

    ASSERT_TRUE(state.apply({{"a/1", "x"}, {"a/2", std::string("\0", 1)}, {"b/1", "y"}}));
    ASSERT_TRUE(state.apply({{"b/1", std::nullopt}}, StateStore::Durability::lazy));

    EXPECT_EQ(*state.get("a/2"), std::string("\0", 1));
    EXPECT_EQ(*state.get("b/1"), std::nullopt);
    EXPECT_EQ(state.list("a/", "", 10)->size(), 2u);
    EXPECT_EQ(state.list("a/", "a/1", 10)->size(), 1u);
}

TEST_F(RemoteJournalTest, ListsStateThatDoesNotFitIntoOneAnswer) {
    const auto keeper = world_.remote(world_.hub);
    for (int i = 10; i < 15; ++i) {
        ASSERT_TRUE(keeper->state().apply({{"k/" + std::to_string(i), std::string(600'000, 'v')}}));
    }

    const auto all = keeper->state().list("k/", "", 100);
    const auto three = keeper->state().list("k/", "", 3);

    ASSERT_TRUE(all);
    EXPECT_EQ(all->size(), 5u);
    EXPECT_EQ(all->back().first, "k/14");
    EXPECT_EQ(three->size(), 3u);
}

TEST_F(RemoteJournalTest, WithoutAKeyItReadsAndChangesNothing) {
    world_.store(1, 1);
    const auto remote = world_.remote();

    EXPECT_TRUE(remote->read({}, {}, {}));
    const auto trimmed = remote->trim(2);
    ASSERT_FALSE(trimmed);
    EXPECT_EQ(trimmed.error().reason, Reason::refused);
    EXPECT_THAT(trimmed.error().sentence, HasSubstr("signed request"));
}

TEST_F(RemoteJournalTest, WaitsUntilTheHeadMoves) {
    const auto remote = world_.remote();
    std::jthread later([&] {
        EXPECT_TRUE(eventually([&] { return world_.service->stats().parked == 1; }));
        world_.store(1, 1);
    });

    EXPECT_EQ(remote->wait(0, patience), 1u);
    EXPECT_EQ(remote->wait(0, patience), 1u);
    EXPECT_EQ(remote->wait(1, milliseconds{1}), 1u);
}

TEST_F(RemoteJournalTest, WatchersHearThatTheHeadMovedUntilTheyLetGo) {
    const auto remote = world_.remote();
    std::atomic<JournalId> heard{0}, heard_by_other{0};
    auto handle = remote->watch([&](JournalId head) { heard = head; });
    const auto other = remote->watch([&](JournalId head) { heard_by_other = head; });

    world_.store(1, 2);
    EXPECT_TRUE(eventually([&] { return heard == 2 && heard_by_other == 2; }));
    handle.reset();
    world_.store(3, 3);

    EXPECT_TRUE(eventually([&] { return heard_by_other == 3; }));
    EXPECT_EQ(heard, 2u);
}

TEST_F(RemoteJournalTest, AWatcherMayLetGoWhileItIsCalled) {
    const auto remote = world_.remote();
    std::shared_ptr<void> handle;
    std::atomic<int> calls{0};
    handle = remote->watch([&](JournalId) {
        ++calls;
        handle.reset();
    });
    std::atomic<JournalId> heard{0};
    const auto other = remote->watch([&](JournalId head) { heard = head; });

    world_.store(1, 1);
    EXPECT_TRUE(eventually([&] { return heard == 1; }));
    world_.store(2, 2);
    EXPECT_TRUE(eventually([&] { return heard == 2; }));

    EXPECT_EQ(calls, 1);
}

TEST_F(RemoteJournalTest, ManyThreadsAskAtOnceAndEachGetsItsOwnAnswer) {
    world_.store(1, 50);
    const auto remote = world_.remote();
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (std::uint64_t i = 0; i < 30; ++i) {
                const JournalId after = (t * 7 + i) % 49;
                const auto page = remote->read({0, after}, {}, {.messages = 1});
                ASSERT_TRUE(page) << page.error().sentence;
                ASSERT_EQ(page->runs.front().from, after + 1);
            }
        });
    }
}

TEST_F(RemoteJournalTest, SeveralPagesMayBeUnderWay) {
    world_.store(1, 20);
    const auto remote = world_.remote();
    std::atomic<int> good{0};

    for (JournalId after = 0; after < 20; ++after) {
        remote->read_async({0, after}, {}, {.messages = 1}, [&, after](JournalResult<Page> page) {
            good += page && page->runs.front().from == after + 1 ? 1 : 0;
        });
    }

    EXPECT_TRUE(eventually([&] { return good == 20; }));
}

TEST_F(RemoteJournalTest, AJournalThatIsAwayIsNamed) {
    world_.service.reset();
    auto settings = world_.remote_settings();
    settings.patience = milliseconds{100};
    const auto remote = world_.remote(settings);

    const auto page = remote->read({}, {}, {});

    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().reason, Reason::away);
    EXPECT_THAT(page.error().sentence, HasSubstr("'hub' at inproc://journal"));
    EXPECT_THAT(remote->info().not_ready, HasSubstr("cannot be reached"));
    EXPECT_EQ(remote->wait(0, milliseconds{1}), 0u);
    EXPECT_EQ(remote->link().stats().away, 3u);
}

TEST_F(RemoteJournalTest, AJournalThatComesBackIsAskedAgainByItself) {
    world_.store(1, 1);
    const auto remote = world_.remote(world_.hub);
    ASSERT_EQ(*remote->trim(1), 1u);
    world_.service.reset();
    std::jthread later([&] { world_.serve(); });

    // The service is in another life: what was signed for the old one is signed anew.
    EXPECT_TRUE(remote->trim(2));
    EXPECT_TRUE(remote->read({}, {}, {}));
    later.join();
    EXPECT_GE(world_.service->stats().other_life, 1u);
}

TEST_F(RemoteJournalTest, ErrorsOfTheJournalKeepTheirReason) {
    const auto remote = world_.remote(world_.git);
    for (const Reason reason : {Reason::io, Reason::corrupt, Reason::disk_full, Reason::invalid,
                                Reason::not_found, Reason::refused}) {
        world_.journal.fail_with(JournalError{reason, "because of the test"});

        const auto page = remote->read({}, {}, {});

        ASSERT_FALSE(page);
        EXPECT_EQ(page.error().reason, reason);
        EXPECT_THAT(page.error().sentence, HasSubstr("because of the test"));
    }
}

TEST_F(RemoteJournalTest, BusyIsSaidAtOnceToWhoAppendsAndTriedAgainForWhoReads) {
    world_.journal.fail_with(JournalError{Reason::busy, "too much waits"});
    auto settings = world_.remote_settings();
    const auto remote = world_.remote(settings, fabric::shared(world_.git));
    std::vector<RunToStore> runs{world_.to_store(1)};

    const auto stored = remote->append(std::move(runs));
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().reason, Reason::busy);

    std::jthread later([&] {
        EXPECT_TRUE(eventually([&] { return remote->link().stats().again > 0; }));
        world_.journal.fail_with(std::nullopt);
    });
    EXPECT_TRUE(remote->read({}, {}, {}));
}

TEST_F(RemoteJournalTest, TooManyQuestionsAreBusy) {
    auto settings = world_.remote_settings();
    settings.questions_max = 2;
    const auto remote = world_.remote(settings);
    std::atomic<int> busy{0}, other{0};
    const auto ask = [&] {
        Question question;
        question.operation = Operation::wait;
        question.fields = {2, Packer{}.uint(100).uint(60'000).take()};
        question.longer = milliseconds{60'000};
        remote->link().ask(std::move(question), [&](auto answer) {
            ++(!answer && answer.error().reason == Reason::busy ? busy : other);
        });
    };

    for (int i = 0; i < 5; ++i) ask();
    EXPECT_TRUE(eventually([&] { return busy == 3; }));
    remote->close();

    EXPECT_EQ(other, 2);
}

TEST_F(RemoteJournalTest, AfterCloseEverythingIsClosed) {
    const auto remote = world_.remote();
    std::atomic<bool> closed{false};
    std::jthread waiting([&] {
        const JournalId head = remote->wait(5, patience);
        closed = head == 0;
    });
    ASSERT_TRUE(eventually([&] { return world_.service->stats().parked == 1; }));

    remote->close();
    waiting.join();

    EXPECT_TRUE(closed);
    EXPECT_EQ(remote->read({}, {}, {}).error().reason, Reason::closed);
}

TEST_F(RemoteJournalTest, ANameThatIsNoneIsSaidAtOnce) {
    auto settings = world_.remote_settings();
    settings.name = "Not a name";

    const auto opened = RemoteJournal::open(*world_.transport, world_.clock, settings, nullptr,
                                            world_.signing.trust());

    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error(), HasSubstr("is not the name of a journal"));
}

}  // namespace
}  // namespace weft::reliability
