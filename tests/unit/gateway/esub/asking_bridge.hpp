#pragma once
// A bridge that sends nothing: what is published waits until the test says what came of it.
// Threads: one.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/bridge/fabric_bridge.hpp"
#include "reliability/ack/outcome.hpp"

namespace weft::gateway::esub {

class AskingBridge final : public FabricBridge {
public:
    struct Asked {
        PublishRequest request;
        OnPublished done;

        [[nodiscard]] std::string header(std::string_view name) const {
            for (const auto& [one, value] : request.headers) {
                if (one == name) return value;
            }
            return "";
        }
        void acknowledge() const { done(Published{fabric::MessageId::make(1)}); }
        /// By each of those recipients; an empty reason: it said nothing.
        void fail(const std::vector<std::string>& reasons) const {
            using State = reliability::RecipientAnswer::State;
            std::vector<reliability::RecipientAnswer> answers;
            for (const std::string& reason : reasons) {
                reliability::RecipientAnswer answer;
                answer.name = "b";
                answer.state = reason.empty() ? State::unknown : State::rejected;
                answer.reason = reason;
                answers.push_back(std::move(answer));
            }
            BridgeError error{BridgeError::Kind::not_acknowledged, "not acknowledged"};
            error.outcome = std::make_shared<const reliability::Outcome>(
                reliability::Outcome::Verdict::rejected, reliability::Outcome::About{},
                std::move(answers));
            done(tl::make_unexpected(std::move(error)));
        }
        void refuse(BridgeError::Kind kind) const {
            done(tl::make_unexpected(BridgeError{kind, "not sent"}));
        }
    };

    void publish(const Principal& /*who*/, PublishRequest request, OnPublished done) override {
        asked.push_back({std::move(request), std::move(done)});
    }
    void read(ReadRequest /*request*/, OnPage done) override { done(EventPage{}); }
    Ticket wait(reliability::JournalId /*after*/, const reliability::TopicFilter& /*filter*/,
                std::chrono::milliseconds /*timeout*/, OnWoken /*done*/) override {
        return 0;
    }
    void forget(Ticket /*ticket*/) override {}
    reliability::JournalInfo journal() override { return {}; }
    std::string not_ready() override { return ""; }

    std::vector<Asked> asked;
};

}  // namespace weft::gateway::esub
