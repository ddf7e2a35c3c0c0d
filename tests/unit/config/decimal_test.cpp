#include "config/decimal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::config {
namespace {

using ::testing::HasSubstr;

TEST(Decimal, ReadsDigits) {
    EXPECT_EQ(parse_decimal("0"), 0U);
    EXPECT_EQ(parse_decimal("10"), 10U);
    EXPECT_EQ(parse_decimal("18446744073709551615"), 18'446'744'073'709'551'615ULL);
}

TEST(Decimal, NeverReadsALeadingZeroAsOctal) {
    for (const char* text : {"010", "00", "08", "0000"}) {
        const auto number = parse_decimal(text);
        ASSERT_FALSE(number) << text;
        EXPECT_THAT(number.error(), HasSubstr("begins with a zero"));
    }
    EXPECT_THAT(parse_decimal("010").error(), HasSubstr("write 10"));
    EXPECT_THAT(parse_decimal("00").error(), HasSubstr("write 0"));
}

TEST(Decimal, RefusesSignsFractionsAndOtherBases) {
    for (const char* text : {"", "-1", "+1", "1.0", "1e3", "0x10", "0o17", "1_000", "1,000", " 1",
                             "1 ", "ten", "18446744073709551616"}) {
        EXPECT_FALSE(parse_decimal(text)) << text;
    }
}

}  // namespace
}  // namespace weft::config
