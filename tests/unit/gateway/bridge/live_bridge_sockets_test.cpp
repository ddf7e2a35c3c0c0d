// A gateway whose relay goes and comes back.

#include <optional>
#include <thread>

#include "fabric/node/relay.hpp"
#include "tests/unit/gateway/bridge/bridge_world.hpp"

namespace weft::gateway {
namespace {

using ::testing::HasSubstr;
using Kind = BridgeError::Kind;
using Mode = PublishRequest::Mode;

class RunningRelay {
public:
    RunningRelay(const std::string& inbound, const std::string& outbound)
        : relay_(support::must(fabric::Relay::open({inbound, outbound, {}}))),
          thread_([this] { relay_->run(); }) {}
    ~RunningRelay() {
        relay_->stop();
        thread_.join();
    }
    RunningRelay(const RunningRelay&) = delete;
    RunningRelay& operator=(const RunningRelay&) = delete;
    fabric::Relay* operator->() const { return relay_.get(); }

private:
    std::unique_ptr<fabric::Relay> relay_;
    std::thread thread_;
};

class BridgeOverARelay : public BridgeWorld {
protected:
    void open_over_relay(const std::string& inbound, const std::string& outbound) {
        config::LoadOptions options;
        options.directory = world_.signing.directory();
        options.documents.push_back(
            {"weft.d/10.yaml", "name: a\nfabric: { relay: { inbound: '" + inbound +
                                   "', outbound: '" + outbound +
                                   "' }, replay: { state: '' } }\nsigning: { directory: '" +
                                   world_.signing.directory().string() +
                                   "' }\nreliability: { journal: { listen: 'tcp://127.0.0.1:0' "
                                   "} }\n"});
        const auto loaded = config::load(options);
        ASSERT_TRUE(loaded) << config::text_of(loaded.error());
        fabric::FabricOptions fabric;
        fabric.clock = &clock_;
        a_.fabric = fabric::Fabric::open(*loaded, fabric);
        BridgeLimits limits;
        limits.stop_patience = milliseconds{200};
        limits.durable.timeout = patience;
        auto journal = std::make_unique<reliability::GatedJournal>(clock_);
        auto opened =
            LiveBridge::over(*a_.fabric, settings_of(*a_.fabric), std::move(journal), limits);
        ASSERT_TRUE(opened) << opened.error();
        bridge_ = std::move(*opened);
    }
};

TEST_F(BridgeOverARelay, AnswersJournalAwayWhileItIsGoneAndStoresAgainOnceItIsBack) {
    std::optional<RunningRelay> relay(std::in_place, "tcp://127.0.0.1:0", "tcp://127.0.0.1:0");
    const std::string inbound = (*relay)->inbound(), outbound = (*relay)->outbound();
    open_over_relay(inbound, outbound);
    ASSERT_TRUE(bridge_->wait_ready(patience)) << bridge_->not_ready();
    const auto first = publish(request("first"));
    ASSERT_TRUE(first) << first.error().sentence;

    relay.reset();
    ASSERT_TRUE(eventually([&] {
        return bridge_->not_ready().find("is `weft relay` running?") != std::string::npos;
    }));
    for (const Mode mode : {Mode::durable, Mode::acknowledged}) {
        auto what = request("nowhere", mode);
        what.recipients = *reliability::Recipients::parse("b");
        const auto refused = publish(what);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, Kind::journal_away);
        EXPECT_THAT(refused.error().sentence, HasSubstr("Nothing was published"));
        EXPECT_FALSE(refused.error().id);
    }
    EXPECT_TRUE(publish(request("kept until it is back", Mode::fire_and_forget)));
    EXPECT_EQ(bodies(*read()), std::vector<std::string>{"first"});

    relay.emplace(inbound, outbound);
    ASSERT_TRUE(bridge_->wait_ready(patience)) << bridge_->not_ready();
    const auto last = publish(request("last"));
    ASSERT_TRUE(last) << last.error().sentence;
    EXPECT_EQ(bodies(*read()).back(), "last");
}

TEST_F(BridgeOverARelay, OpensAndStopsWithoutOne) {
    open_over_relay("tcp://127.0.0.1:1", "tcp://127.0.0.1:2");
    EXPECT_TRUE(eventually([&] { return !bridge_->not_ready().empty(); }));
    EXPECT_TRUE(read());
    bridge_->stop();
    EXPECT_EQ(publish(request()).error().kind, Kind::stopped);
}

}  // namespace
}  // namespace weft::gateway
