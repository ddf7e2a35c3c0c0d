// Cursors and consumer groups of a journal elsewhere: who may, what they get, and how long they
// wait.

#include "reliability/service/cursor_operations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <set>
#include <thread>

#include "reliability/journal/stored_verifier.hpp"
#include "reliability/service/field_codec.hpp"
#include "reliability/service/remote_cursors.hpp"
#include "tests/unit/reliability/service/service_world.hpp"

namespace weft::reliability {
namespace {

using namespace std::chrono_literals;
using support::globs_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Is = ConsumerGroup::Answer::Is;
using Mode = GroupSettings::Mode;
using Reason = JournalError::Reason;
using Why = ConsumerGroup::Next::Why;

constexpr Start beginning{Start::Kind::beginning};

class CursorsElsewhere : public ::testing::Test {
protected:
    void SetUp() override { serve(); }
    void TearDown() override {
        world_.service.reset();
        operations_.reset();
    }
    void serve(const GroupWaitLimits& limits = {}) {
        world_.service.reset();
        operations_.reset();
        groups_ = std::make_unique<GroupService>(store_);
        operations_ = std::make_unique<CursorOperations>(store_, *groups_, limits);
        auto settings = world_.service_settings();
        settings.operations = operations_->entries();
        world_.serve(settings);
        link_ = world_.remote(world_.git);
    }
    RemoteCursors cursors() { return RemoteCursors(link_->link()); }
    RemoteGroups groups() { return {link_->link(), world_.clock}; }
    void make_group(const GroupSettings& settings = {}) {
        const auto put = cursors().put("crew", {}, beginning, settings);
        ASSERT_TRUE(put) << put.error().sentence;
        EXPECT_TRUE(put->created);
    }
    static std::vector<JournalId> ids(const JournalResult<NextMessages>& next) {
        if (!next) throw std::runtime_error(next.error().sentence);
        std::vector<JournalId> ids;
        for (const auto& leased : next->messages) ids.push_back(leased.message.id());
        return ids;
    }
    /// Asks in a thread of its own, and returns once the question is parked.
    std::future<JournalResult<NextMessages>> parked_next(const std::string& member,
                                                         milliseconds wait) {
        const std::size_t before = operations_->parked();
        auto asked = std::async(std::launch::async, [this, member, wait] {
            return groups().next("crew", member, 10, {}, wait);
        });
        EXPECT_TRUE(eventually([&] { return operations_->parked() > before; }));
        return asked;
    }
    template <class Result>
    static Reason reason(const Result& result) {
        EXPECT_FALSE(result);
        return result ? Reason::io : result.error().reason;
    }

    ServiceWorld world_;
    CursorStore store_{world_.journal, world_.clock};
    std::unique_ptr<GroupService> groups_;
    std::unique_ptr<CursorOperations> operations_;
    std::unique_ptr<RemoteJournal> link_;
};

TEST_F(CursorsElsewhere, ACursorIsMadeShownMovedAndRemoved) {
    world_.store(1, 5);

    const auto put = cursors().put("reports", globs_of({"org.weft.dev.**"}), beginning);
    ASSERT_TRUE(put) << put.error().sentence;
    EXPECT_TRUE(put->created);
    EXPECT_FALSE(cursors().put("reports", globs_of({"org.weft.dev.**"}), beginning)->created);
    EXPECT_EQ(put->cursor, *store_.show("reports"));

    EXPECT_EQ(cursors().advance("reports", {0, 2})->position.id, 2u);
    const auto view = cursors().show("reports");
    ASSERT_TRUE(view) << view.error().sentence;
    EXPECT_EQ(view->cursor, *store_.show("reports"));
    EXPECT_EQ(view->lag.messages, 3u);
    EXPECT_TRUE(view->lag.oldest_age);
    EXPECT_FALSE(view->group);

    EXPECT_EQ(cursors().set("reports", {.kind = Start::Kind::after, .after = {0, 4}})->position.id,
              4u);
    EXPECT_TRUE(cursors().remove("reports"));
    EXPECT_EQ(reason(cursors().show("reports")), Reason::not_found);
    EXPECT_EQ(reason(cursors().remove("reports")), Reason::not_found);
}

TEST_F(CursorsElsewhere, ReadingThroughACursorGivesWhatIsAfterIt) {
    world_.store(1, 5);
    ASSERT_TRUE(cursors().put("reports", {}, beginning));
    ASSERT_TRUE(cursors().advance("reports", {0, 2}));

    const auto page = cursors().read("reports", {.messages = 2});

    ASSERT_TRUE(page) << page.error().sentence;
    const auto messages = messages_of(*page);
    ASSERT_THAT(messages, SizeIs(2));
    EXPECT_EQ(messages[0].id(), 3u);
    EXPECT_EQ(messages[0].run.topic, ServiceWorld::topic);
    EXPECT_FALSE(page->at_head);
}

TEST_F(CursorsElsewhere, AListComesInPagesWhoseSizeTheServiceBounds) {
    const std::size_t count = cursors_page_max + 7;
    for (std::size_t i = 0; i < count; ++i) {
        ASSERT_TRUE(store_.put("c" + std::to_string(10'000 + i), {}, beginning));
    }
    ASSERT_TRUE(world_.journal.state().apply({{cursor_key("broken"), "?"}}));
    Packer out;
    out.str("").uint(UINT64_MAX);
    Question question;
    question.operation = Operation::cursor_list;
    question.fields = {2, out.take()};

    auto page = link_->link().ask(question);

    ASSERT_TRUE(page) << page.error().sentence;
    std::string_view last;
    std::uint64_t in_page = 0;
    ASSERT_TRUE(page->fields.str(last) && page->fields.array_head(in_page));
    EXPECT_EQ(in_page, cursors_page_max - 1);  // and the one that is not readable
    const auto all = cursors().list();
    ASSERT_TRUE(all) << all.error().sentence;
    EXPECT_THAT(all->cursors, SizeIs(count));
    EXPECT_THAT(all->unreadable, ElementsAre(HasSubstr("'broken' is not readable")));
    EXPECT_THAT(cursors().list("c10004", 2)->cursors, SizeIs(2));
    EXPECT_EQ(cursors().list("c10004", 2)->cursors.front().name, "c10005");
}

// P1
TEST_F(CursorsElsewhere, WhoHasNoKeyMayReadAndChangesNothing) {
    world_.store(1, 1);
    make_group();
    ASSERT_TRUE(store_.put("reports", {}, beginning));
    const auto nobody = world_.remote();
    RemoteCursors cursors(nobody->link());
    RemoteGroups groups(nobody->link(), world_.clock);

    EXPECT_TRUE(cursors.list());
    EXPECT_TRUE(cursors.show("crew"));
    EXPECT_TRUE(groups.dead("crew"));
    EXPECT_EQ(reason(cursors.put("more", {}, beginning)), Reason::refused);
    EXPECT_EQ(reason(cursors.set("reports", {})), Reason::refused);
    EXPECT_EQ(reason(cursors.advance("reports", {0, 1})), Reason::refused);
    EXPECT_EQ(reason(cursors.read("reports")), Reason::refused);
    EXPECT_EQ(reason(cursors.remove("reports")), Reason::refused);
    EXPECT_EQ(reason(groups.next("crew", "a", 1)), Reason::refused);
    EXPECT_EQ(reason(groups.ack("crew", "a", {1})), Reason::refused);
    EXPECT_EQ(reason(groups.bury("crew", "a", 1, "no")), Reason::refused);
    EXPECT_EQ(reason(groups.extend("crew", "a", std::vector<JournalId>{1})), Reason::refused);
    EXPECT_EQ(reason(groups.retry("crew", 1)), Reason::refused);
    EXPECT_EQ(reason(groups.drop("crew", 1)), Reason::refused);
    EXPECT_EQ(groups_->show("crew")->stats.leased, 0u);
}

// P1: unsigned requests by hand, past what a client of ours refuses by itself.
TEST_F(CursorsElsewhere, EveryOperationThatChangesSomethingIsRefusedUnsigned) {
    for (const OperationEntry& entry : operations_->entries()) {
        BareAsker asker(world_);
        auto request = BareAsker::request(static_cast<Operation>(entry.number), {}, asker.life());
        ASSERT_TRUE(asker.send(encode_journal_request(request)));
        const auto answer = asker.answer();
        ASSERT_TRUE(answer);
        const bool reads = entry.number == static_cast<std::uint64_t>(Operation::cursor_list) ||
                           entry.number == static_cast<std::uint64_t>(Operation::cursor_show) ||
                           entry.number == static_cast<std::uint64_t>(Operation::dead_list);
        EXPECT_EQ(answer->status,
                  static_cast<std::uint64_t>(reads ? AnswerStatus::invalid : AnswerStatus::refused))
            << entry.number;
    }
}

TEST_F(CursorsElsewhere, ARecipientMayConsumeAndARelayMayNot) {
    world_.store(1, 1);
    make_group();
    const auto recipient = world_.remote(world_.somebody("mail", Role::ack));
    const auto relay = world_.remote(world_.somebody("relay1", Role::relay));

    const auto refused = RemoteGroups(relay->link(), world_.clock).next("crew", "a", 1);

    EXPECT_EQ(reason(refused), Reason::refused);
    EXPECT_THAT(refused.error().sentence, AllOf(HasSubstr("'relay1' has 'relay'"),
                                                HasSubstr("publish, ack, gateway or journal")));
    EXPECT_THAT(ids(RemoteGroups(recipient->link(), world_.clock).next("crew", "a", 1)),
                ElementsAre(1));
}

TEST_F(CursorsElsewhere, FieldsThatCannotBeReadAreAnsweredWithWhatTheyMustBe) {
    for (const OperationEntry& entry : operations_->entries()) {
        Question question;
        question.operation = static_cast<Operation>(entry.number);
        question.fields = {1, Packer{}.bin("x").take()};
        question.is_signed = true;
        const auto answer = link_->link().ask(std::move(question));
        ASSERT_EQ(reason(answer), Reason::invalid) << entry.number;
        EXPECT_THAT(answer.error().sentence, HasSubstr("must be those of")) << entry.number;
    }
}

TEST_F(CursorsElsewhere, MessagesComeWithTheirBytesTheirAttemptAndTheirLease) {
    const auto one = ServiceWorld::content(1, "one"), two = ServiceWorld::content(2, "two"),
               three = ServiceWorld::content(3, "three");
    std::vector<RunToStore> runs{
        ServiceWorld::to_store(world_.git, ServiceWorld::topic, {one, two, three})};
    ASSERT_TRUE(world_.journal.append(std::move(runs)));
    make_group();
    ASSERT_THAT(ids(groups().next("crew", "a", 1)), ElementsAre(1));

    const auto next = groups().next("crew", "b", 10, 7s);

    EXPECT_THAT(ids(next), ElementsAre(2, 3));
    EXPECT_EQ(next->messages[0].message.content, two);
    EXPECT_EQ(next->messages[1].message.content, three);
    EXPECT_EQ(next->messages[0].message.run.topic, ServiceWorld::topic);
    EXPECT_EQ(next->messages[0].attempt, 1u);
    EXPECT_EQ(next->messages[0].lease, 7s);
    StoredVerifier verifier(world_.signing.trust());
    std::vector<JournalId> believed;
    for (const auto& leased : next->messages) {
        verifier.verify(leased.message.run, leased.message.bytes,
                        [&](const VerifiedMessage& message) { believed.push_back(message.id); },
                        {});
    }
    EXPECT_THAT(believed, ElementsAre(2, 3));
}

TEST_F(CursorsElsewhere, WhatIsAcknowledgedIsDoneAndTheRestComesAgain) {
    world_.store(1, 3);
    make_group({.max_attempts = 2});
    ASSERT_THAT(ids(groups().next("crew", "a", 10)), ElementsAre(1, 2, 3));

    const auto answers = groups().ack("crew", "a", {1, 2, 99});

    ASSERT_TRUE(answers) << answers.error().sentence;
    ASSERT_THAT(*answers, SizeIs(3));
    EXPECT_EQ((*answers)[0].is, Is::done);
    EXPECT_EQ((*answers)[2].is, Is::unknown);
    EXPECT_THAT((*answers)[2].sentence, HasSubstr("never handed out"));
    EXPECT_EQ(groups().extend("crew", "a", 3, 60s)->is, Is::done);
    EXPECT_EQ(groups().nack("crew", "a", 3, "not today")->is, Is::done);
    EXPECT_THAT(ids(groups().next("crew", "b", 10)), ElementsAre(3));
    EXPECT_TRUE(groups().leave("crew", "b"));
    EXPECT_EQ(reason(groups().leave("crew", "nobody")), Reason::not_found);
    EXPECT_THAT(ids(groups().next("crew", "c", 10)), ElementsAre(3));
    const auto view = cursors().show("crew");
    ASSERT_TRUE(view) << view.error().sentence;
    EXPECT_EQ(view->cursor.position.id, 2u);
    ASSERT_TRUE(view->group);
    EXPECT_EQ(view->group->leased, 1u);
    EXPECT_EQ(view->group->acknowledged, 2u);
}

TEST_F(CursorsElsewhere, DeadLettersAreListedHandedOutAgainAndForgotten) {
    world_.store(1, 2);
    make_group({.max_attempts = 1});
    ASSERT_THAT(ids(groups().next("crew", "a", 10)), ElementsAre(1, 2));
    for (const JournalId id : {1, 2}) ASSERT_TRUE(groups().nack("crew", "a", id, "no such mail"));

    const auto dead = groups().dead("crew");
    ASSERT_TRUE(dead) << dead.error().sentence;
    ASSERT_THAT(*dead, SizeIs(2));
    EXPECT_EQ(dead->front().reason, "no such mail");
    EXPECT_EQ(dead->front().member, "a");
    EXPECT_THAT(*groups().dead("crew", 1), SizeIs(1));

    EXPECT_TRUE(groups().retry("crew", 1));
    EXPECT_TRUE(groups().drop("crew", 2));
    EXPECT_EQ(reason(groups().drop("crew", 2)), Reason::not_found);
    EXPECT_THAT(ids(groups().next("crew", "b", 10)), ElementsAre(1));
    EXPECT_THAT(*groups().dead("crew"), IsEmpty());
}

TEST_F(CursorsElsewhere, ManyLeasesAreExtendedInOneRequest) {
    world_.store(1, 3);
    make_group();
    ASSERT_THAT(ids(groups().next("crew", "a", 2, 50ms)), ElementsAre(1, 2));

    const auto extended = groups().extend("crew", "a", std::vector<JournalId>{2, 1, 3}, 60s);

    ASSERT_TRUE(extended) << extended.error().sentence;
    ASSERT_THAT(*extended, SizeIs(3));
    EXPECT_EQ((*extended)[0].id, 2u);
    EXPECT_EQ((*extended)[2].is, Is::unknown);
    EXPECT_EQ(groups_->show("crew")->stats.leased, 2u);
    const std::vector<JournalId> many(answers_max + 1, 1);
    EXPECT_EQ(reason(groups().extend("crew", "a", many)), Reason::invalid);
}

// Everything that `weft hub --list` tells of a consumer.
TEST_F(CursorsElsewhere, AGroupIsShownWithAllItsFigures) {
    world_.store(1, 8);
    make_group({.mode = Mode::exclusive, .max_attempts = 1});
    ASSERT_THAT(ids(groups().next("crew", "a", 5)), ElementsAre(1, 2, 3, 4, 5));
    ASSERT_TRUE(groups().ack("crew", "a", {1}));
    ASSERT_TRUE(groups().nack("crew", "a", 2, "no"));
    ASSERT_TRUE(groups().bury("crew", "a", 3, "never"));
    ASSERT_TRUE(groups().drop("crew", 2));

    const auto view = cursors().show("crew");

    ASSERT_TRUE(view && view->group);
    const auto own = groups_->show("crew");
    EXPECT_EQ(view->cursor, own->cursor);
    EXPECT_EQ(view->lag.messages, 5u);
    const ConsumerGroup::Stats &told = *view->group, &has = own->stats;
    EXPECT_EQ(told.leased, 2u);
    EXPECT_EQ(told.waiting, has.waiting);
    EXPECT_EQ(has.waiting, 3u) << "looked up in advance";
    EXPECT_EQ(told.delayed, 0u);
    EXPECT_EQ(told.members, 1u);
    EXPECT_EQ(told.active, "a");
    EXPECT_EQ(told.dead, 1u);
    EXPECT_EQ(told.buried, 2u);
    EXPECT_EQ(told.acknowledged, 1u);
}

TEST_F(CursorsElsewhere, WhatAMemberBuriesIsADeadLetterWhateverAttemptItIs) {
    world_.store(1, 2);
    make_group({.max_attempts = 5});
    ASSERT_THAT(ids(groups().next("crew", "a", 10)), ElementsAre(1, 2));

    const auto buried = groups().bury("crew", "a", 1, "this will never work");

    ASSERT_TRUE(buried) << buried.error().sentence;
    EXPECT_EQ(buried->is, Is::done);
    EXPECT_EQ(buried->id, 1u);
    EXPECT_EQ(groups().bury("crew", "b", 2, "not mine")->is, Is::lost);
    EXPECT_EQ(reason(groups().bury("nobody", "a", 2, "no such group")), Reason::not_found);
    const auto dead = groups().dead("crew");
    ASSERT_TRUE(dead) << dead.error().sentence;
    ASSERT_THAT(*dead, SizeIs(1));
    EXPECT_EQ(dead->front().attempts, 1u);
    EXPECT_EQ(dead->front().reason, "this will never work");
    const auto view = cursors().show("crew");
    ASSERT_TRUE(view && view->group);
    EXPECT_EQ(view->group->dead, 1u);
    EXPECT_EQ(view->group->buried, 1u);
    EXPECT_EQ(view->group->leased, 1u);
}

TEST_F(CursorsElsewhere, ManyMembersOfManyProcessesNeverHaveOneMessageAtOnce) {
    constexpr JournalId total = 200;
    world_.store(1, total);
    make_group();
    std::mutex mutex;
    std::multiset<JournalId> had;
    std::vector<std::thread> members;
    for (int number = 0; number < 4; ++number) {
        members.emplace_back([&, number] {
            const auto own = world_.remote(world_.git);
            RemoteGroups groups(own->link(), world_.clock);
            const std::string name = "m" + std::to_string(number);
            while (true) {
                const auto got = ids(groups.next("crew", name, 7));
                if (got.empty()) return;
                const std::scoped_lock lock(mutex);
                had.insert(got.begin(), got.end());
            }
        });
    }
    for (std::thread& member : members) member.join();

    EXPECT_THAT(had, SizeIs(total));
    EXPECT_EQ(std::set<JournalId>(had.begin(), had.end()).size(), total);
}

TEST_F(CursorsElsewhere, AMemberThatWaitsIsAnsweredByANewMessage) {
    make_group();
    auto waiting = parked_next("a", patience);

    world_.store(1, 1);

    EXPECT_THAT(ids(waiting.get()), ElementsAre(1));
    EXPECT_EQ(operations_->parked(), 0u);
}

TEST_F(CursorsElsewhere, AMemberThatWaitsIsAnsweredByWhatAnotherLetsGo) {
    world_.store(1, 1);
    make_group();
    ASSERT_THAT(ids(groups().next("crew", "a", 1)), ElementsAre(1));
    auto waiting = parked_next("b", patience);

    ASSERT_TRUE(groups().nack("crew", "a", 1, "not I"));

    const auto next = waiting.get();
    EXPECT_THAT(ids(next), ElementsAre(1));
    EXPECT_EQ(next->messages.front().attempt, 2u);
}

// A process that was killed while it waited, and the next one under its name.
TEST_F(CursorsElsewhere, WhatAMemberAskedBeforeItLeftIsGivenNothingAfterwards) {
    make_group();
    auto waiting = parked_next("a", patience);

    // Whether the group knows it by then is all the same.
    static_cast<void>(groups().leave("crew", "a"));
    const auto nothing = waiting.get();
    ASSERT_TRUE(nothing) << nothing.error().sentence;
    EXPECT_THAT(nothing->messages, IsEmpty());
    world_.store(1, 1);
    EXPECT_THAT(ids(groups().next("crew", "a", 1, {}, patience)), ElementsAre(1));
    EXPECT_EQ(operations_->parked(), 0u);
}

TEST_F(CursorsElsewhere, AMemberThatWaitsIsAnsweredWhenALeaseEnds) {
    world_.store(1, 1);
    make_group();
    ASSERT_THAT(ids(groups().next("crew", "a", 1, 50ms)), ElementsAre(1));

    EXPECT_THAT(ids(groups().next("crew", "b", 1, {}, patience)), ElementsAre(1));
}

TEST_F(CursorsElsewhere, AMemberThatWaitsIsAnsweredWhenItsTimeIsOver) {
    make_group();

    const auto next = groups().next("crew", "a", 1, {}, 20ms);

    ASSERT_TRUE(next) << next.error().sentence;
    EXPECT_THAT(next->messages, IsEmpty());
    EXPECT_EQ(next->why, Why::nothing_waits);
    EXPECT_THAT(next->sentence, HasSubstr("nothing"));
    EXPECT_EQ(operations_->parked(), 0u);
}

TEST_F(CursorsElsewhere, ManyWhoWaitHoldNoWorkerAndNoTurn) {
    make_group();
    const std::size_t many = TurnLimits{}.per_peer + 20;  // of one peer, and two workers
    std::vector<std::future<JournalResult<NextMessages>>> waiting;
    for (std::size_t i = 0; i < many; ++i) {
        waiting.push_back(std::async(std::launch::async, [this, i] {
            return groups().next("crew", "m" + std::to_string(i), 1, {}, patience);
        }));
    }
    ASSERT_TRUE(eventually([&] { return operations_->parked() == many; }));

    EXPECT_TRUE(cursors().show("crew"));
    world_.store(1, many);
    std::set<JournalId> had;
    for (auto& next : waiting)
        had.merge([&] {
            const auto got = ids(next.get());
            return std::set<JournalId>(got.begin(), got.end());
        }());
    EXPECT_THAT(had, SizeIs(many));
}

TEST_F(CursorsElsewhere, WhoLetsTooManyWaitIsToldThatItIsBusy) {
    serve({.per_signer = 1, .all = 2});
    make_group();
    auto first = parked_next("a", patience);

    Packer out;
    out.str("crew").str("b").uint(1).nil().uint(5000);
    Question question;
    question.operation = Operation::group_next;
    question.fields = {5, out.take()};
    question.is_signed = true;
    question.again = false;
    const auto second = link_->link().ask(std::move(question));

    EXPECT_EQ(reason(second), Reason::busy);
    EXPECT_THAT(second.error().sentence, HasSubstr("members of 'git'"));
    world_.store(1, 1);
    EXPECT_THAT(ids(first.get()), ElementsAre(1));
}

TEST_F(CursorsElsewhere, StoppingEndsAllWaits) {
    make_group();
    Packer out;
    out.str("crew").str("a").uint(1).nil().uint(60'000);
    Question question;
    question.operation = Operation::group_next;
    question.fields = {5, out.take()};
    question.is_signed = true;
    question.again = false;
    question.longer = 60s;
    std::promise<JournalResult<RemoteAnswer>> answered;
    link_->link().ask(std::move(question),
                      [&](auto answer) { answered.set_value(std::move(answer)); });
    ASSERT_TRUE(eventually([&] { return operations_->parked() == 1; }));

    operations_->stop();
    world_.service.reset();

    auto answer = answered.get_future();
    ASSERT_EQ(answer.wait_for(patience), std::future_status::ready);
    EXPECT_EQ(reason(answer.get()), Reason::closed);
}

TEST_F(CursorsElsewhere, MessagesThatOneAnswerDoesNotHoldComeWithTheNextAndCountNoAttempt) {
    const std::string large(page_bytes_max / 2, 'x');
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
        std::vector<RunToStore> runs{ServiceWorld::to_store(world_.git, ServiceWorld::topic,
                                                            {ServiceWorld::content(seq, large)})};
        ASSERT_TRUE(world_.journal.append(std::move(runs)));
    }
    make_group();

    EXPECT_THAT(ids(groups().next("crew", "a", 10)), ElementsAre(1));
    EXPECT_THAT(ids(groups().next("crew", "a", 10)), ElementsAre(2));
    const auto third = groups().next("crew", "b", 10);
    EXPECT_THAT(ids(third), ElementsAre(3));
    EXPECT_EQ(third->messages.front().attempt, 1u);
}

TEST_F(CursorsElsewhere, AFamilyIsToldWithTopicsSignersAndIds) {
    std::vector<fabric::MessageId> made;
    const auto store = [&](const fabric::MessageId& parent) {
        fabric::ContentHeader header = fabric::sample_header();
        header.id = fabric::MessageId::make(1'800'000'000'000);
        header.content_type = "text/plain";
        header.parent.reset();
        if (!parent.is_none()) header.parent = parent;
        made.push_back(header.id);
        std::vector<RunToStore> runs{ServiceWorld::to_store(world_.git, ServiceWorld::topic,
                                                            {fabric::encoded(header, "x")})};
        ASSERT_TRUE(world_.journal.append(std::move(runs)));
    };
    store({});
    store(made[0]);
    store(made[1]);
    store(made[0]);
    const auto reader = world_.remote();

    const auto up = remote_ancestors(reader->link(), made[2]);
    const auto down = remote_descendants(reader->link(), made[0]);

    ASSERT_TRUE(up) << up.error().sentence;
    ASSERT_THAT(up->members, SizeIs(2));
    EXPECT_EQ(up->members[0].id, made[1]);
    EXPECT_EQ(up->members[0].parent, made[0]);
    EXPECT_EQ(up->members[1].depth, 2u);
    ASSERT_TRUE(up->members[1].stored);
    EXPECT_EQ(up->members[1].stored->journal_id, 1u);
    EXPECT_EQ(up->members[1].stored->topic, ServiceWorld::topic);
    EXPECT_EQ(up->members[1].stored->signer, "git");
    ASSERT_TRUE(down) << down.error().sentence;
    ASSERT_THAT(down->members, SizeIs(3));
    EXPECT_EQ(down->members[1].id, made[2]);
    EXPECT_EQ(down->members[2].id, made[3]);
    const auto few = remote_descendants(reader->link(), made[0], lineage_depth_max, 1);
    EXPECT_TRUE(few->cut);
    EXPECT_THAT(few->members, SizeIs(1));
    EXPECT_EQ(reason(remote_ancestors(reader->link(), fabric::MessageId::make(1))),
              Reason::not_found);
}

}  // namespace
}  // namespace weft::reliability
