#include "config/assignment.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::config {
namespace {

using ::testing::HasSubstr;

Value set(std::string_view setting) {
    Assignment assignment = read_setting(setting, schema());
    EXPECT_TRUE(assignment.problems.empty()) << text_of(assignment.problems);
    return std::move(assignment.layer);
}

std::string set_problem(std::string_view setting) {
    return text_of(read_setting(setting, schema()).problems);
}

Value variable(std::string_view name, std::string_view value) {
    Assignment assignment = read_variable(name, value, schema());
    EXPECT_TRUE(assignment.problems.empty()) << text_of(assignment.problems);
    return std::move(assignment.layer);
}

TEST(Setting, PutsAScalarAtItsKey) {
    const Value layer = set("fabric.relay.inbound=tcp://a:1");

    EXPECT_EQ(layer.find_path("fabric.relay.inbound")->text, "tcp://a:1");
    EXPECT_EQ(layer.find_path("fabric.relay.inbound")->origin.text(), "--set fabric.relay.inbound");
}

TEST(Setting, TakesListsAndMapsInFlowStyle) {
    EXPECT_EQ(set("fabric.srv=[a.org, b.org]").find_path("fabric.srv.1")->text, "b.org");
    EXPECT_EQ(set("fabric={mode: bind, srv: [a]}").find_path("fabric.mode")->text, "bind");
}

TEST(Setting, SplitsAtTheFirstEqualsSign) {
    EXPECT_EQ(set("name=a=b").find("name")->text, "a=b");
}

TEST(Setting, TakesTheRestOfAFreeFormKeyAsOneKey) {
    const Value layer = set("signing.policy.org.weft.**=[a]");

    ASSERT_TRUE(layer.find_path("signing.policy")->is_map());
    EXPECT_NE(layer.find_path("signing.policy")->find("org.weft.**"), nullptr);
    EXPECT_NE(set("fabric.endpoints.git.host1=[]").find_path("fabric.endpoints")->find("git.host1"),
              nullptr);
}

TEST(Setting, WithoutAValueIsEmptyText) {
    const Value layer = set("reliability.outbox=");

    EXPECT_TRUE(layer.find_path("reliability.outbox")->is_scalar());
    EXPECT_EQ(layer.find_path("reliability.outbox")->text, "");
}

TEST(Setting, RemembersQuotes) {
    EXPECT_TRUE(set("name=\"010\"").find("name")->quoted);
    EXPECT_FALSE(set("name=010").find("name")->quoted);
}

TEST(Setting, WithoutAnEqualsSignIsRefused) {
    EXPECT_THAT(set_problem("fabric.mode"), HasSubstr("--set: 'fabric.mode' is not a setting"));
    EXPECT_THAT(set_problem("=x"), HasSubstr("write key=value"));
    EXPECT_THAT(set_problem(""), HasSubstr("write key=value"));
}

TEST(Setting, WithAnEmptyPartInItsKeyIsRefused) {
    for (const char* setting : {".a=1", "fabric.=1", "fabric..mode=1"}) {
        EXPECT_THAT(set_problem(setting), HasSubstr("a part of the key is empty")) << setting;
    }
}

TEST(Setting, WithTooManyPartsIsRefused) {
    std::string setting = "a";
    for (int i = 0; i < 100'000; ++i) setting += ".a";

    EXPECT_THAT(set_problem(setting + "=1"), HasSubstr("nested too deep"));
}

TEST(Setting, WithBrokenYamlSaysToQuoteAndDoesNotRepeatTheValue) {
    const std::string problem = set_problem("gateway.esub.cluster_token=x: [hunter2");

    EXPECT_THAT(problem, HasSubstr("--set gateway.esub.cluster_token: "));
    EXPECT_THAT(problem, HasSubstr("double quotes"));
    EXPECT_THAT(problem, Not(HasSubstr("hunter2")));
    EXPECT_THAT(set_problem("hub.consumers=*x"), HasSubstr("in quotes"));
}

TEST(Variable, GoesOneLevelDownAtTwoUnderscores) {
    const Value layer = variable("WEFT_FABRIC__HIGH_WATER_MARK", "50");

    EXPECT_EQ(layer.find_path("fabric.high_water_mark")->text, "50");
    EXPECT_EQ(layer.find_path("fabric.high_water_mark")->origin.text(),
              "environment WEFT_FABRIC__HIGH_WATER_MARK");
}

TEST(Variable, NamesATopLevelKeyWithoutUnderscoresBetween) {
    EXPECT_EQ(variable("WEFT_TOPIC_PREFIX", "org.example").find("topic_prefix")->text,
              "org.example");
    EXPECT_EQ(variable("WEFT_NAME", "a").find("name")->text, "a");
}

TEST(Variable, TakesListsAndMapsInFlowStyle) {
    EXPECT_EQ(variable("WEFT_FABRIC__SRV", "[a, b]").find_path("fabric.srv.0")->text, "a");
}

TEST(Variable, WithASingleUnderscoreIsToldWhatToWrite) {
    const auto assignment = read_variable("WEFT_FABRIC_MODE", "bind", schema());

    EXPECT_THAT(text_of(assignment.problems), HasSubstr("WEFT_FABRIC__MODE"));
    EXPECT_TRUE(assignment.layer.is_null());
}

TEST(Variable, WithAnEmptyPartIsRefused) {
    for (const char* name : {"WEFT_", "WEFT___A", "WEFT_FABRIC__"}) {
        EXPECT_FALSE(read_variable(name, "1", schema()).problems.empty()) << name;
    }
}

}  // namespace
}  // namespace weft::config
