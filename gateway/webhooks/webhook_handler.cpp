#include "gateway/webhooks/webhook_handler.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/duration.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/message/message_id.hpp"
#include "fabric/message/value.hpp"
#include "gateway/grants.hpp"
#include "gateway/http/uri.hpp"
#include "gateway/problem.hpp"
#include "gateway/webhooks/details.hpp"
#include "gateway/webhooks/since.hpp"
#include "gateway/webhooks/test_event.hpp"
#include "gateway/webhooks/views.hpp"
#include "gateway/webhooks/wanted.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway::webhooks {
namespace {

using delivery::Attempt;
using delivery::EngineError;
using delivery::EngineResult;
using delivery::Subscription;
using delivery::SubscriptionStatus;
using reliability::JournalId;
using Shared = std::shared_ptr<Exchange>;
using Path = std::vector<std::string>;
using State = Subscription::State;

constexpr std::chrono::milliseconds overlap_max = std::chrono::hours{30 * 24};

void answer(const Shared& exchange, unsigned status, const View& view) {
    exchange->answer(Response::of(status, "application/json", text_of(view)));
}

void refuse(const Shared& exchange, unsigned status, std::string_view detail) {
    Response response = problem(status, detail, exchange->request());
    if (status == 503) response.headers.set("Retry-After", "1");
    exchange->answer(std::move(response));
}

void refuse(const Shared& exchange, const EngineError& error) {
    switch (error.kind) {
        case EngineError::Kind::invalid:
            return refuse(exchange, 400, error.sentence);
        case EngineError::Kind::refused_url:
            return refuse(exchange, 400, "url: " + error.sentence);
        case EngineError::Kind::not_found:
            return refuse(exchange, 404, "there is no such webhook");
        case EngineError::Kind::full:
            return refuse(exchange, 429, error.sentence);
        case EngineError::Kind::journal_away:
        case EngineError::Kind::stopped:
            return refuse(exchange, 503, error.sentence);
    }
}

void refuse(const Shared& exchange, const reliability::JournalError& error) {
    using Reason = reliability::JournalError::Reason;
    const unsigned status = error.reason == Reason::invalid     ? 400
                            : error.reason == Reason::not_found ? 404
                                                                : 503;
    refuse(exchange, status, error.sentence);
}

void not_allowed(const Shared& exchange, const char* allow) {
    Response response = problem(405, std::string{"allowed here: "} + allow, exchange->request());
    response.headers.set("Allow", allow);
    exchange->answer(std::move(response));
}

bool sees_all(const Principal& who) {
    return who.admin || who.everything;
}
bool owns(const Principal& who, const Subscription& subscription) {
    return sees_all(who) || (!who.name.empty() && who.name == subscription.owner);
}

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= 100 &&
           std::all_of(text.begin(), text.end(), [](char letter) {
               return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                      (letter >= '0' && letter <= '9') || letter == '-' || letter == '_';
           });
}

std::string new_id(std::uint64_t now_us) {
    std::string text = fabric::MessageId::make(now_us / 1000).text();
    std::erase(text, '-');
    return "wh_" + text;
}

/// The body of a POST that may be empty. Nothing: it was refused.
std::optional<fabric::Value> object_of(const Shared& exchange) {
    const std::string& body = exchange->request().body;
    if (body.empty()) return fabric::Value(fabric::Value::Map{});
    auto parsed = fabric::from_json(body);
    if (parsed && parsed->map() != nullptr) return std::move(*parsed);
    refuse(exchange, 400,
           parsed ? "the body must be a JSON object" : "the body is not JSON: " + parsed.error());
    return std::nullopt;
}

}  // namespace

struct WebhookHandler::Core : std::enable_shared_from_this<WebhookHandler::Core> {
    explicit Core(Parts the_parts) : parts(std::move(the_parts)) {}

    void handle(const Shared& exchange) {
        const Request& request = exchange->request();
        const auto segments = path_segments(request.raw_path());
        if (!segments) return refuse(exchange, 400, segments.error());
        const auto query = Query::parse(request.raw_query().value_or(""));
        if (!query) return refuse(exchange, 400, query.error());
        auto who = parts.access.who(request);
        if (!who) return exchange->answer(std::move(who.error()));
        // Where it is mounted below a prefix, that stands in front.
        const auto here = std::find(segments->begin(), segments->end(), "webhooks");
        const Path rest(here == segments->end() ? here : std::next(here), segments->end());
        route(exchange, rest, *query, *who);
    }

    void route(const Shared& exchange, const Path& path, const Query& query, const Principal& who) {
        const std::string& method = exchange->request().method;
        const bool get = method == "GET" || method == "HEAD";
        if (path.empty()) {
            if (get) return list(exchange, who);
            if (method == "POST") return create(exchange, new_id(parts.clock.utc_us()), who);
            return not_allowed(exchange, "GET, HEAD, POST");
        }
        if (!is_id(path[0]) || path.size() > 2) return refuse(exchange, 404, "nothing is here");
        if (path.size() == 1) {
            if (get) return show(exchange, path[0], who);
            if (method == "PUT" || method == "PATCH") return change(exchange, path[0], who);
            if (method == "DELETE") return remove(exchange, path[0], who);
            return not_allowed(exchange, "GET, HEAD, PUT, PATCH, DELETE");
        }
        const std::string& what = path[1];
        const bool reads = what == "attempts" || what == "secret";
        if (reads && !get) return not_allowed(exchange, "GET, HEAD");
        if (what == "attempts") return attempts(exchange, path[0], query, who);
        if (what == "secret") return secret(exchange, path[0], who);
        using Action =
            void (Core::*)(const Shared&, const std::string&, const Query&, const Principal&);
        constexpr std::array<std::pair<std::string_view, Action>, 8> actions{
            {{"resend", &Core::resend},
             {"recover", &Core::recover},
             {"rotate", &Core::rotate},
             {"test", &Core::test},
             {"disable", &Core::set_state},
             {"enable", &Core::set_state},
             {"pause", &Core::set_state},
             {"resume", &Core::set_state}}};
        const auto action = std::find_if(actions.begin(), actions.end(),
                                         [&](const auto& one) { return one.first == what; });
        if (action == actions.end()) {
            return refuse(exchange, 404,
                          "a webhook has attempts, secret, resend, recover, rotate, test, disable, "
                          "enable, pause and resume");
        }
        if (method != "POST") return not_allowed(exchange, "POST");
        (this->*action->second)(exchange, path[0], query, who);
    }

    // ---- Looking ----

    /// Calls `then` if there is one that `who` may see.
    template <class Then>
    void with(const Shared& exchange, const std::string& id, const Principal& who, Then then) {
        parts.engine.status(
            id, [exchange, who, then](const EngineResult<SubscriptionStatus>& status) {
                if (!status) return refuse(exchange, status.error());
                if (status->subscription.kind != kind || !owns(who, status->subscription)) {
                    return refuse(exchange, 404, "there is no such webhook");
                }
                then(*status);
            });
    }

    void list(const Shared& exchange, const Principal& who) {
        parts.engine.all(std::string{kind},
                         [self = shared_from_this(), exchange,
                          who](const EngineResult<std::vector<SubscriptionStatus>>& all) {
                             if (!all) return refuse(exchange, all.error());
                             View views = View::array();
                             for (const SubscriptionStatus& one : *all) {
                                 if (owns(who, one.subscription)) {
                                     views.push_back(view_of(one, self->parts.clock.utc_us()));
                                 }
                             }
                             answer(exchange, 200, View{{"webhooks", std::move(views)}});
                         });
    }

    void show(const Shared& exchange, const std::string& id, const Principal& who,
              unsigned status = 200, View beside = View::object()) {
        with(exchange, id, who,
             [self = shared_from_this(), exchange, status,
              beside = std::move(beside)](const SubscriptionStatus& found) {
                 View view = view_of(found, self->parts.clock.utc_us());
                 view.update(beside);
                 answer(exchange, status, view);
             });
    }

    void attempts(const Shared& exchange, const std::string& id, const Query& query,
                  const Principal& who) {
        std::size_t limit = delivery::Engine::attempts_kept;
        if (const auto asked = query.find("limit")) {
            const auto number = fabric::from_json(*asked);
            const std::int64_t wanted = number ? number->integer_or(0) : 0;
            if (wanted < 1) return refuse(exchange, 400, "limit: a number from 1 to 100");
            limit = std::min(limit, static_cast<std::size_t>(wanted));
        }
        with(exchange, id, who,
             [self = shared_from_this(), exchange, limit, id](const SubscriptionStatus&) {
                 self->parts.engine.attempts(
                     id, [exchange, limit](const EngineResult<std::vector<Attempt>>& kept) {
                         if (!kept) return refuse(exchange, kept.error());
                         View views = View::array();
                         for (const Attempt& one : *kept) {
                             if (views.size() < limit) views.push_back(view_of(one));
                         }
                         answer(exchange, 200, View{{"attempts", std::move(views)}});
                     });
             });
    }

    void secret(const Shared& exchange, const std::string& id, const Principal& who) {
        with(exchange, id, who,
             [self = shared_from_this(), exchange](const SubscriptionStatus& found) {
                 const auto details = Details::parse(found.subscription.details);
                 if (!details) return refuse(exchange, 500, details.error());
                 self->answer_secrets(exchange, *details);
             });
    }

    void answer_secrets(const Shared& exchange, const Details& details) {
        Response response = Response::of(200, "application/json",
                                         text_of(secrets_of(details, parts.clock.utc_us())));
        response.headers.set("Cache-Control", "no-store");
        exchange->answer(std::move(response));
    }

    // ---- Making and changing ----

    /// False, and it was refused: not everything of these topics may be read.
    static bool may_read(const Shared& exchange, const Principal& who,
                         const std::vector<signing::TopicGlob>& topics) {
        if (sees_all(who)) return true;
        for (const auto& glob : topics) {
            if (covers(who.read, glob)) continue;
            refuse(exchange, 403,
                   "topics: this token may not read all of '" + signing::escape(glob.text()) +
                       "'; its grants are those of `weft token list`");
            return false;
        }
        return true;
    }

    /// Nothing, and it was refused.
    std::optional<Wanted> wanted_of(const Shared& exchange, const Principal& who) {
        auto wanted = Wanted::parse(exchange->request().body, parts.space);
        if (!wanted) {
            refuse(exchange, 400, wanted.error());
            return std::nullopt;
        }
        if (wanted->topics && !may_read(exchange, who, *wanted->topics)) return std::nullopt;
        return std::move(*wanted);
    }

    /// One change of a webhook at a time, from looking at it to having it stored; it ends with the
    /// last copy of this. Null, and it was refused: another one is under way.
    std::shared_ptr<void> begin_change(const Shared& exchange, const std::string& id) {
        {
            const std::scoped_lock lock(mutex);
            if (changing.insert(id).second) {
                return {this, [self = shared_from_this(), id](void*) {
                            const std::scoped_lock held(self->mutex);
                            self->changing.erase(id);
                        }};
            }
        }
        Response busy = problem(409, "another change of this webhook is under way; try again",
                                exchange->request());
        busy.headers.set("Retry-After", "1");
        exchange->answer(std::move(busy));
        return nullptr;
    }

    void create(const Shared& exchange, const std::string& id, const Principal& who) {
        const auto wanted = wanted_of(exchange, who);
        if (!wanted) return;
        if (!sees_all(who)) {
            const auto all = parts.engine.subscriptions(kind);
            const auto own = std::count_if(all.begin(), all.end(),
                                           [&](const Subscription& one) { return owns(who, one); });
            if (static_cast<std::size_t>(own) >= of_one_token) {
                return refuse(exchange, 429,
                              "this token has " + std::to_string(of_one_token) +
                                  " webhooks already; delete some, or name more topics in one");
            }
        }
        auto made =
            applied(*wanted, fresh(id, who.name, parts.settings, parts.clock.utc_us()), true, 0, 0);
        if (!made) return refuse(exchange, 400, made.error());
        check_url(exchange, made->url,
                  [self = shared_from_this(), exchange, who, made = *made, wanted = *wanted] {
                      if (!wanted.start) return self->put_new(exchange, who, made, std::nullopt);
                      self->find_start(exchange, who, made, *wanted.start);
                  });
    }

    void check_url(const Shared& exchange, const std::string& url, std::function<void()> then) {
        parts.engine.check_url(
            url, [exchange, then = std::move(then)](const EngineResult<void>& checked) {
                if (!checked) return refuse(exchange, checked.error());
                then();
            });
    }

    void find_start(const Shared& exchange, const Principal& who, const Subscription& made,
                    const reliability::Start& start) {
        const bool taken = parts.room.work(
            [self = shared_from_this(), exchange, who, made, start](JournalThings& things) {
                const auto place = reliability::resolve(start, things.journal,
                                                        reliability::TopicFilter(topics_of(made)),
                                                        self->parts.clock.utc_us());
                if (!place) return refuse(exchange, place.error());
                self->put_new(exchange, who, made, place->id);
            });
        if (!taken) refuse(exchange, 503, "too much work on the journal waits; try again");
    }

    void put_new(const Shared& exchange, const Principal& who, const Subscription& made,
                 std::optional<JournalId> start) {
        parts.engine.put(
            made, start,
            [self = shared_from_this(), exchange, who, made](const EngineResult<void>& done) {
                if (!done) return refuse(exchange, done.error());
                const auto details = Details::parse(made.details);
                View secrets = details ? secrets_of(*details, self->parts.clock.utc_us()) : View();
                secrets.erase("previous");
                self->show(exchange, made.id, who, 201, std::move(secrets));
            });
    }

    void change(const Shared& exchange, const std::string& id, const Principal& who) {
        auto changing_it = begin_change(exchange, id);
        if (!changing_it) return;
        const bool whole = exchange->request().method == "PUT";
        parts.engine.status(id, [self = shared_from_this(), exchange, id, who, whole,
                                 changing_it](const EngineResult<SubscriptionStatus>& found) {
            if (!found && found.error().kind == EngineError::Kind::not_found && whole) {
                return self->create(exchange, id, who);
            }
            if (!found) return refuse(exchange, found.error());
            if (found->subscription.kind != kind || !owns(who, found->subscription)) {
                return refuse(exchange, 404, "there is no such webhook");
            }
            self->change_found(exchange, who, *found, whole, changing_it);
        });
    }

    void change_found(const Shared& exchange, const Principal& who, const SubscriptionStatus& found,
                      bool whole, const std::shared_ptr<void>& changing_it) {
        const auto wanted = wanted_of(exchange, who);
        if (!wanted) return;
        if (wanted->keys || wanted->start) {
            return refuse(exchange, 400,
                          wanted->keys ? "secret: POST …/rotate changes the secret of a webhook "
                                         "that is there"
                                       : "start: POST …/recover?since= moves a webhook that is "
                                         "there");
        }
        const Subscription& old = found.subscription;
        Subscription base = old;
        if (whole) {
            base = fresh(old.id, old.owner, parts.settings, old.created_us);
            base.interests = old.interests;
            base.state = old.state;
            base.reason = old.reason;
            Details kept;
            if (const auto details = Details::parse(old.details)) kept.keys = details->keys;
            base.details = kept.json();
            if (!wanted->url)
                return refuse(exchange, 400,
                              "url: PUT needs a whole webhook; PATCH "
                              "changes what it names");
            if (!wanted->topics)
                return refuse(exchange, 400,
                              "topics: PUT needs a whole webhook; "
                              "PATCH changes what it names");
        }
        const auto made =
            applied(*wanted, std::move(base), false, parts.bridge.journal().head, found.position);
        if (!made) return refuse(exchange, 400, made.error());
        check_url(exchange, made->url,
                  [self = shared_from_this(), exchange, who, made = *made, changing_it] {
                      self->put_changed(exchange, who, made, changing_it);
                  });
    }

    void put_changed(const Shared& exchange, const Principal& who, const Subscription& made,
                     const std::shared_ptr<void>& changing_it) {
        parts.engine.put(made, std::nullopt,
                         [self = shared_from_this(), exchange, who, id = made.id,
                          changing_it](const EngineResult<void>& done) {
                             if (!done) return refuse(exchange, done.error());
                             self->show(exchange, id, who);
                         });
    }

    void remove(const Shared& exchange, const std::string& id, const Principal& who) {
        with(exchange, id, who,
             [self = shared_from_this(), exchange, id](const SubscriptionStatus&) {
                 self->parts.engine.remove(id, [exchange](const EngineResult<void>& done) {
                     if (!done) return refuse(exchange, done.error());
                     Response gone;
                     gone.status = 204;
                     exchange->answer(std::move(gone));
                 });
             });
    }

    void rotate(const Shared& exchange, const std::string& id, const Query&, const Principal& who) {
        const auto body = object_of(exchange);
        if (!body) return;
        auto overlap = parts.settings.rotation_overlap;
        if (const fabric::Value& asked = (*body)["overlap"]; !asked.is_nil()) {
            const auto parsed = config::parse_duration(asked.text_or(""));
            if (!parsed || *parsed > overlap_max) {
                return refuse(exchange, 400, "overlap: a duration up to 30d, such as 24h or 0s");
            }
            overlap = *parsed;
        }
        auto keys = tl::expected<Keys, std::string>(Keys::generate());
        if (const fabric::Value& own = (*body)["secret"]; !own.is_nil()) {
            keys = Keys::with_secret(own.text_or(""));
        }
        if (!keys) return refuse(exchange, 400, "secret: " + keys.error());
        auto changing_it = begin_change(exchange, id);
        if (!changing_it) return;
        with(exchange, id, who,
             [self = shared_from_this(), exchange, keys = *keys, overlap,
              changing_it](const SubscriptionStatus& found) {
                 auto details = Details::parse(found.subscription.details);
                 if (!details) return refuse(exchange, 500, details.error());
                 details->rotate(keys, self->parts.clock.utc_us(),
                                 static_cast<std::uint64_t>(overlap.count()) * 1000);
                 Subscription made = found.subscription;
                 made.details = details->json();
                 self->parts.engine.put(made, std::nullopt,
                                        [self, exchange, details = *details,
                                         changing_it](const EngineResult<void>& done) {
                                            if (!done) return refuse(exchange, done.error());
                                            self->answer_secrets(exchange, details);
                                        });
             });
    }

    // ---- Delivering ----

    static delivery::Engine::OnAttempt tell(const Shared& exchange) {
        return [exchange](const EngineResult<Attempt>& attempt) {
            if (!attempt) return refuse(exchange, attempt.error());
            answer(exchange, 200, view_of(*attempt));
        };
    }

    void test(const Shared& exchange, const std::string& id, const Query&, const Principal& who) {
        with(exchange, id, who,
             [self = shared_from_this(), exchange, id](const SubscriptionStatus&) {
                 self->parts.engine.send(id,
                                         test_event(self->parts.space.root() + ".webhooks.test", id,
                                                    self->parts.clock.utc_us()),
                                         tell(exchange));
             });
    }

    void resend(const Shared& exchange, const std::string& id, const Query&, const Principal& who) {
        const auto body = object_of(exchange);
        if (!body) return;
        const fabric::Value& asked = (*body)["id"];
        const auto number = asked.integer_or(0);
        const auto message = fabric::MessageId::parse(asked.text_or(""));
        if (number < 1 && !message) {
            return refuse(
                exchange, 400,
                R"(id: which message, by its id of the journal, {"id": 4711}, or its own, )"
                R"({"id": "0190a5c4-…"})");
        }
        with(exchange, id, who,
             [self = shared_from_this(), exchange, number, message,
              who](const SubscriptionStatus& found) {
                 if (!message) {
                     return self->resend_if_wanted(exchange, found.subscription, who,
                                                   static_cast<JournalId>(number));
                 }
                 self->find_message(exchange, found.subscription, who, *message);
             });
    }

    void find_message(const Shared& exchange, const Subscription& subscription,
                      const Principal& who, const fabric::MessageId& message) {
        const bool taken = parts.room.work([self = shared_from_this(), exchange, subscription, who,
                                            message](JournalThings& things) {
            reliability::Start start;
            start.kind = reliability::Start::Kind::after_message;
            start.message = message;
            const auto place = reliability::resolve(start, things.journal, {}, 0);
            if (!place) return refuse(exchange, place.error());
            self->resend_if_wanted(exchange, subscription, who, place->id);
        });
        if (!taken) refuse(exchange, 503, "too much work on the journal waits; try again");
    }

    /// Only what it is subscribed to: else a webhook would read what its owner may not.
    void resend_if_wanted(const Shared& exchange, const Subscription& subscription,
                          const Principal& who, JournalId id) {
        ReadRequest read;
        read.after = {0, id - 1};
        read.through = id;
        read.messages = 1;
        parts.bridge.read(read, [self = shared_from_this(), exchange, subscription, who,
                                 id](const BridgeResult<EventPage>& page) {
            if (!page) {
                return exchange->answer(problem(page.error(), exchange->request()));
            }
            const auto wanted = [&](const StoredEvent& event) {
                const std::string_view topic = event.message.topic();
                const auto& interests = subscription.interests;
                return event.id == id && who.may_read(topic) &&
                       std::any_of(interests.begin(), interests.end(), [&](const auto& interest) {
                           return interest.glob.matches(topic);
                       });
            };
            if (page->events.empty() || !wanted(page->events.front())) {
                return refuse(exchange, 404,
                              "the journal has no such message, or not any more, or this webhook "
                              "is not about its topic");
            }
            self->parts.engine.resend(subscription.id, id, tell(exchange));
        });
    }

    void recover(const Shared& exchange, const std::string& id, const Query& query,
                 const Principal& who) {
        const auto body = object_of(exchange);
        if (!body) return;
        const std::string since{query.find("since").value_or((*body)["since"].text_or(""))};
        const auto time = since_us(since, parts.clock.utc_us());
        if (!time) return refuse(exchange, 400, time.error());
        with(exchange, id, who,
             [self = shared_from_this(), exchange, id, who,
              time = *time](const SubscriptionStatus&) {
                 self->parts.engine.recover(
                     id, time, [self, exchange, id, who](const EngineResult<void>& done) {
                         if (!done) return refuse(exchange, done.error());
                         self->show(exchange, id, who);
                     });
             });
    }

    void set_state(const Shared& exchange, const std::string& id, const Query&,
                   const Principal& who) {
        const std::string what{
            exchange->request().raw_path().substr(exchange->request().raw_path().rfind('/') + 1)};
        const State state = what == "disable" ? State::disabled
                            : what == "pause" ? State::paused
                                              : State::active;
        const std::string by = who.name.empty() ? "anonymous" : who.name;
        const std::string reason =
            state == State::active ? "" : std::string{name_of(state)} + " by " + by;
        with(exchange, id, who,
             [self = shared_from_this(), exchange, id, who, state,
              reason](const SubscriptionStatus&) {
                 self->parts.engine.set_state(
                     id, state, reason, [self, exchange, id, who](const EngineResult<void>& done) {
                         if (!done) return refuse(exchange, done.error());
                         self->show(exchange, id, who);
                     });
             });
    }

    Parts parts;
    std::mutex mutex;
    std::set<std::string> changing;  // by mutex; as many as requests are open
};

WebhookHandler::WebhookHandler(Parts parts) : core_(std::make_shared<Core>(std::move(parts))) {}

WebhookHandler::~WebhookHandler() = default;

void WebhookHandler::handle(std::shared_ptr<Exchange> exchange) {
    core_->handle(exchange);
}

}  // namespace weft::gateway::webhooks
