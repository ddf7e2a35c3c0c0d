#include "gateway/native/native_handler.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <utility>
#include <vector>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "gateway/native/cursor_routes.hpp"
#include "gateway/native/idempotency.hpp"
#include "gateway/native/publishing.hpp"
#include "gateway/native/start_of.hpp"
#include "gateway/native/tail_group.hpp"
#include "gateway/native/ws_sessions.hpp"
#include "gateway/problem.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway::native {
namespace {

using fabric::Value;
using Path = std::vector<std::string>;
using std::chrono::milliseconds;

constexpr const char* json_type = "application/json";

Response not_allowed(const Request& request, const char* allow) {
    Response response = problem(405, std::string{"allowed here: "} + allow, request);
    response.headers.set("Allow", allow);
    return response;
}

/// What a batch gathers while its messages are published.
struct Batch {
    std::shared_ptr<Exchange> exchange;
    std::mutex mutex;
    std::vector<std::string> verdicts;
    std::size_t left = 0;
    bool all_well = true;
};

}  // namespace

struct NativeHandler::Core : std::enable_shared_from_this<NativeHandler::Core> {
    explicit Core(Parts the_parts)
        : parts(std::move(the_parts)),
          tails(parts.bridge, parts.timers),
          sockets(parts.bridge, parts.timers, parts.clock, parts.space, parts.groups, parts.room) {
        if (parts.room != nullptr) {
            cursors.emplace(*parts.room, parts.bridge, parts.clock, parts.space);
        }
    }

    void handle(const std::shared_ptr<Exchange>& exchange) {
        const Request& request = exchange->request();
        const auto segments = path_segments(request.raw_path());
        if (!segments) return exchange->answer(problem(400, segments.error(), request));
        const auto query = Query::parse(request.raw_query().value_or(""));
        if (!query) return exchange->answer(problem(400, query.error(), request));
        auto who = parts.access.who(request);
        if (!who) return exchange->answer(std::move(who.error()));
        route(exchange, *segments, *query, *who);
    }

    void route(const std::shared_ptr<Exchange>& exchange, const Path& path, const Query& query,
               const Principal& who) {
        const Request& request = exchange->request();
        const bool get = request.method == "GET" || request.method == "HEAD";
        const bool post = request.method == "POST";
        const bool v1 = !path.empty() && path[0] == "v1";
        if (v1 && path.size() == 3 && path[1] == "topics") {
            if (!post) return exchange->answer(not_allowed(request, "POST"));
            return publish_one(exchange, path[2], query, who);
        }
        if (v1 && path.size() == 2 && path[1] == "events") {
            if (post) return publish_many(exchange, query, who);
            if (!get) return exchange->answer(not_allowed(request, "GET, HEAD, POST"));
            return read(exchange, query, who);
        }
        if (v1 && path.size() == 3 && path[1] == "events") {
            if (!get) return exchange->answer(not_allowed(request, "GET, HEAD"));
            return read_one(exchange, path[2], who);
        }
        if (v1 && path.size() == 2 && path[1] == "stream") {
            if (!get) return exchange->answer(not_allowed(request, "GET"));
            return stream(exchange, query, who);
        }
        if (v1 && path.size() == 2 && path[1] == "ws") {
            if (request.method != "GET") return exchange->answer(not_allowed(request, "GET"));
            return sockets.open(exchange, who);
        }
        if (v1 && path.size() == 2 && path[1] == "info") {
            if (!get) return exchange->answer(not_allowed(request, "GET, HEAD"));
            return info(exchange);
        }
        if (v1 && cursors && cursors->handle(exchange, path, query, who)) return;
        exchange->answer(problem(404,
                                 "nothing is here by this method; the routes are "
                                 "/v1/topics/{topic}, /v1/events, /v1/stream, /v1/ws, "
                                 "/v1/cursors and /v1/info",
                                 request));
    }

    // ---- Publishing ----

    void publish_one(const std::shared_ptr<Exchange>& exchange, const std::string& topic,
                     const Query& query, const Principal& who) {
        const Request& request = exchange->request();
        const auto how = how_to_publish(query, parts.groups);
        if (!how) return exchange->answer(problem(400, how.error(), request));
        auto message = message_of(request, topic, parts.space, *how);
        if (!message) return exchange->answer(problem(400, message.error(), request));
        if (!who.may_publish(message->topic)) {
            return exchange->answer(problem(403, not_granted(who, message->topic), request));
        }
        std::string key;
        if (!may_begin(exchange, who, key)) return;
        const auto mode = message->mode;
        parts.bridge.publish(
            who, std::move(*message),
            [self = shared_from_this(), exchange, mode, key](BridgeResult<Published> result) {
                Response answer = answer_of(result, mode, exchange->request());
                if (!key.empty()) self->idempotency.end(key, answer);
                exchange->answer(std::move(answer));
            });
    }

    /// False: the request was answered, since its Idempotency-Key was here before. `key` is where
    /// its answer is kept, or empty.
    bool may_begin(const std::shared_ptr<Exchange>& exchange, const Principal& who,
                   std::string& key) {
        const Request& request = exchange->request();
        const auto header = request.headers.find("Idempotency-Key");
        if (!header) return true;
        if (header->empty() || header->size() > Idempotency::key_bytes_max) {
            exchange->answer(problem(400, "Idempotency-Key: 1 to 255 bytes", request));
            return false;
        }
        const std::hash<std::string_view> hash;
        key = who.name + "\n" + std::string{*header};
        auto begun = idempotency.begin(key, hash(request.target) * 31 + hash(request.body));
        switch (begun.begun) {
            case Idempotency::Begun::first:
                return true;
            case Idempotency::Begun::repeated:
                begun.answer->headers.set("Idempotency-Replayed", "true");
                exchange->answer(std::move(*begun.answer));
                return false;
            case Idempotency::Begun::under_way: {
                Response busy =
                    problem(409, "the first request with this key is under way", request);
                busy.headers.set("Retry-After", "1");
                exchange->answer(std::move(busy));
                return false;
            }
            case Idempotency::Begun::other:
                break;
        }
        exchange->answer(problem(
            422, "this Idempotency-Key was used for another request; make a new one", request));
        return false;
    }

    void publish_many(const std::shared_ptr<Exchange>& exchange, const Query& query,
                      const Principal& who) {
        const Request& request = exchange->request();
        const auto how = how_to_publish(query, parts.groups);
        if (!how) return exchange->answer(problem(400, how.error(), request));
        auto messages = messages_of(request, parts.space, *how);
        if (!messages) return exchange->answer(problem(400, messages.error(), request));
        if (messages->empty()) {
            return exchange->answer(problem(400, "the list is empty: nothing to publish", request));
        }
        auto batch = std::make_shared<Batch>();
        batch->exchange = exchange;
        batch->verdicts.resize(messages->size());
        batch->left = messages->size();
        for (std::size_t i = 0; i < messages->size(); ++i) {
            auto done = [batch, i](const BridgeResult<Published>& result) {
                on_one(*batch, i, result);
            };
            auto& message = (*messages)[i];
            if (!message) {
                done(tl::make_unexpected(
                    BridgeError{BridgeError::Kind::invalid, message.error(), {}, {}}));
            } else if (!who.may_publish(message->topic)) {
                done(tl::make_unexpected(BridgeError{
                    BridgeError::Kind::not_granted, not_granted(who, message->topic), {}, {}}));
            } else {
                parts.bridge.publish(who, std::move(*message), done);
            }
        }
    }

    static void on_one(Batch& batch, std::size_t index, const BridgeResult<Published>& result) {
        std::string answer;
        bool all_well = false;
        {
            const std::scoped_lock lock(batch.mutex);
            batch.verdicts[index] = verdict_json(result, batch.exchange->request());
            batch.all_well = batch.all_well && result.has_value();
            if (--batch.left != 0) return;
            all_well = batch.all_well;
            for (const std::string& verdict : batch.verdicts) {
                answer += (answer.empty() ? "" : ",") + verdict;
            }
        }
        // Each has its verdict; 207 says that they are not all the same.
        batch.exchange->answer(
            Response::of(all_well ? 200 : 207, json_type, "{\"results\":[" + answer + "]}"));
    }

    static std::string not_granted(const Principal& who, const std::string& topic) {
        return "token '" + who.name + "' may not publish topic '" + topic +
               "'; its grants are those of `weft token list`";
    }

    // ---- Reading ----

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

    void read(const std::shared_ptr<Exchange>& exchange, const Query& query, const Principal& who) {
        const auto parameters = read_parameters(query, {}, "beginning", parts.space,
                                                parts.bridge.journal(), parts.clock.utc_us());
        if (!parameters) {
            return exchange->answer(problem(400, parameters.error(), exchange->request()));
        }
        poll(exchange, *parameters, who, parts.clock.steady() + parameters->wait);
    }

    /// Answers with what there is, or waits until there is something.
    void poll(const std::shared_ptr<Exchange>& exchange, const ReadParameters& parameters,
              const Principal& who, fabric::Instant deadline) {
        const auto time = std::chrono::duration_cast<milliseconds>(deadline - parts.clock.steady());
        if (time.count() > 0 && parameters.after.id != 0 && parameters.last == 0 &&
            parameters.after.epoch == parts.bridge.journal().epoch) {
            // Most long-polls begin at the head: no read is needed to find nothing there.
            if (const auto head =
                    parts.bridge.nothing_after(parameters.after.id, parameters.filter)) {
                return wait(exchange, parameters, who, deadline, time);
            }
        }
        parts.bridge.read(
            request_for(parameters, who), [self = shared_from_this(), exchange, parameters, who,
                                           deadline](BridgeResult<EventPage> page) {
                if (!page) return exchange->answer(problem(page.error(), exchange->request()));
                const bool nothing = page->events.empty() && !page->gap;
                const auto left =
                    std::chrono::duration_cast<milliseconds>(deadline - self->parts.clock.steady());
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

    void wait(const std::shared_ptr<Exchange>& exchange, const ReadParameters& parameters,
              const Principal& who, fabric::Instant deadline, milliseconds left) {
        const auto ticket = parts.bridge.wait(
            parameters.after.id, parameters.filter, left,
            [self = shared_from_this(), exchange, parameters, who, deadline](Woken woken) {
                if (woken == Woken::stored) {
                    return self->poll(exchange, parameters, who, deadline);
                }
                EventPage nothing;
                nothing.next = parameters.after;
                exchange->answer(events_answer(nothing, false));
            });
        exchange->on_gone(
            [self = shared_from_this(), ticket] { self->parts.bridge.forget(ticket); });
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

    void read_one(const std::shared_ptr<Exchange>& exchange, const std::string& text,
                  const Principal& who) {
        const Request& request = exchange->request();
        reliability::JournalId id = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
        if (error != std::errc{} || end != text.data() + text.size() || id == 0) {
            return exchange->answer(problem(
                400,
                "'" + signing::escape(text, 60) + "' is no id of the journal: a number is needed",
                request));
        }
        ReadRequest read;
        read.after = {0, id - 1};
        read.through = id;
        read.messages = 1;
        parts.bridge.read(std::move(read), [exchange, who, id](BridgeResult<EventPage> page) {
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

    void stream(const std::shared_ptr<Exchange>& exchange, const Query& query,
                const Principal& who) {
        const Request& request = exchange->request();
        const std::string_view format = query.find("format").value_or("sse");
        if (format != "sse" && format != "ndjson") {
            return exchange->answer(problem(400, "format: sse or ndjson", request));
        }
        const auto parameters =
            read_parameters(query, request.headers.find("Last-Event-ID"), "now", parts.space,
                            parts.bridge.journal(), parts.clock.utc_us());
        if (!parameters) return exchange->answer(problem(400, parameters.error(), request));
        if (const std::string why = parts.bridge.not_ready(); !why.empty()) {
            return exchange->answer(
                problem({BridgeError::Kind::journal_away, why, {}, {}}, request));
        }
        const StreamForm form = format == "sse" ? StreamForm::sse : StreamForm::ndjson;
        Response head;
        head.headers.set("Content-Type",
                         form == StreamForm::sse ? "text/event-stream" : "application/x-ndjson");
        head.headers.set("Cache-Control", "no-cache, no-transform");
        head.headers.set("X-Accel-Buffering", "no");
        if (form == StreamForm::sse) head.body = "retry: 1000\n\n";
        const bool all = who.everything || who.admin;
        std::function<bool(std::string_view)> may_read;
        if (!all) may_read = [who](std::string_view topic) { return who.may_read(topic); };
        tails.add(exchange->stream(std::move(head)), form, *parameters, all ? "" : who.name,
                  std::move(may_read));
    }

    void info(const std::shared_ptr<Exchange>& exchange) {
        const reliability::JournalInfo journal = parts.bridge.journal();
        const std::string why = parts.bridge.not_ready();
        const Value value = Value::Map{
            {"name", parts.name},
            {"version", parts.version},
            {"topics", parts.space.root() + ".**"},
            {"journal",
             Value::Map{{"epoch", reliability::Position{journal.epoch, 0}.text().substr(0, 16)},
                        {"low", journal.low},
                        {"head", journal.head},
                        {"backend", journal.backend}}},
            {"readers", tails.readers()},
            {"ready", why.empty()},
            {"why_not_ready", why.empty() ? Value{} : Value(why)}};
        exchange->answer(Response::of(200, json_type, fabric::to_json(value)));
    }

    Parts parts;
    Idempotency idempotency{parts.clock};
    TailGroups tails;
    WsSessions sockets;
    std::optional<CursorRoutes> cursors;
    std::atomic<bool> stopped = false;
};

NativeHandler::NativeHandler(Parts parts) : core_(std::make_shared<Core>(std::move(parts))) {}

NativeHandler::~NativeHandler() = default;

void NativeHandler::handle(std::shared_ptr<Exchange> exchange) {
    core_->handle(exchange);
}

void NativeHandler::stop() {
    core_->stopped = true;
    core_->tails.stop();
    core_->sockets.stop();
}

}  // namespace weft::gateway::native
