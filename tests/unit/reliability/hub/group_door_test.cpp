// A consumer group here and elsewhere: the same answers to the same questions.

#include "reliability/hub/group_door.hpp"

#include "reliability/service/cursor_operations.hpp"
#include "tests/unit/reliability/service/service_world.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Is = ConsumerGroup::Answer::Is;
using Reason = JournalError::Reason;

enum class Where { here, elsewhere };

class GroupDoorTest : public ::testing::TestWithParam<Where> {
protected:
    GroupDoorTest() {
        auto settings = world_.service_settings();
        settings.operations = operations_.entries();
        world_.serve(settings);
        link_ = world_.remote(world_.git);
        door_ = GetParam() == Where::here ? open_local_group(groups_, "crew")
                                          : open_remote_group(*link_, world_.clock, "crew");
    }
    ~GroupDoorTest() override {
        door_.reset();
        link_.reset();
        world_.service.reset();
    }
    JournalResult<CursorStore::Put> put(const GroupSettings& settings = {}) {
        return door_->put(support::globs_of({"org.weft.**"}), {Start::Kind::beginning}, settings);
    }
    std::vector<JournalId> next(std::size_t max = 100, milliseconds wait = 0ms) {
        const auto got = door_->next("one", max, 30s, wait);
        if (!got) throw std::runtime_error(got.error().sentence);
        attempts_.clear();
        std::vector<JournalId> ids;
        for (const auto& leased : got->messages) {
            ids.push_back(leased.message.id());
            attempts_.push_back(leased.attempt);
            EXPECT_EQ(leased.message.run.topic, ServiceWorld::topic);
            EXPECT_GT(leased.lease, 20s);
        }
        return ids;
    }
    static std::vector<Is> kinds(const JournalResult<std::vector<GroupDoor::Answer>>& answers) {
        if (!answers) throw std::runtime_error(answers.error().sentence);
        std::vector<Is> kinds;
        for (const auto& answer : *answers) kinds.push_back(answer.is);
        return kinds;
    }

    ServiceWorld world_;
    CursorStore store_{world_.journal, world_.clock};
    GroupService groups_{store_};
    CursorOperations operations_{store_, groups_, {}};
    std::unique_ptr<RemoteJournal> link_;
    std::unique_ptr<GroupDoor> door_;
    std::vector<unsigned> attempts_;
};

TEST_P(GroupDoorTest, AGroupIsMadeOnceAndShownWithItsLag) {
    world_.journal.set_stored_us(world_.clock.utc_us() - 60'000'000);
    world_.store(1, 5);
    const auto made = put({.mode = GroupSettings::Mode::keyed, .lease = 7s, .max_attempts = 3});
    ASSERT_TRUE(made) << made.error().sentence;
    EXPECT_TRUE(made->created);
    EXPECT_EQ(made->cursor.position.epoch, support::FakeJournal::epoch);
    EXPECT_FALSE(put({.mode = GroupSettings::Mode::keyed})->created);

    EXPECT_THAT(next(2), ElementsAre(1, 2));
    EXPECT_THAT(kinds(door_->ack("one", {1})), ElementsAre(Is::done));
    const auto view = door_->show();
    ASSERT_TRUE(view) << view.error().sentence;
    EXPECT_EQ(view->cursor, *store_.show("crew"));
    EXPECT_EQ(view->lag.messages, 4U);
    ASSERT_TRUE(view->lag.oldest_age);
    EXPECT_EQ(*view->lag.oldest_age, 60s);
    ASSERT_TRUE(view->group);
    EXPECT_EQ(view->group->leased, 1U);
    EXPECT_EQ(view->group->members, 1U);
}

TEST_P(GroupDoorTest, MessagesAreLeasedAcknowledgedGivenBackBuriedAndExtended) {
    world_.store(1, 4);
    ASSERT_TRUE(put());
    EXPECT_THAT(next(), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(attempts_, ElementsAre(1, 1, 1, 1));
    EXPECT_THAT(kinds(door_->ack("one", {1, 1, 9})),
                ElementsAre(Is::done, Is::already, Is::unknown));
    EXPECT_EQ(door_->nack("one", 2, "again", 0ms)->is, Is::done);
    EXPECT_EQ(door_->bury("one", 3, "never")->is, Is::done);
    EXPECT_EQ(door_->bury("two", 4, "not mine")->is, Is::lost);
    EXPECT_THAT(kinds(door_->extend("one", {4, 2, 3}, 60s)),
                ElementsAre(Is::done, Is::lost, Is::lost));
    EXPECT_THAT(next(), ElementsAre(2));
    EXPECT_THAT(attempts_, ElementsAre(2));
    ASSERT_THAT(*groups_.dead("crew"), SizeIs(1));
    EXPECT_EQ(groups_.dead("crew")->front().reason, "never");
}

TEST_P(GroupDoorTest, WhoLeavesGivesBackWhatItHadAndThatIsNoAttempt) {
    world_.store(1, 2);
    ASSERT_TRUE(put());
    EXPECT_THAT(next(), ElementsAre(1, 2));
    EXPECT_TRUE(door_->leave("one"));
    EXPECT_EQ(door_->leave("one").error().reason, Reason::not_found);
    EXPECT_THAT(next(), ElementsAre(1, 2));
    EXPECT_THAT(attempts_, ElementsAre(1, 1));
}

TEST_P(GroupDoorTest, ADeadLetterIsShownAndItsMessageReadWithoutALease) {
    world_.store(1, 4);
    ASSERT_TRUE(put());
    EXPECT_THAT(next(), ElementsAre(1, 2, 3, 4));
    ASSERT_TRUE(door_->bury("one", 3, "never"));
    const auto letter = door_->dead_letter(3);
    ASSERT_TRUE(letter) << letter.error().sentence;
    ASSERT_TRUE(*letter);
    EXPECT_EQ((*letter)->reason, "never");
    EXPECT_EQ((*letter)->member, "one");
    EXPECT_EQ((*letter)->attempts, 1U);
    for (const JournalId id : {1U, 2U, 4U, 9U}) {
        EXPECT_EQ(*door_->dead_letter(id), std::nullopt) << id;
    }

    const JournalEpoch epoch = support::FakeJournal::epoch;
    for (const JournalId id : {1U, 3U, 4U}) {
        const auto one = door_->read_one({epoch, id});
        ASSERT_TRUE(one) << one.error().sentence;
        ASSERT_TRUE(*one);
        EXPECT_EQ((*one)->id(), id);
        EXPECT_EQ((*one)->run.topic, ServiceWorld::topic);
    }
    EXPECT_FALSE(*door_->read_one({epoch, 5})) << "there is none yet";
    EXPECT_FALSE(*door_->read_one({epoch, 6}));
    EXPECT_FALSE(*door_->read_one({epoch + 1, 1})) << "another journal's";
    ASSERT_TRUE(world_.journal.trim(4));
    EXPECT_FALSE(*door_->read_one({epoch, 3})) << "it was trimmed";
    EXPECT_TRUE(*door_->read_one({epoch, 4}));
}

TEST_P(GroupDoorTest, ItIsSetToAnotherPlace) {
    world_.store(1, 5);
    ASSERT_TRUE(put());
    const auto set = door_->set({.kind = Start::Kind::last, .count = 2});
    ASSERT_TRUE(set) << set.error().sentence;
    EXPECT_EQ(set->position.id, 3U);
    EXPECT_THAT(next(), ElementsAre(4, 5));
}

TEST_P(GroupDoorTest, AQuestionWaitsForWhatComes) {
    ASSERT_TRUE(put());
    EXPECT_THAT(next(10, 1ms), IsEmpty());
    std::vector<JournalId> got;
    std::thread asks([&] { got = next(10, 20s); });
    world_.store(1, 1);
    asks.join();
    EXPECT_THAT(got, ElementsAre(1));
}

TEST_P(GroupDoorTest, ErrorsHaveTheSameReasons) {
    EXPECT_EQ(door_->show().error().reason, Reason::not_found);
    EXPECT_EQ(door_->next("one", 1, 30s, 0ms).error().reason, Reason::not_found);
    EXPECT_EQ(door_->ack("one", {1}).error().reason, Reason::not_found);
    EXPECT_EQ(door_->nack("one", 1, "", 0ms).error().reason, Reason::not_found);
    EXPECT_EQ(door_->bury("one", 1, "").error().reason, Reason::not_found);
    EXPECT_EQ(door_->extend("one", {1}, 30s).error().reason, Reason::not_found);
    EXPECT_EQ(door_->set({Start::Kind::beginning}).error().reason, Reason::not_found);
    ASSERT_TRUE(put());
    EXPECT_EQ(door_->next("A B", 1, 30s, 0ms).error().reason, Reason::invalid);
    EXPECT_EQ(door_->next("one", 0, 30s, 0ms).error().reason, Reason::invalid);
}

INSTANTIATE_TEST_SUITE_P(Both, GroupDoorTest, ::testing::Values(Where::here, Where::elsewhere),
                         [](const auto& instance) {
                             return instance.param == Where::here ? "Here" : "Elsewhere";
                         });

}  // namespace
}  // namespace weft::reliability::hub
