#include "fabric/restart_notes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/load.hpp"

namespace weft::fabric {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

config::Configuration loaded(const std::string& text) {
    config::LoadOptions options;
    options.directory = "/home/me";
    options.documents.push_back({"weft.d/10.yaml", text});
    auto configuration = config::load(options);
    EXPECT_TRUE(configuration) << config::text_of(configuration.error());
    return std::move(*configuration);
}

TEST(RestartNotes, NameWhatTakesEffectAtTheNextStartWithFileAndLine) {
    RestartNotes notes(loaded("name: a\n"));

    EXPECT_THAT(
        notes.on_reload(loaded("name: a\nfabric:\n  mode: bind\n  relay:\n"
                               "    inbound: tcp://127.0.0.1:1\n")),
        ElementsAre("fabric.mode changed at weft.d/10.yaml:3: takes effect at the next start",
                    "fabric.relay.inbound changed at weft.d/10.yaml:5: takes effect at the next "
                    "start"));
}

TEST(RestartNotes, SayNothingAboutWhatIsReadAgainOrIsNoneOfTheFabrics) {
    RestartNotes notes(loaded(""));

    EXPECT_THAT(notes.on_reload(loaded(
                    "signing: { policy: { 'a.**': [b] }, nitpicky: true, revocation_expired: fail "
                    "}\nlog: { level: debug }\ngateway: { rse: { ttl: 5s } }\n")),
                IsEmpty());
}

TEST(RestartNotes, SayTheSameOnceAndAgainWhenItChangesAgain) {
    RestartNotes notes(loaded("fabric: { flush: 1s }\n"));
    const auto changed = loaded("fabric: { flush: 2s }\n");

    EXPECT_EQ(notes.on_reload(changed).size(), 1u);
    EXPECT_THAT(notes.on_reload(changed), IsEmpty());
    EXPECT_THAT(notes.on_reload(loaded("fabric: { flush: 1s }\n")), IsEmpty());
    EXPECT_EQ(notes.on_reload(changed).size(), 1u);
}

TEST(RestartNotes, AValueThatIsGoneFallsBackToItsDefault) {
    RestartNotes notes(loaded("fabric: { mode: bind, endpoints: { a: [tcp://127.0.0.1:1] } }\n"));

    EXPECT_THAT(notes.on_reload(loaded("")),
                ElementsAre("fabric.endpoints.a was removed: takes effect at the next start",
                            "fabric.mode changed to its default: takes effect at the next start"));
}

}  // namespace
}  // namespace weft::fabric
