#include "reliability/cursor/cursor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/signing_fixture.hpp"

namespace weft::reliability {
namespace {

using namespace std::chrono_literals;
using support::globs_of;
using ::testing::HasSubstr;

Cursor sample() {
    Cursor cursor;
    cursor.name = "billing.eu";
    cursor.globs = globs_of({"org.*.build", "org.**"});
    cursor.group = GroupSettings{GroupSettings::Mode::keyed, 45s, 7};
    cursor.position = {0x9f86d081884c7d65, 4711};
    cursor.created_us = 1'800'000'000'000'000;
    cursor.moved_us = 1'800'000'000'000'001;
    cursor.lost = 12;
    cursor.gaps = 2;
    return cursor;
}

TEST(Cursor, ItsRecordIsReadBackAsItWas) {
    EXPECT_EQ(decode_cursor("billing.eu", encode_cursor(sample())), sample());
    Cursor plain = sample();
    plain.group.reset();
    plain.globs.clear();
    EXPECT_EQ(decode_cursor("billing.eu", encode_cursor(plain)), plain);
    EXPECT_TRUE(plain.filter().everything());
}

TEST(Cursor, NamesAndLimitsAreHeld) {
    Cursor cursor = sample();
    EXPECT_EQ(cursor_error(cursor), "");
    cursor.name = "no/slash";
    EXPECT_THAT(cursor_error(cursor), HasSubstr("lower-case letters"));
    cursor = sample();
    cursor.globs = globs_of(std::vector<std::string>(33, "a"));
    EXPECT_THAT(cursor_error(cursor), HasSubstr("at most 32 globs"));
    cursor = sample();
    cursor.group->lease = 0ms;
    EXPECT_THAT(cursor_error(cursor), HasSubstr("more than 0s"));
    cursor.group = GroupSettings{.max_attempts = 101};
    EXPECT_THAT(cursor_error(cursor), HasSubstr("1 to 100 attempts"));
}

TEST(Cursor, APositionThatALaterVersionAddsIsIgnored) {
    std::string bytes = encode_cursor(sample());
    ASSERT_EQ(bytes[0], '\x9b');
    bytes[0] = '\x9c';
    bytes += '\xc0';
    EXPECT_EQ(decode_cursor("billing.eu", bytes), sample());
}

TEST(Cursor, WhatIsCutOffOrHasMoreIsRefused) {
    const std::string bytes = encode_cursor(sample());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_FALSE(decode_cursor("billing.eu", std::string_view{bytes}.substr(0, length)));
    }
    EXPECT_FALSE(decode_cursor("billing.eu", bytes + "x"));
    std::string other_version = bytes;
    other_version[1] = 2;
    EXPECT_THAT(decode_cursor("billing.eu", other_version).error(), HasSubstr("version"));
}

TEST(Cursor, ChangedBytesNeverMakeACursorThatBreaksTheRules) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    const std::string whole = encode_cursor(sample());
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes = whole;
        for (unsigned changes = random() % 4 + 1; changes > 0; --changes) {
            bytes[random() % bytes.size()] = static_cast<char>(random());
        }
        const auto cursor = decode_cursor("billing.eu", bytes);
        if (cursor) {
            ASSERT_EQ(cursor_error(*cursor), "");
        }
    }
}

}  // namespace
}  // namespace weft::reliability
