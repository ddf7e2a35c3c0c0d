#include "gateway/rse/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.hpp"

namespace {

using namespace weft;
using gateway::rse::Settings;
using ::testing::HasSubstr;

Settings read(const std::string& yaml, config::Problems& problems) {
    config::LoadOptions options;
    options.directory = "/nowhere";
    options.documents = {{"test", yaml}};
    const auto configuration = config::load(options);
    if (!configuration) throw std::runtime_error(config::text_of(configuration.error()));
    return Settings::read(*configuration, problems);
}

TEST(RseSettings, HaveTheDefaultsOfTheConfiguration) {
    config::Problems problems;
    const Settings settings = read("{}", problems);
    EXPECT_TRUE(problems.empty()) << config::text_of(problems);
    EXPECT_EQ(settings.topic_root, "org.weft.dev.rse");
    EXPECT_EQ(settings.ttl, std::chrono::seconds(120));
    EXPECT_EQ(settings.max_events, 500U);
    EXPECT_EQ(settings.body_bytes_max, 4U << 20U);
    EXPECT_FALSE(settings.auth_required);
    EXPECT_FALSE(settings.jsonp_is_on());
}

TEST(RseSettings, TakeWhatIsWritten) {  // R12, R90, R114, R127, R166
    config::Problems problems;
    const Settings settings = read(
        "gateway: {auth: {required: true}, rse: {topic_root: '', ttl: 5m, test_mode: true, "
        "jsonp: 'off', cors_origins: ['https://a.example'], require_https: true, "
        "path_prefix: /events, extra_characters: '='}}",
        problems);
    EXPECT_TRUE(problems.empty()) << config::text_of(problems);
    EXPECT_EQ(settings.topic_root, "org.weft.dev") << "the whole fabric";
    EXPECT_TRUE(settings.auth_required && settings.test_mode && settings.require_https);
    EXPECT_FALSE(settings.jsonp_is_on());
    EXPECT_EQ(settings.path_prefix, "/events");
    EXPECT_EQ(settings.extra_characters, "=");
    EXPECT_THAT(settings.cors_origins, ::testing::ElementsAre("https://a.example"));
}

TEST(RseSettings, NameWhatCannotWork) {
    for (const std::string wrong :
         {"topic_root: 'a*'", "topic_root: 'a..b'", "path_prefix: a", "path_prefix: /a/"}) {
        config::Problems problems;
        (void)read("gateway: {rse: {" + wrong + "}}", problems);
        EXPECT_EQ(problems.size(), 1U) << wrong;
    }
}

}  // namespace
