#include "gateway/bridge/bridge_errors.hpp"

namespace weft::gateway {
namespace {

using Kind = BridgeError::Kind;

Kind kind_of(fabric::PublishError::Reason reason) {
    using Reason = fabric::PublishError::Reason;
    switch (reason) {
        case Reason::invalid_topic:
        case Reason::invalid_header:
            return Kind::invalid;
        case Reason::not_granted:
        case Reason::signer_refused:
            return Kind::not_granted;
        case Reason::too_large:
            return Kind::too_large;
        case Reason::too_many_topics:
        case Reason::queue_full:
            return Kind::busy;
        case Reason::stopped:
            break;
    }
    return Kind::stopped;
}

Kind kind_of(reliability::JournalError::Reason reason) {
    using Reason = reliability::JournalError::Reason;
    switch (reason) {
        case Reason::closed:
            return Kind::stopped;
        case Reason::busy:
            return Kind::busy;
        case Reason::disk_full:
            return Kind::disk_full;
        case Reason::invalid:
        case Reason::not_found:
            return Kind::invalid;
        case Reason::io:
        case Reason::corrupt:
        case Reason::away:
        case Reason::refused:
            break;
    }
    return Kind::journal_away;
}

Kind kind_of(reliability::PublishFailure::Reason reason) {
    using Reason = reliability::PublishFailure::Reason;
    switch (reason) {
        case Reason::invalid_request:
            return Kind::invalid;
        case Reason::too_many_waiting:
        case Reason::outbox_full:
            return Kind::busy;
        case Reason::not_acknowledged:
            return Kind::not_acknowledged;
        case Reason::not_published:
            return Kind::stopped;
        case Reason::not_possible:
        case Reason::not_ready:
        case Reason::not_kept:
            break;
    }
    return Kind::journal_away;
}

}  // namespace

BridgeError error_of(const fabric::PublishError& error) {
    return {kind_of(error.reason), error.sentence};
}

BridgeError error_of(const reliability::JournalError& error) {
    return {kind_of(error.reason), error.sentence};
}

BridgeError error_of(const reliability::PublishFailure& failure) {
    if (failure.publish_error) return error_of(*failure.publish_error);
    return {kind_of(failure.reason), failure.sentence, failure.outcome};
}

BridgeError error_of(const std::shared_ptr<const reliability::Outcome>& outcome) {
    const bool aborted = outcome->verdict() == reliability::Outcome::Verdict::aborted;
    BridgeError error{aborted ? Kind::stopped : Kind::not_acknowledged, outcome->sentence()};
    if (!aborted) error.outcome = outcome;
    error.id = outcome->about().id;
    return error;
}

BridgeError stopped_error() {
    return {Kind::stopped, "the gateway stops: ask again once it is back, or another one"};
}

}  // namespace weft::gateway
