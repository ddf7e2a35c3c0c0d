#include "config/explain.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.hpp"
#include "config/yaml_reader.hpp"
#include "config/yaml_writer.hpp"

namespace weft::config {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Configuration loaded(std::string text, std::vector<std::string> settings = {}) {
    LoadOptions options;
    options.directory = "/home/me";
    options.documents.push_back({"weft.d/10-weft.yaml", std::move(text)});
    options.settings = std::move(settings);
    auto configuration = load(options);
    EXPECT_TRUE(configuration) << text_of(configuration.error());
    return configuration ? std::move(*configuration) : Configuration::defaults();
}

std::string query_problem(const Configuration& configuration, std::string_view key) {
    const auto result = query(configuration, key);
    return result ? "no problem: " + *result : result.error().text();
}

constexpr const char* busy = R"YAML(
name: "on"
fabric: { curve: on, srv: [a.org], endpoints: { git.host1: ["tcp://[::1]:1"], "": [] } }
signing: { policy: { "org.weft.**": [a, "b: c"], "# [odd] {key}": ["~", "null", "-", "- x"] } }
hub:
  consumers:
    - name: "two\nlines\ttab \"quoted\" back\\slash \e é"
      topics: ["**", "*.a"]
      exec: [/bin/sh, -c, "echo 'a' # b"]
      settings: { a: ~, b: [1, [2, { c: -3 }], {}], d: { e: "true", f: true }, g: "" }
)YAML";

TEST(EffectiveYaml, LoadsToTheSameConfigurationAgain) {
    for (const char* text : {"", busy}) {
        const Configuration before = loaded(text);

        const Configuration after = loaded(effective_yaml(before));

        EXPECT_TRUE(after.root().same_content(before.root())) << effective_yaml(before);
    }
}

TEST(EffectiveYaml, IsStable) {
    const std::string once = effective_yaml(loaded(busy));

    EXPECT_EQ(effective_yaml(loaded(once)), once);
}

TEST(EffectiveYaml, ReadsLikeAConfigurationFile) {
    EXPECT_THAT(effective_yaml(loaded("")),
                AllOf(HasSubstr("topic_prefix: org.weft\nenvironment: dev\n"),
                      HasSubstr("fabric:\n  relay:\n    inbound: \"tcp://127.0.0.1:9940\"\n"),
                      HasSubstr("  endpoints: {}\n  srv: []\n"),
                      HasSubstr("  listeners:\n    - address: \"127.0.0.1:8080\"\n"
                                "      serve: [native, metrics, console]\n")));
}

TEST(Query, PrintsAScalarBareOnALine) {
    EXPECT_EQ(query(loaded(""), "fabric.relay.inbound"), "tcp://127.0.0.1:9940\n");
    EXPECT_EQ(query(loaded("name: \"a b\""), "name"), "a b\n");
    EXPECT_EQ(query(loaded(""), "reliability.outbox"), "\n");
}

TEST(Query, PrintsAListOneItemALine) {
    EXPECT_EQ(query(loaded("fabric: {srv: [a.org, b.org]}"), "fabric.srv"), "a.org\nb.org\n");
    EXPECT_EQ(query(loaded(""), "fabric.srv"), "");
    EXPECT_EQ(query(loaded("gateway: {listeners: [{address: \"a:1\", serve: [rse]}]}"),
                    "gateway.listeners"),
              "{address: \"a:1\", serve: [rse]}\n");
}

TEST(Query, PrintsAMapAsYaml) {
    EXPECT_EQ(query(loaded(""), "fabric.relay"),
              "inbound: \"tcp://127.0.0.1:9940\"\noutbound: \"tcp://127.0.0.1:9941\"\n"
              "name: \"\"\n");
    EXPECT_EQ(query(loaded(""), "fabric.endpoints"), "");
}

TEST(Query, ReachesItemsAndFreeFormKeys) {
    EXPECT_EQ(query(loaded(""), "gateway.listeners.1.address"), "127.0.0.1:8000\n");
    EXPECT_EQ(query(loaded(busy), "signing.policy.org.weft.**"), "a\nb: c\n");
}

TEST(Query, OfAnUnknownKeyNamesTheNearestKnownOne) {
    const Configuration configuration = loaded(busy);

    EXPECT_EQ(query_problem(configuration, "fabrik"),
              "--query fabrik: unknown key 'fabrik': did you mean 'fabric'?");
    EXPECT_THAT(query_problem(configuration, "fabric.relay.inbund"),
                HasSubstr("did you mean 'inbound'?"));
    EXPECT_THAT(query_problem(configuration, "fabric.endpoints.git.host2"),
                HasSubstr("did you mean 'git.host1'?"));
    EXPECT_THAT(query_problem(configuration, "gateway.listeners.9"),
                HasSubstr("the list has 4 items"));
    EXPECT_THAT(query_problem(configuration, "hub.consumers.0.dead_letter"),
                HasSubstr("no value here, and no default"));
    EXPECT_THAT(query_problem(configuration, "hub.consumers.0.tmeout"),
                HasSubstr("did you mean 'timeout'?"));
    EXPECT_THAT(query_problem(configuration, "name.first"), HasSubstr("nothing below"));
    EXPECT_THAT(query_problem(configuration, "reliability.groups.x"), HasSubstr("map is empty"));
    EXPECT_THAT(query_problem(configuration, "fabric..mode"), HasSubstr("unknown key ''"));
}

TEST(Origins, PrintEachLeafWithThePlaceThatItCameFrom) {
    const Configuration configuration =
        loaded("\nfabric:\n  mode: bind\n  srv: [a.org, b.org]\n", {"name=x"});

    EXPECT_THAT(*origins(configuration),
                AllOf(HasSubstr("name: x   # --set name\n"),
                      HasSubstr("fabric.mode: bind   # weft.d/10-weft.yaml:3\n"),
                      HasSubstr("fabric.srv: [a.org, b.org]   # weft.d/10-weft.yaml:4\n"),
                      HasSubstr("fabric.endpoints: {}   # default\n"),
                      HasSubstr("gateway.listeners.1.serve: [rse]   # default\n")));
}

TEST(Origins, PrintOnlyWhatIsBelowAKey) {
    EXPECT_EQ(*origins(loaded(""), "fabric.relay"),
              "fabric.relay.inbound: \"tcp://127.0.0.1:9940\"   # default\n"
              "fabric.relay.outbound: \"tcp://127.0.0.1:9941\"   # default\n"
              "fabric.relay.name: \"\"   # default\n");
    EXPECT_EQ(*origins(loaded(""), "fabric.mode"), "fabric.mode: relay   # default\n");
    EXPECT_FALSE(origins(loaded(""), "fabric.mod"));
}

// K3: `weft config` does not leak what is secret, in whichever form it prints it.
TEST(Secrets, AreMaskedInEveryForm) {
    const Configuration configuration = loaded(R"YAML(
gateway:
  esub: { cluster_token: canary1 }
  routemaster: { root_key: canary2, clients: [canary3, canary4] }
hub:
  consumers:
    - name: a
      topics: [b]
      settings: { api_key: canary5, Password: canary6, deep: [{ auth_tokens: [canary7] }], plain: x }
)YAML");
    std::string everything = effective_yaml(configuration) + *origins(configuration);
    for (const char* key :
         {"gateway", "gateway.esub.cluster_token", "gateway.routemaster.clients",
          "gateway.routemaster.clients.1", "hub.consumers", "hub.consumers.0.settings.api_key"}) {
        everything += *query(configuration, key) + *origins(configuration, key);
    }

    EXPECT_THAT(everything, Not(HasSubstr("canary")));
    EXPECT_EQ(*query(configuration, "gateway.esub.cluster_token"), "***\n");
    EXPECT_EQ(*query(configuration, "hub.consumers.0.settings.plain"), "x\n");
    EXPECT_EQ(configuration.find("gateway.esub.cluster_token")->text, "canary1");
}

TEST(Secrets, ThatAreNotSetAreShownEmpty) {
    EXPECT_EQ(*query(loaded(""), "gateway.routemaster.root_key"), "\n");
}

TEST(Secrets, AreOnlyKeysThatHoldOne) {
    // The names of files that hold secrets are not secret.
    const Configuration configuration =
        loaded("gateway: {tls: {key: tls.pem}, auth: {tokens: my.yaml}}");

    EXPECT_EQ(*query(configuration, "gateway.tls.key"), "tls.pem\n");
    EXPECT_EQ(*query(configuration, "gateway.auth.tokens"), "my.yaml\n");
}

TEST(YamlWriter, QuotesWhatWouldOtherwiseMeanSomethingElse) {
    for (const char* text :
         {"",    " ",    "~",    "null", "-",   "- a", "a: b", "a #b", "#a",   "[a",
          "]",   "{a",   "a,b",  "*a",   "&a",  "!a",  "|",    ">",    "%a",   "@a",
          "`a",  "'a",   "\"a",  "?",    "? a", ":",   "a:",   "a\nb", "a\tb", "---",
          "...", "\x01", "\x7f", "<<",   "=",   "-1",  "1.5",  "a b",  "\\",   "tcp://a:1"}) {
        const Value value = Value::scalar(text, Origin::defaults());
        Value list = Value::list(Origin::defaults());
        list.items.push_back(value);
        Value map = Value::map(Origin::defaults());
        map.entries.push_back({"k", Origin::defaults(), list});
        map.entries.push_back({"l", Origin::defaults(), value});

        const ReadYaml block = read_yaml(yaml_block(map), Origin::defaults());
        const ReadYaml flow = read_yaml(yaml_flow(map), Origin::defaults());

        EXPECT_TRUE(block.value.same_content(map)) << yaml_block(map) << text_of(block.problems);
        EXPECT_TRUE(flow.value.same_content(map)) << yaml_flow(map) << text_of(flow.problems);
    }
}

}  // namespace
}  // namespace weft::config
