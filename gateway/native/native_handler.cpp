#include "gateway/native/native_handler.hpp"

#include <cassert>
#include <utility>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "gateway/grants.hpp"
#include "gateway/native/cursor_routes.hpp"
#include "gateway/native/openapi.hpp"
#include "gateway/native/peer_routes.hpp"
#include "gateway/native/publish_routes.hpp"
#include "gateway/native/read_routes.hpp"
#include "gateway/native/route_table.hpp"
#include "gateway/native/start_of.hpp"
#include "gateway/native/tail_group.hpp"
#include "gateway/native/topic_routes.hpp"
#include "gateway/native/ws_sessions.hpp"
#include "gateway/problem.hpp"

namespace weft::gateway::native {

using fabric::Value;

struct NativeHandler::Core {
    explicit Core(Parts the_parts)
        : parts(std::move(the_parts)),
          tails(parts.bridge, parts.timers),
          sockets(parts.bridge, parts.timers, parts.clock, parts.space, parts.groups, parts.room) {
        add_publish_routes(table, parts.bridge, parts.clock, parts.space, parts.groups);
        stop_polls.push_back(
            add_read_routes(table, parts.bridge, parts.room, parts.clock, parts.space));
        table.add("GET", "/v1/stream",
                  [this](const Asked& asked) { stream(asked.exchange, asked.query, asked.who); });
        table.add("GET", "/v1/ws", [this](const Asked& asked) {
            sockets.open(asked.exchange, asked.who, parts.access.still(asked.request(), asked.who));
        });
        table.add("GET", "/v1/info", [this](const Asked& asked) { info(asked.exchange); });
        table.add("GET", std::string{openapi_path},
                  [](const Asked& asked) { describe(asked.exchange, asked.prefix); });
        if (parts.traffic != nullptr) {
            add_topic_routes(table, *parts.traffic, parts.clock, parts.space);
        }
        if (parts.peers) add_peer_routes(table, parts.peers);
        if (parts.room != nullptr) {
            stop_polls.push_back(
                add_cursor_routes(table, *parts.room, parts.bridge, parts.clock, parts.space));
        }
    }

    void handle(const SharedExchange& exchange, std::string_view prefix) const {
        const Request& request = exchange->request();
        const std::string_view raw_path = request.raw_path().substr(prefix.size());
        const auto path = path_segments(raw_path);
        if (!path) return exchange->answer(problem(400, path.error(), request));
        auto query = Query::parse(request.raw_query().value_or(""));
        if (!query) return exchange->answer(problem(400, query.error(), request));
        // How to ask is told to everybody.
        auto who = raw_path == openapi_path ? Principal{} : parts.access.who(request);
        if (!who) return exchange->answer(std::move(who.error()));
        table.serve(*path, {exchange, std::move(*query), std::move(*who), {}, std::string{prefix}});
    }

    /// The document, which says where its paths begin.
    static void describe(const SharedExchange& exchange, const std::string& prefix) {
        std::string text{openapi_document()};
        if (!prefix.empty()) {
            constexpr std::string_view root = R"("servers": [{"url": "/"}])";
            const std::size_t at = text.find(root);
            assert(at != std::string::npos);
            text.replace(at, root.size(),
                         R"("servers": [{"url": )" + fabric::json_string(prefix) + "}]");
        }
        exchange->answer(Response::of(200, json_type, std::move(text)));
    }

    void stream(const SharedExchange& exchange, const Query& query, const Principal& who) {
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
        TailGroups::Wanted wanted{
            form, *parameters, reading_rights(who), {}, parts.access.still(request, who)};
        if (!wanted.right.empty()) {
            wanted.may_read = [who](std::string_view topic) { return who.may_read(topic); };
        }
        tails.add(exchange->stream(std::move(head)), std::move(wanted));
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
    TailGroups tails;
    WsSessions sockets;
    std::vector<std::function<void()>> stop_polls;
    RouteTable table;
};

NativeHandler::NativeHandler(Parts parts) : core_(std::make_unique<Core>(std::move(parts))) {}

NativeHandler::~NativeHandler() = default;

void NativeHandler::handle_below(std::string_view prefix,
                                 const std::shared_ptr<Exchange>& exchange) {
    core_->handle(exchange, prefix);
}

void NativeHandler::stop() {
    for (const auto& stop : core_->stop_polls) stop();
    core_->tails.stop();
    core_->sockets.stop();
}

void NativeHandler::review() {
    core_->tails.review();
    core_->sockets.review();
}

std::vector<RouteTable::Route> NativeHandler::routes() const {
    return core_->table.routes();
}

}  // namespace weft::gateway::native
