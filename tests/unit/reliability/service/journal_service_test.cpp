// A journal that is asked by whoever comes: by people who may, by people who may not, and by noise.

#include "reliability/service/journal_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "reliability/service/field_codec.hpp"
#include "tests/unit/reliability/service/service_world.hpp"

namespace weft::reliability {
namespace {

using signing::Kind;
using signing::Refusal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JournalServiceTest : public ::testing::Test {
protected:
    void SetUp() override { world_.serve(); }
    std::uint64_t refused(Refusal reason) {
        return world_.service->stats().refused[static_cast<std::size_t>(reason)];
    }
    static Fields low(JournalId low) { return {1, Packer{}.uint(low).take()}; }
    static Fields waiting(JournalId after, std::uint64_t timeout_ms) {
        return {2, Packer{}.uint(after).uint(timeout_ms).take()};
    }
    Fields submission(const std::vector<support::Frames>& runs) {
        Packer out;
        out.array(runs.size());
        for (const auto& run : runs) out.array(3).str(run.topic).bin(run.contents).bin(run.proof);
        return {1, out.take()};
    }
    /// The status of the answer to a signed request, or of nothing.
    std::uint64_t status(BareAsker& asker, const support::Identity& who, Operation operation,
                         const Fields& fields) {
        const auto life = asker.life();
        EXPECT_TRUE(
            asker.send(who, encode_journal_request(BareAsker::request(operation, fields, life))));
        const auto answer = asker.answer();
        sentence_ = answer ? std::string{answer->sentence} : "";
        return answer ? answer->status : 999;
    }
    std::uint64_t submit(const std::vector<support::Frames>& runs) {
        BareAsker asker(world_);
        return status(asker, world_.git, Operation::submit, submission(runs));
    }
    support::Frames message(std::uint64_t seq, const std::string& text = "hello") {
        return support::sign(world_.git, ServiceWorld::topic, {ServiceWorld::content(seq, text)});
    }

    ServiceWorld world_;
    std::string sentence_;
    const std::uint64_t refused_status = static_cast<std::uint64_t>(AnswerStatus::refused);
    const std::uint64_t invalid_status = static_cast<std::uint64_t>(AnswerStatus::invalid);
};

TEST_F(JournalServiceTest, AnswersInItsOwnNameUnderTheTopicOfTheRequest) {
    BareAsker asker(world_);
    const auto request = BareAsker::request(Operation::info, {});
    ASSERT_TRUE(asker.send(encode_journal_request(request)));

    const auto answer = asker.answer();

    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->nonce, request.nonce);
    EXPECT_EQ(answer->status, 0u);
    EXPECT_NE(answer->life, 0u);
    EXPECT_EQ(answer->count, info_fields);
    EXPECT_EQ(asker.frames().topic, BareAsker::asking_topic());
}

TEST_F(JournalServiceTest, ServesNothingWithoutTheRoleJournalOrAKey) {
    const auto nobody =
        JournalService::open(*world_.transport, world_.clock, world_.service_settings(),
                             world_.journal, nullptr, world_.signing.trust());
    const auto git =
        JournalService::open(*world_.transport, world_.clock, world_.service_settings(),
                             world_.journal, fabric::shared(world_.git), world_.signing.trust());
    const auto taken =
        JournalService::open(*world_.transport, world_.clock, world_.service_settings(),
                             world_.journal, fabric::shared(world_.hub), world_.signing.trust());

    EXPECT_THAT(nobody.error(), HasSubstr("signing.sign"));
    EXPECT_THAT(git.error(), HasSubstr("'git' has not the role journal"));
    EXPECT_THAT(taken.error(), HasSubstr("it is taken"));
}

// N1
TEST_F(JournalServiceTest, IsNotBoundWhereOthersReachItUnencrypted) {
    fabric::Settings settings;
    EXPECT_TRUE(service_settings(settings, "tcp://127.0.0.1:0"));
    EXPECT_THAT(service_settings(settings, "tcp://*:9950").error(), HasSubstr("not encrypted"));
    EXPECT_THAT(service_settings(settings, "nowhere").error(), HasSubstr("journal.listen"));
    settings.curve = true;
    EXPECT_TRUE(service_settings(settings, "tcp://*:9950"));
}

TEST_F(JournalServiceTest, NoiseIsDroppedUnderItsReason) {
    BareAsker asker(world_);
    const std::string good = encode_journal_request(BareAsker::request(Operation::info, {}));
    const std::string topic = BareAsker::asking_topic();
    const auto stranger = support::SigningFixture::stranger("git");

    asker.send({"org.weft.dev.journal.other", support::contents_of({good}), ""});
    asker.send(support::unsigned_frames(topic, {good, good}));
    asker.send({topic, "abc", ""});
    asker.send(support::unsigned_frames(topic, {"no request"}));
    asker.send({topic, std::string("\xFF\xFF\xFF\xFF", 4) + std::string(32, 'd'), ""});
    asker.send({topic, support::contents_of({good}), "proof"});
    asker.send(stranger, good);
    asker.send(support::sign(world_.git, topic, {good}, Kind::beacon));
    asker.send(support::sign(world_.hub, topic, {good}, Kind::answer));
    asker.send(support::sign(world_.git, topic, {good, good}, Kind::request));
    asker.send({topic, std::string(asking_bytes_max + 1, 'x'), ""});
    EXPECT_TRUE(asker.silent());

    const auto stats = world_.service->stats();
    EXPECT_EQ(stats.other_topic, 1u);
    EXPECT_EQ(stats.other_kinds, 2u);
    EXPECT_EQ(refused(Refusal::contents_malformed), 2u);
    EXPECT_EQ(refused(Refusal::content_undecodable), 1u);
    EXPECT_EQ(refused(Refusal::nothing_present), 1u);
    EXPECT_EQ(refused(Refusal::proof_version_unknown), 1u);
    EXPECT_EQ(refused(Refusal::issuer_unknown), 1u);
    EXPECT_EQ(refused(Refusal::run_length_invalid), 1u);
    EXPECT_EQ(refused(Refusal::frame_too_large), 1u);
    EXPECT_EQ(stats.requests, 1u);
    // Counted once it has left.
    EXPECT_TRUE(fabric::eventually([&] { return world_.service->stats().answers == 1; }));
}

// S2: what somebody signed as a message is no request, whatever it says.
TEST_F(JournalServiceTest, AMessageThatSaysTrimTrimsNothing) {
    world_.store(1, 3);
    BareAsker asker(world_);
    const std::string trim =
        encode_journal_request(BareAsker::request(Operation::trim, low(3), asker.life()));
    const auto both = world_.signing.identity(
        "both", {.roles = support::roles_of({Role::publish, Role::journal})});

    asker.send(support::sign(both, BareAsker::asking_topic(), {trim}, Kind::message));
    asker.send(support::sign(both, BareAsker::asking_topic(), {trim}, Kind::ack));
    EXPECT_TRUE(asker.silent());

    EXPECT_EQ(world_.journal.info().low, 1u);
    EXPECT_EQ(world_.service->stats().other_kinds, 2u);
}

// C5
TEST_F(JournalServiceTest, WhoForgesTooOftenIsNotCheckedAnyMore) {
    BareAsker asker(world_);
    for (int i = 0; i < 300; ++i) {
        auto forged = support::sign(
            world_.git, BareAsker::asking_topic(),
            {encode_journal_request(BareAsker::request(Operation::info, {}))}, Kind::request);
        forged.proof[20] = static_cast<char>(forged.proof[20] ^ 1);
        asker.send(forged);
    }
    EXPECT_TRUE(asker.silent());

    EXPECT_GE(refused(Refusal::signature_bad), 200u);
    EXPECT_EQ(refused(Refusal::signature_bad) + refused(Refusal::peer_over_budget), 300u);
}

TEST_F(JournalServiceTest, WhoMayDoWhatFollowsFromTheRole) {
    world_.store(1, 1);
    BareAsker asker(world_);
    const auto gateway = world_.somebody("gate", Role::gateway);
    const auto recipient = world_.somebody("ann", Role::ack);
    const auto relay = world_.somebody("relay", Role::relay);
    const auto keeper = world_.somebody("other-journal", Role::journal);
    const auto namesake = world_.somebody("hub", Role::publish);
    const Fields key{1, Packer{}.bin("a").take()};

    for (const auto& who : {gateway, recipient, relay, world_.git}) {
        EXPECT_EQ(status(asker, who, Operation::trim, low(1)), refused_status) << who.name();
        EXPECT_EQ(status(asker, who, Operation::state_get, key), refused_status) << who.name();
    }
    for (const auto& who : {keeper, namesake, world_.hub}) {
        EXPECT_EQ(status(asker, who, Operation::trim, low(1)), 0u) << sentence_;
        EXPECT_EQ(status(asker, who, Operation::state_get, key), 0u) << sentence_;
    }
    for (const auto& who : {recipient, relay}) {
        EXPECT_EQ(status(asker, who, Operation::submit, submission({message(1)})), refused_status);
        EXPECT_THAT(sentence_, HasSubstr("publish, gateway or journal"));
    }
    EXPECT_EQ(status(asker, gateway, Operation::submit, submission({message(9)})), 0u) << sentence_;
    EXPECT_EQ(world_.service->stats().not_allowed, 10u);
}

TEST_F(JournalServiceTest, AnUnsignedChangeIsRefused) {
    BareAsker asker(world_);
    const auto life = asker.life();
    ASSERT_TRUE(
        asker.send(encode_journal_request(BareAsker::request(Operation::trim, low(1), life))));

    const auto answer = asker.answer();

    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, refused_status);
    EXPECT_THAT(answer->sentence, HasSubstr("takes a signed request"));
}

TEST_F(JournalServiceTest, AChangeThatIsRepeatedIsDoneOnce) {
    world_.store(1, 5);
    BareAsker asker(world_);
    const auto life = asker.life();
    const auto frames = support::sign(
        world_.hub, BareAsker::asking_topic(),
        {encode_journal_request(BareAsker::request(Operation::trim, low(2), life))}, Kind::request);

    ASSERT_TRUE(asker.send(frames));
    EXPECT_EQ(asker.answer()->status, 0u);
    ASSERT_TRUE(asker.send(frames));
    const auto again = asker.answer();

    EXPECT_EQ(again->status, refused_status);
    EXPECT_THAT(again->sentence, HasSubstr("was here before"));
    EXPECT_EQ(world_.service->stats().replayed, 1u);
}

TEST_F(JournalServiceTest, AChangeFromBeforeARestartIsNotDoneAfterIt) {
    world_.store(1, 5);
    support::Frames frames;
    {
        BareAsker asker(world_);
        frames = support::sign(
            world_.hub, BareAsker::asking_topic(),
            {encode_journal_request(BareAsker::request(Operation::trim, low(4), asker.life()))},
            Kind::request);
    }
    world_.serve();

    BareAsker asker(world_);
    ASSERT_TRUE(asker.send(frames));
    const auto answer = asker.answer();

    EXPECT_EQ(answer->status, static_cast<std::uint64_t>(AnswerStatus::other_life));
    EXPECT_EQ(answer->life, asker.life());
    EXPECT_EQ(world_.journal.info().low, 1u);
    EXPECT_EQ(world_.service->stats().other_life, 1u);
}

TEST_F(JournalServiceTest, AChangeMustBeFresh) {
    BareAsker asker(world_);
    const auto life = asker.life();
    const Fields fields = low(1);  // the request views them
    for (const std::int64_t seconds : {-301, 31}) {
        auto request = BareAsker::request(Operation::trim, fields, life);
        request.time_us = static_cast<std::uint64_t>(static_cast<std::int64_t>(request.time_us) +
                                                     seconds * 1'000'000);
        ASSERT_TRUE(asker.send(world_.hub, encode_journal_request(request)));
        const auto answer = asker.answer();
        EXPECT_EQ(answer->status, refused_status);
        EXPECT_THAT(answer->sentence, HasSubstr("set the clocks right"));
    }
    EXPECT_EQ(world_.service->stats().not_fresh, 2u);
}

TEST_F(JournalServiceTest, ARequestOfSomebodyWhoIsRevokedIsDropped) {
    BareAsker asker(world_);
    const auto life = asker.life();
    const auto keeper = world_.somebody("keeper", Role::journal);
    EXPECT_EQ(status(asker, keeper, Operation::trim, low(1)), 0u);

    world_.signing.revoke(keeper);
    asker.send(keeper, encode_journal_request(BareAsker::request(Operation::trim, low(1), life)));
    EXPECT_TRUE(asker.silent());

    EXPECT_EQ(refused(Refusal::certificate_revoked), 1u);
}

TEST_F(JournalServiceTest, OperationsThatNobodyKnowsAreSaidToBeUnknown) {
    BareAsker asker(world_);
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{12'345}, UINT64_MAX}) {
        auto request = BareAsker::request(Operation::info, {});
        request.operation = number;
        ASSERT_TRUE(asker.send(encode_journal_request(request)));
        const auto answer = asker.answer();
        EXPECT_EQ(answer->status, static_cast<std::uint64_t>(AnswerStatus::unknown_operation));
        EXPECT_THAT(answer->sentence, HasSubstr(std::to_string(number)));
    }
}

TEST_F(JournalServiceTest, OthersMayAddOperations) {
    auto settings = world_.service_settings();
    settings.operations.push_back(
        {1000, Right::anybody, [](Asked asked, OperationContext&, const Reply& reply) {
             reply(Fields{1, Packer{}.uint(asked.count).take()});
         }});
    world_.serve(settings);
    BareAsker asker(world_);
    const Fields fields = low(7);  // the request views them
    auto request = BareAsker::request(Operation::info, fields);
    request.operation = 1000;

    ASSERT_TRUE(asker.send(encode_journal_request(request)));

    EXPECT_EQ(asker.answer()->fields, "\x01");
}

TEST_F(JournalServiceTest, FieldsThatCannotBeReadAreInvalid) {
    BareAsker asker(world_);
    for (std::uint64_t number = 2; number <= 9; ++number) {
        const Fields fields{1, Packer{}.str("odd").take()};
        auto request = BareAsker::request(Operation::info, fields);
        request.operation = number;
        ASSERT_TRUE(asker.send(encode_journal_request(request)));
        const auto answer = asker.answer();
        EXPECT_EQ(answer->status, invalid_status) << number;
        EXPECT_THAT(answer->sentence, HasSubstr("must be those of")) << number;
    }
    for (const Operation operation :
         {Operation::submit, Operation::trim, Operation::expire, Operation::state_get,
          Operation::state_list, Operation::state_apply}) {
        EXPECT_EQ(status(asker, world_.hub, operation, {1, Packer{}.str("odd").take()}),
                  invalid_status);
        EXPECT_EQ(status(asker, world_.hub, operation, {}), invalid_status);
    }
}

TEST_F(JournalServiceTest, HugeNumbersAreCutOrRefusedAndReserveNothing) {
    world_.store(1, 3);
    BareAsker asker(world_);
    Packer huge;
    huge.uint(0).uint(0).nil().uint(UINT64_MAX).uint(UINT64_MAX).uint(UINT64_MAX).uint(UINT64_MAX);
    ASSERT_TRUE(
        asker.send(encode_journal_request(BareAsker::request(Operation::read, {7, huge.take()}))));
    auto answer = asker.answer();
    fabric::MsgpackReader fields{answer->fields};
    Page page;
    ASSERT_TRUE(read_page(fields, page));
    EXPECT_EQ(page.messages(), 3u);

    // 2^32 - 1 runs are announced, and none is there: no request at all.
    const Fields announced{1, std::string("\xDD\xFF\xFF\xFF\xFF")};
    asker.send(world_.git,
               encode_journal_request(BareAsker::request(Operation::submit, announced)));
    EXPECT_TRUE(asker.silent());
    EXPECT_EQ(refused(Refusal::content_undecodable), 1u);
}

TEST_F(JournalServiceTest, WhatIsHandedInIsVerifiedAsIfItCameOverTheFabric) {
    auto altered = message(1);
    altered.contents.back() = static_cast<char>(altered.contents.back() ^ 1);
    EXPECT_EQ(submit({altered}), refused_status);
    EXPECT_THAT(sentence_, HasSubstr("signature_bad"));

    EXPECT_EQ(submit({support::unsigned_frames(ServiceWorld::topic, {ServiceWorld::content(1)})}),
              refused_status);
    EXPECT_THAT(sentence_, HasSubstr("unsigned_message"));

    const auto narrow = world_.signing.identity("narrow", {.globs = {"org.weft.dev.other"}});
    EXPECT_EQ(submit({support::sign(narrow, ServiceWorld::topic, {ServiceWorld::content(1)})}),
              refused_status);
    EXPECT_THAT(sentence_, HasSubstr("topic_not_granted"));

    EXPECT_EQ(
        submit({support::sign(world_.git, "org.weft.dev.ack.ann", {ServiceWorld::content(1)})}),
        refused_status);
    EXPECT_THAT(sentence_, HasSubstr("ack_topic_reserved"));

    EXPECT_EQ(submit({support::sign(world_.git, ServiceWorld::topic, {ServiceWorld::content(1)},
                                    Kind::beacon)}),
              refused_status);
    EXPECT_THAT(sentence_, HasSubstr("kind 0"));

    EXPECT_EQ(submit({support::sign(world_.git, ServiceWorld::topic, {"no content"})}),
              invalid_status);
    EXPECT_EQ(submit({support::sign(world_.git, ServiceWorld::topic, {ServiceWorld::content(0)})}),
              invalid_status);
    EXPECT_EQ(world_.journal.info().head, 0u);
}

TEST_F(JournalServiceTest, OneRunThatIsRefusedKeepsOutTheOthersOfItsRequest) {
    auto altered = message(2);
    altered.proof[20] = static_cast<char>(altered.proof[20] ^ 1);

    EXPECT_EQ(submit({message(1), altered}), refused_status);

    EXPECT_EQ(world_.journal.info().head, 0u);
}

TEST_F(JournalServiceTest, WhatIsStoredAlreadyKeepsItsIds) {
    world_.store(1, 2);
    const auto remote = world_.remote(world_.git);
    // Signed anew, in another run: the same messages all the same.
    const auto first = world_.journal.read({}, {}, {});
    std::vector<std::string> contents;
    for (const StoredRun& run : first->runs) contents.emplace_back(run.contents.substr(4));
    contents.push_back(ServiceWorld::content(3));
    std::vector<RunToStore> known{
        ServiceWorld::to_store(world_.git, ServiceWorld::topic, {contents[0], contents[1]})};
    std::vector<RunToStore> mixed{
        ServiceWorld::to_store(world_.git, ServiceWorld::topic, contents)};

    EXPECT_THAT(*remote->append(known), ElementsAre(IdRange{1, 2}));
    EXPECT_EQ(world_.journal.info().head, 2u);
    EXPECT_THAT(*remote->append(mixed), ElementsAre(IdRange{1, 3}));
    EXPECT_EQ(world_.journal.info().head, 3u);
    EXPECT_THAT(*remote->append(mixed), ElementsAre(IdRange{1, 3}));
    EXPECT_EQ(world_.journal.info().head, 3u);

    // What was left out of the stored run is there by its digest, so its proof holds.
    const auto page = world_.journal.read({0, 2}, {}, {});
    support::Receiver receiver(world_.signing.trust());
    EXPECT_TRUE(
        receiver.take({std::string{page->runs[0].topic}, std::string{page->runs[0].contents},
                       std::string{page->runs[0].proof}}));
}

TEST_F(JournalServiceTest, ANumberThatIsStoredWithOtherBytesIsNotStoredAgain) {
    ASSERT_EQ(submit({message(1, "this")}), 0u) << sentence_;

    EXPECT_EQ(submit({message(1, "that")}), invalid_status);
    EXPECT_THAT(sentence_, HasSubstr("stored with other bytes"));
    EXPECT_EQ(world_.journal.info().head, 1u);
}

TEST_F(JournalServiceTest, OneMessageTwiceInARequestIsInvalid) {
    EXPECT_EQ(submit({message(1), message(1)}), invalid_status);
    EXPECT_THAT(sentence_, HasSubstr("twice"));
}

TEST_F(JournalServiceTest, TheSameMessageHandedInByManyAtOnceIsStoredOnce) {
    const RunToStore run = world_.to_store(1);
    std::vector<std::jthread> threads;
    std::atomic<int> stored{0};
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            const auto remote = world_.remote(world_.git);
            ASSERT_TRUE(eventually([&] {
                std::vector<RunToStore> runs{run};
                const auto ranges = remote->append(std::move(runs));
                if (!ranges) return false;
                EXPECT_EQ(ranges->front(), (IdRange{1, 1}));
                return true;
            }));
            ++stored;
        });
    }
    threads.clear();

    EXPECT_EQ(stored, 4);
    EXPECT_EQ(world_.journal.info().head, 1u);
}

TEST_F(JournalServiceTest, AThousandWhoWaitAreAnsweredWhenTheHeadMoves) {
    constexpr int askers = 5, each = 200;
    std::vector<std::unique_ptr<BareAsker>> all;
    for (int a = 0; a < askers; ++a) {
        all.push_back(std::make_unique<BareAsker>(world_));
        for (int i = 0; i < each; ++i) {
            ASSERT_TRUE(all.back()->send(
                encode_journal_request(BareAsker::request(Operation::wait, waiting(0, 60'000)))));
        }
    }
    ASSERT_TRUE(eventually([&] { return world_.service->stats().parked == askers * each; }));

    world_.store(1, 1);

    for (const auto& asker : all) {
        for (int i = 0; i < each; ++i) {
            const auto answer = asker->answer();
            ASSERT_TRUE(answer);
            ASSERT_EQ(answer->fields, "\x01");
        }
    }
    EXPECT_EQ(world_.service->stats().parked, 0u);
}

TEST_F(JournalServiceTest, AWaitEndsWithItsTimeAndAtOnceWhereThereIsMore) {
    BareAsker asker(world_);
    ASSERT_TRUE(
        asker.send(encode_journal_request(BareAsker::request(Operation::wait, waiting(0, 1)))));
    EXPECT_EQ(asker.answer()->fields, std::string(1, '\0'));
    world_.store(1, 1);
    ASSERT_TRUE(asker.send(
        encode_journal_request(BareAsker::request(Operation::wait, waiting(0, UINT64_MAX)))));
    EXPECT_EQ(asker.answer()->fields, "\x01");
}

TEST_F(JournalServiceTest, MoreThanMayWaitAreBusy) {
    auto settings = world_.service_settings();
    settings.waits.per_peer = 2;
    world_.serve(settings);
    BareAsker asker(world_);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(asker.send(
            encode_journal_request(BareAsker::request(Operation::wait, waiting(0, 60'000)))));
    }

    EXPECT_EQ(asker.answer()->status, static_cast<std::uint64_t>(AnswerStatus::busy));
    EXPECT_EQ(world_.service->stats().busy, 1u);
    EXPECT_EQ(world_.service->stats().parked, 2u);
}

TEST_F(JournalServiceTest, WhoLeavesWhileItWaitsCostsAnUndeliverableAnswer) {
    {
        BareAsker asker(world_);
        ASSERT_TRUE(asker.send(
            encode_journal_request(BareAsker::request(Operation::wait, waiting(0, 60'000)))));
        ASSERT_TRUE(eventually([&] { return world_.service->stats().parked == 1; }));
    }
    world_.store(1, 1);

    EXPECT_TRUE(eventually([&] { return world_.service->stats().undeliverable == 1; }));
    EXPECT_EQ(world_.service->stats().parked, 0u);
}

TEST_F(JournalServiceTest, WhoWaitsWhenTheServiceStopsIsTold) {
    BareAsker asker(world_);
    ASSERT_TRUE(asker.send(
        encode_journal_request(BareAsker::request(Operation::wait, waiting(0, 60'000)))));
    ASSERT_TRUE(eventually([&] { return world_.service->stats().parked == 1; }));

    world_.service.reset();

    EXPECT_EQ(asker.answer()->status, static_cast<std::uint64_t>(AnswerStatus::closed));
}

TEST_F(JournalServiceTest, ARenewedCertificateSignsFromThenOn) {
    BareAsker asker(world_);
    const auto renewed = world_.somebody("hub", Role::journal);
    EXPECT_NE(asker.life(), 0u);
    world_.signing.revoke(world_.hub);

    world_.service->use(fabric::shared(renewed));

    EXPECT_NE(asker.life(), 0u);
}

// ---- Whoever asks believes the journal that it asked, and nobody else ----

class ForgedAnswersTest : public ::testing::Test {
protected:
    /// Answers each request with what the test makes of it.
    void answer_with(std::function<std::vector<support::Frames>(const Nonce&)> make) {
        port_ = support::must(world_.transport->bind_answers({world_.endpoint}));
        thread_ = std::jthread([this, make = std::move(make)](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                port_->wait(milliseconds{20});
                std::string_view who;
                fabric::Arrival arrival;
                while (port_->receive(who, arrival)) {
                    JournalRequest request;
                    ASSERT_TRUE(decode_journal_request(arrival.contents.substr(4), request));
                    for (const auto& frames : make(request.nonce)) {
                        static_cast<void>(
                            port_->send(who, frames.topic, frames.contents, frames.proof));
                    }
                }
            }
        });
    }
    static std::string five(const Nonce& nonce) {
        const std::string fields = Packer{}.uint(5).take();
        JournalAnswer answer;
        answer.nonce = nonce;
        answer.life = 1;
        answer.count = 1;
        answer.fields = fields;
        return encode_journal_answer(answer);
    }
    support::Frames signed_by(const support::Identity& who, const std::string& content,
                              Kind kind = Kind::answer) {
        return support::sign(who, BareAsker::asking_topic(), {content}, kind);
    }
    RemoteStats asked_in_vain() {
        auto settings = world_.remote_settings();
        settings.patience = milliseconds{300};
        const auto remote = world_.remote(settings);
        const auto id = remote->id_at(0);
        EXPECT_FALSE(id);
        if (!id) {
            EXPECT_EQ(id.error().reason, JournalError::Reason::away);
        }
        return remote->link().stats();
    }

    ServiceWorld world_;
    std::unique_ptr<fabric::AnswerPort> port_;
    std::jthread thread_;  // last
};

TEST_F(ForgedAnswersTest, TheGenuineOneIsBelieved) {
    answer_with(
        [&](const Nonce& nonce) { return std::vector{signed_by(world_.hub, five(nonce))}; });

    EXPECT_EQ(*world_.remote()->id_at(0), 5u);
}

TEST_F(ForgedAnswersTest, AnotherJournalsAnswerIsNot) {
    const auto other = world_.somebody("other", Role::journal);
    answer_with(
        [&, other](const Nonce& nonce) { return std::vector{signed_by(other, five(nonce))}; });

    EXPECT_EQ(asked_in_vain().other_name, 1u);
}

TEST_F(ForgedAnswersTest, TheRightNameWithoutTheRoleIsNot) {
    const auto namesake = world_.somebody("hub", Role::publish);
    answer_with([&, namesake](const Nonce& nonce) {
        return std::vector{signed_by(namesake, five(nonce))};
    });

    EXPECT_EQ(asked_in_vain().refused[static_cast<std::size_t>(Refusal::role_missing)], 1u);
}

TEST_F(ForgedAnswersTest, AnAnswerToAnotherNonceIsNot) {
    answer_with([&](const Nonce&) { return std::vector{signed_by(world_.hub, five(Nonce{}))}; });

    EXPECT_EQ(asked_in_vain().unknown_nonce, 1u);
}

TEST_F(ForgedAnswersTest, AnAnswerThatIsSentTwiceCountsOnce) {
    answer_with([&](const Nonce& nonce) {
        const auto answer = signed_by(world_.hub, five(nonce));
        return std::vector{answer, answer};
    });
    const auto remote = world_.remote();

    EXPECT_EQ(*remote->id_at(0), 5u);
    EXPECT_EQ(*remote->id_at(0), 5u);

    EXPECT_TRUE(eventually([&] { return remote->link().stats().unknown_nonce == 2; }));
    EXPECT_EQ(remote->link().stats().answers, 2u);
}

TEST_F(ForgedAnswersTest, WhatIsNoSignedAnswerIsCountedUnderItsReason) {
    answer_with([&](const Nonce& nonce) {
        auto altered = signed_by(world_.hub, five(nonce));
        altered.contents.back() = '\x06';
        auto elsewhere =
            support::sign(world_.hub, "org.weft.dev.journal.x", {five(nonce)}, Kind::answer);
        return std::vector{altered,
                           elsewhere,
                           signed_by(world_.hub, five(nonce), Kind::request),
                           signed_by(world_.hub, "no answer"),
                           support::unsigned_frames(BareAsker::asking_topic(), {five(nonce)}),
                           support::sign(world_.hub, BareAsker::asking_topic(),
                                         {five(nonce), five(nonce)}, Kind::answer)};
    });

    const RemoteStats stats = asked_in_vain();

    EXPECT_EQ(stats.refused[static_cast<std::size_t>(Refusal::signature_bad)], 1u);
    EXPECT_EQ(stats.refused[static_cast<std::size_t>(Refusal::content_undecodable)], 1u);
    EXPECT_EQ(stats.refused[static_cast<std::size_t>(Refusal::unsigned_message)], 1u);
    EXPECT_EQ(stats.refused[static_cast<std::size_t>(Refusal::run_length_invalid)], 1u);
    EXPECT_EQ(stats.other_topic, 1u);
    EXPECT_EQ(stats.other_kinds, 1u);
    EXPECT_EQ(stats.answers, 0u);
}

TEST_F(ForgedAnswersTest, AnAnswerWhoseFieldsAreNotThoseOfThePageIsAnError) {
    answer_with(
        [&](const Nonce& nonce) { return std::vector{signed_by(world_.hub, five(nonce))}; });

    const auto page = world_.remote()->read({}, {}, {});

    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().reason, JournalError::Reason::corrupt);
}

}  // namespace
}  // namespace weft::reliability
