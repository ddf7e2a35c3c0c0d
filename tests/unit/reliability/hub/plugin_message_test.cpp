#include "reliability/hub/plugin_message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fabric/message/json_form.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"

namespace weft::reliability::hub {
namespace {

using fabric::received;
using fabric::Value;

TEST(PluginMessage, ShowsWhatTheEnvelopeSays) {
    fabric::ContentHeader header = fabric::sample_header();
    header.content_type = "application/json";
    header.parent = fabric::MessageId::parse("01934a5b-0000-7abc-8def-0123456789ab");
    header.headers = {{"kind", "first"}, {"kind", "last"}};
    auto message = received(header, R"({"hash": "2f1c9e"})", fabric::certificate_of("git.host1"));
    message.mark_replayed(77);
    const PluginMessage view(message, 3);

    EXPECT_EQ(view.topic(), "org.weft.dev.git.commit");
    EXPECT_EQ(view.id(), "01934a5b-6c7d-7abc-8def-0123456789ab");
    EXPECT_EQ(view.parent(), "01934a5b-0000-7abc-8def-0123456789ab");
    EXPECT_EQ(view.journal_id(), 77U);
    EXPECT_EQ(view.signer(), "git.host1");
    EXPECT_EQ(view.source(), "git");
    EXPECT_EQ(view.time_us(), 1'795'229'009'123'456U);
    EXPECT_EQ(view.sequence(), 42U);
    EXPECT_EQ(view.attempt(), 3U);
    EXPECT_EQ(view.header("kind"), "last");
    EXPECT_EQ(view.header("absent"), std::nullopt);
    EXPECT_EQ(view.content_type(), "application/json");
    EXPECT_EQ(view.body(), R"({"hash": "2f1c9e"})");
    EXPECT_EQ(view.body_json(), R"({"hash":"2f1c9e"})");
    EXPECT_EQ(view.json(), fabric::to_json(message));
}

TEST(PluginMessage, HasNoParentSignerOrNumberWhereThereIsNone) {
    const auto message = received(Value{{"a", 1}});
    const PluginMessage view(message, 1);

    EXPECT_EQ(view.parent(), "");
    EXPECT_EQ(view.signer(), "");
    EXPECT_EQ(view.journal_id(), 0U);
}

TEST(PluginMessage, ReadsABodyOfMsgpackByPath) {
    const auto message =
        received(Value{{"author", "ann"},
                       {"lines", 12},
                       {"ratio", 0.5},
                       {"merged", true},
                       {"files", Value::List{Value{{"name", "a.cpp"}}, Value{{"name", "b.cpp"}}}}});
    const PluginMessage view(message, 1);

    EXPECT_EQ(view.content_type(), "application/msgpack");
    EXPECT_EQ(view.text("author"), "ann");
    EXPECT_EQ(view.integer("lines"), 12);
    EXPECT_EQ(view.number("lines"), 12.0);
    EXPECT_EQ(view.number("ratio"), 0.5);
    EXPECT_EQ(view.flag("merged"), true);
    EXPECT_EQ(view.text("files.1.name"), "b.cpp");
    EXPECT_EQ(view.body_json(), R"({"author":"ann","lines":12,"ratio":0.5,"merged":true,)"
                                R"("files":[{"name":"a.cpp"},{"name":"b.cpp"}]})");
}

TEST(PluginMessage, GivesNothingForAbsentPathsAndOtherTypes) {
    const auto message = received("application/json", R"({"n":1.5,"t":"x","l":[]})");
    const PluginMessage view(message, 1);

    EXPECT_EQ(view.text("n"), std::nullopt);
    EXPECT_EQ(view.integer("n"), std::nullopt);
    EXPECT_EQ(view.number("t"), std::nullopt);
    EXPECT_EQ(view.flag("l"), std::nullopt);
    EXPECT_EQ(view.text("l.0"), std::nullopt);
    EXPECT_EQ(view.text("absent.deeper"), std::nullopt);
}

TEST(PluginMessage, MakesWhatIsAskedForOnce) {
    const auto message = received(Value{{"a", 1}});
    const PluginMessage view(message, 1);

    EXPECT_EQ(view.id().data(), view.id().data());
    EXPECT_EQ(view.json().data(), view.json().data());
    EXPECT_EQ(view.body_json().data(), view.body_json().data());
}

}  // namespace
}  // namespace weft::reliability::hub
