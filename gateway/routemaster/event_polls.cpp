#include "gateway/routemaster/event_polls.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "config/duration.hpp"
#include "gateway/http/uri.hpp"
#include "gateway/routemaster/answers.hpp"
#include "gateway/routemaster/event.hpp"
#include "gateway/routemaster/names.hpp"
#include "gateway/routemaster/presenter.hpp"
#include "gateway/routemaster/subscriptions.hpp"

namespace weft::gateway::routemaster {
namespace {

using delivery::EngineError;
using delivery::Interest;
using reliability::JournalId;
using std::chrono::milliseconds;

/// Of the events that one acknowledgement may cover.
constexpr std::size_t acknowledged_bytes = std::size_t{64} << 20;

tl::unexpected<std::string> wrong(std::string sentence) {
    return tl::make_unexpected(std::move(sentence));
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

Response events_answer(const std::string& list, JournalId ack) {
    return json_answer(200, "{\"events\":" + list + ",\"ack\":\"" + std::to_string(ack) + "\"}");
}

Response refused(const EngineError& why) {
    if (why.kind == EngineError::Kind::invalid) {
        return error(409,
                     "this subscription has a callback, which gets the events; to fetch them "
                     "subscribe with the callback \"poll\"");
    }
    return failed(why);
}

reliability::TopicFilter filter_of(const std::vector<Interest>& interests) {
    std::vector<signing::TopicGlob> globs;
    globs.reserve(interests.size());
    for (const Interest& interest : interests) globs.push_back(interest.glob);
    return reliability::TopicFilter(std::move(globs));
}

/// False: it is subscribed to no topic, and what it had of others is done.
bool may_come(const delivery::SubscriptionStatus& status) {
    const auto& interests = status.subscription.interests;
    return std::any_of(interests.begin(), interests.end(), [&](const Interest& interest) {
        return interest.through > std::max(interest.after, status.position);
    });
}

}  // namespace

tl::expected<PollRequest, std::string> PollRequest::parse(std::string_view text) {
    const auto query = Query::parse(text);
    if (!query) return wrong(query.error());
    PollRequest request;
    for (const auto& [name, value] : query->list()) {
        if (name == "wait") {
            const auto span = config::parse_duration(value);
            if (!span) return wrong("wait: " + span.error());
            if (*span > wait_most) return wrong("wait: 60s at most");
            request.wait = *span;
        } else if (name == "max") {
            request.max = number_in(value);
            if (!request.max || *request.max > max_most) {
                return wrong("max must be an integer from 0 to " + std::to_string(max_most));
            }
        } else if (name == "ack") {
            request.ack = number_in(value);
            if (!request.ack) return wrong("ack must be the `ack` of an answer before");
        } else {
            return wrong("unknown parameter: wait, max and ack are known");
        }
    }
    return request;
}

struct EventPolls::Poll {
    std::shared_ptr<Exchange> exchange;
    Client client;
    PollRequest request;
    fabric::Instant deadline{};
    JournalId place = 0;              ///< What an answer without events acknowledges.
    FabricBridge::Ticket ticket = 0;  ///< By the mutex.

    void answer(Response response) const { exchange->answer(std::move(response)); }
    void answer_nothing() const { answer(events_answer("[]", place)); }
};

void EventPolls::begin(std::shared_ptr<Exchange> exchange, const Client& client,
                       const PollRequest& request) {
    const auto poll = std::make_shared<Poll>();
    poll->exchange = std::move(exchange);
    poll->client = client;
    poll->request = request;
    poll->deadline = clock_.steady() + request.wait;
    look(poll);
}

/// Looked up each time: it may have been replaced, acknowledged or removed meanwhile.
void EventPolls::look(const PollRef& poll) {
    engine_.confirm(subscription_id(poll->client.id), {}, [this, poll](const auto& status) {
        if (!status) return poll->answer(refused(status.error()));
        poll->place = status->position;
        if (poll->request.ack) return acknowledge(poll, *status);
        read(poll, *status);
    });
}

/// Of what follows its place, those that count.
ReadRequest EventPolls::request_for(const Poll& poll, const Status& status) const {
    ReadRequest read;
    read.after.id = status.position;
    const auto interests =
        std::make_shared<const std::vector<Interest>>(status.subscription.interests);
    read.filter = filter_of(*interests);
    read.keep = [root = root_, who = poll.client.principal, interests](const StoredEvent& event) {
        const std::string_view topic = event.message.topic();
        const bool wanted =
            std::any_of(interests->begin(), interests->end(), [&](const Interest& interest) {
                return event.id > interest.after && event.id <= interest.through &&
                       interest.glob.matches(topic);
            });
        return wanted && who.may_read(topic) && name_in(root, topic) && Event::of(event.message);
    };
    return read;
}

void EventPolls::acknowledge(const PollRef& poll, const Status& status) {
    const JournalId through = *std::exchange(poll->request.ack, std::nullopt);
    if (through <= status.position) return read(poll, status);
    if (through > bridge_.journal().head) {
        return poll->answer(error(400, "ack must be the `ack` of an answer before"));
    }
    ReadRequest count = request_for(*poll, status);
    count.through = through;
    count.messages = PollRequest::max_most;
    count.bytes = acknowledged_bytes;
    bridge_.read(std::move(count), [this, poll, from = status.position,
                                    through](BridgeResult<EventPage> page) {
        if (!page) return poll->answer(failed(page.error()));
        if (page->events.size() >= PollRequest::max_most && page->events.back().id < through &&
            !page->at_head) {
            return poll->answer(error(400, "ack covers more events than any answer had"));
        }
        const std::uint64_t lost = page->gap ? page->gap->lost.value_or(0) : 0;
        engine_.confirm(subscription_id(poll->client.id),
                        {from, through, page->events.size(), lost}, [this, poll](const auto& now) {
                            if (!now) return poll->answer(refused(now.error()));
                            poll->place = now->position;
                            read(poll, *now);
                        });
    });
}

void EventPolls::read(const PollRef& poll, const Status& status) {
    const std::uint64_t max = poll->request.max.value_or(status.subscription.batching.max);
    if (max == 0) return poll->answer_nothing();
    if (!may_come(status)) return poll->answer_nothing();
    ReadRequest request = request_for(*poll, status);
    request.messages = max;
    const auto filter = request.filter;
    bridge_.read(std::move(request), [this, poll, filter](BridgeResult<EventPage> page) {
        if (!page) return poll->answer(failed(page.error()));
        if (!page->events.empty()) {
            return poll->answer(
                events_answer(events_json(root_, page->events), page->events.back().id));
        }
        poll->place = std::max(poll->place, page->next.id);
        wait(poll, page->next.id, filter);
    });
}

void EventPolls::wait(const PollRef& poll, JournalId after,
                      const reliability::TopicFilter& filter) {
    const auto left = std::chrono::duration_cast<milliseconds>(poll->deadline - clock_.steady());
    bool late = left.count() <= 0;
    if (!late) {
        const std::scoped_lock lock(mutex_);
        late = stopped_;
        if (!late) waiting_.insert(poll);
    }
    if (late) return poll->answer_nothing();
    const auto ticket = bridge_.wait(after, filter, left, [this, poll](Woken woken) {
        if (!take(poll)) return;
        if (woken != Woken::stored) return poll->answer_nothing();
        look(poll);
    });
    bool over = false;
    {
        const std::scoped_lock lock(mutex_);
        poll->ticket = ticket;
        over = !waiting_.contains(poll);
    }
    if (over) return bridge_.forget(ticket);
    poll->exchange->on_gone([this, weak = std::weak_ptr(poll), ticket] {
        const PollRef gone = weak.lock();
        if (gone && take(gone)) bridge_.forget(ticket);
    });
}

/// True for one alone of those who would answer it.
bool EventPolls::take(const PollRef& poll) {
    const std::scoped_lock lock(mutex_);
    return waiting_.erase(poll) != 0;
}

void EventPolls::stop() {
    std::set<PollRef> all;
    std::vector<FabricBridge::Ticket> tickets;
    {
        const std::scoped_lock lock(mutex_);
        stopped_ = true;
        all.swap(waiting_);
        for (const PollRef& poll : all) tickets.push_back(poll->ticket);
    }
    for (const auto ticket : tickets) {
        if (ticket != 0) bridge_.forget(ticket);
    }
    for (const PollRef& poll : all) poll->answer_nothing();
}

}  // namespace weft::gateway::routemaster
