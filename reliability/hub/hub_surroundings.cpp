#include "reliability/hub/hub_surroundings.hpp"

#include <optional>
#include <utility>

namespace weft::reliability::hub {
namespace {

/// A consumer that waits for a journal keeps its worker: longer than a commit takes, and no more.
constexpr std::chrono::milliseconds durable_timeout{5000};

}  // namespace

HubSurroundings::HubSurroundings(fabric::Fabric& fabric, reliability::Settings settings, Log log)
    : fabric_(fabric),
      settings_(std::move(settings)),
      log_(std::move(log)),
      name_(fabric.settings().name) {
    // What a consumer could not publish it does again: that is what its attempts are for.
    settings_.outbox.clear();
}

HubSurroundings::~HubSurroundings() = default;

tl::expected<ReliablePublisher*, std::string> HubSurroundings::reliable() {
    const std::scoped_lock lock(mutex_);
    if (!reliable_) {
        try {
            reliable_ = std::make_unique<ReliablePublisher>(fabric_, settings_);
        } catch (const fabric::OpenFailed& failed) {
            return tl::make_unexpected(std::string{failed.what()});
        }
    }
    return reliable_.get();
}

tl::expected<fabric::MessageId, std::string> HubSurroundings::publish(
    std::string_view topic, fabric::BodyView body, const fabric::PublishOptions& options,
    bool durable) {
    if (!durable) {
        try {
            auto id = fabric_.try_publish(topic, body, options);
            if (id) return *id;
            return tl::make_unexpected(id.error().sentence);
        } catch (const fabric::OpenFailed& failed) {
            return tl::make_unexpected(std::string{failed.what()});
        }
    }
    if (!has_journals()) {
        return tl::make_unexpected(
            std::string{"durable needs a journal: name it in reliability.journals"});
    }
    auto publisher = reliable();
    if (!publisher) return tl::make_unexpected(publisher.error());
    ReliableOptions reliable;
    reliable.durable = true;
    reliable.parent = options.parent;
    reliable.headers = options.headers;
    reliable.ack_timeout = std::max(settings_.ack_timeout, durable_timeout);
    const auto receipt = (*publisher)->try_publish(topic, body, reliable);
    if (receipt) return receipt->id;
    return tl::make_unexpected(receipt.error().sentence);
}

tl::expected<fabric::MessageId, std::string> HubSurroundings::publish(
    const Wanted& wanted, const fabric::MessageId& parent) {
    fabric::PublishOptions options;
    options.parent = parent;
    for (const auto& [name, value] : wanted.headers) options.headers.emplace_back(name, value);
    // Checked here: a plugin may say application/json of anything.
    std::optional<fabric::Body> body;
    if (wanted.content_type == "application/json" || wanted.content_type.empty()) {
        auto parsed = wanted.content_type.empty() ? fabric::Body::msgpack(std::string{wanted.body})
                                                  : fabric::Body::json(wanted.body);
        if (!parsed) {
            return tl::make_unexpected("the body for topic '" + std::string{wanted.topic} +
                                       "' is not what its type says: " + parsed.error());
        }
        body = std::move(*parsed);
    }
    const fabric::BodyView view =
        body ? body->view() : fabric::BodyView{wanted.body, wanted.content_type};
    return publish(wanted.topic, view, options, wanted.durable);
}

void HubSurroundings::log(Level level, std::string_view consumer, std::string_view line) {
    if (log_) log_(level, "consumer " + std::string{consumer} + ": " + std::string{line});
}

}  // namespace weft::reliability::hub
