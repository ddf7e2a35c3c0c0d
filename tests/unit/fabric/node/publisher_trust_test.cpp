// What a publisher says about its own certificate before anything is sent (T2, T5, T7).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fabric/message/body.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using signing::Role;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Reason = PublishError::Reason;

class PublisherTrust : public ::testing::Test {
protected:
    std::unique_ptr<Publisher> publisher_as(const support::SigningFixture::IdentityRequest& what,
                                            const std::string& name = "git") {
        who_ = world_.signing.identity(name, what);
        auto publisher = world_.publisher(*who_);
        subscriber_ = world_.subscriber(received_);
        EXPECT_TRUE(subscriber_->wait_ready(patience).ready);
        return publisher;
    }
    tl::expected<MessageId, PublishError> publish(Publisher& publisher, std::string_view topic,
                                                  signing::Kind kind = signing::Kind::message) {
        PublishOptions options;
        options.kind = kind;
        const Body body{{"x", 1}};
        return publisher.try_publish(topic, body.view(), options);
    }
    void expect_refused(Publisher& publisher, std::string_view topic, Reason reason,
                        const std::string& part, signing::Kind kind = signing::Kind::message) {
        const auto published = publish(publisher, topic, kind);
        ASSERT_FALSE(published);
        EXPECT_EQ(published.error().reason, reason);
        EXPECT_THAT(published.error().sentence, HasSubstr(part));
    }
    /// The sender's thread looks at trust four times a second.
    void let_it_look_at_trust() { clock_.advance(milliseconds{250}); }

    ManualClock clock_;
    NodeWorld world_{clock_};
    std::optional<support::Identity> who_;
    Received received_;
    std::unique_ptr<Subscriber> subscriber_;
};

// T2: our own publisher refuses and says so, before any receiver has to.
TEST_F(PublisherTrust, ATopicOutsideTheCertificatesGlobsIsRefusedByName) {
    const auto publisher = publisher_as({.globs = {"org.weft.dev.git.**"}});

    EXPECT_TRUE(publish(*publisher, "org.weft.dev.git.commit"));
    expect_refused(*publisher, "org.weft.dev.payroll", Reason::not_granted, "org.weft.dev.payroll");
    expect_refused(*publisher, "org.weft.dev.payroll", Reason::not_granted, "'git'");

    EXPECT_EQ(publisher->stats().accepted, 1u);
    EXPECT_TRUE(received_.wait_for(1));
    EXPECT_THAT(received_.refused(), IsEmpty());
}

TEST_F(PublisherTrust, NoGlobsAtAllMayPublishNothing) {
    const auto publisher = publisher_as({.globs = {}});

    expect_refused(*publisher, "a", Reason::not_granted, "topic 'a'");
}

// T2, also where nobody validates: the globs are in the certificate itself.
TEST_F(PublisherTrust, WithoutATrustStoreTheGlobsStillHold) {
    const auto who = world_.signing.identity("git", {.globs = {"a.**"}});
    const auto publisher = support::must(
        Publisher::open(*world_.transport, clock_, bound_at("inproc://own"), shared(who), nullptr));

    EXPECT_TRUE(publish(*publisher, "a.b"));
    expect_refused(*publisher, "b", Reason::not_granted, "(b)");
}

// T7
TEST_F(PublisherTrust, APolicyThatNamesOthersIsObeyed) {
    world_.signing.set_policy({{"org.weft.dev.mail.**", {"mail"}}});
    const auto publisher = publisher_as({});

    expect_refused(*publisher, "org.weft.dev.mail.sent", Reason::not_granted,
                   "org.weft.dev.mail.sent");
    EXPECT_TRUE(publish(*publisher, "org.weft.dev.git.commit"));
}

// T5, T7
TEST_F(PublisherTrust, ANewPolicyIsInForceAtTheNextTick) {
    const auto publisher = publisher_as({});
    ASSERT_TRUE(publish(*publisher, "a"));

    world_.signing.set_policy({{"a", {"mail"}}});
    let_it_look_at_trust();

    EXPECT_TRUE(eventually([&] { return !publish(*publisher, "a"); }));
    expect_refused(*publisher, "a", Reason::not_granted, "topic 'a'");
    world_.signing.set_policy({});
    let_it_look_at_trust();
    EXPECT_TRUE(eventually([&] { return publish(*publisher, "a").has_value(); }));
}

// T5: a revoked service is told so at its next tick; nobody has believed it since.
TEST_F(PublisherTrust, ARevokedCertificateIsRefusedAfterTheNextTick) {
    const auto publisher = publisher_as({});
    ASSERT_TRUE(publish(*publisher, "a"));
    ASSERT_TRUE(received_.wait_for(1));

    world_.signing.revoke(*who_);
    ASSERT_TRUE(publish(*publisher, "a"));  // it has not looked yet, but receivers have
    ASSERT_TRUE(received_.wait_for_refusals(1));
    EXPECT_EQ(received_.reasons().at(0), signing::Refusal::certificate_revoked);
    EXPECT_EQ(received_.messages().size(), 1u);

    let_it_look_at_trust();
    EXPECT_TRUE(eventually([&] { return !publish(*publisher, "a"); }));
    expect_refused(*publisher, "a", Reason::signer_refused, "our own certificate 'git'");
}

// The same, but only the files changed, as when an operator copies a new list there.
TEST_F(PublisherTrust, AListThatChangedOnDiskIsFoundByTheTick) {
    const auto publisher = publisher_as({});
    ASSERT_TRUE(publish(*publisher, "a"));
    signing::RevocationListRequest list;
    list.number = 99;
    list.this_update = support::SigningFixture::now;
    list.next_update = support::SigningFixture::now + support::SigningFixture::day;
    list.revocations = {{.serial = who_->certificate->serial(),
                         .revoked_at = support::SigningFixture::now,
                         .reason = signing::RevocationReason::key_compromised}};
    const auto& authority = world_.signing.authority();
    support::must(authority.write_list(world_.signing.directory(), authority.sign_list(list)));

    let_it_look_at_trust();

    EXPECT_TRUE(eventually([&] { return !publish(*publisher, "a"); }));
    expect_refused(*publisher, "a", Reason::signer_refused, "git");
}

// T8
TEST_F(PublisherTrust, ACertificateThatExpiresMeanwhileIsRefused) {
    const auto publisher = publisher_as({.not_after = support::SigningFixture::now + 60});
    ASSERT_TRUE(publish(*publisher, "a"));

    clock_.advance(std::chrono::seconds{60 + signing::clock_skew_seconds + 1});

    EXPECT_TRUE(eventually([&] { return !publish(*publisher, "a"); }));
    expect_refused(*publisher, "a", Reason::signer_refused, "git");
}

TEST_F(PublisherTrust, ACertificateThatIsRefusedAtTheStartIsRefusedFromTheFirstMessage) {
    const auto publisher = publisher_as({.not_after = support::SigningFixture::now - 3600});

    expect_refused(*publisher, "a", Reason::signer_refused, "our own certificate 'git'");
}

// A1: roles belong to kinds. Who may only acknowledge is refused for messages, and only for them.
TEST_F(PublisherTrust, ARoleAllowsItsOwnKindAndNoOther) {
    const auto publisher = publisher_as({.roles = support::roles_of({Role::ack})});

    expect_refused(*publisher, "a", Reason::signer_refused, "publish");
    EXPECT_TRUE(publish(*publisher, "a", signing::Kind::ack));
    EXPECT_TRUE(publish(*publisher, "a", signing::Kind::beacon));
}

TEST_F(PublisherTrust, WhoMayOnlyPublishMayNotAcknowledge) {
    const auto publisher = publisher_as({});

    EXPECT_TRUE(publish(*publisher, "a"));
    expect_refused(*publisher, "a", Reason::signer_refused, "ack", signing::Kind::ack);
}

// T2: globs are about messages. A beacon on a topic must not open it for them, or close it.
TEST_F(PublisherTrust, BeaconsAreNotBoundByGlobsAndDoNotWidenThem) {
    const auto publisher = publisher_as({.globs = {"a.**"}});

    EXPECT_TRUE(publish(*publisher, "b", signing::Kind::beacon));
    expect_refused(*publisher, "b", Reason::not_granted, "topic 'b'");
    EXPECT_TRUE(publish(*publisher, "b", signing::Kind::beacon));
}

}  // namespace
}  // namespace weft::fabric
