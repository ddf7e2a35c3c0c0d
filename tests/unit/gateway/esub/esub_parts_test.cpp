// The parts of esub that have no I/O.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/esub/parcels.hpp"
#include "gateway/esub/prep_frame.hpp"
#include "gateway/esub/rotation.hpp"
#include "gateway/esub/target.hpp"
#include "gateway/esub/waiter_table.hpp"

namespace weft::gateway::esub {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

using Table = WaiterTable<std::string>;

// Defect 1: an id that is not the holder's removes nothing.
TEST(WaiterTable, OnlyTheHolderLeaves) {
    Table table;
    EXPECT_TRUE(table.open(1, "k", "", "first").accepted);
    const auto second = table.open(2, "k", "t", "second");
    ASSERT_TRUE(second.displaced);
    EXPECT_EQ(second.displaced->second, "first");
    EXPECT_FALSE(table.leave("k", 1));
    EXPECT_EQ(table.look("k", "t"), Look::found);
    EXPECT_EQ(table.leave("k", 2), "second");
    EXPECT_EQ(table.look("k", "t"), Look::unknown);
}

TEST(WaiterTable, IsClaimedOnceAndWithItsOwnTokenAlone) {
    Table table;
    EXPECT_TRUE(table.open(1, "k", "t", "waiter").accepted);
    EXPECT_FALSE(table.open(2, "k", "u", "other").accepted);
    std::optional<std::pair<Table::Id, std::string>> claimed;
    EXPECT_EQ(table.claim("k", "", claimed), Look::wrong_token);
    EXPECT_EQ(table.claim("k", "t", claimed), Look::found);
    EXPECT_EQ(claimed->second, "waiter");
    EXPECT_EQ(table.claim("k", "t", claimed), Look::unknown);
    EXPECT_FALSE(table.leave("k", 1));
}

TEST(Rotation, GoesOnBehindTheLastServedOne) {
    Rotation<char> rotation;
    for (const char name : {'a', 'b', 'c'}) {
        rotation.join(static_cast<std::uint64_t>(name), name);
    }
    EXPECT_EQ(rotation.next(), 'a');
    EXPECT_EQ(rotation.next(), 'b');
    EXPECT_TRUE(rotation.leave('a'));
    EXPECT_EQ(rotation.next(), 'c');
    rotation.join('d', 'd');
    EXPECT_EQ(rotation.next(), 'd');
    EXPECT_EQ(rotation.next(), 'b');
    EXPECT_TRUE(rotation.leave('c'));
    EXPECT_EQ(rotation.next(), 'd');
    EXPECT_FALSE(rotation.leave('c'));
}

Parcel parcel(const std::string& text) {
    return {std::make_shared<const std::string>(text), {}, 1};
}
std::vector<std::string> texts(const std::vector<Parcel>& parcels) {
    std::vector<std::string> all;
    for (const Parcel& one : parcels) all.push_back(*one.bytes);
    return all;
}

TEST(Parcels, InReceiptModeOneIsOutAndConfirmedAfterItWasWritten) {
    Parcels parcels({true, false, 1s});
    parcels.add(parcel("a"));
    parcels.add(parcel("b"));
    EXPECT_FALSE(parcels.on_receipt());
    EXPECT_EQ(*parcels.next(0s), "a");
    EXPECT_FALSE(parcels.next(0s));
    EXPECT_FALSE(parcels.on_receipt());
    EXPECT_FALSE(parcels.on_written());
    EXPECT_FALSE(parcels.is_overdue(999ms));
    EXPECT_TRUE(parcels.is_overdue(1s));
    EXPECT_EQ(*parcels.on_receipt()->bytes, "a");
    EXPECT_EQ(*parcels.next(5s), "b");
    EXPECT_FALSE(parcels.is_overdue(5s));
    EXPECT_THAT(texts(parcels.take_all(false)), ElementsAre("b"));
}

// Defect 8.
TEST(Parcels, WhatIsLeftIsLeftInItsOrder) {
    Parcels parcels({false, true, 1s});
    for (const char* text : {"a", "b", "c"}) parcels.add(parcel(text));
    EXPECT_EQ(*parcels.next(0s), "a");
    EXPECT_EQ(*parcels.next(0s), "b");
    EXPECT_TRUE(parcels.on_written());
    EXPECT_THAT(texts(parcels.take_all(false)), ElementsAre("a", "b", "c"));
    parcels.add(parcel("d"));
    EXPECT_EQ(*parcels.next(0s), "d");
    EXPECT_TRUE(parcels.on_written());
    EXPECT_THAT(texts(parcels.take_all(true)), ElementsAre());
}

Target target(std::string_view path, std::string_view query = "") {
    auto read = read_target(path, query);
    const auto* found = std::get_if<Target>(&read);
    return found != nullptr ? *found : Target{};
}

TEST(ReadTarget, DecodesBeforeItRoutes) {
    EXPECT_EQ(target("/sub/a%20b+c").key, "a b+c");
    EXPECT_EQ(target("/sub/%FF").key, "\xFF");
    EXPECT_EQ(target("/%73ub/k").route, Route::sub);
    EXPECT_TRUE(std::holds_alternative<Unknown>(read_target("/sub/a%2Fb", "")));
    EXPECT_TRUE(std::holds_alternative<Malformed>(read_target("/sub/%zz", "")));
    EXPECT_EQ(std::get<Moved>(read_target("/SUB/K/", "")).path, "/sub/K");
}

TEST(ReadTarget, OneAloneSwitchesOn) {
    EXPECT_TRUE(target("/psub/k", "shared=1&timeout=3").shared);
    EXPECT_FALSE(target("/psub/k", "shared=true").shared);
    EXPECT_TRUE(target("/rep/k", "psub=1").psub);
    const Target both = target("/rep/k", "token=a%20b+c&token=d");
    EXPECT_EQ(both.token, "a b c");
    EXPECT_TRUE(both.has_token);
    EXPECT_FALSE(target("/rep/k", "token=").has_token);
}

TEST(ReadPrepFrame, TakesObjectsAndNothingElse) {
    for (const char* bad :
         {"", "[]", "null", "{", R"({"key": 1})", R"({"key": "k"} x)", R"({"psub": "yes"})",
          R"({"key": "k",})", R"({"a": 01})", R"({"key": "\x"})", "{\"key\": \"a\nb\"}"}) {
        EXPECT_FALSE(read_prep_frame(bad)) << bad;
    }
    EXPECT_FALSE(read_prep_frame("{\"a\": " + std::string(10'000, '[')));
    EXPECT_EQ(read_prep_frame("{}")->key, "");
}

TEST(ReadPrepFrame, MendsWhatIsNotUtf8) {
    EXPECT_EQ(read_prep_frame("{\"data\": \"a\xFF\xC3\xA4\"}")->data, "a\xEF\xBF\xBD\xC3\xA4");
    EXPECT_EQ(read_prep_frame(R"({"data": "\ud800x"})")->data, "\xEF\xBF\xBDx");
    EXPECT_EQ(read_prep_frame(R"({"data": "a", "DATA": "\t\u0000"})")->data,
              std::string("\t\0", 2));
}

}  // namespace
}  // namespace weft::gateway::esub
