// Rule W3, and that each address is checked where it is connected to (W2).
#include "gateway/delivery/curl_sender.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/fake_bridge.hpp"
#include "tests/support/http_receiver.hpp"

namespace weft::gateway::delivery {
namespace {

using std::chrono::milliseconds;
using support::HttpReceiver;
using support::ReceivedRequest;
using support::ReceiverDoes;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CurlSenderTest : public ::testing::Test {
protected:
    CurlSenderTest() { settings_.timeout = milliseconds{1000}; }

    void open(const std::vector<std::string>& networks = {"127.0.0.0/8"}) {
        sender_ = CurlSender::open(settings_, AddressGuard::make(true, networks).value()).value();
    }
    [[nodiscard]] std::shared_ptr<support::Answer<SendResult>> begin(const std::string& url) {
        auto answer = std::make_shared<support::Answer<SendResult>>();
        last_ = sender_->send({url, {{"Content-Type", "application/json"}}, "[1,2]"},
                              [answer](SendResult result) { answer->give(std::move(result)); });
        return answer;
    }
    [[nodiscard]] SendResult send(const std::string& url) {
        if (!sender_) open();
        auto result = begin(url)->take();
        if (!result) throw std::runtime_error("the sender did not answer");
        return *result;
    }

    Settings settings_;
    HttpReceiver receiver_;
    std::unique_ptr<CurlSender> sender_;
    Sender::Ticket last_ = 0;
};

TEST_F(CurlSenderTest, SendsTheBytesWithTheirLengthAndKeepsTheBeginOfTheAnswer) {
    receiver_.script([](const ReceivedRequest&) {
        return ReceiverDoes::answer(202, "X: y\r\n", std::string(1000, 'a'));
    });
    const SendResult result = send(receiver_.url("/a?b=c"));

    EXPECT_EQ(result.status, 202);
    EXPECT_EQ(result.error, "");
    EXPECT_EQ(result.answer_begin, std::string(256, 'a'));
    const ReceivedRequest request = receiver_.requests().at(0);
    EXPECT_EQ(request.line, "POST /a?b=c HTTP/1.1");
    EXPECT_EQ(request.header("Content-Length"), "5");
    EXPECT_EQ(request.header("Content-Type"), "application/json");
    EXPECT_EQ(request.header("Transfer-Encoding"), "");
    EXPECT_EQ(request.header("Expect"), "");
    EXPECT_EQ(request.header("Accept-Encoding"), "");
    EXPECT_EQ(request.body, "[1,2]");
}

TEST_F(CurlSenderTest, UsesAConnectionAgain) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(send(receiver_.url()).status, 200);
    EXPECT_EQ(receiver_.connections(), 1U);
}

TEST_F(CurlSenderTest, FollowsNoRedirect) {
    HttpReceiver inner;
    for (const int status : {301, 302, 303, 307, 308}) {
        receiver_.script([&](const ReceivedRequest&) {
            return ReceiverDoes::answer(status, "Location: " + inner.url("/secret") + "\r\n");
        });
        EXPECT_EQ(send(receiver_.url()).status, status);
    }
    EXPECT_THAT(inner.requests(), IsEmpty());
}

TEST_F(CurlSenderTest, AsksNoProxyOfTheEnvironment) {
    HttpReceiver proxy;
    ::setenv("http_proxy", proxy.url().c_str(), 1);
    ::setenv("all_proxy", proxy.url().c_str(), 1);
    const SendResult result = send(receiver_.url());
    ::unsetenv("http_proxy");
    ::unsetenv("all_proxy");

    EXPECT_EQ(result.status, 200);
    EXPECT_THAT(proxy.requests(), IsEmpty());
}

TEST_F(CurlSenderTest, TellsWhatTheReceiverDidInAReadableSentence) {
    struct Case {
        ReceiverDoes does;
        const char* says;
    };
    for (const Case& one :
         {Case{ReceiverDoes::reset(), "reset"},
          Case{ReceiverDoes::half(), "bytes remaining to read"},
          Case{{ReceiverDoes::What::close}, "Empty reply"}, Case{ReceiverDoes::hang(), "timed out"},
          Case{ReceiverDoes::drip(), "timed out"}}) {
        receiver_.script([&](const ReceivedRequest&) { return one.does; });
        const SendResult result = send(receiver_.url());
        EXPECT_EQ(result.status, 0) << one.says;
        EXPECT_THAT(result.error, HasSubstr(one.says));
        EXPECT_FALSE(result.cancelled);
        EXPECT_LT(result.took, std::chrono::seconds{5});
    }
}

TEST_F(CurlSenderTest, ReadsSixtyFourKibibytesOfAnAnswerAndUnpacksNothing) {
    receiver_.script(
        [](const ReceivedRequest&) { return ReceiverDoes::flood("Content-Encoding: gzip\r\n"); });
    const SendResult result = send(receiver_.url());

    EXPECT_EQ(result.status, 200);
    EXPECT_THAT(result.error, HasSubstr("longer than 64 KiB"));
    EXPECT_EQ(result.answer_begin, std::string(256, '\x1f'));
}

TEST_F(CurlSenderTest, ReadsSixteenKibibytesOfHeaders) {
    receiver_.script([](const ReceivedRequest&) {
        std::string many;
        for (int i = 0; i < 300; ++i)
            many += "X" + std::to_string(i) + ": " + std::string(80, 'x') + "\r\n";
        return ReceiverDoes::answer(200, many);
    });
    const SendResult result = send(receiver_.url());

    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.error, HasSubstr("longer than 16 KiB"));
}

TEST_F(CurlSenderTest, UnderstandsRetryAfterInSecondsAndAsADate) {
    receiver_.script([](const ReceivedRequest& request) {
        return ReceiverDoes::answer(429, request.number == 1
                                             ? "Retry-After: 120\r\n"
                                             : "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    });
    EXPECT_EQ(send(receiver_.url()).retry_after, std::chrono::seconds{120});
    EXPECT_EQ(send(receiver_.url()).retry_after, std::chrono::seconds{0});
}

TEST_F(CurlSenderTest, RefusesAnInnerAddressWhereItConnectsWhateverItsNameWasBefore) {
    open({});  // as after a name server that said something else to check_url()
    const SendResult named = send("http://localhost:" + std::to_string(receiver_.port()) + "/");
    const SendResult written = send(receiver_.url());

    EXPECT_EQ(named.status, 0);
    EXPECT_THAT(named.error, AllOf(HasSubstr("may not lead to"), HasSubstr("loopback")));
    EXPECT_THAT(written.error, HasSubstr("loopback"));
    EXPECT_EQ(receiver_.connections(), 0U);
}

TEST_F(CurlSenderTest, SaysThatTlsFailedWhereTheReceiverSpeaksNone) {
    const SendResult result = send("https://127.0.0.1:" + std::to_string(receiver_.port()) + "/");
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.error, Not(IsEmpty()));
}

TEST_F(CurlSenderTest, RefusesAHeaderWithALineBreak) {
    open();
    support::Answer<SendResult> answer;
    sender_->send({receiver_.url(), {{"A", "b\r\nC: d"}}, ""},
                  [&](SendResult result) { answer.give(std::move(result)); });
    EXPECT_THAT(answer.take().value().error, HasSubstr("line break"));
    EXPECT_THAT(receiver_.requests(), IsEmpty());
}

TEST_F(CurlSenderTest, CancelsARequestSoon) {
    receiver_.script([](const ReceivedRequest&) { return ReceiverDoes::hang(); });
    settings_.timeout = milliseconds{60'000};
    open();
    const auto answer = begin(receiver_.url());
    ASSERT_TRUE(receiver_.wait_for(1));

    sender_->cancel(last_);

    EXPECT_TRUE(answer->take().value().cancelled);
}

TEST_F(CurlSenderTest, AnswersEverythingWhenItStopsAndWhatComesLaterAtOnce) {
    receiver_.script([](const ReceivedRequest&) { return ReceiverDoes::hang(); });
    settings_.timeout = milliseconds{60'000};
    open();
    const auto answer = begin(receiver_.url());
    ASSERT_TRUE(receiver_.wait_for(1));

    sender_->stop();

    EXPECT_TRUE(answer->take().value().cancelled);
    EXPECT_TRUE(begin(receiver_.url())->take().value().cancelled);
}

TEST_F(CurlSenderTest, OneThatHangsDelaysNoOther) {
    HttpReceiver hanging([](const ReceivedRequest&) { return ReceiverDoes::hang(); });
    settings_.timeout = milliseconds{60'000};
    open();
    std::vector<std::shared_ptr<support::Answer<SendResult>>> stuck;
    for (int i = 0; i < 20; ++i) stuck.push_back(begin(hanging.url()));
    ASSERT_TRUE(hanging.wait_for(20));

    for (int i = 0; i < 20; ++i) EXPECT_EQ(send(receiver_.url()).status, 200);

    for (const auto& one : stuck) EXPECT_FALSE(one->given());
    sender_->stop();
}

TEST(CurlSender, NamesACaFileThatCannotBeRead) {
    Settings settings;
    settings.ca = "/nowhere/ca.pem";
    const auto opened = CurlSender::open(settings, AddressGuard::make(false, {}).value());
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error(), HasSubstr("/nowhere/ca.pem cannot be read"));
}

}  // namespace
}  // namespace weft::gateway::delivery
