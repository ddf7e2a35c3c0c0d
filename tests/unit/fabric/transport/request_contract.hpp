#pragma once
// What every transport promises about requests and answers: one suite, run against each.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/fabric/transport/transport_contract.hpp"

namespace weft::fabric {

class RequestContract : public ::testing::TestWithParam<TransportUnderTest> {
protected:
    std::string endpoint(const std::string& which = "a") const {
        return GetParam().endpoint(which);
    }
    std::unique_ptr<AnswerPort> bind(const std::string& at) {
        return support::must(transport_->bind_answers({at}));
    }
    std::unique_ptr<RequestPort> connect(const std::string& to) {
        auto port = support::must(transport_->open_requests());
        support::must(port->connect(to));
        return port;
    }
    /// Sends as soon as somebody is there.
    static bool ask(RequestPort& port, const std::string& topic, const std::string& contents) {
        return eventually([&] { return port.send(topic, contents, "p"); });
    }
    struct Got {
        std::string who, text;
    };
    static Got next(AnswerPort& port) {
        std::string_view who;
        Arrival arrival;
        const bool came = eventually([&] {
            if (port.receive(who, arrival)) return true;
            port.wait(std::chrono::milliseconds{20});
            return false;
        });
        if (!came) return {};
        EXPECT_EQ(arrival.frames, 3u);
        return {std::string{who}, text_of(arrival)};
    }
    static std::string next(RequestPort& port) {
        Arrival arrival;
        const bool came = eventually([&] {
            if (port.receive(arrival)) return true;
            port.wait(std::chrono::milliseconds{20});
            return false;
        });
        return came ? text_of(arrival) : "";
    }
    static std::string text_of(const Arrival& arrival) {
        return std::string{arrival.topic} + "|" + std::string{arrival.contents} + "|" +
               std::string{arrival.proof};
    }

    std::unique_ptr<Transport> transport_ = GetParam().make();
};

TEST_P(RequestContract, ARequestAndItsAnswerArriveByteForByte) {
    const auto journal = bind(endpoint());
    const auto asker = connect(endpoint());

    ASSERT_TRUE(ask(*asker, "t", std::string("\0\xFF", 2)));
    const Got got = next(*journal);
    EXPECT_EQ(got.text, "t|" + std::string("\0\xFF", 2) + "|p");

    EXPECT_TRUE(journal->send(got.who, "t", std::string(1'000'000, 'x'), ""));
    EXPECT_EQ(next(*asker), "t|" + std::string(1'000'000, 'x') + "|");
}

TEST_P(RequestContract, AnAnswerGoesToWhomItIsForAndToNobodyElse) {
    const auto journal = bind(endpoint());
    const auto one = connect(endpoint());
    const auto two = connect(endpoint());
    ASSERT_TRUE(ask(*one, "t", "one"));
    const std::string first = next(*journal).who;
    ASSERT_TRUE(ask(*two, "t", "two"));
    const std::string second = next(*journal).who;

    EXPECT_NE(first, second);
    EXPECT_TRUE(journal->send(second, "t", "for two", ""));
    EXPECT_TRUE(journal->send(first, "t", "for one", ""));

    EXPECT_EQ(next(*one), "t|for one|");
    EXPECT_EQ(next(*two), "t|for two|");
    Arrival arrival;
    EXPECT_FALSE(one->receive(arrival));
}

TEST_P(RequestContract, AnAnswerForWhoIsGoneIsNotSentAndSaysSo) {
    const auto journal = bind(endpoint());
    auto asker = connect(endpoint());
    ASSERT_TRUE(ask(*asker, "t", "x"));
    const std::string who = next(*journal).who;

    asker.reset();

    EXPECT_TRUE(eventually([&] { return !journal->send(who, "t", "", ""); }));
    EXPECT_FALSE(journal->send("nobody", "t", "", ""));
}

TEST_P(RequestContract, WhereNobodyListensNothingIsSentAndNothingWaits) {
    const auto asker = connect(endpoint());
    EXPECT_FALSE(asker->send("t", "too early", ""));

    const auto journal = bind(endpoint());

    ASSERT_TRUE(ask(*asker, "t", "now"));
    EXPECT_EQ(next(*journal).text, "t|now|p");
}

TEST_P(RequestContract, WhoIsAskedMayComeBack) {
    auto journal = bind(endpoint());
    const auto asker = connect(endpoint());
    ASSERT_TRUE(ask(*asker, "t", "1"));
    ASSERT_EQ(next(*journal).text, "t|1|p");

    journal.reset();
    ASSERT_TRUE(eventually([&] {
        auto bound = transport_->bind_answers({endpoint()});
        if (bound) journal = std::move(*bound);
        return journal != nullptr;
    }));

    // What is sent before the old connection is known to be gone is lost, as it may be.
    Got got;
    ASSERT_TRUE(eventually([&] {
        static_cast<void>(asker->send("t", "2", "p"));
        std::string_view who;
        Arrival arrival;
        if (!journal->receive(who, arrival)) {
            journal->wait(std::chrono::milliseconds{20});
            return false;
        }
        got = {std::string{who}, text_of(arrival)};
        return true;
    }));
    EXPECT_EQ(got.text, "t|2|p");
    EXPECT_TRUE(journal->send(got.who, "t", "again", ""));
    EXPECT_EQ(next(*asker), "t|again|");
}

TEST_P(RequestContract, APortAsksOneEndpointOnly) {
    const auto asker = connect(endpoint("a"));

    const auto second = asker->connect(endpoint("b"));

    ASSERT_FALSE(second);
    EXPECT_THAT(second.error(), ::testing::HasSubstr("asks " + endpoint("a")));
}

TEST_P(RequestContract, TheErrorNamesEveryEndpointThatIsTaken) {
    const auto taken = bind(endpoint("a"));

    const auto port = transport_->bind_answers({endpoint("a")});
    const auto none = transport_->bind_answers({});

    ASSERT_FALSE(port);
    EXPECT_THAT(port.error(), ::testing::HasSubstr("cannot bind " + endpoint("a")));
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error(), "no endpoint to bind was given");
    EXPECT_EQ(taken->bound(), endpoint("a"));
}

TEST_P(RequestContract, AWakeUpEndsTheNextWaitOfEitherSide) {
    const auto journal = bind(endpoint());
    const auto asker = connect(endpoint());
    const auto begun = std::chrono::steady_clock::now();

    std::jthread([&] { journal->wake(); }).join();
    journal->wait(patience);
    asker->wake();
    asker->wait(patience);

    EXPECT_LT(std::chrono::steady_clock::now() - begun, patience);
}

}  // namespace weft::fabric
