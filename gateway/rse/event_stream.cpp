#include "gateway/rse/event_stream.hpp"

#include <algorithm>
#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/rse/event.hpp"
#include "gateway/rse/expired.hpp"

namespace weft::gateway::rse {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds ping_every{15'000};
/// After an error of the journal, or when too many wait already.
constexpr milliseconds again_after{250};
/// Until we look again whether the client has read: longer and longer while it does not.
constexpr milliseconds pause_least{2}, pause_most{250};
constexpr std::uint64_t page_messages = 500;
/// No more is read while so much waits for the client; far less than what cuts it off.
constexpr std::size_t ahead_max = std::size_t{256} * 1024;

constexpr const char* let_in_no_more =
    "the token of this stream was revoked, or has other grants now; come back with one that holds";

std::string last_word(std::string_view why) {
    return R"(event: end
data: {"message":)" +
           fabric::json_string(why) + "}\n\n";
}

}  // namespace

std::string stream_block(reliability::JournalId id, std::string_view json) {
    std::string block = "id: " + std::to_string(id) + "\ndata: ";
    // Between tokens JSON may have line ends, and nowhere else.
    for (const char byte : json) {
        if (byte == '\n' || byte == '\r') {
            block += "\ndata: ";
        } else {
            block += byte;
        }
    }
    return block += "\n\n";
}

EventStream::EventStream(std::shared_ptr<RseHandler::Core> core, std::shared_ptr<Stream> stream,
                         Reach reach, reliability::TopicFilter filter, std::function<bool()> still)
    : core_(std::move(core)),
      stream_(std::move(stream)),
      reach_(std::move(reach)),
      filter_(std::move(filter)),
      keep_(keep_of(core_, reach_)),
      still_(std::move(still)),
      after_(core_->ids->in_journal(reach_.parameters.last_known_id)),
      has_place_(after_ != 0),
      pause_(pause_least) {}

void EventStream::start() {
    stream_->on_closed([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->leave();
    });
    read();
}

void EventStream::read() {
    if (stream_->closed()) return leave();
    if (still_ && !still_()) return end(let_in_no_more);
    const std::size_t unread = stream_->queued();
    if (unread > ahead_max / 2) {
        const milliseconds now = pause_;
        pause_ = std::min(2 * now, pause_most);
        return later(now);
    }
    if (const auto head = core_->bridge.nothing_after(after_, filter_)) {
        // A client may know an id that is not there yet.
        after_ = std::max(after_, *head);
        has_place_ = true;
        return wait();
    }
    ReadRequest request;
    request.after = {0, after_};
    request.filter = filter_;
    request.messages = page_messages;
    request.bytes = ahead_max - unread;
    request.stored_since_us = core_->oldest_us();
    request.keep = keep_;
    core_->bridge.read(std::move(request),
                       [self = shared_from_this()](auto page) { self->on_page(std::move(page)); });
}

void EventStream::on_page(BridgeResult<EventPage> result) {
    if (!result) {
        if (result.error().kind == BridgeError::Kind::stopped) return end("the gateway stops");
        return later(again_after);
    }
    const bool has_lost = has_place_ && result->hidden_through > after_;
    if (has_lost) return tell_lost(*std::move(result));
    send_page(*result);
}

void EventStream::tell_lost(EventPage page) {
    const auto hidden = page.hidden_through;
    auto shared = std::make_shared<EventPage>(std::move(page));
    core_->bridge.read(newest_hidden(after_, hidden, filter_, keep_),
                       [self = shared_from_this(), shared](BridgeResult<EventPage> lost) {
                           if (lost && !lost->events.empty()) {
                               const auto id = self->core_->ids->id_of(lost->events.front().id);
                               const std::string number = std::to_string(id);
                               if (!self->send("event: expired\nid: " + number +
                                               "\ndata: {\"through\":" + number + "}\n\n")) {
                                   return;
                               }
                           }
                           self->send_page(*shared);
                       });
}

void EventStream::send_page(EventPage& page) {
    const std::uint64_t now_us = core_->clock.utc_us();
    std::string text;
    reliability::JournalId reached = after_;
    bool all = true;
    const std::size_t unread = stream_->queued();
    for (StoredEvent& event : page.events) {
        const reliability::JournalId in_journal = event.id;
        event.id = core_->ids->id_of(in_journal);
        std::optional<std::string> from;
        if (reach_.parameters.scope != Scope::exact) from = core_->topics.channel_of(event.message);
        std::string json;
        append_event(event, now_us, core_->settings.json_depth_max, from, json);
        const std::string block = stream_block(event.id, json);
        const std::size_t ahead = unread + text.size();
        all = ahead == 0 || ahead + block.size() <= ahead_max;
        if (!all) break;
        text += block;
        reached = in_journal;
    }
    if (!text.empty()) {
        if (!send(std::move(text))) return;
        pause_ = pause_least;
        core_->activity.happened(reach_.channel.name(), core_->clock.steady());
    }
    after_ = std::max(after_, all ? page.next.id : reached);
    // What was hidden has been told, or there was no place before it.
    has_place_ = true;
    if (!all) return later(pause_);
    if (!page.at_head) return read();
    wait();
}

void EventStream::wait() {
    {
        const std::scoped_lock lock(mutex_);
        if (over_) return;
    }
    const auto ticket =
        core_->bridge.wait(after_, filter_, ping_every,
                           [self = shared_from_this()](Woken why) { self->on_woken(why); });
    bool forget = false;
    {
        const std::scoped_lock lock(mutex_);
        ticket_ = std::max(ticket_, ticket);  // Others may be on their way already.
        forget = over_;
    }
    if (forget) core_->bridge.forget(ticket);
}

void EventStream::on_woken(Woken why) {
    switch (why) {
        case Woken::stored:
            return read();
        case Woken::timeout:
            ping();
            return read();
        case Woken::full:
            return later(again_after);
        case Woken::stopped:
            return end("the gateway stops");
    }
}

void EventStream::ping() {
    std::string text = ": still here\n";
    if (after_ != 0) text += "id: " + std::to_string(core_->ids->id_of(after_)) + "\n";
    static_cast<void>(send(text + "\n"));
}

void EventStream::later(milliseconds after) {
    core_->timers->run(after, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->read();
    });
}

bool EventStream::send(std::string text) {
    {
        const std::scoped_lock lock(mutex_);
        if (over_) return false;
        if (stream_->send(std::make_shared<const std::string>(std::move(text)))) return true;
    }
    leave();
    return false;
}

void EventStream::end(std::string_view why) {
    if (send(last_word(why))) stream_->end();
    leave();
}

void EventStream::leave() {
    const auto self = shared_from_this();  // Core::streams may have had the last one.
    FabricBridge::Ticket ticket = 0;
    {
        const std::scoped_lock lock(mutex_);
        if (std::exchange(over_, true)) return;
        ticket = ticket_;
    }
    {
        const std::scoped_lock lock(core_->mutex);
        core_->streams.erase(this);
    }
    if (ticket != 0) core_->bridge.forget(ticket);
}

void begin_stream(const std::shared_ptr<RseHandler::Core>& core,
                  const std::shared_ptr<Exchange>& exchange, Reach reach,
                  std::function<bool()> still) {
    const auto globs = globs_of(core->topics, reach);
    if (globs.empty()) {
        return core->answer(*exchange, error(403, "This token may not read this channel"));
    }
    if (!core->bridge.not_ready().empty()) {
        return core->answer(*exchange, away("The event store does not answer; try again later"));
    }
    Response head;
    head.headers.set("Content-Type", "text/event-stream");
    head.headers.set("X-Accel-Buffering", "no");
    head.body = "retry: 2000\n\n";
    core->complete(exchange->request(), head);
    const auto stream =
        std::make_shared<EventStream>(core, exchange->stream(std::move(head)), std::move(reach),
                                      filter_of(globs), std::move(still));
    bool stopping = false;
    {
        const std::scoped_lock lock(core->mutex);
        stopping = core->stopping;
        if (!stopping) core->streams.emplace(stream.get(), stream);
    }
    if (stopping) return stream->end("the gateway stops; come back");
    stream->start();
}

}  // namespace weft::gateway::rse
