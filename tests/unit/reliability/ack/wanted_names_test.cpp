#include "reliability/ack/wanted_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::reliability {
namespace {

TEST(WantedNames, ANameIsKeptAsLongAsOneWaitAsksForIt) {
    NotesBudget budget(1000);
    WantedNames names(budget);
    auto first = names.want("a");
    {
        const auto second = names.want("a");
        const auto other = names.want("b");
        EXPECT_EQ(second.get(), first.get());
        EXPECT_EQ(names.size(), 2U);
    }
    EXPECT_EQ(names.size(), 1U);
    names.refused("a", "signature_bad");
    names.refused("b", "signature_bad");
    EXPECT_EQ(first->second.refused, 1U);
    EXPECT_EQ(first->second.why, "signature_bad");
    first.reset();
    EXPECT_EQ(names.size(), 0U);
    EXPECT_EQ(budget.used(), 0U);
}

TEST(WantedNames, ALongReasonIsCutBehindAWholeCharacter) {
    NotesBudget budget(1000);
    WantedNames names(budget);
    const auto name = names.want("a");
    names.refused("a", std::string(199, 'x') + "\u00e4" + std::string(50, 'y'));
    EXPECT_EQ(name->second.why, std::string(199, 'x'));
    names.refused("a", std::string(198, 'x') + "\u00e4" + std::string(50, 'y'));
    EXPECT_EQ(name->second.why, std::string(198, 'x') + "\u00e4");
    EXPECT_EQ(budget.used(), 200U);
}

TEST(WantedNames, WithoutBudgetTheReasonBeforeStays) {
    NotesBudget budget(15);
    WantedNames names(budget);
    const auto name = names.want("a");
    names.refused("a", "one");
    names.refused("a", std::string(100, 'x'));
    EXPECT_EQ(name->second.refused, 2U);
    EXPECT_EQ(name->second.why, "one");
}

TEST(NotesBudget, GivesNoMoreThanItHas) {
    NotesBudget budget(10);
    EXPECT_TRUE(budget.take(10));
    EXPECT_FALSE(budget.take(1));
    EXPECT_TRUE(budget.take(0));
    budget.give_back(4);
    EXPECT_FALSE(budget.take(static_cast<std::size_t>(-1)));
    EXPECT_TRUE(budget.take(4));
    EXPECT_EQ(budget.used(), 10U);
}

}  // namespace
}  // namespace weft::reliability
