// What consumers publish and say through the hub.

#include "reliability/hub/hub_surroundings.hpp"

#include "tests/unit/reliability/hub/live_world.hpp"

namespace weft::reliability::hub {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HubSurroundingsTest : public LiveWorld {
protected:
    HubSurroundingsTest() {
        fabric::SubscriberHooks hooks;
        hooks.deliver = [this](const fabric::Message& message) { got_.add(message); };
        reader_ = git_.fabric->subscribe({"org.weft.dev.**"}, std::move(hooks));
        surroundings_of_.emplace(*a_.fabric, reliability::Settings{},
                                 [this](Surroundings::Level level, const std::string& line) {
                                     surroundings_.log(level, "log", line);
                                 });
        EXPECT_TRUE(a_.fabric->publisher().wait_for_subscriber("org.weft.dev.b", patience));
    }
    auto publish(const Wanted& wanted, const fabric::MessageId& parent = {}) {
        return surroundings_of_->publish(wanted, parent);
    }

    Seen<fabric::Message> got_;
    std::unique_ptr<fabric::Subscriber> reader_;
    std::optional<HubSurroundings> surroundings_of_;
};

TEST_F(HubSurroundingsTest, AMessageIsPublishedInTheHubsNameWithItsHeadersAndParent) {
    const auto parent = fabric::sample_header().id;
    const auto id = publish({.topic = "b",
                             .body = R"({"n":1})",
                             .content_type = "application/json",
                             .headers = {{"kind", "test"}}},
                            parent);
    ASSERT_TRUE(id) << id.error();
    ASSERT_TRUE(got_.wait_for(1));
    const fabric::Message message = got_.all()[0];
    EXPECT_EQ(message.id(), *id);
    EXPECT_EQ(message.topic(), "org.weft.dev.b");
    EXPECT_EQ(message.signer(), "a");
    EXPECT_EQ(message.parent(), parent);
    EXPECT_EQ(surroundings_of_->hub_name(), "a");
}

TEST_F(HubSurroundingsTest, ABodyIsWhatItsTypeSaysOrNothingIsPublished) {
    EXPECT_TRUE(publish({.topic = "b", .body = "\x81\xA1n\x01", .content_type = ""}));
    EXPECT_TRUE(publish({.topic = "b", .body = "\xFF{", .content_type = "image/png"}));
    EXPECT_THAT(publish({.topic = "b", .body = "{", .content_type = "application/json"}).error(),
                HasSubstr("the body for topic 'b' is not what its type says"));
    EXPECT_THAT(publish({.topic = "b", .body = "\xC1", .content_type = ""}).error(),
                HasSubstr("is not what its type says"));
    ASSERT_TRUE(got_.wait_for(2));
    EXPECT_EQ(got_.all()[1].body(), "\xFF{");
}

TEST_F(HubSurroundingsTest, WhatCannotBePublishedIsASentence) {
    EXPECT_THAT(
        publish({.topic = "a..b", .body = "{}", .content_type = "application/json"}).error(),
        HasSubstr("a..b"));
    EXPECT_EQ(publish({.topic = "b",
                       .body = "{}",
                       .content_type = "application/json",
                       .headers = {},
                       .durable = true})
                  .error(),
              "durable needs a journal: name it in reliability.journals");
    EXPECT_FALSE(surroundings_of_->has_journals());
}

TEST_F(HubSurroundingsTest, WhatAConsumerSaysHasItsName) {
    surroundings_of_->log(Surroundings::Level::warning, "counter", "so it is");
    EXPECT_THAT(surroundings_.lines(), ElementsAre("warning log: consumer counter: so it is"));
    HubSurroundings silent(*a_.fabric, {}, {});
    silent.log(Surroundings::Level::error, "counter", "to nobody");
}

}  // namespace
}  // namespace weft::reliability::hub
