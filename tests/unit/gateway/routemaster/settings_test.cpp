#include "gateway/routemaster/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.hpp"

namespace weft::gateway::routemaster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Settings read(const std::string& yaml, config::Problems& problems) {
    config::LoadOptions options;
    options.directory = "/nowhere";
    options.documents = {{"test", yaml}};
    const auto configuration = config::load(options);
    if (!configuration) throw std::runtime_error(config::text_of(configuration.error()));
    return Settings::read(*configuration, problems);
}

TEST(RoutemasterSettings, HaveTheDefaultsOfTheConfiguration) {
    config::Problems problems;
    const Settings settings = read("{}", problems);
    EXPECT_TRUE(problems.empty()) << config::text_of(problems);
    EXPECT_EQ(settings.topic_root, "org.weft.dev.routemaster");
    EXPECT_EQ(settings.event_data_max, 64U);
    EXPECT_EQ(settings.root_key, "");
    EXPECT_FALSE(settings.allow_http);
    EXPECT_FALSE(settings.require_https);
    EXPECT_EQ(settings.journal_bytes_max, 0U);
}

TEST(RoutemasterSettings, TakeWhatIsWritten) {  // M22, M24, M43, M51, M85
    config::Problems problems;
    const Settings settings = read(
        "gateway: {webhooks: {allow_http: true}, routemaster: {topic_root: bus, root_key: r, "
        "require_https: true, "
        "clients: [a--1, b], max_event_data: 1KiB, max_bytes: 100MiB, min_free: 10MiB}}",
        problems);
    EXPECT_TRUE(problems.empty()) << config::text_of(problems);
    EXPECT_EQ(settings.topic_root, "org.weft.dev.bus");
    EXPECT_EQ(settings.root_key, "r");
    EXPECT_THAT(settings.clients, ElementsAre("a--1", "b"));
    EXPECT_EQ(settings.event_data_max, 1024U);
    EXPECT_TRUE(settings.allow_http);
    EXPECT_TRUE(settings.require_https);
    EXPECT_EQ(settings.journal_bytes_max, 100U << 20U);
    EXPECT_EQ(settings.journal_bytes_free, 10U << 20U);
}

TEST(RoutemasterSettings, RefuseWhatCannotWork) {  // M23
    for (const char* yaml :
         {"gateway: {routemaster: {topic_root: 'a*'}}", "gateway: {routemaster: {root_key: 'a:b'}}",
          "gateway: {routemaster: {clients: ['A B']}}",
          "gateway: {routemaster: {clients: [r], root_key: r}}",
          "gateway: {routemaster: {max_bytes: 10MiB, min_free: 5MiB}}"}) {
        config::Problems problems;
        static_cast<void>(read(yaml, problems));
        EXPECT_EQ(problems.size(), 1U) << yaml;
    }
}

}  // namespace
}  // namespace weft::gateway::routemaster
