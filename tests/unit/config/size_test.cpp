#include "config/size.hpp"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::config {
namespace {

using ::testing::HasSubstr;

TEST(Size, ReadsBytesAndBothFamiliesOfUnits) {
    EXPECT_EQ(parse_size("0"), 0U);
    EXPECT_EQ(parse_size("512"), 512U);
    EXPECT_EQ(parse_size("512B"), 512U);
    EXPECT_EQ(parse_size("10kB"), 10'000U);
    EXPECT_EQ(parse_size("2MB"), 2'000'000U);
    EXPECT_EQ(parse_size("64KiB"), 65'536U);
    EXPECT_EQ(parse_size("4MiB"), 4'194'304U);
    EXPECT_EQ(parse_size("10GiB"), 10'737'418'240U);
    EXPECT_EQ(parse_size("1TiB"), 1'099'511'627'776U);
}

TEST(Size, RefusesUnitsThatCouldMeanTwoThings) {
    for (const char* text : {"10k", "10K", "10KB", "10M", "10mb", "10G", "10kib", "10Mib"}) {
        const auto size = parse_size(text);
        ASSERT_FALSE(size) << text;
        EXPECT_THAT(size.error(), HasSubstr("64KiB"));
    }
}

TEST(Size, RefusesWhateverIsNotAWholeNumberAndAUnit) {
    for (const char* text : {"", "MiB", "-1", "+1", "1.5MiB", "1 MiB", " 1", "1 ", "0x10", "1e6"}) {
        EXPECT_FALSE(parse_size(text)) << text;
    }
}

TEST(Size, WithALeadingZeroIsRefusedWithTheNumberThatWasMeant) {
    const auto octal = parse_size("010");

    ASSERT_FALSE(octal);
    EXPECT_THAT(octal.error(), HasSubstr("write 10"));
}

TEST(Size, TooLargeFor64BitsIsRefusedInsteadOfWrapping) {
    EXPECT_EQ(parse_size("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
    EXPECT_FALSE(parse_size("18446744073709551616"));
    EXPECT_EQ(parse_size("16777215TiB"), 16'777'215ULL << 40U);
    EXPECT_FALSE(parse_size("16777216TiB"));
}

}  // namespace
}  // namespace weft::config
