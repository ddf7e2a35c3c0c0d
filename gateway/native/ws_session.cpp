#include "gateway/native/ws_session.hpp"

#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/grants.hpp"
#include "gateway/native/publishing.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway::native {
namespace {

constexpr std::uint16_t code_going_away = 1001, code_policy = 1008;

/// `topics` and `after` as the query that GET /v1/stream takes.
tl::expected<ReadParameters, std::string> parameters_of(const WsRequest& request,
                                                        const WsWorld& world,
                                                        const reliability::JournalInfo& journal) {
    std::string text;
    for (const std::string& topic : request.topics) text += "topic=" + percent_encode(topic) + "&";
    const auto query = Query::parse(
        text + "after=" + percent_encode(request.after.empty() ? "now" : request.after));
    if (!query) return tl::make_unexpected("topics: " + query.error());
    auto read = read_parameters(*query, {}, "now", world.space, journal, world.clock.utc_us());
    if (!read) return read;
    if (read->after.epoch == 0) read->after.epoch = journal.epoch;
    if (read->after.epoch == journal.epoch && read->after.id > journal.head) {
        return tl::make_unexpected("after: the journal ends at " + std::to_string(journal.head) +
                                   "; " + std::to_string(read->after.id) + " is not there yet");
    }
    return read;
}

}  // namespace

// ---- Frames ----

void WsSession::on_message(const std::string& text, bool is_text) {
    {
        const std::scoped_lock lock(mutex_);
        if (closed_) return;
    }
    auto request = is_text ? ws_request(text)
                           : tl::make_unexpected(WsRefusal{
                                 400, "a frame is JSON as text; this one was binary", {}, false});
    if (request) {
        not_json_ = 0;
        return take(std::move(*request));
    }
    send(ws_error(request.error()));
    if (request.error().is_json) {
        not_json_ = 0;
    } else if (++not_json_ >= world_->limits.not_json) {
        socket_->close(code_policy, "frames are JSON objects in text; too many here were not");
        on_closed();
    }
}

void WsSession::take(WsRequest request) {
    switch (request.op) {
        case WsRequest::Op::subscribe:
            return subscribe(request);
        case WsRequest::Op::unsubscribe:
            return unsubscribe(request);
        case WsRequest::Op::publish:
            return publish(request);
        case WsRequest::Op::credit:
            return add_credit(request);
        case WsRequest::Op::ack:
            return ack(request);
        case WsRequest::Op::ping:
            return send(ws_said("pong", request.about));
    }
}

void WsSession::on_closed() {
    std::map<std::string, Slot, std::less<>> slots;
    {
        const std::scoped_lock lock(mutex_);
        closed_ = true;
        slots.swap(slots_);
    }
    for (const auto& [id, slot] : slots) {
        if (slot.subscription) slot.subscription->close();
    }
}

void WsSession::stop(std::string_view why) {
    end(why, code_going_away);
}

void WsSession::review() {
    if (!still_ || still_()) return;
    end("the token of this connection was revoked, or has other grants now", code_policy);
}

void WsSession::end(std::string_view why, std::uint16_t code) {
    on_closed();
    send(ws_end(why));
    socket_->close(code, std::string{why});
}

void WsSession::send(std::string text) {
    // Who does not read is cut off by the socket, which counts it.
    static_cast<void>(socket_->send_text(std::make_shared<const std::string>(std::move(text))));
}

void WsSession::refuse(const WsRequest& request, unsigned status, std::string sentence) {
    send(ws_error({status, std::move(sentence), request.about}));
}

bool WsSession::one_more(std::size_t& count, Limit most, const WsRequest& request) {
    {
        const std::scoped_lock lock(mutex_);
        if (count < most) {
            ++count;
            return true;
        }
    }
    refuse(request, 503,
           "busy: " + std::to_string(most) +
               " of these frames are not answered yet; wait for an answer and send it again");
    return false;
}

void WsSession::one_less(std::size_t& count) {
    const std::scoped_lock lock(mutex_);
    --count;
}

// ---- Publishing ----

void WsSession::publish(const WsRequest& request) {
    const auto query = Query::parse(ws_publish_query(request.frame));
    if (!query) return refuse(request, 400, query.error());
    const auto how = how_to_publish(*query, world_->groups);
    if (!how) return refuse(request, 400, how.error());
    auto message = message_of(request.frame, world_->space, *how);
    if (!message) return refuse(request, 400, message.error());
    if (!who_.may_publish(message->topic)) {
        return refuse(request, 403,
                      "token '" + who_.name + "' may not publish topic '" + message->topic +
                          "'; its grants are those of `weft token list`");
    }
    if (!one_more(publishes_, world_->limits.publishes, request)) return;
    world_->bridge.publish(
        who_, std::move(*message),
        [self = shared_from_this(), about = request.about](const BridgeResult<Published>& result) {
            self->one_less(self->publishes_);
            self->send(ws_verdict(about, result.has_value(), verdict_json(result, Request{})));
        });
}

// ---- Subscriptions ----

void WsSession::subscribe(const WsRequest& request) {
    const std::uint64_t credit = request.credit.value_or(WsCredit::credit_default);
    if (credit > WsCredit::credit_max) {
        return refuse(request, 400,
                      "credit: at most " + std::to_string(WsCredit::credit_max) + " messages");
    }
    if (const std::string why = world_->bridge.not_ready(); !why.empty()) {
        return refuse(request, 503, why);
    }
    std::uint64_t serial = 0;
    std::string wrong;
    {
        const std::scoped_lock lock(mutex_);
        if (closed_) return;
        if (slots_.contains(request.id)) {
            wrong = "id: subscription '" + signing::escape(request.id, 64) +
                    "' is there already; take another name, or unsubscribe it first";
        } else if (slots_.size() >= world_->limits.subscriptions) {
            wrong = "a connection has at most " + std::to_string(world_->limits.subscriptions) +
                    " subscriptions; one of them may have several globs";
        } else {
            serial = ++last_serial_;
            slots_[request.id].serial = serial;
        }
    }
    if (!wrong.empty()) return refuse(request, 400, std::move(wrong));
    if (request.cursor.empty()) {
        subscribe_topics(request, serial, credit);
    } else {
        subscribe_cursor(request, serial, credit);
    }
}

void WsSession::subscribe_topics(const WsRequest& request, std::uint64_t serial,
                                 std::uint64_t credit) {
    if (!request.member.empty()) {
        return give_up(request, serial, 400, "member: goes with `cursor`, the name of a group");
    }
    auto read = parameters_of(request, *world_, world_->bridge.journal());
    if (!read) return give_up(request, serial, 400, std::move(read.error()));
    WsJournalSubscription::Wanted wanted;
    wanted.id = request.id;
    wanted.topics.filter = read->filter;
    // By what may be read, not by name: a token that was made anew may have other grants.
    const std::string rights = reading_rights(who_);
    wanted.topics.key = rights + "\n" + read->filter_text;
    if (!rights.empty()) {
        wanted.topics.keep = [who = who_](const StoredEvent& event) {
            return who.may_read(event.message.topic());
        };
    }
    wanted.after = read->after;
    wanted.last = read->last;
    wanted.stored_since_us = read->stored_since_us;
    wanted.credit = credit;
    std::string more = "\"credit\":" + std::to_string(credit);
    if (read->last == 0 && read->stored_since_us == 0) {
        more += ",\"after\":\"" + read->after.text() + "\"";
    }
    Slot slot;
    slot.serial = serial;
    slot.subscription = std::make_shared<WsJournalSubscription>(world_, socket_, std::move(wanted));
    begin(request, std::move(slot), more);
}

/// Says so, and only then lets it send.
void WsSession::begin(const WsRequest& request, Slot slot, std::string_view more) {
    const auto subscription = slot.subscription;
    {
        const std::scoped_lock lock(mutex_);
        const auto found = slots_.find(request.id);
        // It may have been unsubscribed while its cursor was looked up.
        if (closed_ || found == slots_.end() || found->second.serial != slot.serial) return;
        found->second = std::move(slot);
        send(ws_said("subscribed", request.about, more));
    }
    subscription->start();
}

void WsSession::give_up(const WsRequest& request, std::uint64_t serial, unsigned status,
                        std::string sentence) {
    {
        const std::scoped_lock lock(mutex_);
        const auto found = slots_.find(request.id);
        if (found == slots_.end() || found->second.serial != serial) return;
        slots_.erase(found);
    }
    refuse(request, status, std::move(sentence));
}

void WsSession::unsubscribe(const WsRequest& request) {
    const auto slot = find(request);
    if (!slot) return;
    if (slot->subscription) slot->subscription->close();
    {
        const std::scoped_lock lock(mutex_);
        slots_.erase(request.id);
    }
    send(ws_said("unsubscribed", request.about));
}

std::optional<WsSession::Slot> WsSession::find(const WsRequest& request) {
    {
        const std::scoped_lock lock(mutex_);
        const auto found = slots_.find(request.id);
        if (found != slots_.end()) return found->second;
    }
    refuse(request, 404,
           "this connection has no subscription '" + signing::escape(request.id, 64) +
               "'; subscribe first");
    return std::nullopt;
}

void WsSession::add_credit(const WsRequest& request) {
    const auto slot = find(request);
    if (!slot) return;
    if (!slot->subscription) {
        return refuse(request, 409, "wait for `subscribed` before you give credit");
    }
    if (!slot->subscription->add_credit(*request.credit)) {
        refuse(request, 400,
               "messages: a subscription has at most " + std::to_string(WsCredit::credit_max) +
                   " messages of credit at a time, what it has already included");
    }
}

void WsSession::ack(const WsRequest& request) {
    const auto slot = find(request);
    if (!slot) return;
    if (!slot->subscription) {
        return refuse(request, 409, "wait for `subscribed` before you acknowledge");
    }
    if (!slot->cursor.empty() && !one_more(acks_, world_->limits.acks, request)) return;
    auto acked = slot->subscription->ack(request.through);
    const bool is_seen = request.through <= acked.seen;
    if (!is_seen) {
        refuse(request, 400,
               "through: " + std::to_string(request.through) +
                   " was not sent on this subscription yet; it has come to " +
                   std::to_string(acked.seen));
    }
    if (slot->cursor.empty()) return;
    if (is_seen) {
        ack_cursor(request, *slot, std::move(acked.ids));
    } else {
        one_less(acks_);
    }
}

}  // namespace weft::gateway::native
