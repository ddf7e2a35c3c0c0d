#include "gateway/rse/poll.hpp"

#include <algorithm>
#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/rse/event.hpp"
#include "gateway/rse/expired.hpp"
#include "signing/digest.hpp"

namespace weft::gateway::rse {
namespace {

/// What is remembered to be quiet is moved on in steps of this many ids.
constexpr reliability::JournalId quiet_step = 1024;

}  // namespace

Poll::Poll(std::shared_ptr<RseHandler::Core> core, std::shared_ptr<Exchange> exchange,
           Question question)
    : core_(std::move(core)),
      exchange_(std::move(exchange)),
      question_(std::move(question)),
      cursor_(core_->ids->in_journal(question_.parameters.last_known_id)),
      after_(cursor_) {}

bool Poll::choose_topics() {
    const auto globs = globs_of(core_->topics, question_);
    if (globs.empty()) return false;
    filter_ = filter_of(globs);
    name_question(globs);
    return true;
}

void Poll::name_question(const std::vector<std::string>& globs) {
    const bool all = question_.parameters.scope == Scope::all;
    // Whom single messages are kept from by their tokens may be granted more tomorrow.
    if (all && !question_.who.everything) return;
    // Without a cursor nothing is said of what expired.
    name_ = cursor_ == 0 ? "begin" : "after";
    name_ += question_.parameters.echo ? std::string{} : question_.client.uuid;
    for (const std::string& glob : globs) name_ += '\n' + glob;
    if (all) name_ += '\n' + question_.channel.quoted();
}

void Poll::skip_what_is_quiet() {
    if (name_.empty()) return;
    const auto quiet = core_->quiet.find(name_, after_, core_->oldest_us());
    if (!quiet) return;
    after_ = skipped_ = quiet->through;
    expired_ = quiet->expired;
    since_us_ = quiet->since_us;
}

void Poll::remember_quiet() {
    if (name_.empty() || watermark_ == 0 || !is_whole_) return;
    if (watermark_ < cursor_) return;
    const bool is_step = skipped_ != 0 && watermark_ > skipped_ + quiet_step;
    if (has_read_ || is_step) core_->quiet.add(name_, {cursor_, watermark_, expired_, since_us_});
}

void Poll::start() {
    if (!choose_topics()) {
        return answer(error(403, "This token may not read this channel"));
    }
    deadline_ = core_->clock.steady() + question_.parameters.wait;
    skip_what_is_quiet();
    if (question_.parameters.wait == std::chrono::milliseconds{0}) {
        if (const auto head = core_->bridge.nothing_after(after_, filter_)) {
            watermark_ = *head;
            return answer_page({});
        }
    }
    // No reference to this: a poll's filter is asked by workers while it lasts.
    keep_ = keep_of(core_, question_);
    exchange_->on_gone([self = weak_from_this()] {
        if (const auto poll = self.lock()) poll->give_up();
    });
    read();
}

void Poll::read() {
    const PollParameters& asked = question_.parameters;
    if (const auto head = core_->bridge.nothing_after(after_, filter_)) {
        EventPage page;
        page.head = page.next.id = *head;
        page.at_head = true;
        return on_page(std::move(page));
    }
    has_read_ = true;
    ReadRequest request;
    request.after = {0, after_};
    request.filter = filter_;
    request.messages = asked.max_events;
    request.bytes = core_->settings.answer_bytes;
    request.stored_since_us = core_->oldest_us();
    since_us_ = std::max(since_us_, request.stored_since_us);
    request.order = asked.newest_first ? ReadRequest::Order::newest : ReadRequest::Order::rising;
    request.keep = keep_;
    core_->bridge.read(std::move(request),
                       [self = shared_from_this()](auto page) { self->on_page(std::move(page)); });
}

void Poll::on_page(BridgeResult<EventPage> result) {
    if (!result) return answer(failed(result.error()));
    EventPage& page = *result;
    if (page.refused != 0) is_whole_ = false;
    after_ = std::max(after_, page.next.id);
    hidden_ = std::max(hidden_, page.hidden_through);
    watermark_ = page.at_head ? std::min(page.next.id, page.head) : 0;
    for (StoredEvent& event : page.events) event.id = core_->ids->id_of(event.id);
    if (!page.events.empty()) return look_for_expired(std::move(page));
    if (!page.at_head) return read();
    if (core_->clock.steady() < deadline_) return wait();
    look_for_expired(std::move(page));
}

void Poll::wait() {
    const auto self = shared_from_this();
    bool stopping = false;
    {
        const std::scoped_lock lock(core_->mutex);
        stopping = core_->stopping;
        if (!stopping) core_->waiting.emplace(this, self);
    }
    if (stopping) return give_up();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::max(deadline_ - core_->clock.steady(), fabric::Instant{0}));
    const auto ticket =
        core_->bridge.wait(after_, filter_, left, [self](Woken why) { self->on_woken(why); });
    bool forget = false;
    {
        const std::scoped_lock lock(mutex_);
        ticket_ = std::max(ticket_, ticket);  // Others may be on their way already.
        forget = given_up_;
    }
    if (forget) core_->bridge.forget(ticket);
}

void Poll::leave_waiting() {
    const std::scoped_lock lock(core_->mutex);
    core_->waiting.erase(this);
}

void Poll::on_woken(Woken why) {
    leave_waiting();
    if (answered_) return;
    if (why == Woken::stored) return read();
    is_crowded_ = why == Woken::full;
    look_for_expired({});
}

void Poll::give_up() {
    FabricBridge::Ticket ticket = 0;
    {
        const std::scoped_lock lock(mutex_);
        given_up_ = true;
        ticket = ticket_;
    }
    const auto self = shared_from_this();
    if (ticket != 0) core_->bridge.forget(ticket);
    leave_waiting();
    // Without a watermark: a read may be finding something right now.
    answer(nothing());
}

void Poll::look_for_expired(EventPage page) {
    if (cursor_ == 0 || hidden_ <= cursor_) return answer_page(page);
    ReadRequest request = newest_hidden(cursor_, hidden_, filter_, keep_);
    auto shared = std::make_shared<EventPage>(std::move(page));
    core_->bridge.read(std::move(request), [self = shared_from_this(), shared](auto expired) {
        if (!expired || expired->refused != 0) self->is_whole_ = false;
        if (expired && !expired->events.empty()) self->expired_ = expired->events.front().id;
        self->answer_page(*shared);
    });
}

Response Poll::nothing() const {
    if (question_.callback.empty()) {
        Response response;
        response.status = 204;
        return response;
    }
    return script(question_.callback, body_of({}));
}

std::string Poll::body_of(const EventPage& page) const {
    const std::uint64_t now_us = core_->clock.utc_us();
    std::string body =
        R"({"channel":)" + fabric::json_string(question_.channel.quoted()) + R"(,"events":[)";
    for (const StoredEvent& event : page.events) {
        if (&event != &page.events.front()) body += ',';
        std::optional<std::string> from;
        if (question_.parameters.scope != Scope::exact) {
            from = core_->topics.channel_of(event.message);
        }
        append_event(event, now_us, core_->settings.json_depth_max, from, body);
    }
    return body += "]}";
}

std::string Poll::tag_of(const EventPage& page) const {
    const PollParameters& asked = question_.parameters;
    std::string all =
        question_.channel.quoted() + '\n' + question_.client.uuid + '\n' + question_.callback;
    for (const std::uint64_t number :
         {std::uint64_t{asked.echo}, std::uint64_t{asked.newest_first},
          static_cast<std::uint64_t>(asked.scope), asked.max_events, asked.last_known_id}) {
        all += '\n' + std::to_string(number);
    }
    for (const StoredEvent& event : page.events) all += '\n' + std::to_string(event.id);
    signing::TaggedHash hash("weft.rse.etag");
    const auto digest = hash.add(all).finish();
    return "W/\"" + signing::hex(signing::bytes_of(digest).substr(0, 16)) + '"';
}

void Poll::add_poll_after(const EventPage& page, Response& response) const {
    const PollParameters& asked = question_.parameters;
    if (!page.events.empty())
        core_->activity.happened(question_.channel.name(), core_->clock.steady());
    // Whoever waits for events comes back at once.
    if (asked.wait != std::chrono::milliseconds{0} && !is_crowded_) return;
    const bool more =
        page.events.size() >= asked.max_events || (watermark_ == 0 && !page.events.empty());
    const auto after =
        more ? std::chrono::seconds{0}
             : core_->activity.poll_after(question_.channel.name(), core_->clock.steady());
    response.headers.set("X-RSE-Poll-After", std::to_string(after.count()));
}

void Poll::answer_page(const EventPage& page) {
    Response response;
    if (page.events.empty()) {
        remember_quiet();
        response = nothing();
    } else {
        const std::string tag = tag_of(page);
        const Headers& headers = exchange_->request().headers;
        if (headers.lists("If-None-Match", tag) || headers.lists("If-None-Match", "*")) {
            response.status = 304;
        } else {
            response = question_.callback.empty() ? Response::of(200, json_type, body_of(page))
                                                  : script(question_.callback, body_of(page));
        }
        response.headers.set("ETag", tag);
    }
    if (watermark_ != 0 && watermark_ >= cursor_) {
        response.headers.set("X-RSE-Last-Id", std::to_string(core_->ids->id_of(watermark_)));
    }
    if (expired_ != 0) {
        response.headers.set("X-RSE-Expired-Through", std::to_string(core_->ids->id_of(expired_)));
    }
    add_poll_after(page, response);
    answer(std::move(response));
}

void Poll::answer(Response response) {
    if (answered_.exchange(true)) return;
    core_->answer(*exchange_, std::move(response));
}

}  // namespace weft::gateway::rse
