#include "config/section.hpp"

#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.hpp"

namespace weft::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Configuration configuration(std::string text, std::string name = "/srv/app/weft.d/a.yaml",
                            std::vector<std::string> settings = {}) {
    LoadOptions options;
    options.directory = "/home/me";
    options.documents.push_back({std::move(name), std::move(text)});
    options.settings = std::move(settings);
    auto loaded = load(options);
    EXPECT_TRUE(loaded) << text_of(loaded.error());
    return loaded ? std::move(*loaded) : Configuration::defaults();
}

TEST(Section, ReadsEveryTypeOfTheDefaults) {
    const Configuration defaults = Configuration::defaults();
    Problems problems;
    const Section root(defaults, "", problems);
    const Section fabric(defaults, "fabric", problems);
    const Section gateway(defaults, "gateway", problems);

    EXPECT_EQ(root.text("topic_prefix"), "org.weft");
    EXPECT_EQ(fabric.count("high_water_mark"), 100'000U);
    EXPECT_FALSE(fabric.flag("curve"));
    EXPECT_TRUE(root.flag("signing.sign"));
    EXPECT_EQ(fabric.duration("flush"), 5s);
    EXPECT_EQ(fabric.endpoint("relay.inbound").port, 9940);
    EXPECT_THAT(fabric.texts("srv"), IsEmpty());
    EXPECT_EQ(gateway.size("limits.body"), 4U * 1024 * 1024);
    EXPECT_THAT(gateway.durations("webhooks.schedule"),
                ElementsAre(0s, 5s, 1min, 5min, 30min, 2h, 5h, 10h));
    EXPECT_THAT(problems, IsEmpty());
}

TEST(Section, GivesOneSectionForEachItemOfAList) {
    const Configuration defaults = Configuration::defaults();
    Problems problems;

    const auto listeners = Section(defaults, "gateway", problems).items("listeners");

    ASSERT_THAT(listeners, SizeIs(4));
    EXPECT_EQ(listeners[0].address("address").port, 8080);
    EXPECT_THAT(listeners[0].texts("serve"), ElementsAre("native", "metrics", "console"));
    EXPECT_EQ(listeners[3].full_key("address"), "gateway.listeners.3.address");
    EXPECT_THAT(problems, IsEmpty());
}

TEST(Section, ListsTheKeysOfAFreeFormMap) {
    const Configuration loaded = configuration(
        "fabric: {endpoints: {git.host1: [\"tcp://*:0\"], b: [\"tcp://b:1\", \"ipc:///b\"]}}\n"
        "signing: {policy: {\"org.weft.**\": [a, b]}}\n");
    Problems problems;
    const Section endpoints = Section(loaded, "fabric", problems).section("endpoints");
    const Section signing(loaded, "signing", problems);

    EXPECT_THAT(endpoints.keys(), ElementsAre("git.host1", "b"));
    EXPECT_TRUE(endpoints.endpoints("git.host1").front().is_wildcard_port());
    EXPECT_THAT(endpoints.endpoints("b"), SizeIs(2));
    EXPECT_THAT(signing.keys("policy"), ElementsAre("org.weft.**"));
    EXPECT_THAT(signing.section("policy").texts("org.weft.**"), ElementsAre("a", "b"));
    EXPECT_THAT(problems, IsEmpty());
}

TEST(Section, StartsRelativePathsAtTheDirectoryThatHoldsTheLayerFolder) {
    const Configuration loaded = configuration("signing: {directory: keys}");
    Problems problems;

    EXPECT_EQ(Section(loaded, "signing", problems).path("directory"), "/srv/app/keys");
}

TEST(Section, StartsRelativePathsAtTheDirectoryOfAFileOutsideALayerFolder) {
    const Configuration loaded = configuration("signing: {directory: ../keys}", "etc/one.yaml");
    Problems problems;

    EXPECT_EQ(Section(loaded, "signing", problems).path("directory"), "/home/me/keys");
}

TEST(Section, StartsRelativePathsOfTheLocalFolderAtTheCurrentDirectory) {
    for (const char* name : {"weft.d/a.yaml", "./weft.d/a.yaml"}) {
        const Configuration loaded = configuration("signing: {directory: keys}", name);
        Problems problems;

        EXPECT_EQ(Section(loaded, "signing", problems).path("directory"), "/home/me/keys");
    }
}

TEST(Section, StartsOtherRelativePathsAtTheCurrentDirectory) {
    const Configuration loaded = configuration("", "/x/a.yaml", {"signing.directory=k"});
    Problems problems;

    EXPECT_EQ(Section(loaded, "signing", problems).path("directory"), "/home/me/k");
    EXPECT_EQ(Section(loaded, "reliability", problems).path("journal.path"),
              "/home/me/var/journal");
}

TEST(Section, LeavesAbsoluteAndEmptyPathsAsTheyAre) {
    const Configuration loaded = configuration("signing: {directory: /keys}");
    Problems problems;

    EXPECT_EQ(Section(loaded, "signing", problems).path("directory"), "/keys");
    EXPECT_EQ(Section(loaded, "gateway", problems).path("tls.key"), "");
}

TEST(Section, AddsAModulesOwnProblemWithTheOriginOfTheKey) {
    const Configuration loaded = configuration("\nfabric:\n  mode: bind\n");
    Problems problems;

    Section(loaded, "fabric", problems).refuse("mode", "needs an endpoint of its own");

    EXPECT_EQ(text_of(problems),
              "/srv/app/weft.d/a.yaml:3: fabric.mode: needs an endpoint of its own");
}

TEST(Section, PointsToItselfWhereAKeyIsMissing) {
    const Configuration loaded =
        configuration("hub:\n  consumers:\n    - {name: a, topics: [b]}\n");
    Problems problems;
    const Section consumer = Section(loaded, "hub", problems).items("consumers").front();

    EXPECT_EQ(consumer.duration("max_backlog.age", 7s), 7s);
    EXPECT_THAT(problems, IsEmpty());
    EXPECT_EQ(consumer.duration("max_backlog.age"), 0s);
    consumer.refuse("", "needs plugin or exec");

    EXPECT_EQ(text_of(problems),
              "/srv/app/weft.d/a.yaml:3: hub.consumers.0.max_backlog.age: a value is needed here, "
              "but there "
              "is none\n"
              "/srv/app/weft.d/a.yaml:3: hub.consumers.0: needs plugin or exec");
}

TEST(Section, ReportsEveryWrongReadOfFreeFormSettings) {
    const Configuration loaded = configuration(
        "hub:\n  consumers:\n    - name: a\n      topics: [b]\n      settings:\n"
        "        wait: 5\n        count: 010\n        on: maybe\n        list: x\n"
        "        map: [1]\n        text: {a: b}\n        ends: [\"tcp://a:1\", nonsense]\n");
    Problems problems;
    const Section settings =
        Section(loaded, "hub", problems).items("consumers").front().section("settings");

    EXPECT_EQ(settings.duration("wait"), 0s);
    EXPECT_EQ(settings.count("count"), 0U);
    EXPECT_FALSE(settings.flag("on"));
    EXPECT_THAT(settings.texts("list"), IsEmpty());
    EXPECT_THAT(settings.keys("map"), IsEmpty());
    EXPECT_EQ(settings.text("text"), "");
    EXPECT_THAT(settings.endpoints("ends"), SizeIs(1));

    ASSERT_THAT(problems, SizeIs(7));
    EXPECT_THAT(problems[0].text(),
                HasSubstr("a.yaml:6: hub.consumers.0.settings.wait: '5' has no"));
    EXPECT_THAT(problems[1].text(), HasSubstr("a.yaml:7"));
    EXPECT_THAT(problems[6].text(), HasSubstr("hub.consumers.0.settings.ends.1"));
}

TEST(Section, OfAMissingPartHasNothingAndSaysSo) {
    const Configuration defaults = Configuration::defaults();
    Problems problems;
    const Section missing(defaults, "not.there", problems);

    EXPECT_FALSE(missing.has("a"));
    EXPECT_THAT(missing.keys(), IsEmpty());
    EXPECT_THAT(missing.items("a"), IsEmpty());
    EXPECT_EQ(missing.text("a", "fallback"), "fallback");
    EXPECT_THAT(problems, IsEmpty());
    EXPECT_EQ(missing.text("a"), "");
    EXPECT_EQ(missing.endpoint("a"), Endpoint{});
    EXPECT_THAT(problems, SizeIs(2));
}

}  // namespace
}  // namespace weft::config
