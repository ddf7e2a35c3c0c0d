#include "fabric/transport/curve_entry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "signing/curve_directory.hpp"
#include "tests/support/certificate_files.hpp"

namespace weft::fabric {
namespace {

using signing::Refusal;
using signing::Role;
using support::SigningFixture;
using ::testing::HasSubstr;

class CurveEntry : public ::testing::Test {
protected:
    EntryDecision entry(const support::Identity& who, Door door = Door::outbound,
                        signing::UtcSeconds at = SigningFixture::now) {
        const signing::CurveDirectory directory(world_.directory(), world_.trust());
        return judge_entry(*directory.current(), who.certificate->curve_key(), door, at);
    }
    Server relay(const std::string& name = "", signing::UtcSeconds at = SigningFixture::now) {
        const signing::CurveDirectory directory(world_.directory(), world_.trust());
        return relay_named(*directory.current(), name, at);
    }
    static void expect_refused(const EntryDecision& decision, Entry entry, Refusal reason) {
        EXPECT_EQ(decision.entry, entry);
        ASSERT_TRUE(decision.refused);
        EXPECT_EQ(decision.refused->reason, reason);
    }

    SigningFixture world_;
};

// N1
TEST_F(CurveEntry, AGoodCertificateIsLetInUnderItsName) {
    const auto git = citizen(world_, "git", {Role::publish});

    const auto decision = entry(git);

    EXPECT_EQ(decision.entry, Entry::allowed);
    EXPECT_EQ(decision.who->name(), "git");
    EXPECT_FALSE(decision.refused);
}

TEST_F(CurveEntry, AnUnknownKeyMayTryAgainSinceItsCertificateMayComeLater) {
    const auto nobody = world_.identity("nobody");

    const auto decision = entry(nobody);

    expect_refused(decision, Entry::try_again, Refusal::curve_key_unknown);
    EXPECT_EQ(decision.who, nullptr);
}

TEST_F(CurveEntry, TheKeyOfAllZerosIsNobodysEvenIfACertificateHasNone) {
    const auto git = citizen(world_, "git", {Role::publish});
    const signing::CurveDirectory directory(world_.directory(), world_.trust());

    const auto decision =
        judge_entry(*directory.current(), {}, Door::outbound, SigningFixture::now);

    expect_refused(decision, Entry::try_again, Refusal::curve_key_unknown);
}

TEST_F(CurveEntry, ARevokedKeyIsSentAwayForGood) {
    const auto git = citizen(world_, "git", {Role::publish});
    world_.revoke(git);

    expect_refused(entry(git), Entry::never, Refusal::certificate_revoked);
}

TEST_F(CurveEntry, TimesAreJudgedAtTheMomentOfTheQuestion) {
    const auto git = citizen(world_, "git", {Role::publish});
    const auto begin = git.certificate->not_before(), end = git.certificate->not_after();

    EXPECT_EQ(entry(git, Door::outbound, end + 30).entry, Entry::allowed);
    expect_refused(entry(git, Door::outbound, end + 31), Entry::never,
                   Refusal::certificate_expired);
    expect_refused(entry(git, Door::outbound, begin - 31), Entry::try_again,
                   Refusal::certificate_not_yet_valid);
}

TEST_F(CurveEntry, AListThatIsOverdueMayBeReplacedSoOneMayTryAgain) {
    const auto git = citizen(world_, "git", {Role::publish});
    world_.let_list_expire(SigningFixture::now - 31, signing::WhenListExpired::refuse);

    expect_refused(entry(git), Entry::try_again, Refusal::revocation_list_expired);
}

TEST_F(CurveEntry, WhatComesInTakesARoleThatSpeaks) {
    for (const Role role : {Role::publish, Role::ack, Role::journal, Role::gateway}) {
        const auto who = citizen(world_, "who", {role});
        EXPECT_EQ(entry(who, Door::inbound).entry, Entry::allowed) << name_of(role);
    }
    const auto relay = citizen(world_, "relay", {Role::relay});
    expect_refused(entry(relay, Door::inbound), Entry::never, Refusal::role_missing);
    EXPECT_EQ(entry(relay, Door::outbound).entry, Entry::allowed);
    const auto none = citizen(world_, "none", {});
    expect_refused(entry(none, Door::outbound), Entry::never, Refusal::role_missing);
}

TEST_F(CurveEntry, WhoeverHasARoleMayAsk) {
    for (const Role role : {Role::publish, Role::ack, Role::journal, Role::gateway, Role::relay}) {
        const std::string name{signing::name_of(role)};
        EXPECT_EQ(entry(citizen(world_, name, {role}), Door::answers).entry, Entry::allowed);
    }
    const auto none = citizen(world_, "none", {});
    expect_refused(entry(none, Door::answers), Entry::never, Refusal::role_missing);
}

TEST_F(CurveEntry, OneGoodCertificateWithTheKeyIsEnough) {
    const auto git = citizen(world_, "git", {Role::publish});
    // The same key once more: a copy that stayed after a renewal.
    signing::CertificateRequest request;
    request.name = "old-git";
    request.roles = 1;
    request.not_before = SigningFixture::now - 2 * SigningFixture::day;
    request.not_after = SigningFixture::now - SigningFixture::day;
    request.key = git.certificate->key();
    request.curve_key = git.certificate->curve_key();
    const auto bytes = support::must(world_.authority().issue(request));
    const auto old = *signing::Certificate::verify(bytes, {world_.authority().public_half()});
    support::put_certificate(world_, {git.key, old});

    EXPECT_EQ(entry(git).entry, Entry::allowed);
}

TEST_F(CurveEntry, TheOnlyCertificateWithTheRoleIsTheRelays) {
    ASSERT_FALSE(relay());
    EXPECT_THAT(relay().error(), HasSubstr("set fabric.relay.name"));
    citizen(world_, "git", {Role::publish});
    const auto hub = citizen(world_, "hub", {Role::relay, Role::publish});

    ASSERT_TRUE(relay());
    EXPECT_EQ((*relay())->name(), "hub");

    const auto other = citizen(world_, "other", {Role::relay});
    ASSERT_FALSE(relay());
    EXPECT_THAT(relay().error(), HasSubstr("'hub' and 'other'"));
    world_.revoke(other);
    EXPECT_TRUE(relay()) << "a revoked one is not meant";
}

TEST_F(CurveEntry, ARelayThatIsNamedMustBeOne) {
    citizen(world_, "git", {Role::publish});
    citizen(world_, "hub", {Role::relay});

    EXPECT_TRUE(relay("hub"));
    EXPECT_THAT(relay("git").error(), HasSubstr("--role relay"));
    EXPECT_THAT(relay("gone").error(), HasSubstr("gone.cert"));
    EXPECT_THAT(relay("hub", SigningFixture::now + 366 * SigningFixture::day).error(),
                HasSubstr("expired"));
}

TEST_F(CurveEntry, ACertificateWithoutACurveKeyMustBeIssuedAgain) {
    signing::CertificateRequest request;
    request.name = "hub";
    request.roles = support::roles_of({Role::relay});
    request.not_after = SigningFixture::now + SigningFixture::day;
    const auto bytes = support::must(world_.authority().issue(request));
    support::put_certificate(world_, {nullptr, *signing::Certificate::verify(
                                                   bytes, {world_.authority().public_half()})});

    EXPECT_THAT(relay("hub").error(), HasSubstr("issue it again"));
}

}  // namespace
}  // namespace weft::fabric
