// A configuration that was loaded again takes effect in a running Fabric, or not at all.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "fabric/fabric.hpp"
#include "fabric/message/body.hpp"
#include "fabric/node/control.hpp"
#include "signing/identity.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FabricReload : public ::testing::Test {
protected:
    FabricReload() {
        signing::CertificateRequest request;
        request.name = "git";
        request.roles = static_cast<std::uint8_t>(signing::Role::publish);
        request.globs = support::globs_of({"**"});
        request.not_before = support::SigningFixture::now;
        request.not_after = support::SigningFixture::now + support::SigningFixture::day;
        support::must(signing::issue_identity(world_.signing.directory(),
                                              world_.signing.authority(), request));
        FabricOptions options;
        options.transport = world_.transport.get();
        options.clock = &clock_;
        options.warn = [this](const std::string& line) {
            const std::scoped_lock lock(mutex_);
            warnings_.push_back(line);
        };
        fabric_ = Fabric::open(configuration(""), options);
    }

    config::Configuration configuration(const std::string& more) const {
        config::LoadOptions options;
        options.directory = world_.signing.directory();
        options.documents.push_back(
            {"weft.d/10.yaml",
             "name: git\nfabric: { mode: bind, endpoints: { git: ['tcp://127.0.0.1:1'] } }\n"
             "signing: { directory: '" +
                 world_.signing.directory().string() + "' }\n"});
        options.documents.push_back({"weft.d/20.yaml", more});
        auto loaded = config::load(options);
        EXPECT_TRUE(loaded) << config::text_of(loaded.error());
        return std::move(*loaded);
    }
    /// The barrier is the last thing that a subscriber asks for.
    static bool has_subscriber(PublishPort& port) {
        return eventually([&] {
            SubscriptionEvent event;
            return port.next_subscription(event) && event.prefix == barrier_prefix;
        });
    }
    static void send(PublishPort& port, const support::Frames& frames) {
        port.send(frames.topic, frames.contents, frames.proof);
    }
    std::vector<std::string> warnings_with(const std::string& part) {
        const std::scoped_lock lock(mutex_);
        std::vector<std::string> found;
        for (const std::string& line : warnings_) {
            if (line.find(part) != std::string::npos) found.push_back(line);
        }
        return found;
    }

    static constexpr const char* endpoint = "tcp://127.0.0.1:1";
    WorldClock clock_;
    NodeWorld world_{clock_};
    std::mutex mutex_;
    std::vector<std::string> warnings_;
    std::unique_ptr<Fabric> fabric_;
};

// T5, C3, C4: the root of the batch is in the cache, and its second run is refused all the same.
TEST_F(FabricReload, ATighterPolicyHoldsAtOnceAlsoForCachedRoots) {
    const auto git = world_.signing.identity("git");
    auto port = world_.bare_port(endpoint);
    Received received;
    auto subscriber = fabric_->subscribe({"org.weft.dev.**"}, received.hooks());
    ASSERT_TRUE(has_subscriber(*port));
    ContentHeader fresh = sample_header();
    fresh.time_us = clock_.utc_us();
    const std::string content = encoded(fresh, "\xC0");
    const auto runs =
        support::sign_batch(git, {{"org.weft.dev.a", {content}, signing::Kind::message},
                                  {"org.weft.dev.b", {content}, signing::Kind::message}});
    send(*port, runs[0]);
    ASSERT_TRUE(received.wait_for(1));

    ASSERT_TRUE(fabric_->reload(
        configuration("signing: { policy: { 'org.weft.dev.**': [somebody.else] } }")));
    send(*port, runs[1]);

    ASSERT_TRUE(received.wait_for_refusals(1));
    EXPECT_THAT(received.reasons(), ElementsAre(signing::Refusal::policy_denied));
}

// T5, T7: our own publisher obeys it too, at its next tick.
TEST_F(FabricReload, ATighterPolicyHoldsForOurOwnPublisher) {
    const Body body{{"x", 1}};
    ASSERT_TRUE(fabric_->try_publish("a", body.view()));

    ASSERT_TRUE(fabric_->reload(configuration("signing: { nitpicky: true }")));

    EXPECT_TRUE(eventually([&] { return !fabric_->try_publish("a", body.view()); }));
    const auto refused = fabric_->try_publish("a", body.view());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, PublishError::Reason::not_granted);
    ASSERT_TRUE(fabric_->reload(configuration("")));
    EXPECT_TRUE(eventually([&] { return fabric_->try_publish("a", body.view()).has_value(); }));
}

// T6
TEST_F(FabricReload, AnErrorNamesFileAndLineAndChangesNothing) {
    const auto generation = fabric_->trust()->generation();

    const auto reloaded = fabric_->reload(configuration(
        "signing:\n  nitpicky: true\n  policy:\n    'a..b': [git]\n    ok: [Not A Name]\n"));

    ASSERT_FALSE(reloaded);
    ASSERT_EQ(reloaded.error().size(), 2u);
    EXPECT_THAT(reloaded.error()[0], HasSubstr("weft.d/20.yaml:"));
    EXPECT_EQ(fabric_->trust()->generation(), generation);
}

// T6: the policy is not taken either if a list cannot be read.
TEST_F(FabricReload, AnUnreadableListKeepsTheOldPolicyToo) {
    const auto generation = fabric_->trust()->generation();
    std::filesystem::rename(world_.signing.directory() / "root.revoked",
                            world_.signing.directory() / "aside");

    const auto reloaded = fabric_->reload(configuration("signing: { nitpicky: true }"));

    ASSERT_FALSE(reloaded);
    EXPECT_THAT(reloaded.error()[0], HasSubstr("root.revoked"));
    EXPECT_EQ(fabric_->trust()->generation(), generation);
    EXPECT_FALSE(
        fabric_->trust()->current()->judge_topic(*world_.signing.identity("git").certificate, "a"));
}

TEST_F(FabricReload, WhatCannotChangeWhileRunningIsNamed) {
    ASSERT_TRUE(fabric_->reload(configuration("fabric:\n  mode: relay\n")));

    EXPECT_THAT(warnings_with("next start"),
                ElementsAre("fabric.mode changed at weft.d/20.yaml:2: takes effect at the next "
                            "start"));
    EXPECT_EQ(fabric_->settings().mode, Settings::Mode::bind);
}

// T5: a new certificate beside the old one is found and used without a restart.
TEST_F(FabricReload, OurOwnRenewedCertificateIsTakenOver) {
    static_cast<void>(fabric_->publisher());
    signing::CertificateRequest request;
    request.name = "git";
    request.roles = static_cast<std::uint8_t>(signing::Role::publish);
    request.globs = support::globs_of({"org.weft.dev.b"});
    request.not_before = support::SigningFixture::now;
    request.not_after = support::SigningFixture::now + support::SigningFixture::day;
    support::must(signing::issue_identity(world_.signing.directory(), world_.signing.authority(),
                                          request, signing::WhenFileExists::replace));

    const Body body{{"x", 1}};
    EXPECT_TRUE(eventually([&] { return !fabric_->try_publish("a", body.view()); }));
    EXPECT_TRUE(fabric_->try_publish("b", body.view()));
    EXPECT_EQ(warnings_with("our own certificate was renewed").size(), 1u);
}

}  // namespace
}  // namespace weft::fabric
