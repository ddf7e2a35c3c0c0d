#include "gateway/native/cursor_routes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "config/duration.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "gateway/native/start_of.hpp"
#include "gateway/problem.hpp"
#include "reliability/journal/lineage.hpp"
#include "reliability/journal/stored_message.hpp"
#include "reliability/service/cursor_codec.hpp"
#include "signing/certificate.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway::native {
namespace {

using fabric::Value;
using reliability::Cursor;
using reliability::GroupSettings;
using reliability::JournalError;
using reliability::JournalId;
using std::chrono::milliseconds;
using Answer = reliability::ConsumerGroup::Answer;
using Shared = std::shared_ptr<Exchange>;

constexpr milliseconds lease_max = GroupSettings::lease_max;
constexpr const char* json_type = "application/json";

unsigned status_of(JournalError::Reason reason) {
    switch (reason) {
        case JournalError::Reason::invalid:
            return 400;
        case JournalError::Reason::refused:
            return 403;
        case JournalError::Reason::not_found:
            return 404;
        case JournalError::Reason::disk_full:
            return 507;
        case JournalError::Reason::closed:
        case JournalError::Reason::busy:
        case JournalError::Reason::io:
        case JournalError::Reason::corrupt:
        case JournalError::Reason::away:
            return 503;
    }
    return 503;
}

void refuse(const Shared& exchange, unsigned status, std::string_view detail) {
    Response response = problem(status, detail, exchange->request());
    if (status == 503 || status == 507) response.headers.set("Retry-After", "1");
    exchange->answer(std::move(response));
}

void refuse(const Shared& exchange, const JournalError& error) {
    refuse(exchange, status_of(error.reason), error.sentence);
}

void answer(const Shared& exchange, const Value& value, unsigned status = 200) {
    exchange->answer(Response::of(status, json_type, fabric::to_json(value)));
}

Value gap_value(const reliability::JournalGap& gap) {
    return Value::Map{
        {"from", gap.from}, {"to", gap.to}, {"lost", gap.lost ? Value(*gap.lost) : Value{}}};
}

Value view_of(const Cursor& cursor, const reliability::CursorLag& lag,
              const reliability::ConsumerGroup::Stats* group) {
    Value::List topics;
    for (const auto& glob : cursor.globs) topics.emplace_back(glob.text());
    Value::Map map{{"name", cursor.name},
                   {"topics", std::move(topics)},
                   {"position", cursor.position.text()},
                   {"lag", lag.messages},
                   {"lost", cursor.lost},
                   {"moved", fabric::rfc3339(cursor.moved_us)}};
    if (lag.gap) map.emplace_back("gap", gap_value(*lag.gap));
    if (cursor.group) {
        map.emplace_back("mode", name_of(cursor.group->mode));
        map.emplace_back("lease_ms", cursor.group->lease.count());
        map.emplace_back("max_attempts", cursor.group->max_attempts);
    }
    if (group != nullptr) {
        map.insert(map.end(), {{"members", group->members},
                               {"leased", group->leased},
                               {"waiting", group->waiting},
                               {"dead", group->dead}});
    }
    return map;
}

/// {"what":[...]} of JSON texts that are there already.
std::string list_json(const char* what, const std::vector<std::string>& items) {
    std::string text = std::string{"{\""} + what + "\":[";
    for (std::size_t i = 0; i < items.size(); ++i) text += (i == 0 ? "" : ",") + items[i];
    return text + "]";
}

std::string answers_json(const std::vector<Answer>& answers) {
    constexpr std::array<std::string_view, 5> names{"done", "late", "lost", "already", "unknown"};
    Value::List list;
    for (const Answer& one : answers) {
        Value::Map map{{"id", one.id}, {"is", names[static_cast<std::size_t>(one.is)]}};
        if (!one.sentence.empty()) map.emplace_back("detail", one.sentence);
        list.emplace_back(std::move(map));
    }
    return fabric::to_json(Value(Value::Map{{"answers", std::move(list)}}));
}

/// The messages of a run that were asked for, as JSON, those that are believed.
void write_events(const reliability::StoredRun& run, const std::shared_ptr<const void>& bytes,
                  reliability::StoredVerifier& verifier,
                  const std::function<void(const fabric::Message&, JournalId)>& each) {
    verifier.verify(
        run, bytes,
        [&](const reliability::VerifiedMessage& verified) { each(verified.message, verified.id); },
        [](const reliability::StoredRefusal&) {});
}

tl::expected<std::vector<JournalId>, std::string> ids_of(const Value& list) {
    std::vector<JournalId> ids;
    if (list.list() == nullptr) {
        return tl::make_unexpected(std::string{"a list of journal ids is needed"});
    }
    for (const Value& item : *list.list()) {
        const auto id = item.integer_or(0);
        if (id <= 0) return tl::make_unexpected(std::string{"an id of the journal is a number"});
        ids.push_back(static_cast<JournalId>(id));
    }
    if (ids.size() > reliability::answers_max) {
        return tl::make_unexpected("at most " + std::to_string(reliability::answers_max) + " ids");
    }
    return ids;
}

}  // namespace

struct CursorRoutes::Core : std::enable_shared_from_this<CursorRoutes::Core> {
    Core(JournalRoom& the_room, FabricBridge& the_bridge, const fabric::Clock& the_clock,
         fabric::TopicSpace the_space)
        : room(the_room), bridge(the_bridge), clock(the_clock), space(std::move(the_space)) {}

    /// Does it in a worker, or says that too much waits.
    template <class Work>
    void work(const Shared& exchange, Work todo) {
        if (!room.work(std::move(todo))) {
            refuse(exchange, 503, "too many requests about cursors wait; try again");
        }
    }

    static bool may_use(const Principal& who, const std::vector<signing::TopicGlob>& globs) {
        if (who.everything || who.admin) return true;
        return !globs.empty() && std::all_of(globs.begin(), globs.end(), [&](const auto& glob) {
            return covers(who.read, glob);
        });
    }
    static void not_yours(const Shared& exchange) {
        refuse(exchange, 403,
               "this token may not read everything that the cursor is about; its "
               "grants are those of `weft token list`");
    }

    /// The body as a JSON object.
    static std::optional<Value> object_of(const Shared& exchange) {
        auto body = fabric::from_json(exchange->request().body);
        if (body && body->map() != nullptr) return std::move(*body);
        refuse(exchange, 400,
               body ? "the body must be a JSON object" : "the body is not JSON: " + body.error());
        return std::nullopt;
    }

    static std::string member_of(const Value& body, const Query& query, const Principal& who) {
        const std::string* named = body["member"].text();
        const auto asked = query.find("member");
        return named != nullptr   ? *named
               : asked            ? std::string{*asked}
               : who.name.empty() ? "anonymous"
                                  : who.name;
    }

    // ---- Making and looking ----

    void list(const Shared& exchange, const Principal& who) {
        work(exchange, [exchange, who](JournalThings& things) {
            const auto listed = things.cursors.list();
            if (!listed) return refuse(exchange, listed.error());
            Value::List views;
            for (const Cursor& cursor : listed->cursors) {
                if (!may_use(who, cursor.globs)) continue;
                const auto lag = things.cursors.lag(cursor);
                views.push_back(view_of(cursor, lag ? *lag : reliability::CursorLag{}, nullptr));
            }
            answer(exchange, Value::Map{{"cursors", std::move(views)}});
        });
    }

    /// Asks `then` with the cursor if there is one that `who` may use.
    template <class Then>
    void with_cursor(const Shared& exchange, const std::string& name, const Principal& who,
                     Then then) {
        work(exchange, [exchange, name, who, then](JournalThings& things) {
            const auto cursor = things.cursors.show(name);
            if (!cursor) return refuse(exchange, cursor.error());
            if (!may_use(who, cursor->globs)) return not_yours(exchange);
            then(things, *cursor);
        });
    }

    static void show(const Shared& exchange, JournalThings& things, const Cursor& cursor,
                     unsigned status = 200) {
        const auto lag = things.cursors.lag(cursor);
        if (!lag) return refuse(exchange, lag.error());
        if (!cursor.group) return answer(exchange, view_of(cursor, *lag, nullptr), status);
        const auto group = things.groups.show(cursor.name);
        if (!group) return refuse(exchange, group.error());
        answer(exchange, view_of(cursor, *lag, &group->stats), status);
    }

    struct Wanted {
        std::vector<signing::TopicGlob> globs;
        reliability::Start start{};
        std::optional<GroupSettings> group{};
    };
    tl::expected<Wanted, std::string> wanted_of(const Value& body) const {
        Wanted wanted;
        if (const Value::List* topics = body["topics"].list()) {
            for (const Value& topic : *topics) {
                auto glob = signing::TopicGlob::parse(space.complete_glob(topic.text_or("")));
                if (!glob) return tl::make_unexpected("topics: " + glob.error());
                wanted.globs.push_back(std::move(*glob));
            }
        }
        auto start = reliability::Start::parse(body["start"].text_or("now"));
        if (!start) return tl::make_unexpected("start: " + start.error());
        wanted.start = *start;
        const std::string* mode = body["mode"].text();
        if (mode == nullptr) return wanted;
        GroupSettings group;
        const auto named = reliability::group_mode_named(*mode);
        if (!named) {
            return tl::make_unexpected(
                std::string{"mode: shared, keyed or exclusive; none is a "
                            "plain cursor"});
        }
        group.mode = *named;
        if (const std::string* lease = body["lease"].text()) {
            const auto duration = config::parse_duration(*lease);
            if (!duration || duration->count() <= 0 || *duration > lease_max) {
                return tl::make_unexpected(std::string{"lease: a duration from 1ms to 24h"});
            }
            group.lease = *duration;
        }
        const auto attempts = body["max_attempts"].integer_or(group.max_attempts);
        if (attempts < 1 || attempts > GroupSettings::attempts_limit) {
            return tl::make_unexpected(std::string{"max_attempts: 1 to 100"});
        }
        group.max_attempts = static_cast<unsigned>(attempts);
        wanted.group = group;
        return wanted;
    }

    void put(const Shared& exchange, const std::string& name, const Principal& who) {
        const auto body = object_of(exchange);
        if (!body) return;
        const auto wanted = wanted_of(*body);
        if (!wanted) return refuse(exchange, 400, wanted.error());
        if (!may_use(who, wanted->globs)) return not_yours(exchange);
        work(exchange, [exchange, name, who, wanted = *wanted](JournalThings& things) {
            // One of others is not taken over by naming it.
            const auto there = things.cursors.show(name);
            if (there && !may_use(who, there->globs)) return not_yours(exchange);
            const auto made =
                wanted.group ? things.groups.put(name, wanted.globs, wanted.start, *wanted.group)
                             : things.cursors.put(name, wanted.globs, wanted.start);
            if (!made) return refuse(exchange, made.error());
            show(exchange, things, made->cursor, made->created ? 201 : 200);
        });
    }

    void remove(const Shared& exchange, const std::string& name, const Principal& who) {
        with_cursor(exchange, name, who, [exchange](JournalThings& things, const Cursor& cursor) {
            const auto removed = cursor.group ? things.groups.remove(cursor.name)
                                              : things.cursors.remove(cursor.name);
            if (!removed) return refuse(exchange, removed.error());
            Response done;
            done.status = 204;
            exchange->answer(std::move(done));
        });
    }

    void set(const Shared& exchange, const std::string& name, const Principal& who) {
        const auto body = object_of(exchange);
        if (!body) return;
        const auto start = reliability::Start::parse((*body)["to"].text_or(""));
        if (!start) return refuse(exchange, 400, "to: " + start.error());
        with_cursor(exchange, name, who,
                    [exchange, start = *start](JournalThings& things, const Cursor& cursor) {
                        const auto moved = cursor.group ? things.groups.set(cursor.name, start)
                                                        : things.cursors.set(cursor.name, start);
                        if (!moved) return refuse(exchange, moved.error());
                        show(exchange, things, *moved);
                    });
    }

    // ---- Reading ----

    struct Next {
        std::string name, member;
        std::size_t max = 1;
        std::optional<milliseconds> lease{};
        fabric::Instant deadline{};
        Principal who;
    };

    void next(const Shared& exchange, const std::string& name, const Query& query,
              const Principal& who) {
        Next next;
        next.name = name;
        next.member = member_of({}, query, who);
        next.who = who;
        if (const std::string wrong = signing::name_error(next.member); !wrong.empty()) {
            return refuse(exchange, 400, "member: " + wrong);
        }
        if (const auto text = query.find("max")) {
            const auto [end, error] =
                std::from_chars(text->data(), text->data() + text->size(), next.max);
            if (error != std::errc{} || end != text->data() + text->size() || next.max < 1 ||
                next.max > reliability::GroupService::messages_max) {
                return refuse(exchange, 400, "max: a number from 1 to 1000");
            }
        }
        const auto wait = duration_parameter(query, "wait", milliseconds{0}, wait_max);
        if (!wait) return refuse(exchange, 400, wait.error());
        next.deadline = clock.steady() + *wait;
        if (query.find("lease")) {
            const auto lease = duration_parameter(query, "lease", milliseconds{0}, lease_max);
            if (!lease) return refuse(exchange, 400, lease.error());
            if (lease->count() <= 0) return refuse(exchange, 400, "lease: more than 0s");
            next.lease = *lease;
        }
        look(exchange, next);
    }

    void look(const Shared& exchange, const Next& next) {
        auto self = shared_from_this();
        with_cursor(exchange, next.name, next.who,
                    [self, exchange, next](JournalThings& things, const Cursor& cursor) {
                        const bool some = cursor.group ? self->give_leased(exchange, next, things)
                                                       : self->give_page(exchange, next, things);
                        if (!some) self->wait(exchange, next, cursor, things.journal.info().head);
                    });
    }

    /// False: there is nothing, and time is left.
    bool give_leased(const Shared& exchange, const Next& next, JournalThings& things) {
        auto got = things.groups.next(next.name, next.member, next.max, next.lease);
        if (!got) return refuse(exchange, got.error()), true;
        if (got->messages.empty() && !got->gap && clock.steady() < next.deadline) return false;
        std::vector<std::string> events;
        for (const auto& leased : got->messages) {
            write_events(
                leased.message.run, leased.message.bytes, things.verifier,
                [&](const fabric::Message& message, JournalId id) {
                    std::string json = fabric::to_json(message, id);
                    json.pop_back();
                    events.push_back(json + ",\"attempt\":" + std::to_string(leased.attempt) +
                                     ",\"lease_ms\":" + std::to_string(leased.lease.count()) + "}");
                });
        }
        std::string text = list_json("messages", events);
        if (got->gap) text += ",\"gap\":" + fabric::to_json(gap_value(*got->gap));
        if (!got->sentence.empty()) text += ",\"why\":" + fabric::json_string(got->sentence);
        exchange->answer(Response::of(200, json_type, text + "}"));
        return true;
    }

    bool give_page(const Shared& exchange, const Next& next, JournalThings& things) {
        reliability::ReadLimits limits;
        limits.messages = next.max;
        auto page = things.cursors.read(next.name, limits);
        if (!page) return refuse(exchange, page.error()), true;
        if (page->runs.empty() && !page->gap && clock.steady() < next.deadline) return false;
        std::vector<std::string> events;
        for (const auto& run : page->runs) {
            write_events(run, page->bytes, things.verifier,
                         [&](const fabric::Message& message, JournalId id) {
                             events.push_back(fabric::to_json(message, id));
                         });
        }
        std::string text = list_json("messages", events);
        if (page->gap) text += ",\"gap\":" + fabric::to_json(gap_value(*page->gap));
        exchange->answer(Response::of(200, json_type, text + "}"));
        return true;
    }

    /// For what is stored, and now and then for what others let go.
    void wait(const Shared& exchange, const Next& next, const Cursor& cursor, JournalId head) {
        constexpr milliseconds look_again{500};
        const auto left = std::chrono::duration_cast<milliseconds>(next.deadline - clock.steady());
        auto self = shared_from_this();
        static_cast<void>(bridge.wait(
            head, cursor.filter(), std::clamp(left, milliseconds{1}, look_again),
            [self, exchange, next](Woken woken) {
                if (woken == Woken::stopped) {
                    return exchange->answer(Response::of(200, json_type, "{\"messages\":[]}"));
                }
                self->look(exchange, next);
            }));
    }

    // ---- What became of them ----

    void ack(const Shared& exchange, const std::string& name, const Query& query,
             const Principal& who) {
        const auto body = object_of(exchange);
        if (!body) return;
        const auto ids = ids_of((*body)["ids"]);
        if (!ids) return refuse(exchange, 400, "ids: " + ids.error());
        const std::string member = member_of(*body, query, who);
        if (const std::string wrong = signing::name_error(member); !wrong.empty()) {
            return refuse(exchange, 400, "member: " + wrong);
        }
        with_cursor(exchange, name, who,
                    [exchange, ids = *ids, member](JournalThings& things, const Cursor& cursor) {
                        if (!cursor.group) return advance(exchange, things, cursor, ids);
                        const auto answers = things.groups.ack(cursor.name, member, ids);
                        if (!answers) return refuse(exchange, answers.error());
                        exchange->answer(Response::of(200, json_type, answers_json(*answers)));
                    });
    }

    static void advance(const Shared& exchange, JournalThings& things, const Cursor& cursor,
                        const std::vector<JournalId>& ids) {
        if (ids.empty()) return refuse(exchange, 400, "ids: at least one is needed");
        const auto moved = things.cursors.advance(
            cursor.name, {cursor.position.epoch, *std::max_element(ids.begin(), ids.end())});
        if (!moved) return refuse(exchange, moved.error());
        show(exchange, things, *moved);
    }

    void nack(const Shared& exchange, const std::string& name, const Query& query,
              const Principal& who) {
        const auto body = object_of(exchange);
        if (!body) return;
        const auto id = (*body)["id"].integer_or(0);
        if (id <= 0) return refuse(exchange, 400, "id: a number of the journal is needed");
        milliseconds delay{0};
        if (const std::string* text = (*body)["delay"].text()) {
            const auto parsed = config::parse_duration(*text);
            if (!parsed) return refuse(exchange, 400, "delay: " + parsed.error());
            delay = *parsed;
        }
        const std::string member = member_of(*body, query, who);
        if (const std::string wrong = signing::name_error(member); !wrong.empty()) {
            return refuse(exchange, 400, "member: " + wrong);
        }
        const bool* dead = (*body)["dead"].flag();
        with_cursor(exchange, name, who,
                    [exchange, id = static_cast<JournalId>(id), delay, member,
                     reason = (*body)["reason"].text_or(""),
                     bury = dead != nullptr && *dead](JournalThings& things, const Cursor& cursor) {
                        const auto one =
                            bury ? things.groups.bury(cursor.name, member, id, reason)
                                 : things.groups.nack(cursor.name, member, id, reason, delay);
                        if (!one) return refuse(exchange, one.error());
                        exchange->answer(Response::of(200, json_type, answers_json({*one})));
                    });
    }

    void dead(const Shared& exchange, const std::string& name, const Principal& who) {
        with_cursor(exchange, name, who, [exchange](JournalThings& things, const Cursor& cursor) {
            const auto letters = things.groups.dead(cursor.name);
            if (!letters) return refuse(exchange, letters.error());
            Value::List list;
            for (const auto& letter : *letters) {
                list.emplace_back(Value::Map{{"id", letter.id},
                                             {"attempts", letter.attempts},
                                             {"member", letter.member},
                                             {"reason", letter.reason},
                                             {"died", fabric::rfc3339(letter.died_us)}});
            }
            answer(exchange, Value::Map{{"dead", std::move(list)}});
        });
    }

    void settle_dead(const Shared& exchange, const std::string& name, const Principal& who) {
        const auto body = object_of(exchange);
        if (!body) return;
        const bool retry = !(*body)["retry"].is_nil();
        const auto ids = ids_of((*body)[retry ? "retry" : "drop"]);
        if (!ids) return refuse(exchange, 400, "retry or drop: " + ids.error());
        with_cursor(exchange, name, who,
                    [exchange, retry, ids = *ids](JournalThings& things, const Cursor& cursor) {
                        for (const JournalId id : ids) {
                            const auto done = retry ? things.groups.retry(cursor.name, id)
                                                    : things.groups.drop(cursor.name, id);
                            if (!done) return refuse(exchange, done.error());
                        }
                        answer(exchange, Value::Map{{"settled", ids.size()}});
                    });
    }

    // ---- Families ----

    void family(const Shared& exchange, const std::string& text, bool ancestors,
                const Principal& who) {
        work(exchange, [exchange, text, ancestors, who](JournalThings& things) {
            auto id = fabric::MessageId::parse(text);
            if (!id) id = id_of(text, things);
            if (!id) {
                return refuse(exchange, 404,
                              "'" + signing::escape(text, 60) +
                                  "' is no message of this journal: a "
                                  "UUID or a number of the journal is needed");
            }
            const auto lineage = ancestors ? reliability::ancestors(things.journal, *id)
                                           : reliability::descendants(things.journal, *id);
            if (!lineage) return refuse(exchange, lineage.error());
            std::vector<std::string> events;
            for (const auto& relative : lineage->relatives) {
                if (!relative.stored || !who.may_read(relative.stored->run.topic)) continue;
                write_events(relative.stored->run, relative.stored->bytes, things.verifier,
                             [&](const fabric::Message& message, JournalId at) {
                                 std::string json = fabric::to_json(message, at);
                                 json.pop_back();
                                 events.push_back(
                                     json + ",\"depth\":" + std::to_string(relative.depth) + "}");
                             });
            }
            std::string answer = list_json("events", events);
            if (lineage->cut) answer += ",\"cut\":true";
            exchange->answer(Response::of(200, json_type, answer + "}"));
        });
    }

    static std::optional<fabric::MessageId> id_of(const std::string& text, JournalThings& things) {
        JournalId id = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
        if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
        const auto stored = reliability::read_message(things.journal, id);
        if (!stored || !*stored) return std::nullopt;
        std::optional<fabric::MessageId> found;
        write_events((*stored)->run, (*stored)->bytes, things.verifier,
                     [&](const fabric::Message& message, JournalId) { found = message.id(); });
        return found;
    }

    JournalRoom& room;
    FabricBridge& bridge;
    const fabric::Clock& clock;
    const fabric::TopicSpace space;
};

CursorRoutes::CursorRoutes(JournalRoom& room, FabricBridge& bridge, const fabric::Clock& clock,
                           fabric::TopicSpace space)
    : core_(std::make_shared<Core>(room, bridge, clock, std::move(space))) {}

CursorRoutes::~CursorRoutes() = default;

bool CursorRoutes::handle(const std::shared_ptr<Exchange>& exchange,
                          const std::vector<std::string>& path, const Query& query,
                          const Principal& who) {
    const std::string& method = exchange->request().method;
    const bool get = method == "GET" || method == "HEAD", post = method == "POST";
    if (path.size() == 4 && path[1] == "events" &&
        (path[3] == "children" || path[3] == "ancestors")) {
        if (!get) return false;
        core_->family(exchange, path[2], path[3] == "ancestors", who);
        return true;
    }
    if (path.size() < 2 || path[1] != "cursors" || path.size() > 4) return false;
    if (path.size() == 2) {
        if (!get) return false;
        core_->list(exchange, who);
        return true;
    }
    const std::string& name = path[2];
    if (const std::string wrong = signing::name_error(name); !wrong.empty()) {
        refuse(exchange, 400, wrong);
        return true;
    }
    if (path.size() == 3) {
        if (method == "PUT") {
            core_->put(exchange, name, who);
        } else if (method == "DELETE") {
            core_->remove(exchange, name, who);
        } else if (get) {
            core_->with_cursor(exchange, name, who,
                               [exchange](JournalThings& things, const Cursor& cursor) {
                                   Core::show(exchange, things, cursor);
                               });
        } else {
            return false;
        }
        return true;
    }
    const std::string& what = path[3];
    if (what == "dead" && get) {
        core_->dead(exchange, name, who);
    } else if (!post) {
        return false;
    } else if (what == "next") {
        core_->next(exchange, name, query, who);
    } else if (what == "ack") {
        core_->ack(exchange, name, query, who);
    } else if (what == "nack") {
        core_->nack(exchange, name, query, who);
    } else if (what == "set") {
        core_->set(exchange, name, who);
    } else if (what == "dead") {
        core_->settle_dead(exchange, name, who);
    } else {
        return false;
    }
    return true;
}

}  // namespace weft::gateway::native
