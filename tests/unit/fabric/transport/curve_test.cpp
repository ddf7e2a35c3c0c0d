#include "fabric/transport/curve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/certificate_files.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using signing::Role;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const std::string endpoint = "tcp://127.0.0.1:9950";

class CurveTest : public ::testing::Test {
protected:
    support::SigningFixture world_;
    ManualClock clock_;
    const support::Identity git_ = support::citizen(world_, "git", {Role::publish});
    const signing::PublicKey git_key_ = git_.certificate->curve_key();
    std::vector<std::string> lines_;
    Curve curve_{signing::CurveKeyPair::of(*git_.key),
                 std::make_shared<signing::CurveDirectory>(world_.directory(), world_.trust()),
                 clock_, [this](const std::string& line) { lines_.push_back(line); }};
};

TEST_F(CurveTest, NobodyIsExpectedWhereNobodyWasNamed) {
    EXPECT_THAT(curve_.keys_at(endpoint), IsEmpty());
}

TEST_F(CurveTest, TheHolderOfTheNamedCertificateIsExpected) {
    curve_.expect(endpoint, "git");

    EXPECT_THAT(curve_.keys_at(endpoint), ElementsAre(git_key_));
}

TEST_F(CurveTest, ACertificateThatComesLaterIsFoundByTheNextLookAndNotEarlier) {
    curve_.expect(endpoint, "hub");
    curve_.look();
    const auto hub = support::citizen(world_, "hub", {Role::publish});

    curve_.look();
    EXPECT_THAT(curve_.keys_at(endpoint), IsEmpty()) << "files are not looked at all the time";
    clock_.advance(Curve::look_every);
    curve_.look();

    EXPECT_THAT(curve_.keys_at(endpoint), ElementsAre(hub.certificate->curve_key()));
}

TEST_F(CurveTest, AStrangerMakesUsLookAtOnceButNotForEver) {
    curve_.expect(endpoint, "hub");
    curve_.look();
    for (int i = 1; i < Curve::looks_for_strangers_max; ++i) curve_.look_for_stranger();
    support::citizen(world_, "hub", {Role::publish});
    curve_.look_for_stranger();
    EXPECT_THAT(curve_.keys_at(endpoint), SizeIs(1));

    std::filesystem::remove(support::file_of(world_, "hub"));
    curve_.look_for_stranger();
    EXPECT_THAT(curve_.keys_at(endpoint), SizeIs(1)) << "that was one too many";
    clock_.advance(Curve::look_for_stranger_every);
    curve_.look_for_stranger();

    EXPECT_THAT(curve_.keys_at(endpoint), IsEmpty());
}

// T5, on the side that connects: whoever is revoked is not connected to.
TEST_F(CurveTest, ARevokedServerIsNotExpectedAnyMore) {
    curve_.expect(endpoint, "git");
    world_.revoke(git_);

    curve_.look();

    EXPECT_THAT(curve_.keys_at(endpoint), IsEmpty());
}

TEST_F(CurveTest, WhoAnnouncesItselfIsExpectedUntilItFallsSilent) {
    curve_.announce(endpoint, *git_.certificate);
    EXPECT_THAT(curve_.keys_at(endpoint), ElementsAre(git_key_));

    clock_.advance(std::chrono::seconds{15});
    curve_.announce(endpoint, *git_.certificate);
    clock_.advance(std::chrono::seconds{15});
    curve_.look();
    EXPECT_THAT(curve_.keys_at(endpoint), ElementsAre(git_key_));
    clock_.advance(std::chrono::seconds{15});
    curve_.look();

    EXPECT_THAT(curve_.keys_at(endpoint), IsEmpty());
}

// A2: else the first of two to announce an endpoint could keep the other from being heard.
TEST_F(CurveTest, TwoWhoAnnounceTheSameEndpointAreBothTried) {
    const auto impostor = world_.identity("impostor");
    curve_.announce(endpoint, *impostor.certificate);
    curve_.announce(endpoint, *git_.certificate);

    EXPECT_THAT(curve_.keys_at(endpoint),
                UnorderedElementsAre(git_key_, impostor.certificate->curve_key()));
}

TEST_F(CurveTest, AnAnnouncementDoesNotChangeWhatTheConfigurationSays) {
    const auto impostor = world_.identity("impostor");
    curve_.expect(endpoint, "git");
    curve_.announce(endpoint, *impostor.certificate);

    EXPECT_THAT(curve_.keys_at(endpoint), ElementsAre(git_key_));
}

TEST_F(CurveTest, AnnouncedCertificatesOfAnUnknownCaCountForNothing) {
    curve_.announce(endpoint, *support::SigningFixture::stranger("stranger").certificate);

    EXPECT_THAT(curve_.keys_at(endpoint), IsEmpty());
}

TEST_F(CurveTest, AtMostEightKeysAreTriedAtOneEndpoint) {
    for (int i = 0; i < 20; ++i) {
        curve_.announce(endpoint, *world_.identity("n" + std::to_string(i)).certificate);
    }

    EXPECT_THAT(curve_.keys_at(endpoint), SizeIs(Curve::keys_max));
}

TEST_F(CurveTest, TheRelayIsFoundByItsRole) {
    curve_.expect_relay(endpoint, "");
    EXPECT_THAT(curve_.keys_at(endpoint), IsEmpty());
    const auto hub = support::citizen(world_, "hub", {Role::relay});

    curve_.look();

    EXPECT_THAT(curve_.keys_at(endpoint), ElementsAre(hub.certificate->curve_key()));
    EXPECT_THAT(lines_, IsEmpty());
}

}  // namespace
}  // namespace weft::fabric
