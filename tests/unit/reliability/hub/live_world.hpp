#pragma once
// Somebody who publishes and wants to be heard (git), and where a hub's feed or desk listens (a),
// over the in-process transport.
// Threads: one.

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "reliability/hub/feed.hpp"
#include "reliability/reliable_publisher.hpp"
#include "tests/unit/reliability/hub/recording_surroundings.hpp"
#include "tests/unit/reliability/reliable_world.hpp"

namespace weft::reliability::hub {

class LiveWorld : public ReliableWorld {
protected:
    LiveWorld() {
        for (const char* name : {"git", "a"}) issue(name);
        git_ = open("git");
        a_ = open("a", "", &shifted_);
        // Sends again fast, so that repetitions are part of every test.
        reliable_.emplace(*git_.fabric, reliability::Settings{}, TrackerLimits{},
                          RetrySettings{.first = std::chrono::milliseconds{2},
                                        .longest = std::chrono::milliseconds{20}});
    }
    [[nodiscard]] bool heard(const std::string& topic = "org.weft.dev.deploy") {
        return git_.fabric->publisher().wait_for_subscriber(topic, patience);
    }
    /// Asks `a` for an ACK.
    PendingAcks ask(const std::string& text, AckLevel level = AckLevel::processed,
                    std::chrono::milliseconds timeout = long_timeout) {
        ReliableOptions options;
        options.recipients = "a";
        options.level = level;
        options.ack_timeout = timeout;
        auto made = reliable_->publish_async("deploy", fabric::Body::text(text).view(), options);
        if (!made) throw std::runtime_error(made.error().sentence);
        return *made;
    }
    void tell(const std::string& text, const std::string& topic = "deploy") {
        static_cast<void>(git_.fabric->publish(topic, fabric::Body::text(text)));
    }
    static std::string reason_of(const PendingAcks& asked) {
        const auto outcome = asked.wait();
        return outcome->answers().empty() ? "" : std::string{outcome->answers()[0].reason};
    }

    Party git_, a_;
    std::optional<ReliablePublisher> reliable_;
    RecordingSurroundings surroundings_;
};

}  // namespace weft::reliability::hub
