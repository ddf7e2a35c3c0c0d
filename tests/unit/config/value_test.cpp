#include "config/value.hpp"

#include <gtest/gtest.h>

#include "config/merge.hpp"
#include "config/yaml_reader.hpp"

namespace weft::config {
namespace {

Value yaml(std::string_view text, const char* file = "a.yaml") {
    ReadYaml read = read_yaml(text, Origin::file(file));
    EXPECT_TRUE(read.problems.empty()) << text_of(read.problems);
    return std::move(read.value);
}

TEST(Value, FollowsADottedKeyThroughMapsAndLists) {
    const Value value = yaml("{a: {b: [x, y]}}");

    EXPECT_EQ(value.find_path("a.b.1")->text, "y");
    EXPECT_EQ(value.find_path(""), &value);
    for (const char* path :
         {"a.c", "a.b.2", "a.b.x", "a.b.-1", "a.b.0.z", ".a", "a.", "a..b", "b"}) {
        EXPECT_EQ(value.find_path(path), nullptr) << path;
    }
}

TEST(Value, FindsKeysThatHaveDotsThemselves) {
    const Value value = yaml("policy: {org.weft.**: [a], org: {weft: [b]}}");

    EXPECT_EQ(value.find_path("policy.org.weft.**.0")->text, "a");
    EXPECT_EQ(value.find_path("policy.org.weft.0")->text, "b");
}

TEST(Value, ComparesContentWithoutOriginsQuotesOrTheOrderOfKeys) {
    EXPECT_TRUE(yaml("{a: 1, b: [x]}").same_content(yaml("b:\n  - \"x\"\na: '1'\n", "b.yaml")));
    EXPECT_FALSE(yaml("{a: 1}").same_content(yaml("{a: 2}")));
    EXPECT_FALSE(yaml("{a: 1}").same_content(yaml("{b: 1}")));
    EXPECT_FALSE(yaml("[a, b]").same_content(yaml("[b, a]")));
    EXPECT_FALSE(yaml("{a: 1}").same_content(yaml("{a: 1, b: 2}")));
    EXPECT_FALSE(yaml("{a: ~}").same_content(yaml("{a: \"\"}")));
}

TEST(Merge, MergesMapsAndReplacesListsAndScalars) {
    Value base = yaml("{a: {b: 1, c: 2}, d: [x, y], e: f}");

    merge(base, yaml("{a: {c: 3, g: 4}, d: [z]}", "b.yaml"));

    EXPECT_TRUE(base.same_content(yaml("{a: {b: 1, c: 3, g: 4}, d: [z], e: f}")));
}

TEST(Merge, GivesEachValueTheOriginOfTheLayerThatSetIt) {
    Value base = yaml("a: 1\nb: 2\n");

    merge(base, yaml("\n\nb: 3\n", "b.yaml"));

    EXPECT_EQ(base.find("a")->origin.text(), "a.yaml:1");
    EXPECT_EQ(base.find("b")->origin.text(), "b.yaml:3");
}

TEST(Merge, TakesAnEmptyMapForNothingSaid) {
    Value base = yaml("{a: {b: 1}, c: 2}");

    merge(base, Value{});
    merge(base, yaml("{a: }"));

    EXPECT_TRUE(base.same_content(yaml("{a: {b: 1}, c: 2}")));
}

}  // namespace
}  // namespace weft::config
