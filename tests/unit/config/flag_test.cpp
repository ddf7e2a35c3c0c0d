#include "config/flag.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::config {
namespace {

TEST(Flag, ReadsTheWordsThatPeopleUseInAnyCase) {
    for (const char* text : {"true", "on", "yes", "True", "ON", "Yes"}) {
        EXPECT_EQ(parse_flag(text), true) << text;
    }
    for (const char* text : {"false", "off", "no", "False", "OFF", "nO"}) {
        EXPECT_EQ(parse_flag(text), false) << text;
    }
}

TEST(Flag, RefusesEverythingElse) {
    for (const char* text : {"", "1", "0", "y", "n", "t", "enabled", "true ", "~"}) {
        const auto flag = parse_flag(text);
        ASSERT_FALSE(flag) << text;
        EXPECT_THAT(flag.error(), ::testing::HasSubstr("write true or false"));
    }
}

}  // namespace
}  // namespace weft::config
