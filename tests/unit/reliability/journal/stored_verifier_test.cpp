#include "reliability/journal/stored_verifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/reliability/service/service_world.hpp"

namespace weft::reliability {
namespace {

using signing::Refusal;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StoredVerifierTest : public ::testing::Test {
protected:
    static constexpr std::uint64_t now_us =
        static_cast<std::uint64_t>(support::SigningFixture::now) * 1'000'000;

    void store(const RunToStore& run, std::uint64_t stored_us = now_us) {
        world_.journal.set_stored_us(stored_us);
        std::vector<RunToStore> runs{run};
        ASSERT_TRUE(world_.journal.append(std::move(runs)));
    }
    RunToStore run_of(const std::vector<std::string>& contents) {
        return ServiceWorld::to_store(world_.git, ServiceWorld::topic, contents);
    }
    void verify(Position after = {}, const ReadLimits& limits = {}) {
        const auto page = world_.journal.read(after, {}, limits);
        ASSERT_TRUE(page);
        verifier_.verify(
            *page,
            [&](const VerifiedMessage& stored) {
                ids_.push_back(stored.id);
                revoked_later_.push_back(stored.revoked_later);
                messages_.push_back(stored.message);
            },
            [&](const StoredRefusal& refusal) {
                refused_.push_back({refusal.first, refusal.last});
                reasons_.push_back(refusal.why.reason);
            });
    }

    ServiceWorld world_;
    StoredVerifier verifier_{world_.signing.trust()};
    std::vector<JournalId> ids_;
    std::vector<bool> revoked_later_;
    std::vector<fabric::Message> messages_;
    std::vector<IdRange> refused_;
    std::vector<Refusal> reasons_;
};

TEST_F(StoredVerifierTest, GivesVerifiedMessagesWithTheirIds) {
    store(run_of({ServiceWorld::content(1, "one"), ServiceWorld::content(2, "two")}));
    store(run_of({ServiceWorld::content(3, "three")}));

    verify();

    EXPECT_THAT(ids_, ElementsAre(1, 2, 3));
    EXPECT_THAT(revoked_later_, ElementsAre(false, false, false));
    EXPECT_EQ(messages_[1].body(), "two");
    EXPECT_EQ(messages_[1].signer(), "git");
    EXPECT_TRUE(messages_[1].verified());
    EXPECT_EQ(messages_[1].digest(),
              signing::message_digest(ServiceWorld::topic, messages_[1].content()));
    EXPECT_THAT(reasons_, IsEmpty());
}

TEST_F(StoredVerifierTest, GivesOnlyWhatTheReadWasAbout) {
    store(run_of({ServiceWorld::content(1), ServiceWorld::content(2), ServiceWorld::content(3)}));

    verify({0, 1}, {.messages = 1});

    EXPECT_THAT(ids_, ElementsAre(2));
    EXPECT_EQ(messages_[0].seq(), 2u);
}

TEST_F(StoredVerifierTest, MessagesOutliveThePage) {
    auto keep = std::make_shared<const std::string>(ServiceWorld::topic);
    const RunToStore run = run_of({ServiceWorld::content(1, "kept")});
    {
        auto bytes = std::make_shared<RunToStore>(run);
        StoredRun stored{1, 1, 1, 1, now_us, bytes->topic, bytes->contents, bytes->proof};
        verifier_.verify(
            stored, bytes, [&](const VerifiedMessage& one) { messages_.push_back(one.message); },
            [](const StoredRefusal&) { FAIL(); });
    }

    EXPECT_EQ(messages_[0].body(), "kept");
    EXPECT_EQ(messages_[0].topic(), *keep);
}

TEST_F(StoredVerifierTest, ARunWhoseProofFailsIsReportedAndTheNextOneGiven) {
    RunToStore altered = run_of({ServiceWorld::content(1), ServiceWorld::content(2)});
    altered.contents.back() = static_cast<char>(altered.contents.back() ^ 1);
    store(altered);
    store(run_of({ServiceWorld::content(3)}));

    verify();

    EXPECT_THAT(refused_, ElementsAre(IdRange{1, 2}));
    EXPECT_THAT(reasons_, ElementsAre(Refusal::signature_bad));
    EXPECT_THAT(ids_, ElementsAre(3));
}

// T8
TEST_F(StoredVerifierTest, WhoWasRevokedLaterIsGivenAndMarked) {
    store(run_of({ServiceWorld::content(1)}), now_us - 1'000'000);
    store(run_of({ServiceWorld::content(2)}), now_us);
    world_.signing.revoke(world_.git);  // at `now`

    verify();

    EXPECT_THAT(ids_, ElementsAre(1));
    EXPECT_THAT(revoked_later_, ElementsAre(true));
    EXPECT_THAT(refused_, ElementsAre(IdRange{2, 2}));
    EXPECT_THAT(reasons_, ElementsAre(Refusal::certificate_revoked));
}

// T8
TEST_F(StoredVerifierTest, ACertificateIsJudgedByTheTimeAtWhichTheRunWasStored) {
    const auto day = support::SigningFixture::day;
    const auto short_lived =
        world_.signing.identity("brief", {.not_before = support::SigningFixture::now - 10 * day,
                                          .not_after = support::SigningFixture::now - 5 * day});
    const auto stored_at = [&](std::int64_t days) {
        store(ServiceWorld::to_store(short_lived, ServiceWorld::topic, {ServiceWorld::content(1)}),
              static_cast<std::uint64_t>(support::SigningFixture::now + days * day) * 1'000'000);
    };
    stored_at(-11);
    stored_at(-7);
    stored_at(-4);

    verify();

    EXPECT_THAT(ids_, ElementsAre(2));
    EXPECT_THAT(reasons_,
                ElementsAre(Refusal::certificate_not_yet_valid, Refusal::certificate_expired));
}

TEST_F(StoredVerifierTest, WhatIsNoMessageIsNotGiven) {
    const auto beacon = support::sign(world_.git, ServiceWorld::topic, {ServiceWorld::content(1)},
                                      signing::Kind::beacon);
    store({beacon.topic, beacon.contents, beacon.proof, "git", {{}}});
    store(run_of({"no content"}));
    store({ServiceWorld::topic, support::contents_of({ServiceWorld::content(1)}), "", "", {{}}});
    RunToStore short_of_one = run_of({ServiceWorld::content(2)});
    short_of_one.messages.resize(2);
    store(short_of_one);

    verify();

    EXPECT_THAT(ids_, IsEmpty());
    EXPECT_THAT(reasons_, ElementsAre(Refusal::kind_unknown, Refusal::content_undecodable,
                                      Refusal::unsigned_message, Refusal::contents_malformed));
}

TEST_F(StoredVerifierTest, RunsOfOneBatchCostOneCheckOfASignature) {
    std::vector<support::UnsignedRun> batch;
    for (std::uint64_t seq = 1; seq <= 20; ++seq) {
        batch.push_back({"org.weft.dev.t" + std::to_string(seq), {ServiceWorld::content(1)}});
    }
    for (const auto& frames : support::sign_batch(world_.git, batch)) {
        store({frames.topic, frames.contents, frames.proof, "git", {{}}});
    }

    verify();

    EXPECT_EQ(ids_.size(), 20u);
    EXPECT_EQ(verifier_.stats().signatures_checked, 2u);  // the certificate's, and the batch's
}

TEST_F(StoredVerifierTest, WithoutTrustNobodyIsBelievedButAlteredRunsAreRefused) {
    StoredVerifier trusting(nullptr);
    store(run_of({ServiceWorld::content(1)}));
    RunToStore altered = run_of({ServiceWorld::content(2)});
    altered.contents.back() = static_cast<char>(altered.contents.back() ^ 1);
    store(altered);
    const auto page = world_.journal.read({}, {}, {});
    int given = 0, refused = 0;

    trusting.verify(
        *page,
        [&](const VerifiedMessage& one) {
            ++given;
            EXPECT_FALSE(one.message.verified());
        },
        [&](const StoredRefusal&) { ++refused; });

    EXPECT_EQ(given, 1);
    EXPECT_EQ(refused, 1);
}

}  // namespace
}  // namespace weft::reliability
