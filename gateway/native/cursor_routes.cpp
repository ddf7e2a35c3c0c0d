#include "gateway/native/cursor_routes.hpp"

#include <memory>
#include <utility>

#include "gateway/native/cursor_access.hpp"
#include "gateway/native/cursor_json.hpp"
#include "gateway/native/cursor_next.hpp"
#include "gateway/native/cursor_settling.hpp"
#include "reliability/cursor/start.hpp"
#include "signing/certificate.hpp"

namespace weft::gateway::native {

using fabric::Value;
using reliability::Cursor;

namespace {

struct Core {
    Core(JournalRoom& the_room, FabricBridge& bridge, const fabric::Clock& clock,
         fabric::TopicSpace the_space)
        : room(the_room),
          space(std::move(the_space)),
          next(std::make_shared<CursorNext>(room, bridge, clock)) {}

    void list(const SharedExchange& exchange, const Principal& who) {
        work(room, exchange, [exchange, who](JournalThings& things) {
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

    void put(const SharedExchange& exchange, const std::string& name, const Principal& who) {
        const auto body = object_of(exchange);
        if (!body) return;
        const auto wanted = wanted_cursor(*body, space);
        if (!wanted) return refuse(exchange, 400, wanted.error());
        if (!may_use(who, wanted->globs)) return not_yours(exchange);
        work(room, exchange, [exchange, name, who, wanted = *wanted](JournalThings& things) {
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

    void remove(const SharedExchange& exchange, const std::string& name, const Principal& who) {
        with_cursor(room, exchange, name, who,
                    [exchange](JournalThings& things, const Cursor& cursor) {
                        const auto removed = cursor.group ? things.groups.remove(cursor.name)
                                                          : things.cursors.remove(cursor.name);
                        if (!removed) return refuse(exchange, removed.error());
                        Response done;
                        done.status = 204;
                        exchange->answer(std::move(done));
                    });
    }

    void set(const SharedExchange& exchange, const std::string& name, const Principal& who) {
        const auto body = object_of(exchange);
        if (!body) return;
        const auto start = reliability::Start::parse((*body)["to"].text_or(""));
        if (!start) return refuse(exchange, 400, "to: " + start.error());
        with_cursor(room, exchange, name, who,
                    [exchange, start = *start](JournalThings& things, const Cursor& cursor) {
                        const auto moved = cursor.group ? things.groups.set(cursor.name, start)
                                                        : things.cursors.set(cursor.name, start);
                        if (!moved) return refuse(exchange, moved.error());
                        show(exchange, things, *moved);
                    });
    }

    JournalRoom& room;
    const fabric::TopicSpace space;
    const std::shared_ptr<CursorNext> next;
};

}  // namespace

std::function<void()> add_cursor_routes(RouteTable& table, JournalRoom& room, FabricBridge& bridge,
                                        const fabric::Clock& clock, fabric::TopicSpace space) {
    const auto core = std::make_shared<Core>(room, bridge, clock, std::move(space));
    const std::string list = "/v1/cursors", one = list + "/{name}";
    // Each of them is about a cursor of this name.
    const auto add = [&](const char* method, const std::string& path, auto serve) {
        table.add(method, path, [core, serve](const Asked& asked) {
            const std::string& name = asked.values.front();
            if (const std::string wrong = signing::name_error(name); !wrong.empty()) {
                return refuse(asked.exchange, 400, wrong);
            }
            serve(*core, asked, name);
        });
    };
    table.add("GET", list, [core](const Asked& asked) { core->list(asked.exchange, asked.who); });
    add("GET", one, [](Core& with, const Asked& asked, const std::string& name) {
        with_cursor(with.room, asked.exchange, name, asked.who,
                    [exchange = asked.exchange](JournalThings& things, const Cursor& cursor) {
                        show(exchange, things, cursor);
                    });
    });
    add("PUT", one, [](Core& with, const Asked& asked, const std::string& name) {
        with.put(asked.exchange, name, asked.who);
    });
    add("DELETE", one, [](Core& with, const Asked& asked, const std::string& name) {
        with.remove(asked.exchange, name, asked.who);
    });
    add("POST", one + "/next", [](Core& with, const Asked& asked, const std::string& name) {
        with.next->next(asked.exchange, name, asked.query, asked.who);
    });
    add("POST", one + "/ack", [](Core& with, const Asked& asked, const std::string& name) {
        ack(with.room, asked.exchange, name, asked.query, asked.who);
    });
    add("POST", one + "/nack", [](Core& with, const Asked& asked, const std::string& name) {
        nack(with.room, asked.exchange, name, asked.query, asked.who);
    });
    add("POST", one + "/set", [](Core& with, const Asked& asked, const std::string& name) {
        with.set(asked.exchange, name, asked.who);
    });
    add("GET", one + "/dead", [](Core& with, const Asked& asked, const std::string& name) {
        dead(with.room, asked.exchange, name, asked.who);
    });
    add("POST", one + "/dead", [](Core& with, const Asked& asked, const std::string& name) {
        settle_dead(with.room, asked.exchange, name, asked.who);
    });
    return [next = core->next] { next->stop(); };
}

}  // namespace weft::gateway::native
