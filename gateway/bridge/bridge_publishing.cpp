#include "gateway/bridge/bridge_publishing.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "fabric/message/topic.hpp"
#include "gateway/bridge/bridge_errors.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway {
namespace {

using Kind = BridgeError::Kind;
using Mode = PublishRequest::Mode;
using std::chrono::milliseconds;

constexpr std::string_view via_header = "via";
constexpr const char* broken_sentence =
    "the gateway's journal has failed and stores nothing more: restart the gateway once its disk "
    "is well.";

bool is_via(std::string_view name) {
    return name.size() == via_header.size() &&
           std::equal(name.begin(), name.end(), via_header.begin(), [](char one, char of_via) {
               return one == of_via || one == of_via - ('a' - 'A');
           });
}

fabric::PublishOptions options_of(const PublishRequest& request) {
    fabric::PublishOptions options;
    options.parent = request.parent;
    options.headers.assign(request.headers.begin(), request.headers.end());
    return options;
}

}  // namespace

BridgePublishing::BridgePublishing(fabric::Fabric& fabric, reliability::TopicFilter recorded,
                                   const BridgeLimits& limits)
    : fabric_(fabric),
      recorded_(std::move(recorded)),
      limits_(limits),
      durable_(fabric.publisher(), fabric.clock(), limits.durable),
      for_room_(fabric.clock(),
                {limits.durable.publishes, limits.durable.bytes, limits.durable.timeout}),
      acknowledged_(1, limits.acknowledged_waiting) {}

void BridgePublishing::use(reliability::ReliablePublisher& reliable,
                           const BridgeHealth& health) noexcept {
    reliable_ = &reliable;
    health_ = &health;
}

/// "" or why this cannot be published by anybody.
std::string BridgePublishing::wrong_with(const PublishRequest& request) const {
    if (auto topic = fabric::Topic::parse(request.topic); !topic) return topic.error();
    const fabric::TopicSpace& space = fabric_.settings().space;
    if (!request.topic.starts_with(space.prefix + ".")) {
        return "topic '" + signing::escape(request.topic, 80) + "' does not begin with '" +
               space.prefix + ".': name the full topic";
    }
    for (const auto& header : request.headers) {
        if (is_via(header.first)) {
            return "the header 'via' is the gateway's: it says whom a message is from; leave "
                   "it out";
        }
    }
    if (request.mode == Mode::acknowledged && request.recipients.empty()) {
        return "nobody is named who is to acknowledge: name recipients, or publish without "
               "waiting for them";
    }
    if (request.mode == Mode::durable && !recorded_.matches(request.topic)) {
        return "topic '" + signing::escape(request.topic, 80) +
               "' is not among those that the gateway's journal records "
               "(reliability.journal.topics), so it cannot be published durably";
    }
    return "";
}

void BridgePublishing::publish(const Principal& who, PublishRequest request, OnPublished done) {
    done = counted(std::move(done));
    const auto no = [&](Kind kind, std::string sentence) {
        done(tl::make_unexpected(BridgeError{kind, std::move(sentence)}));
    };
    if (stopping_) return done(tl::make_unexpected(stopped_error()));
    if (auto wrong = wrong_with(request); !wrong.empty()) {
        return no(Kind::invalid, std::move(wrong));
    }
    if (!who.may_publish(request.topic)) {
        return no(Kind::not_granted, signing::escape(who.via(), 200) + " may not publish on '" +
                                         signing::escape(request.topic, 80) + "'");
    }
    if (request.mode != Mode::fire_and_forget && !health_->linked()) {
        return no(Kind::journal_away, health_->link_sentence() + " Nothing was published");
    }
    if (request.mode == Mode::durable && broken_) {
        return no(Kind::journal_away, std::string{broken_sentence} + " Nothing was published");
    }
    request.headers.emplace_back(via_header, who.via());
    if (request.mode == Mode::acknowledged) {
        return queue_acknowledged(std::move(request), std::move(done));
    }
    // Whoever waits for room came first.
    if (!for_room_.any() && publish_now(request, done, milliseconds{0})) return;
    wait_for_room(std::move(request), std::move(done));
}

/// False: the sending queue had no room, and nobody has been answered.
bool BridgePublishing::publish_now(const PublishRequest& request, OnPublished& done,
                                   milliseconds patience) {
    fabric::PublishOptions options = options_of(request);
    options.room_timeout = patience;
    const fabric::BodyView body{request.body, request.content_type};
    if (request.mode == Mode::durable) {
        return durable_.publish(request.topic, body, options, done);
    }
    const auto sent = fabric_.publisher().try_publish(request.topic, body, options);
    if (!sent && sent.error().reason == fabric::PublishError::Reason::queue_full) return false;
    if (!sent) {
        done(tl::make_unexpected(error_of(sent.error())));
    } else {
        done(Published{*sent});
    }
    return true;
}

void BridgePublishing::wait_for_room(PublishRequest request, OnPublished done) {
    struct Job {
        PublishRequest request;
        OnPublished done;
    };
    const auto no_room = [this](const Job& job, const std::string& more) {
        job.done(tl::make_unexpected(BridgeError{
            Kind::busy, "the sending queue is full" + more +
                            (health_->linked() ? ": messages are published faster than they can "
                                                 "be sent; try again later"
                                               : ": " + health_->link_sentence())}));
    };
    const auto job = std::make_shared<Job>(Job{std::move(request), std::move(done)});
    // Nobody takes from it.
    if (!health_->linked()) return no_room(*job, "");
    const bool waits = for_room_.wait(
        job->request.body.size(),
        [this, job](milliseconds patience) {
            return publish_now(job->request, job->done, patience);
        },
        [this, job, no_room](bool stops) {
            if (stops) return job->done(tl::make_unexpected(stopped_error()));
            no_room(*job, ", and had no room for " +
                              std::to_string(limits_.durable.timeout.count()) + " ms");
        });
    if (waits) {
        ++waited_for_room_;
    } else if (stopping_) {
        job->done(tl::make_unexpected(stopped_error()));
    } else {
        no_room(*job, ", and too many wait for room");
    }
}

/// After anything but a full disk the journal stores nothing until it is opened anew, which the
/// gateway does when it starts.
void BridgePublishing::note_failure(const reliability::JournalError& error) {
    using Reason = reliability::JournalError::Reason;
    if (error.reason != Reason::io && error.reason != Reason::corrupt) return;
    if (broken_.exchange(true)) return;
    fabric_.warn("the gateway's journal failed: " + error.sentence + ". " + broken_sentence);
}

BridgePublishing::OnPublished BridgePublishing::counted(OnPublished done) {
    return [this, done = std::move(done)](BridgeResult<Published> result) {
        ++(result ? published_ : failed_);
        done(std::move(result));
    };
}

void BridgePublishing::queue_acknowledged(PublishRequest request, OnPublished done) {
    if (!health_->hears_acks()) {
        return done(tl::make_unexpected(
            BridgeError{Kind::journal_away,
                        "no acknowledgement could reach the gateway yet: try again. Nothing was "
                        "published"}));
    }
    struct Job {
        PublishRequest request;
        OnPublished done;
    };
    auto job = std::make_shared<Job>(Job{std::move(request), std::move(done)});
    const bool posted = acknowledged_.post([this, job](Workers::Turn turn) {
        if (turn.stopped) return job->done(tl::make_unexpected(stopped_error()));
        publish_acknowledged(job->request, job->done);
    });
    if (!posted) {
        job->done(tl::make_unexpected(
            stopping_ ? stopped_error()
                      : BridgeError{Kind::busy,
                                    "too many publishes wait to be sent: try again "
                                    "later"}));
    }
}

void BridgePublishing::publish_acknowledged(const PublishRequest& request,
                                            const OnPublished& done) {
    reliability::ReliableOptions options;
    options.recipients = request.recipients.text();
    options.level = request.level;
    options.ack_timeout = request.ack_timeout;
    options.parent = request.parent;
    options.headers.assign(request.headers.begin(), request.headers.end());
    const auto settled = [done](const reliability::Outcome& outcome) {
        const auto kept = std::make_shared<const reliability::Outcome>(outcome);
        if (!kept->ok()) return done(tl::make_unexpected(error_of(kept)));
        done(Published{kept->about().id, std::nullopt, kept});
    };
    const auto sent = reliable_->publish_async(request.topic, {request.body, request.content_type},
                                               options, settled);
    if (!sent) done(tl::make_unexpected(error_of(sent.error())));
}

bool BridgePublishing::awaited(const fabric::Message& message) const {
    return message.signer() == fabric_.settings().name && durable_.awaited(message);
}

void BridgePublishing::answered(const std::vector<reliability::AwaitedMessage>& messages,
                                const reliability::JournalError* error) {
    if (error != nullptr) note_failure(*error);
    durable_.answered(messages, error);
}

std::string BridgePublishing::broken() const {
    return broken_ ? broken_sentence : "";
}

void BridgePublishing::stop() {
    stopping_ = true;
    for_room_.stop();
    durable_.stop(limits_.stop_patience);
    // First, so that a publish that waits for ACKs to reach us does not wait for its deadline.
    if (reliable_ != nullptr) reliable_->close();
    acknowledged_.stop();
}

BridgePublishing::Counts BridgePublishing::counts() const {
    return {published_, failed_, waited_for_room_, durable_.sent_again(), durable_.waiting()};
}

}  // namespace weft::gateway
