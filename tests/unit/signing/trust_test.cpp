// What a snapshot of trust decides; how it is loaded is tested in trust_store_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "signing/trust_store.hpp"
#include "tests/unit/signing/key_directory.hpp"

namespace weft::signing {
namespace {

using testing::authority_in;
using testing::certificate_of;
using ::testing::ElementsAre;
using testing::glob;
using testing::globs_of;
using ::testing::HasSubstr;
using testing::hour;
using ::testing::IsEmpty;
using testing::list_number;
using testing::must;
using testing::new_authority;
using testing::noon;
using testing::request_for;
using testing::roles_of;
using testing::TemporaryDirectory;
using testing::write_list;

class TrustTest : public ::testing::Test {
protected:
    [[nodiscard]] std::shared_ptr<const Trust> trust() const {
        return must(TrustStore::open(settings_))->current();
    }
    /// The reason, or nullopt if believed.
    [[nodiscard]] std::optional<Refusal> refusal(const Certificate& signer, Kind kind,
                                                 std::string_view topic, UtcSeconds now) const {
        const auto refused = trust()->judge(signer, kind, topic, now);
        return refused ? std::optional(refused->reason) : std::nullopt;
    }
    [[nodiscard]] std::optional<Refusal> refusal(const Certificate& signer, UtcSeconds now) const {
        return refusal(signer, Kind::message, "org.weft.dev.git.push", now);
    }

    TemporaryDirectory directory_;
    const Authority authority_ = authority_in(directory_.path());
    TrustSettings settings_{directory_.path(), {}, false, WhenListExpired::warn};
    std::shared_ptr<const Certificate> signer_ = certificate_of(authority_, request_for("git"));
};

TEST_F(TrustTest, BelievesAValidSigner) {
    EXPECT_EQ(refusal(*signer_, noon), std::nullopt);
}

// T8: both ends of the validity, and 30 s of skew at each.
TEST_F(TrustTest, JudgesTheValidityAtEachUseWithThirtySecondsOfSkew) {
    const UtcSeconds begin = noon - hour, end = noon + hour;
    EXPECT_EQ(refusal(*signer_, begin - 31), Refusal::certificate_not_yet_valid);
    EXPECT_EQ(refusal(*signer_, begin - 30), std::nullopt);
    EXPECT_EQ(refusal(*signer_, begin), std::nullopt);
    EXPECT_EQ(refusal(*signer_, end), std::nullopt);
    EXPECT_EQ(refusal(*signer_, end + 30), std::nullopt);
    EXPECT_EQ(refusal(*signer_, end + 31), Refusal::certificate_expired);
    EXPECT_EQ(refusal(*signer_, noon), std::nullopt);  // the clock set back again
}

// P6: a refusal for time says how far off.
TEST_F(TrustTest, SaysHowFarOffTheClockIs) {
    const auto refused = trust()->judge_signer(*signer_, Kind::message, noon + hour + 31);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->detail, "signer 'git', expired 31 s ago by our clock");
}

TEST_F(TrustTest, BearsTheMostExtremeTimes) {
    constexpr UtcSeconds least = std::numeric_limits<UtcSeconds>::min();
    constexpr UtcSeconds most = std::numeric_limits<UtcSeconds>::max();
    EXPECT_EQ(refusal(*signer_, least), Refusal::certificate_not_yet_valid);
    EXPECT_EQ(refusal(*signer_, most), Refusal::certificate_expired);

    CertificateRequest forever = request_for("eternal");
    forever.not_before = least;
    forever.not_after = most;
    const auto eternal = certificate_of(authority_, forever);
    for (const UtcSeconds now : {least, noon, most}) {
        EXPECT_EQ(refusal(*eternal, now), std::nullopt) << now;
    }
    static_cast<void>(trust()->warnings(least));
    static_cast<void>(trust()->warnings(most));
}

TEST_F(TrustTest, RefusesARevokedSignerWhateverTheTimeOfItsRevocation) {
    for (const UtcSeconds revoked_at : {noon - hour, noon, noon + hour}) {
        write_list(
            authority_, directory_.path(),
            list_number(2, {{signer_->serial(), revoked_at, RevocationReason::key_compromised}}));
        EXPECT_EQ(refusal(*signer_, noon), Refusal::certificate_revoked);
        const auto refused = trust()->judge_signer(*signer_, Kind::message, noon);
        EXPECT_THAT(refused->detail, HasSubstr("reason key_compromised"));
    }
    EXPECT_EQ(refusal(*certificate_of(authority_, request_for("git")), noon), std::nullopt);
}

// T8: journal readers tell "revoked later" from "revoked before" themselves.
TEST_F(TrustTest, TellsSinceWhenASignerIsRevoked) {
    EXPECT_EQ(trust()->revocation_of(*signer_), nullptr);
    write_list(authority_, directory_.path(),
               list_number(2, {{signer_->serial(), noon, RevocationReason::retired}}));
    const auto now = trust();
    ASSERT_NE(now->revocation_of(*signer_), nullptr);
    EXPECT_EQ(now->revocation_of(*signer_)->revoked_at, noon);
}

TEST_F(TrustTest, RefusesASignerWhoseCaHasNoListHere) {
    const auto stranger = certificate_of(new_authority("other"), request_for("git"));
    EXPECT_EQ(refusal(*stranger, noon), Refusal::revocation_list_missing);
    EXPECT_EQ(trust()->revocation_of(*stranger), nullptr);
}

// T4: an expired list, both modes.
TEST_F(TrustTest, GoesOnWithAnExpiredListButSaysSoIfTold) {
    write_list(authority_, directory_.path(), {2, noon - hour, noon - 40, {}});
    EXPECT_EQ(refusal(*signer_, noon), std::nullopt);
    EXPECT_THAT(trust()->warnings(noon),
                ElementsAre(HasSubstr("revocation list of CA 'root' is 40 s past")));
}

// T4
TEST_F(TrustTest, RefusesEverybodyUnderAnExpiredListIfTold) {
    settings_.when_list_expired = WhenListExpired::refuse;
    write_list(authority_, directory_.path(), {2, noon - 2 * hour, noon - hour, {}});
    EXPECT_EQ(refusal(*signer_, noon), Refusal::revocation_list_expired);
    EXPECT_EQ(refusal(*signer_, noon - hour + 30), std::nullopt);
    EXPECT_EQ(refusal(*signer_, noon - hour + 31), Refusal::revocation_list_expired);
    EXPECT_THAT(trust()->warnings(noon), ElementsAre(HasSubstr("are refused until then")));
}

TEST_F(TrustTest, WarnsADayBeforeAListExpires) {
    const UtcSeconds next_update = noon + 48 * hour;
    EXPECT_THAT(trust()->warnings(next_update - 24 * hour), IsEmpty());
    EXPECT_THAT(trust()->warnings(next_update - 10),
                ElementsAre(HasSubstr("needs its next update in 10 s")));
}

TEST_F(TrustTest, DemandsTheRoleThatTheKindNeeds) {
    const std::string_view topic = "org.weft.dev.git.push";
    struct Case {
        Role role;
        bool message, ack, beacon, request, answer;
    };
    // A1: an ACK counts from role ack, or journal for `stored`.
    const std::vector<Case> cases{
        {Role::publish, true, false, true, true, false},
        {Role::ack, false, true, true, true, false},
        {Role::journal, false, true, true, true, true},
        {Role::gateway, false, false, true, true, false},
        {Role::relay, false, false, true, true, false},
    };
    for (const Case& c : cases) {
        CertificateRequest request = request_for("git");
        request.roles = roles_of({c.role});
        const auto signer = certificate_of(authority_, request);
        const auto expected = [](bool believed) {
            return believed ? std::nullopt : std::optional(Refusal::role_missing);
        };
        EXPECT_EQ(refusal(*signer, Kind::message, topic, noon), expected(c.message));
        EXPECT_EQ(refusal(*signer, Kind::ack, topic, noon), expected(c.ack));
        EXPECT_EQ(refusal(*signer, Kind::beacon, topic, noon), expected(c.beacon));
        EXPECT_EQ(refusal(*signer, Kind::request, topic, noon), expected(c.request));
        EXPECT_EQ(refusal(*signer, Kind::answer, topic, noon), expected(c.answer));
    }
    CertificateRequest request = request_for("nobody");
    request.roles = 0;
    for (const Kind kind : {Kind::beacon, Kind::request}) {
        EXPECT_EQ(refusal(*certificate_of(authority_, request), kind, topic, noon),
                  Refusal::role_missing);
    }
}

// T8
TEST_F(TrustTest, ARevocationCountsForWhatWasStoredAtThatTimeOrLater) {
    write_list(authority_, directory_.path(),
               {2, noon - hour, noon + hour, {{signer_->serial(), noon, {}}}});
    bool revoked_later = false;
    const auto judged = [&](UtcSeconds stored) {
        const auto refused =
            trust()->judge_stored_signer(*signer_, Kind::message, stored, revoked_later);
        return refused ? std::optional(refused->reason) : std::nullopt;
    };

    EXPECT_EQ(judged(noon - 1), std::nullopt);
    EXPECT_TRUE(revoked_later);
    EXPECT_EQ(judged(noon), Refusal::certificate_revoked);
    EXPECT_EQ(judged(noon + 1), Refusal::certificate_revoked);
}

// T8
TEST_F(TrustTest, WhatWasStoredIsJudgedByTheTimeAtWhichItWas) {
    bool revoked_later = true;
    const auto judged = [&](UtcSeconds stored, Kind kind = Kind::message) {
        const auto refused = trust()->judge_stored_signer(*signer_, kind, stored, revoked_later);
        return refused ? std::optional(refused->reason) : std::nullopt;
    };

    EXPECT_EQ(judged(noon), std::nullopt);
    EXPECT_FALSE(revoked_later);
    EXPECT_EQ(judged(signer_->not_before() - 31), Refusal::certificate_not_yet_valid);
    EXPECT_EQ(judged(signer_->not_after() + 31), Refusal::certificate_expired);
    EXPECT_EQ(judged(noon, Kind::answer), Refusal::role_missing);
}

// T2
TEST_F(TrustTest, RefusesAMessageOutsideTheSignersGlobs) {
    CertificateRequest request = request_for("git");
    request.globs = globs_of({"org.weft.dev.git.**"});
    const auto git = certificate_of(authority_, request);
    EXPECT_EQ(refusal(*git, Kind::message, "org.weft.dev.git.push", noon), std::nullopt);
    EXPECT_EQ(refusal(*git, Kind::message, "org.weft.dev.payroll", noon),
              Refusal::topic_not_granted);
    // ACKs and beacons go under topics of their own, which are not granted by globs.
    EXPECT_EQ(refusal(*git, Kind::ack, "org.weft.dev.ack.payroll", noon), std::nullopt);
    EXPECT_EQ(refusal(*git, Kind::beacon, "org.weft.dev.beacon", noon), std::nullopt);
}

// T7: certificate globs and policy must both allow; `nitpicky` decides where no rule matches.
TEST_F(TrustTest, RefusesWhatThePolicyDoesNotAllow) {
    settings_.policy = {{glob("org.git.**"), {"git"}}, {glob("org.git.closed"), {"other"}}};
    CertificateRequest request = request_for("ci");
    request.globs = globs_of({"org.**"});
    const auto ci = certificate_of(authority_, request);
    EXPECT_EQ(refusal(*signer_, Kind::message, "org.git.push", noon), std::nullopt);
    EXPECT_EQ(refusal(*signer_, Kind::message, "org.git.closed", noon), std::nullopt);
    EXPECT_EQ(refusal(*ci, Kind::message, "org.git.push", noon), Refusal::policy_denied);
    EXPECT_EQ(refusal(*ci, Kind::message, "org.ci.done", noon), std::nullopt);

    settings_.nitpicky = true;
    EXPECT_EQ(refusal(*ci, Kind::message, "org.ci.done", noon), Refusal::policy_unlisted);
    EXPECT_EQ(refusal(*ci, Kind::message, "com.ci", noon), Refusal::topic_not_granted);
    EXPECT_EQ(refusal(*signer_, Kind::message, "org.git.push", noon), std::nullopt);
}

// L1
TEST_F(TrustTest, EscapesTheTopicInItsRefusal) {
    settings_.nitpicky = true;
    const auto refused = trust()->judge_topic(*signer_, "a\n\x1b[2J");
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->detail, "signer 'git', topic 'a\\x0a\\x1b[2J'");
}

TEST_F(TrustTest, SplitsItsJudgementIntoSignerAndTopic) {
    settings_.nitpicky = true;
    const auto now = trust();
    EXPECT_FALSE(now->judge_signer(*signer_, Kind::message, noon));
    EXPECT_TRUE(now->judge_topic(*signer_, "a"));
    EXPECT_TRUE(now->judge(*signer_, Kind::message, "a", noon));
    EXPECT_FALSE(now->judge(*signer_, Kind::ack, "a", noon));
}

}  // namespace
}  // namespace weft::signing
