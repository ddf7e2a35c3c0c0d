#include "signing/routing_policy.hpp"

#include <gtest/gtest.h>

#include "tests/unit/signing/key_directory.hpp"

namespace weft::signing {
namespace {

using testing::glob;
using Decision = RoutingPolicy::Decision;

struct Case {
    std::string_view topic, name;
    Decision expected;
};

// T7: every rule that matches is looked at, one that names the signer suffices.
TEST(RoutingPolicy, AllowsWhomAnyMatchingRuleNames) {
    const RoutingPolicy policy({
        {glob("org.**"), {"hub"}},
        {glob("org.git.**"), {"git", "git.backup"}},
        {glob("org.git.push"), {"deploy"}},
        {glob("org.closed.*"), {}},
        {glob("org.git.**"), {"mirror"}},
    });
    const std::vector<Case> cases{
        // Wider, narrower and equal globs count alike, in any order.
        {"org.git.push", "hub", Decision::allowed},
        {"org.git.push", "git", Decision::allowed},
        {"org.git.push", "git.backup", Decision::allowed},
        {"org.git.push", "deploy", Decision::allowed},
        {"org.git.push", "mirror", Decision::allowed},
        {"org.git.push", "payroll", Decision::denied},
        {"org.git.tag", "deploy", Decision::denied},
        {"org.git.tag", "mirror", Decision::allowed},
        {"org.ci.done", "hub", Decision::allowed},
        {"org.ci.done", "git", Decision::denied},
        // A rule without names closes its topics to all but those of other rules.
        {"org.closed.a", "git", Decision::denied},
        {"org.closed.a", "hub", Decision::allowed},
        // No rule at all.
        {"com.a", "hub", Decision::unlisted},
        {"organisation", "hub", Decision::unlisted},
        // Names are compared whole, by bytes.
        {"org.git.push", "gi", Decision::denied},
        {"org.git.push", "git2", Decision::denied},
        {"org.git.push", "", Decision::denied},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(policy.evaluate(c.topic, c.name), c.expected) << c.topic << " by " << c.name;
    }
}

TEST(RoutingPolicy, WithoutRulesListsNothing) {
    EXPECT_EQ(RoutingPolicy().evaluate("a", "b"), Decision::unlisted);
}

TEST(RoutingPolicy, TakesNoNameForAPattern) {
    const RoutingPolicy policy({{glob("a"), {"*"}}});
    EXPECT_EQ(policy.evaluate("a", "git"), Decision::denied);
}

}  // namespace
}  // namespace weft::signing
