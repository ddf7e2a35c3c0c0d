#include "gateway/native/read_routes.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fabric/message/json_form.hpp"
#include "gateway/native/family_routes.hpp"
#include "gateway/native/start_of.hpp"
#include "gateway/native/stream_form.hpp"
#include "gateway/problem.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway::native {
namespace {

using std::chrono::milliseconds;

struct Reading : std::enable_shared_from_this<Reading> {
    Reading(FabricBridge& the_bridge, JournalRoom* the_room, const fabric::Clock& the_clock,
            fabric::TopicSpace the_space)
        : bridge(the_bridge), room(the_room), clock(the_clock), space(std::move(the_space)) {}

    /// A long-poll that waits for something to be stored.
    struct Poll {
        SharedExchange exchange;
        ReadParameters parameters;
        Principal who;
        fabric::Instant deadline{};
        FabricBridge::Ticket ticket = 0;  ///< By the mutex.
    };
    using PollRef = std::shared_ptr<Poll>;

    [[nodiscard]] ReadRequest request_for(const ReadParameters& parameters,
                                          const Principal& who) const {
        ReadRequest read;
        read.after = parameters.after;
        read.filter = parameters.filter;
        read.messages = parameters.limit;
        read.stored_since_us = parameters.stored_since_us;
        if (parameters.last != 0) {
            read.order = ReadRequest::Order::newest;
            read.messages = std::min(parameters.last, parameters.limit);
        }
        if (!who.everything && !who.admin) {
            read.keep = [who](const StoredEvent& event) {
                return who.may_read(event.message.topic());
            };
        }
        return read;
    }

    void read(const SharedExchange& exchange, const Query& query, const Principal& who) {
        const auto parameters =
            read_parameters(query, {}, "beginning", space, bridge.journal(), clock.utc_us());
        if (!parameters) {
            return exchange->answer(problem(400, parameters.error(), exchange->request()));
        }
        poll(exchange, *parameters, who, clock.steady() + parameters->wait);
    }

    /// Answers with what there is, or waits until there is something.
    void poll(const SharedExchange& exchange, const ReadParameters& parameters,
              const Principal& who, fabric::Instant deadline) {
        const auto time = std::chrono::duration_cast<milliseconds>(deadline - clock.steady());
        if (time.count() > 0 && parameters.after.id != 0 && parameters.last == 0 &&
            parameters.after.epoch == bridge.journal().epoch) {
            // Most long-polls begin at the head: no read is needed to find nothing there.
            if (const auto head = bridge.nothing_after(parameters.after.id, parameters.filter)) {
                return wait(exchange, parameters, who, deadline, time);
            }
        }
        bridge.read(request_for(parameters, who), [self = shared_from_this(), exchange, parameters,
                                                   who, deadline](BridgeResult<EventPage> page) {
            if (!page) return exchange->answer(problem(page.error(), exchange->request()));
            const bool nothing = page->events.empty() && !page->gap;
            const auto left =
                std::chrono::duration_cast<milliseconds>(deadline - self->clock.steady());
            if (!nothing || left.count() <= 0 || self->stopped) {
                return exchange->answer(events_answer(*page, parameters.last != 0));
            }
            ReadParameters next = parameters;
            next.after = page->next;
            next.last = 0;
            next.stored_since_us = 0;
            self->wait(exchange, next, who, deadline, left);
        });
    }

    void wait(const SharedExchange& exchange, const ReadParameters& parameters,
              const Principal& who, fabric::Instant deadline, milliseconds left) {
        auto one = std::make_shared<Poll>(Poll{exchange, parameters, who, deadline});
        bool late = false;
        {
            const std::scoped_lock lock(mutex);
            late = stopped;
            if (!late) waiting.insert(one);
        }
        if (late) return answer_nothing(*one);
        const auto ticket =
            bridge.wait(parameters.after.id, parameters.filter, left,
                        [self = shared_from_this(), one](Woken woken) {
                            if (!self->take(one)) return;
                            if (woken != Woken::stored) return answer_nothing(*one);
                            self->poll(one->exchange, one->parameters, one->who, one->deadline);
                        });
        bool over = false;
        {
            const std::scoped_lock lock(mutex);
            one->ticket = ticket;
            over = !waiting.contains(one);
        }
        if (over) return bridge.forget(ticket);
        exchange->on_gone([self = shared_from_this(), weak = std::weak_ptr(one), ticket] {
            if (const auto gone = weak.lock()) self->take(gone);
            self->bridge.forget(ticket);
        });
    }

    /// True for one alone of those who would answer it.
    bool take(const PollRef& poll) {
        const std::scoped_lock lock(mutex);
        return waiting.erase(poll) != 0;
    }

    static void answer_nothing(const Poll& poll) {
        EventPage nothing;
        nothing.next = poll.parameters.after;
        poll.exchange->answer(events_answer(nothing, false));
    }

    void stop() {
        std::set<PollRef> all;
        std::vector<FabricBridge::Ticket> tickets;
        {
            const std::scoped_lock lock(mutex);
            stopped = true;
            all.swap(waiting);
            for (const PollRef& poll : all) tickets.push_back(poll->ticket);
        }
        for (const auto ticket : tickets) {
            if (ticket != 0) bridge.forget(ticket);
        }
        for (const PollRef& poll : all) answer_nothing(*poll);
    }

    static Response events_answer(const EventPage& page, bool newest_first) {
        std::string events;
        const auto add = [&](const StoredEvent& event) {
            events += (events.empty() ? "" : ",") + fabric::to_json(event.message, event.id);
        };
        if (newest_first) {
            std::for_each(page.events.rbegin(), page.events.rend(), add);
        } else {
            std::for_each(page.events.begin(), page.events.end(), add);
        }
        const reliability::Position next =
            newest_first ? reliability::Position{page.next.epoch, page.head} : page.next;
        std::string text = "{\"events\":[" + events + "],\"next\":\"" + next.text() + "\"";
        if (page.gap) {
            const std::string gap = stream_gap(StreamForm::ndjson, *page.gap);
            text += "," + gap.substr(1, gap.size() - 3);  // {"gap":...}\n without its braces
        }
        return Response::of(200, json_type, text + "}");
    }

    void read_one(const SharedExchange& exchange, const std::string& text, const Principal& who) {
        const Request& request = exchange->request();
        if (const auto uuid = fabric::MessageId::parse(text); uuid && room != nullptr) {
            return answer_message(*room, exchange, *uuid, who);
        }
        reliability::JournalId id = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
        if (error != std::errc{} || end != text.data() + text.size() || id == 0) {
            return exchange->answer(problem(400,
                                            "'" + signing::escape(text, 60) +
                                                "' is no id: a number of the journal, or the UUID "
                                                "of a message, is needed",
                                            request));
        }
        ReadRequest read;
        read.after = {0, id - 1};
        read.through = id;
        read.messages = 1;
        bridge.read(std::move(read), [exchange, who, id](BridgeResult<EventPage> page) {
            const Request& asked = exchange->request();
            if (!page) return exchange->answer(problem(page.error(), asked));
            // What may not be read and what is not there look alike.
            if (page->events.empty() || page->events.front().id != id ||
                !who.may_read(page->events.front().message.topic())) {
                return exchange->answer(problem(404,
                                                "message " + std::to_string(id) +
                                                    " is not in the journal: it was trimmed, or "
                                                    "never was there",
                                                asked));
            }
            exchange->answer(
                Response::of(200, json_type, fabric::to_json(page->events.front().message, id)));
        });
    }

    FabricBridge& bridge;
    JournalRoom* const room;
    const fabric::Clock& clock;
    const fabric::TopicSpace space;
    std::atomic<bool> stopped = false;
    std::mutex mutex;  // guards what follows
    std::set<PollRef> waiting;
};

}  // namespace

std::function<void()> add_read_routes(RouteTable& table, FabricBridge& bridge, JournalRoom* room,
                                      const fabric::Clock& clock, fabric::TopicSpace space) {
    const auto core = std::make_shared<Reading>(bridge, room, clock, std::move(space));
    table.add("GET", "/v1/events",
              [core](const Asked& asked) { core->read(asked.exchange, asked.query, asked.who); });
    table.add("GET", "/v1/events/{id}", [core](const Asked& asked) {
        core->read_one(asked.exchange, asked.values.front(), asked.who);
    });
    const auto stop = [core] { core->stop(); };
    if (room == nullptr) return stop;
    for (const Family family : {Family::children, Family::ancestors}) {
        const char* end = family == Family::children ? "/children" : "/ancestors";
        table.add("GET", std::string{"/v1/events/{id}"} + end, [room, family](const Asked& asked) {
            answer_family(*room, asked.exchange, asked.values.front(), family, asked.who);
        });
    }
    return stop;
}

}  // namespace weft::gateway::native
