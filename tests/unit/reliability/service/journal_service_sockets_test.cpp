// A journal that is asked over libzmq: restarts, noise, strangers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "config/endpoint.hpp"
#include "tests/support/certificate_files.hpp"
#include "tests/support/zmtp_stranger.hpp"
#include "tests/unit/fabric/curve_world.hpp"
#include "tests/unit/reliability/service/service_world.hpp"

namespace weft::reliability {
namespace {

using ::testing::ElementsAre;

constexpr const char* any_port = "tcp://127.0.0.1:0";

class JournalServiceSocketsTest : public ::testing::Test {
protected:
    void SetUp() override { world_.serve(); }
    ServiceWorld world_{fabric::make_zmq_transport({}), any_port};
};

TEST_F(JournalServiceSocketsTest, ReadsAppendsAndWaitsOverTcp) {
    const auto remote = world_.remote(world_.git);
    std::vector<RunToStore> runs{world_.to_store(1), world_.to_store(2)};

    EXPECT_THAT(*remote->append(std::move(runs)), ElementsAre(IdRange{1, 1}, IdRange{2, 2}));
    EXPECT_EQ(remote->read({}, {}, {})->messages(), 2u);
    EXPECT_EQ(remote->wait(1, patience), 2u);
    EXPECT_EQ(remote->info().head, 2u);
}

TEST_F(JournalServiceSocketsTest, APageOfThePagesSizeComesWhole) {
    for (std::uint64_t seq = 1; seq <= 9; ++seq) {
        std::vector<RunToStore> runs{
            ServiceWorld::to_store(world_.git, ServiceWorld::topic,
                                   {ServiceWorld::content(seq, std::string(800'000, 'x'))})};
        ASSERT_TRUE(world_.journal.append(std::move(runs)));
    }
    const auto remote = world_.remote();

    const auto page = remote->read({}, {}, {});

    ASSERT_TRUE(page) << page.error().sentence;
    EXPECT_EQ(page->messages(), 9u);
    EXPECT_EQ(page->runs[8].contents.size(),
              world_.journal.read({0, 8}, {}, {})->runs[0].contents.size());
}

TEST_F(JournalServiceSocketsTest, AJournalThatRestartsIsFoundAgain) {
    world_.store(1, 3);
    const auto remote = world_.remote(world_.hub);
    ASSERT_TRUE(remote->read({}, {}, {}));
    ASSERT_EQ(*remote->trim(1), 1u);
    std::atomic<JournalId> heard{0};
    const auto watching = remote->watch([&](JournalId head) { heard = head; });

    world_.service.reset();
    std::jthread later([&] { world_.serve(); });
    EXPECT_TRUE(remote->read({}, {}, {}));
    EXPECT_EQ(*remote->trim(2), 2u);
    later.join();
    world_.store(4, 4);

    EXPECT_TRUE(eventually([&] { return heard == 4; }));
}

TEST_F(JournalServiceSocketsTest, StrangersWhoSendNoiseAreCountedAndHarmNobody) {
    const auto remote = world_.remote();
    ASSERT_EQ(remote->info().head, 0u);
    {
        // A REQ sends an empty frame first; a message of one frame is none of ours either.
        support::ZmtpStranger requester(world_.endpoint, "REQ");
        requester.write_some(std::string("\x01\x00\x00\x05hello", 9));
        support::ZmtpStranger dealer(world_.endpoint, "DEALER");
        dealer.write_some(std::string("\x00\x05hello", 7));
        // Five frames.
        dealer.write_some(
            std::string("\x01\x01"
                        "a\x01\x01"
                        "b\x01\x01"
                        "c\x01\x01"
                        "d\x00\x01"
                        "e",
                        15));
        EXPECT_TRUE(eventually([&] {
            return world_.service->stats()
                       .refused[static_cast<std::size_t>(signing::Refusal::not_three_frames)] == 3;
        }));
        // No ZMTP frame at all, then gone.
        dealer.write_some(std::string(10'000, '\xFF'));
    }

    EXPECT_EQ(remote->info().not_ready, "");
}

TEST_F(JournalServiceSocketsTest, WhoLeavesWhileItWaitsCostsNothingButItsAnswer) {
    {
        const auto remote = world_.remote();
        std::jthread waiting([&] { static_cast<void>(remote->wait(5, patience)); });
        ASSERT_TRUE(eventually([&] { return world_.service->stats().parked == 1; }));
        remote->close();
    }

    // The journal learns of it when it answers.
    EXPECT_TRUE(eventually([&] {
        world_.store(1, 1);
        return world_.service->stats().undeliverable == 1 || world_.service->stats().parked == 0;
    }));
    EXPECT_GE(world_.remote()->info().head, 1u);
}

// ---- CURVE (N1) ----

class EncryptedJournalTest : public ::testing::Test {
protected:
    struct Party {
        support::Identity who;
        std::shared_ptr<fabric::Curve> curve;
        std::unique_ptr<fabric::Transport> transport;
    };
    Party party(const std::string& name, std::initializer_list<Role> roles) {
        Party made;
        made.who = world_.citizen(name, roles);
        made.curve = world_.curve_of(made.who);
        made.transport = fabric::make_zmq_transport({}, made.curve);
        return made;
    }
    std::unique_ptr<JournalService> serve(Party& journal) {
        JournalServiceSettings settings;
        settings.space = ServiceWorld::space();
        settings.endpoints = {any_port};
        return support::must(JournalService::open(*journal.transport, world_.clock, settings,
                                                  journal_, fabric::shared(journal.who),
                                                  world_.signing.trust()));
    }
    std::unique_ptr<RemoteJournal> ask(Party& asker, const JournalService& service,
                                       milliseconds for_so_long) {
        RemoteSettings settings;
        settings.name = "hub";
        settings.endpoint = service.bound();
        settings.space = ServiceWorld::space();
        settings.patience = for_so_long;
        asker.curve->expect(settings.endpoint, "hub");
        return support::must(RemoteJournal::open(*asker.transport, world_.clock, settings, nullptr,
                                                 world_.signing.trust()));
    }

    fabric::CurveWorld world_;
    support::FakeJournal journal_;
};

TEST_F(EncryptedJournalTest, AnyRoleMayAsk) {
    Party hub = party("hub", {Role::journal});
    Party relay = party("relay", {Role::relay});
    Party ann = party("ann", {Role::ack});
    const auto service = serve(hub);

    EXPECT_TRUE(ask(relay, *service, patience)->id_at(0));
    EXPECT_TRUE(ask(ann, *service, patience)->id_at(0));
}

TEST_F(EncryptedJournalTest, AStrangerGetsNoConnection) {
    Party hub = party("hub", {Role::journal});
    const auto service = serve(hub);
    // It knows the journal's key; nobody knows its own.
    Party stranger;
    stranger.who = support::SigningFixture::stranger("stranger");
    stranger.curve = world_.curve_of(stranger.who);
    stranger.transport = fabric::make_zmq_transport({}, stranger.curve);

    const auto remote = ask(stranger, *service, milliseconds{500});
    const auto id = remote->id_at(0);

    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().reason, JournalError::Reason::away);
    EXPECT_TRUE(world_.logged("curve_key_unknown"));
    EXPECT_TRUE(world_.logged("at the answers side"));
    EXPECT_EQ(service->stats().requests, 0u);
}

TEST_F(EncryptedJournalTest, WhoIsRevokedIsCutOffAndTheOthersComeBack) {
    Party hub = party("hub", {Role::journal});
    Party ann = party("ann", {Role::ack});
    Party bob = party("bob", {Role::ack});
    const auto service = serve(hub);
    const auto good = ask(ann, *service, patience);
    const auto bad = ask(bob, *service, milliseconds{500});
    ASSERT_TRUE(good->id_at(0));
    ASSERT_TRUE(eventually([&] { return bad->id_at(0).has_value(); }));

    world_.signing.revoke(bob.who);

    EXPECT_TRUE(world_.logged("cut off 'bob'"));
    EXPECT_TRUE(eventually([&] { return !bad->id_at(0).has_value(); }));
    EXPECT_TRUE(good->id_at(0));
}

}  // namespace
}  // namespace weft::reliability
