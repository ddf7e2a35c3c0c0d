#include "fabric/message/value.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "fabric/message/codec.hpp"
#include "fabric/message/json_form.hpp"

namespace weft::fabric {
namespace {

using ::testing::HasSubstr;
using List = Value::List;

std::string bytes(std::initializer_list<int> numbers) {
    std::string made;
    for (const int number : numbers) made += static_cast<char>(number);
    return made;
}

Value nested_lists(std::size_t depth) {
    Value value = List{};
    for (std::size_t i = 1; i < depth; ++i) {
        List outer;
        outer.push_back(std::move(value));
        value = Value{std::move(outer)};
    }
    return value;
}

TEST(Value, IsNilUntilItIsGivenSomething) {
    EXPECT_TRUE(Value{}.is_nil());
    EXPECT_TRUE(Value{nullptr}.is_nil());
    EXPECT_FALSE(Value{0}.is_nil());
}

TEST(Value, BracesOfPairsMakeAMapThatKeepsItsOrder) {
    const Value value{{"hash", "abc"}, {"files", 3}, {"ok", true}};

    ASSERT_NE(value.map(), nullptr);
    ASSERT_EQ(value.map()->size(), 3U);
    EXPECT_EQ((*value.map())[1].first, "files");
    EXPECT_EQ(value["files"].integer_or(0), 3);
    EXPECT_EQ(value["hash"].text_or(""), "abc");
}

TEST(Value, LookingUpWhatIsNotThereGivesNilAtAnyDepth) {
    const Value value{{"a", Value{{"b", 1}}}};

    EXPECT_EQ(value["a"]["b"].integer_or(0), 1);
    EXPECT_TRUE(value["x"]["y"]["z"].is_nil());
    EXPECT_TRUE(Value{"text"}["a"].is_nil());
}

TEST(Value, TheLastEntryOfARepeatedKeyWins) {
    const Value value{{"a", 1}, {"a", 2}};

    EXPECT_EQ(value["a"].integer_or(0), 2);
}

TEST(Value, EqualIntegersAreEqualWhateverTypeTheyCameIn) {
    EXPECT_EQ(Value{7}, Value{std::uint64_t{7}});
    EXPECT_EQ(Value{std::uint8_t{7}}, Value{std::int16_t{7}});
    EXPECT_NE(Value{std::numeric_limits<std::uint64_t>::max()}, Value{-1});
    EXPECT_NE(Value{1}, Value{1.0});
}

TEST(Value, TellsAnIntegerOnlyIfItIsOneInRange) {
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    EXPECT_EQ(Value{least}.integer_or(5), least);
    EXPECT_EQ(Value{3.0}.integer_or(5), 3);
    EXPECT_EQ(Value{3.5}.integer_or(5), 5);
    EXPECT_EQ(Value{-9223372036854775808.0}.integer_or(5), least);
    EXPECT_EQ(Value{9223372036854775808.0}.integer_or(5), 5);
    EXPECT_EQ(Value{std::uint64_t{1} << 63}.integer_or(5), 5);
    EXPECT_EQ(Value{std::nan("")}.integer_or(5), 5);
    EXPECT_EQ(Value{"3"}.integer_or(5), 5);
}

TEST(Msgpack, IsWrittenInTheSmallestForms) {
    EXPECT_EQ(to_msgpack(Value{}), bytes({0xC0}));
    EXPECT_EQ(to_msgpack(true), bytes({0xC3}));
    EXPECT_EQ(to_msgpack(127), bytes({0x7F}));
    EXPECT_EQ(to_msgpack(128), bytes({0xCC, 128}));
    EXPECT_EQ(to_msgpack(-32), bytes({0xE0}));
    EXPECT_EQ(to_msgpack(-33), bytes({0xD0, 0xDF}));
    EXPECT_EQ(to_msgpack(65536), bytes({0xCE, 0, 1, 0, 0}));
    EXPECT_EQ(to_msgpack("ab"), bytes({0xA2, 'a', 'b'}));
    EXPECT_EQ(to_msgpack(Binary{"ab"}), bytes({0xC4, 2, 'a', 'b'}));
    EXPECT_EQ(to_msgpack(1.0), bytes({0xCB, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(to_msgpack(1.5), bytes({0xCB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(to_msgpack(List{1, 2}), bytes({0x92, 1, 2}));
    EXPECT_EQ(to_msgpack(Value{{"a", 1}}), bytes({0x81, 0xA1, 'a', 1}));
}

TEST(Msgpack, ComesBackAsTheSameValue) {
    const Value value{
        {"nil", nullptr},
        {"flags", List{true, false}},
        {"numbers", List{0, -1, 127, 128, -129, 1.5, -0.0, std::numeric_limits<std::int64_t>::min(),
                         std::numeric_limits<std::uint64_t>::max()}},
        {"text", "gr\xC3\xBC\xC3\x9F"},
        {"long", std::string(70'000, 'x')},
        {"bytes", Binary{std::string("\0\xff", 2)}},
        {"empty", List{Value::Map{}, List{}, "", Binary{}}}};

    const auto packed = to_msgpack(value);

    ASSERT_TRUE(packed);
    EXPECT_EQ(from_msgpack(*packed), value);
}

TEST(Msgpack, NumbersInAnyWidthReadAsTheSameValue) {
    for (const auto& five :
         {bytes({5}), bytes({0xCC, 5}), bytes({0xCD, 0, 5}), bytes({0xCE, 0, 0, 0, 5}),
          bytes({0xCF, 0, 0, 0, 0, 0, 0, 0, 5}), bytes({0xD0, 5}), bytes({0xD1, 0, 5}),
          bytes({0xD2, 0, 0, 0, 5}), bytes({0xD3, 0, 0, 0, 0, 0, 0, 0, 5})}) {
        EXPECT_EQ(from_msgpack(five), Value{5});
    }
    EXPECT_EQ(from_msgpack(bytes({0xCA, 0x3F, 0xC0, 0, 0})), Value{1.5});
}

TEST(Msgpack, KeysThatAreNotTextBecomeTheirJsonText) {
    // {1: "a", nil: "b", [true]: "c", 1.5: "d", b"x": "e"}
    const auto value =
        from_msgpack(bytes({0x85, 1,    0xA1, 'a', 0xC0, 0xA1, 'b',  0x91, 0xC3, 0xA1, 'c', 0xCA,
                            0x3F, 0xC0, 0,    0,   0xA1, 'd',  0xC4, 1,    'x',  0xA1, 'e'}));

    ASSERT_TRUE(value) << value.error();
    EXPECT_EQ((*value)["1"].text_or(""), "a");
    EXPECT_EQ((*value)["null"].text_or(""), "b");
    EXPECT_EQ((*value)["[true]"].text_or(""), "c");
    EXPECT_EQ((*value)["1.5"].text_or(""), "d");
    EXPECT_EQ((*value)[R"({"base64":"eA=="})"].text_or(""), "e");
}

// Rule D1: each key around another doubled the backslashes in it, and these bytes made gigabytes.
TEST(Msgpack, AListOrMapThatIsAKeyHasNoSuchKeyItself) {
    const std::string list_key_in_map_key = bytes({0x81, 0x81, 0x91, 1, 2, 3});
    EXPECT_TRUE(check_msgpack(list_key_in_map_key).empty());
    const auto refused = from_msgpack(list_key_in_map_key);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), HasSubstr("use text for keys"));
    EXPECT_FALSE(from_msgpack(std::string(31, '\x81') + bytes({0xA1, '"'}) + std::string(31, 1)));

    // One key beside another, and a map of plain keys as a key, are fine.
    EXPECT_TRUE(from_msgpack(bytes({0x82, 0x91, 1, 2, 0x91, 3, 4})));
    EXPECT_EQ(from_msgpack(bytes({0x81, 0x81, 0xA1, 'a', 1, 0x81, 0x91, 2, 3})),
              (Value{{R"({"a":1})", Value{{"[2]", 3}}}}));
}

TEST(Msgpack, ExtensionTypesBecomeTheirTypeByteAndData) {
    EXPECT_EQ(from_msgpack(bytes({0xD4, 5, 'x'})), Value{Binary{"\x05x"}});
    EXPECT_EQ(from_msgpack(bytes({0xC7, 3, 1, 'a', 'b', 'c'})), Value{Binary{"\x01"
                                                                             "abc"}});
    EXPECT_EQ(from_msgpack(bytes({0xC7, 0, 1})), Value{Binary{"\x01"}});
}

TEST(Msgpack, HasAtMost32ContainersInOneAnother) {
    const auto deepest = to_msgpack(nested_lists(msgpack_depth_max));
    ASSERT_TRUE(deepest);
    EXPECT_TRUE(from_msgpack(*deepest));

    const auto deeper = to_msgpack(nested_lists(msgpack_depth_max + 1));
    ASSERT_FALSE(deeper);
    EXPECT_THAT(deeper.error(), HasSubstr("32"));
    EXPECT_FALSE(from_msgpack("\x91" + *deepest));
}

TEST(Msgpack, MustBeExactlyOneObject) {
    EXPECT_FALSE(from_msgpack(""));
    EXPECT_FALSE(from_msgpack(bytes({1, 2})));
    EXPECT_FALSE(from_msgpack(bytes({0x92, 1})));
    EXPECT_FALSE(from_msgpack(bytes({0xC1})));
}

// D1
TEST(Msgpack, BombsAreRefused) {
    EXPECT_FALSE(from_msgpack(bytes({0xDD, 0xFF, 0xFF, 0xFF, 0xFF, 1})));
    EXPECT_FALSE(from_msgpack(bytes({0xDF, 0x80, 0, 0, 0, 1, 1})));
    EXPECT_FALSE(from_msgpack(bytes({0xDB, 0xFF, 0xFF, 0xFF, 0xFF, 'x'})));
    EXPECT_FALSE(from_msgpack(bytes({0xC9, 0xFF, 0xFF, 0xFF, 0xFF, 1})));
    EXPECT_FALSE(from_msgpack(std::string(10'000, '\x91') + "\x01"));
    EXPECT_FALSE(from_msgpack(std::string(10'000, '\x81')));
}

// Whatever bytes come, they are refused or make a value that survives both its forms.
TEST(Msgpack, AnyBytesAreRefusedOrMakeAValueThatCanBeWrittenAgain) {
    std::mt19937 random{7};
    int accepted = 0;
    for (int i = 0; i < 60'000; ++i) {
        std::string noise(1 + random() % 24, '\0');
        for (char& c : noise) c = static_cast<char>(random());
        if (i % 2 == 0) noise[0] = static_cast<char>(0x80 + random() % 0x20);
        const auto value = from_msgpack(noise);
        ASSERT_EQ(value.has_value(), check_msgpack(noise).empty());
        if (!value) continue;
        ++accepted;
        const auto packed = to_msgpack(*value);
        ASSERT_TRUE(packed) << packed.error();
        const auto again = from_msgpack(*packed);
        ASSERT_TRUE(again) << again.error();
        ASSERT_EQ(to_json(*again), to_json(*value));
    }
    EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace weft::fabric
