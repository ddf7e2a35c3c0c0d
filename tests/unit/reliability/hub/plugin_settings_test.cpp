#include "reliability/hub/plugin_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace weft::reliability::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const PluginSettings settings(R"({"report_every":10,"ratio":0.5,"output":"a.json","loud":true,
    "version":1.10,"nothing":null,"huge":18446744073709551615,
    "mail":{"to":["ann","bob"],"from":"hub"},"mixed":["ann",3]})");

template <class Read>
std::string refusal_of(Read read) {
    try {
        static_cast<void>(read());
    } catch (const plugin::BadSetting& error) {
        return error.what();
    }
    return "nothing was refused";
}

TEST(PluginSettings, GiveEachSettingInItsType) {
    EXPECT_EQ(settings.integer("report_every"), 10);
    EXPECT_EQ(settings.number("ratio"), 0.5);
    EXPECT_EQ(settings.text("output"), "a.json");
    EXPECT_EQ(settings.flag("loud"), true);
}

TEST(PluginSettings, GiveAWholeNumberWhereANumberIsAskedFor) {
    EXPECT_EQ(settings.number("report_every"), 10.0);
    EXPECT_EQ(settings.number("huge"), 18446744073709551615.0);
}

TEST(PluginSettings, FindTheirWayThroughMapsAndLists) {
    EXPECT_EQ(settings.text("mail.from"), "hub");
    EXPECT_EQ(settings.text("mail.to.1"), "bob");
    EXPECT_THAT(settings.texts("mail.to"), ElementsAre("ann", "bob"));
}

TEST(PluginSettings, TakeOneTextForAListOfOne) {
    EXPECT_THAT(settings.texts("mail.from"), ElementsAre("hub"));
}

TEST(PluginSettings, TakeAnAbsentSettingAndOneWithoutAValueForNone) {
    for (const char* path : {"absent", "nothing", "mail.to.2", "mail.to.x", "output.deeper"}) {
        EXPECT_EQ(settings.text(path), std::nullopt) << path;
        EXPECT_EQ(settings.integer(path), std::nullopt) << path;
        EXPECT_EQ(settings.number(path), std::nullopt) << path;
        EXPECT_EQ(settings.flag(path), std::nullopt) << path;
        EXPECT_THAT(settings.texts(path), IsEmpty()) << path;
    }
}

TEST(PluginSettings, SayWhatStandsThereAndWhatIsWanted) {
    EXPECT_EQ(refusal_of([] { return settings.integer("output"); }),
              "settings.output is the text \"a.json\"; a whole number is wanted");
    EXPECT_EQ(refusal_of([] { return settings.integer("ratio"); }),
              "settings.ratio is the number 0.5; a whole number is wanted");
    EXPECT_EQ(refusal_of([] { return settings.number("loud"); }),
              "settings.loud is true; a number is wanted");
    EXPECT_EQ(refusal_of([] { return settings.flag("mail"); }),
              "settings.mail is a map; true or false is wanted");
    EXPECT_EQ(refusal_of([] { return settings.text("mail.to"); }),
              "settings.mail.to is a list; a text is wanted");
    EXPECT_EQ(refusal_of([] { return settings.texts("mixed"); }),
              "settings.mixed.1 is the number 3; a text is wanted");
    EXPECT_THAT(refusal_of([] { return settings.integer("huge"); }),
                HasSubstr("a whole number up to 9223372036854775807 is wanted"));
}

TEST(PluginSettings, TellThatANumberIsATextInQuotes) {
    EXPECT_THAT(refusal_of([] { return settings.text("version"); }),
                HasSubstr("; a text, so in quotes, is wanted"));
}

TEST(PluginSettings, AreOneJsonObject) {
    EXPECT_THROW(PluginSettings("[]"), std::invalid_argument);
    EXPECT_THROW(PluginSettings("{"), std::invalid_argument);
    EXPECT_EQ(PluginSettings("{}").json(), "{}");
}

}  // namespace
}  // namespace weft::reliability::hub
