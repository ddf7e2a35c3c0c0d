#include "reliability/hub/plugin_handler.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "reliability/hub/plugin_host.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/reliability/hub/plugin_fixture.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Is = Verdict::Is;

class PluginHandler : public ::testing::Test {
protected:
    void start(std::string settings_json = "{}") {
        host = make_plugin_in_process(scripted(std::move(settings_json)), surroundings);
        const auto started = host->start();
        ASSERT_TRUE(started) << started.error();
        handler = host->make();
    }
    std::string error_of_start(ConsumerSettings settings) {
        host = make_plugin_in_process(settings, surroundings);
        const auto started = host->start();
        return started ? "it started" : started.error();
    }
    Verdict handle(const fabric::Message& message, unsigned attempt = 1) {
        return handler->handle(message, attempt);
    }

    RecordingSurroundings surroundings;
    std::unique_ptr<HandlerHost> host;
    std::unique_ptr<Handler> handler;
};

TEST_F(PluginHandler, StartsThePluginWithItsNameTheHubsAndItsSettings) {
    start(R"({"greeting":"hello"})");

    EXPECT_THAT(surroundings.lines(),
                ElementsAre("info counter: started counter at hub.host1, greeting hello"));
    EXPECT_FALSE(host->keeps_timeout());
    EXPECT_EQ(host->details(), "");
}

TEST_F(PluginHandler, GivesThePluginsVerdictOnAMessage) {
    start();

    EXPECT_EQ(handle(order("done")).is, Is::done);
    const Verdict retry = handle(order("retry", {{"why", "the disk is full"}}));
    EXPECT_EQ(retry.is, Is::retry);
    EXPECT_EQ(retry.reason, "the disk is full");
    const Verdict reject = handle(order("reject", {{"why", "no hash"}}));
    EXPECT_EQ(reject.is, Is::reject);
    EXPECT_EQ(reject.reason, "no hash");
}

TEST_F(PluginHandler, ShowsThePluginTheMessage) {
    start();

    EXPECT_EQ(handle(order("tell"), 4).is, Is::done);

    EXPECT_THAT(surroundings.lines(),
                Contains("info counter: org.weft.dev.git.commit "
                         "01934a5b-6c7d-7abc-8def-0123456789ab #0 by /git attempt 4 seq 42"));
    EXPECT_THAT(surroundings.lines(), Contains(R"(info counter: {"do":"tell"})"));
}

TEST_F(PluginHandler, MakesARetryOfAnExceptionWithItsText) {
    start();

    const Verdict verdict = handle(order("throw", {{"why", "no such table"}}));

    EXPECT_EQ(verdict.is, Is::retry);
    EXPECT_EQ(verdict.reason, "no such table");
    EXPECT_EQ(handle(order("done")).is, Is::done) << "the next message is not concerned";
}

TEST_F(PluginHandler, MakesARetryOfWhatIsNoStandardException) {
    start();

    const Verdict verdict = handle(order("throw other"));

    EXPECT_EQ(verdict.is, Is::retry);
    EXPECT_THAT(verdict.reason, HasSubstr("NoStandardException, which is no std::exception"));
}

TEST_F(PluginHandler, BoundsAReasonAndNamesAMissingOne) {
    start();

    EXPECT_EQ(handle(order("retry")).reason, "it gives no reason");
    const std::string reason = handle(order("throw", {{"why", std::string(100'000, 'x')}})).reason;
    EXPECT_LT(reason.size(), 1100U);
    EXPECT_THAT(reason, HasSubstr("xxx ..."));
}

TEST_F(PluginHandler, PublishesWithTheMessageAsParent) {
    start();

    EXPECT_EQ(handle(order("publish")).is, Is::done);

    ASSERT_EQ(surroundings.published().size(), 1U);
    const Published made = surroundings.published().front();
    EXPECT_EQ(made.topic, "test.answer");
    EXPECT_EQ(made.body, R"({"n":1})");
    EXPECT_EQ(made.content_type, "application/json");
    EXPECT_THAT(made.headers, ElementsAre(std::pair<std::string, std::string>("kind", "test")));
    EXPECT_FALSE(made.durable);
    EXPECT_EQ(made.parent.text(), "01934a5b-6c7d-7abc-8def-0123456789ab");
    EXPECT_THAT(surroundings.lines(),
                Contains("info counter: published " + RecordingSurroundings::id().text()));
}

TEST_F(PluginHandler, PublishesWithoutAParentFromAnotherThreadAndInStart) {
    start(R"({"publish_start":true})");

    EXPECT_EQ(handle(order("publish elsewhere")).is, Is::done);

    ASSERT_EQ(surroundings.published().size(), 2U);
    EXPECT_TRUE(surroundings.published()[0].parent.is_none());
    EXPECT_TRUE(surroundings.published()[1].parent.is_none());
}

TEST_F(PluginHandler, ThrowsPublishFailedWithTheHubsReason) {
    surroundings.refusal = "the certificate does not grant test.answer";
    start();

    const Verdict verdict = handle(order("publish"));

    EXPECT_EQ(verdict.is, Is::reject) << "the plugin caught it";
    EXPECT_EQ(verdict.reason, "the certificate does not grant test.answer");
}

TEST_F(PluginHandler, RefusesToPublishWhatIsNotJsonAsJson) {
    start();

    const Verdict verdict = handle(order("publish", {{"body", "{n:1}"}}));

    EXPECT_THAT(verdict.reason, HasSubstr("the body is not JSON"));
    EXPECT_THAT(surroundings.published(), IsEmpty());
}

TEST_F(PluginHandler, SplitsLinesOfTheLogAndBoundsThem) {
    start();

    static_cast<void>(handle(order("log", {{"line", "one\r\ntwo\n\nfour"}})));
    static_cast<void>(handle(order("log", {{"line", std::string(10'000, 'x')}})));

    EXPECT_THAT(surroundings.lines(),
                ElementsAre(HasSubstr("started"), "warning counter: one", "warning counter: two",
                            "warning counter: ", "warning counter: four",
                            "warning counter: " + std::string(PluginHost::line_bytes_max, 'x') +
                                " ... (the line is longer)"));
}

TEST_F(PluginHandler, SaysWhyThePluginDoesNotStart) {
    EXPECT_THAT(error_of_start(scripted(R"({"fail_start":"no database"})")),
                HasSubstr("scripted_plugin.so': start() failed: no database"));
    EXPECT_THAT(error_of_start(scripted(R"({"greeting":5})")),
                HasSubstr("start() failed: settings.greeting is the number 5"));
    EXPECT_THAT(error_of_start(scripted("[]")), HasSubstr("the settings are not a map"));
}

TEST_F(PluginHandler, SaysWhyThePluginIsNotLoaded) {
    ConsumerSettings settings = scripted();
    settings.plugin = "/nowhere/counter.so";

    EXPECT_THAT(error_of_start(settings), HasSubstr("there is no file '/nowhere/counter.so'"));
}

TEST_F(PluginHandler, GivesNoConsumerToAPluginThatMakesNone) {
    ConsumerSettings settings = scripted();
    settings.plugin = std::string{WEFT_TEST_PLUGINS} + "/odd_none.so";

    EXPECT_THAT(error_of_start(settings), HasSubstr("the plugin makes no consumer"));
}

TEST_F(PluginHandler, StopsThePluginOnceAndHandlesNothingAfterThat) {
    start();

    host->stop(5s);
    host->stop(5s);

    EXPECT_THAT(surroundings.lines(), ElementsAre(HasSubstr("started"), "info counter: stopped"));
    EXPECT_EQ(handle(order("done")).is, Is::left);
}

TEST_F(PluginHandler, StopsThePluginWhenItsHostGoes) {
    start();

    host.reset();

    EXPECT_THAT(surroundings.lines(), Contains("info counter: stopped"));
}

TEST_F(PluginHandler, NamesAFailureOfStop) {
    start(R"({"fail_stop":true})");

    host->stop(5s);

    EXPECT_THAT(surroundings.lines(), Contains("error counter: stop() failed: no"));
}

TEST_F(PluginHandler, LeavesEachMessageOnceItIsGivenUp) {
    start();
    const auto other = host->make();

    handler->give_up();

    EXPECT_EQ(handle(order("done")).is, Is::left);
    EXPECT_EQ(other->handle(order("done"), 1).is, Is::done) << "the other worker goes on";
}

TEST_F(PluginHandler, DoesNotStopAPluginThatIsStillInConsume) {
    const weft::testing::TempDir dir;
    const std::string fifo = dir / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    start();
    Verdict late;
    std::thread worker([&] { late = handle(order("hang", {{"fifo", fifo}})); });
    // A writer comes in once consume() has opened the FIFO.
    const int file = ::open(fifo.c_str(), O_WRONLY);
    ASSERT_GE(file, 0);

    host->stop(1ms);

    EXPECT_THAT(surroundings.lines(), Contains(HasSubstr("it is still in consume() after 1 ms")));
    EXPECT_THAT(surroundings.lines(), Not(Contains("info counter: stopped")));
    host.reset();
    ::close(file);
    worker.join();
    EXPECT_EQ(late.is, Is::done) << "what it needed was still there";
}

}  // namespace
}  // namespace weft::reliability::hub
