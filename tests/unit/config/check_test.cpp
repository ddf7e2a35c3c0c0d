#include "config/check.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/yaml_reader.hpp"

namespace weft::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> problems_of(std::string_view text) {
    ReadYaml read = read_yaml(text, Origin::file("a.yaml"));
    check_layer(read.value, schema(), read.problems);
    std::vector<std::string> lines;
    for (const Problem& problem : read.problems) lines.push_back(problem.text());
    return lines;
}

std::string only_problem(std::string_view text) {
    const auto lines = problems_of(text);
    EXPECT_THAT(lines, SizeIs(1)) << text;
    return lines.empty() ? "" : lines.front();
}

TEST(Check, NamesTheNearestKnownKey) {
    EXPECT_EQ(only_problem("fabrik: {}"),
              "a.yaml:1: fabrik: unknown key 'fabrik': did you mean 'fabric'?");
    EXPECT_THAT(only_problem("fabric:\n  high_watermark: 5\n"),
                HasSubstr("a.yaml:2: fabric.high_watermark: unknown key 'high_watermark': did you "
                          "mean 'high_water_mark'?"));
}

TEST(Check, NamesTheFullKeyOfOneThatStandsAtTheWrongPlace) {
    EXPECT_THAT(only_problem("nitpicky: true"), HasSubstr("did you mean 'signing.nitpicky'?"));
}

TEST(Check, NamesAKnownKeyEvenWhereNoneIsNear) {
    EXPECT_THAT(only_problem("xyzzyplugh: 1"), HasSubstr("the nearest known key is '"));
}

TEST(Check, FindsUnknownKeysInItemsOfLists) {
    EXPECT_THAT(
        only_problem("gateway:\n  listeners:\n    - address: \"127.0.0.1:0\"\n"
                     "      serves: [rse]\n      serve: [rse]\n"),
        HasSubstr("a.yaml:4: gateway.listeners.0.serves: unknown key 'serves': did you mean "
                  "'serve'?"));
}

TEST(Check, OneMistakeDoesNotHideAnother) {
    EXPECT_THAT(problems_of("fabric:\n  mode: sideways\n  high_water_mark: lots\n  curve: maybe\n"
                            "signing: 7\nreliability:\n  ack_timeout: 3\n"),
                ElementsAre(HasSubstr("a.yaml:2: fabric.mode"),
                            HasSubstr("a.yaml:3: fabric.high_water_mark"),
                            HasSubstr("a.yaml:4: fabric.curve"), HasSubstr("a.yaml:5: signing"),
                            HasSubstr("a.yaml:7: reliability.ack_timeout")));
}

TEST(Check, ReportsEveryWrongItemOfAList) {
    EXPECT_THAT(problems_of("gateway: { webhooks: { schedule: [0s, 5, 1m, x] } }"),
                ElementsAre(HasSubstr("gateway.webhooks.schedule.1"),
                            HasSubstr("gateway.webhooks.schedule.3")));
}

TEST(Check, WantsARootThatIsAMap) {
    EXPECT_THAT(only_problem("[a, b]"), HasSubstr("a map of keys to values is needed"));
    EXPECT_THAT(only_problem("hello"), HasSubstr("this is a single value"));
}

TEST(Check, WantsEachTypeWhereItBelongs) {
    EXPECT_THAT(only_problem("fabric: { srv: example.org }"), HasSubstr("a list such as"));
    EXPECT_THAT(only_problem("fabric: { mode: [relay] }"), HasSubstr("but this is a list"));
    EXPECT_THAT(only_problem("fabric: { endpoints: [a] }"), HasSubstr("a map of keys"));
    EXPECT_THAT(only_problem("fabric: { endpoints: { a: \"tcp://b:1\" } }"),
                HasSubstr("fabric.endpoints.a: a list such as"));
    EXPECT_THAT(only_problem("fabric: { endpoints: { a: [b] } }"),
                HasSubstr("fabric.endpoints.a.0: 'b' is not an endpoint"));
    EXPECT_THAT(only_problem("hub: { consumers: [x] }"), HasSubstr("hub.consumers.0: a map"));
    EXPECT_THAT(only_problem("gateway: { limits: { body: 4M } }"), HasSubstr("is not a size"));
    EXPECT_THAT(only_problem("environment: test"), HasSubstr("write dev, stg or prod"));
    EXPECT_THAT(only_problem("signing: { sign: maybe }"), HasSubstr("write true or false"));
}

TEST(Check, ReadsNumbersAsDecimalOnly) {
    EXPECT_THAT(only_problem("fabric: { high_water_mark: 010 }"), HasSubstr("write 10"));
    EXPECT_THAT(only_problem("fabric: { high_water_mark: 0x10 }"), HasSubstr("decimal digits"));
    EXPECT_THAT(only_problem("fabric: { high_water_mark: -1 }"), HasSubstr("decimal digits"));
    EXPECT_THAT(only_problem("fabric: { high_water_mark: 0 }"), HasSubstr("from 1 to"));
}

TEST(Check, LeavesQuotedScalarsText) {
    EXPECT_THAT(only_problem("fabric: { high_water_mark: \"5\" }"), HasSubstr("without quotes"));
    EXPECT_THAT(only_problem("signing: { sign: \"true\" }"), HasSubstr("text in quotes"));
    EXPECT_THAT(problems_of("name: \"010\"\nfabric: { curve: \"on\" }"), IsEmpty());
}

TEST(Check, LetsTextBeWhatLooksLikeSomethingElse) {
    EXPECT_THAT(problems_of("{name: 010, topic_prefix: yes}"), IsEmpty());
}

TEST(Check, TakesAnEmptySectionForNothingSaid) {
    EXPECT_THAT(problems_of("fabric:\nsigning:\n  policy:\ngateway:\n  tls:\n"), IsEmpty());
}

TEST(Check, AsksWhatAKeyWithoutAValueIsToMean) {
    EXPECT_THAT(only_problem("name:\n"),
                HasSubstr("write text, or \"\" for empty text, or remove"));
    EXPECT_THAT(only_problem("fabric:\n  srv:\n"), HasSubstr("or [] for an empty list"));
    EXPECT_THAT(only_problem("fabric: { high_water_mark: ~ }"),
                HasSubstr("write a whole number, or remove the key"));
}

TEST(Check, NamesWhatAnItemLacks) {
    EXPECT_THAT(problems_of("hub:\n  consumers:\n    - plugin: x.so\n"),
                ElementsAre(HasSubstr("a.yaml:3: hub.consumers.0: the key 'name' is missing"),
                            HasSubstr("the key 'topics' is missing")));
}

TEST(Check, DoesNotCallAWrongKeyMissing) {
    EXPECT_THAT(only_problem("hub: { consumers: [{ name: a, topics: \"**\" }] }"),
                HasSubstr("hub.consumers.0.topics: a list"));
}

TEST(Check, RefusesAnEmptyItem) {
    EXPECT_THAT(only_problem("fabric:\n  srv:\n    -\n"), HasSubstr("there is no value"));
    EXPECT_THAT(only_problem("hub:\n  consumers:\n    -\n"), HasSubstr("this item is empty"));
}

TEST(Check, AllowsAnEmptyPathOnlyWhereItMeansNone) {
    EXPECT_THAT(problems_of("gateway: { tls: { key: \"\" } }"), IsEmpty());
    EXPECT_THAT(only_problem("signing: { directory: \"\" }"), HasSubstr("not empty text"));
}

TEST(Check, RefusesATildeThatOnlyAShellWouldExpand) {
    EXPECT_THAT(only_problem("signing: { directory: ~/keys }"), HasSubstr("only a shell"));
    EXPECT_THAT(problems_of("signing: { directory: keys~ }"), IsEmpty());
}

TEST(Check, TakesOutWhatIsWrongAndKeepsTheRest) {
    ReadYaml read =
        read_yaml("fabric: { mode: sideways, curve: on, typo: 1 }", Origin::file("a.yaml"));
    check_layer(read.value, schema(), read.problems);

    EXPECT_EQ(read.value.find_path("fabric.mode"), nullptr);
    EXPECT_EQ(read.value.find_path("fabric.typo"), nullptr);
    EXPECT_NE(read.value.find_path("fabric.curve"), nullptr);
}

TEST(Check, NeverRepeatsASecret) {
    for (const char* text : {"gateway: { routemaster: { root_key: [hunter2] } }",
                             "gateway: { esub: { cluster_token: { hunter2: hunter2 } } }",
                             "gateway: { routemaster: { clients: hunter2 } }",
                             "gateway: { routemaster: { clients: [[hunter2]] } }"}) {
        EXPECT_THAT(only_problem(text), Not(HasSubstr("hunter2"))) << text;
    }
}

}  // namespace
}  // namespace weft::config
