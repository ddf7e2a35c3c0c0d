#include "fabric/node/subscription_books.hpp"

#include <gtest/gtest.h>

#include <string>

namespace weft::fabric {
namespace {

using Verdict = SubscriptionBooks::Verdict;

SubscriptionBooks books(std::size_t per_connection = 3, std::size_t prefixes = 10) {
    return SubscriptionBooks({per_connection, prefixes});
}

TEST(SubscriptionBooks, PassesOnEachPrefixOnce) {
    auto books = weft::fabric::books();

    EXPECT_EQ(books.on_subscribe(1, "a", true), Verdict::pass_on);
    EXPECT_EQ(books.on_subscribe(1, "a", true), Verdict::known);
    EXPECT_EQ(books.on_subscribe(2, "a", true), Verdict::known);
    EXPECT_EQ(books.on_subscribe(2, "b", true), Verdict::pass_on);
}

TEST(SubscriptionBooks, RefusesWhatOneConnectionHasTooManyOfAndServesTheOthers) {
    auto books = weft::fabric::books();
    for (const char* prefix : {"a", "b", "c"}) {
        ASSERT_EQ(books.on_subscribe(1, prefix, true), Verdict::pass_on);
    }

    EXPECT_EQ(books.on_subscribe(1, "d", true), Verdict::refused);
    EXPECT_EQ(books.on_subscribe(1, "a", true), Verdict::known);  // it has that one
    EXPECT_EQ(books.on_subscribe(2, "d", true), Verdict::pass_on);
}

TEST(SubscriptionBooks, EndsAConnectionThatDoesNotStop) {
    auto books = weft::fabric::books(1);
    ASSERT_EQ(books.on_subscribe(1, "first", true), Verdict::pass_on);
    std::size_t refused = 0;

    while (books.on_subscribe(1, "x" + std::to_string(refused), true) == Verdict::refused) {
        ++refused;
    }

    EXPECT_EQ(refused + 1, SubscriptionBooks::refusals_max);
    EXPECT_EQ(books.on_subscribe(1, "more", true), Verdict::end_connection);
    EXPECT_EQ(books.passed_on(), 1u);
}

TEST(SubscriptionBooks, AnUnsubscriptionMakesRoomOnlyIfItWasSubscribed) {
    auto books = weft::fabric::books(1);
    ASSERT_EQ(books.on_subscribe(1, "a", true), Verdict::pass_on);

    EXPECT_FALSE(books.on_unsubscribe(1, "never"));
    EXPECT_EQ(books.on_subscribe(1, "b", true), Verdict::refused);
    EXPECT_TRUE(books.on_unsubscribe(1, "a"));
    EXPECT_EQ(books.on_subscribe(1, "b", true), Verdict::pass_on);
}

// libzmq hands on the unsubscription of one that never subscribed.
TEST(SubscriptionBooks, AStrangerEndsNothing) {
    auto books = weft::fabric::books();
    ASSERT_EQ(books.on_subscribe(1, "a", true), Verdict::pass_on);

    EXPECT_FALSE(books.on_unsubscribe(2, "a"));

    EXPECT_EQ(books.passed_on(), 1u);
}

TEST(SubscriptionBooks, WhatNobodyHasAnyLongerIsTakenBackOnce) {
    auto books = weft::fabric::books();
    ASSERT_EQ(books.on_subscribe(1, "a", true), Verdict::pass_on);

    EXPECT_TRUE(books.on_unsubscribe(0, "a"));
    EXPECT_FALSE(books.on_unsubscribe(0, "a"));
    books.on_connection_gone(1);

    EXPECT_EQ(books.connections(), 0u);
    EXPECT_EQ(books.on_subscribe(2, "a", true), Verdict::pass_on);
}

TEST(SubscriptionBooks, ARefusedPrefixThatGoesTakesNothingBack) {
    auto books = weft::fabric::books(1);
    ASSERT_EQ(books.on_subscribe(1, "a", true), Verdict::pass_on);
    ASSERT_EQ(books.on_subscribe(1, "b", true), Verdict::refused);

    EXPECT_FALSE(books.on_unsubscribe(0, "b"));
}

TEST(SubscriptionBooks, ControlCountsAndIsNotPassedOn) {
    auto books = weft::fabric::books(1);

    EXPECT_EQ(books.on_subscribe(1, "\xFFprobe", false), Verdict::known);
    EXPECT_EQ(books.on_subscribe(1, "\xFFother", false), Verdict::refused);
    EXPECT_FALSE(books.on_unsubscribe(1, "\xFFprobe"));

    EXPECT_EQ(books.passed_on(), 0u);
    EXPECT_EQ(books.on_subscribe(1, "\xFFother", false), Verdict::known);
}

TEST(SubscriptionBooks, WithoutRoomItAsksForEverythingSoThatNobodyLosesAnything) {
    auto books = weft::fabric::books(100, 2);
    ASSERT_EQ(books.on_subscribe(1, "a", true), Verdict::pass_on);
    ASSERT_EQ(books.on_subscribe(1, "", true), Verdict::pass_on);

    EXPECT_EQ(books.on_subscribe(1, "c", true), Verdict::pass_everything);
    EXPECT_EQ(books.on_subscribe(2, "d", true), Verdict::known);
    EXPECT_TRUE(books.asks_for_everything());

    EXPECT_FALSE(books.on_unsubscribe(0, ""));  // still asked for
    EXPECT_FALSE(books.on_unsubscribe(0, "c"));
    EXPECT_TRUE(books.on_unsubscribe(0, "a"));
}

}  // namespace
}  // namespace weft::fabric
