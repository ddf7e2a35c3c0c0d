#include "gateway/rse/health.hpp"

#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/rse/event.hpp"
#include "gateway/rse/parameters.hpp"

namespace weft::gateway::rse {
namespace {

/// The whole dump of the test mode is one answer; this much of it.
constexpr std::uint64_t dump_events_max = 100'000;
constexpr std::size_t dump_bytes_max = std::size_t{64} << 20;

using SharedCore = std::shared_ptr<RseHandler::Core>;

ReadRequest everything(const RseHandler::Core& core) {
    ReadRequest request;
    request.filter = filter_of({core.topics.glob_all()});
    request.stored_since_us = core.oldest_us();
    return request;
}

void answer_figures(const SharedCore& core, const std::shared_ptr<Exchange>& exchange) {
    ReadRequest request = everything(*core);
    const auto events = std::make_shared<std::uint64_t>(0);
    request.keep = [events](const StoredEvent&) {
        ++*events;
        return false;
    };
    core->bridge.read(std::move(request), [core, exchange, events](const auto& page) {
        if (!page) return core->answer(*exchange, failed(page.error()));
        const auto journal = core->bridge.journal();
        const auto uptime =
            std::chrono::duration_cast<std::chrono::seconds>(core->clock.steady() - core->started);
        std::string body = R"({"rse":{"test_mode":)";
        body += core->settings.test_mode ? "true" : "false";
        body += R"(,"events":)" + std::to_string(*events);
        body += R"(,"uptime_s":)" + std::to_string(uptime.count());
        body += R"(,"ttl_s":)" + std::to_string(core->settings.ttl.count() / 1000);
        body += R"(},"journal":{"low_id":)" + std::to_string(core->ids->id_of(journal.low));
        body += R"(,"last_id":)" + std::to_string(core->ids->id_of(journal.head)) + "}}";
        core->answer(*exchange, Response::of(200, json_type, std::move(body)));
    });
}

}  // namespace

void answer_health(const SharedCore& core, const std::shared_ptr<Exchange>& exchange) {
    const Request& request = exchange->request();
    if (request.method != "GET" && request.method != "HEAD") {
        return core->answer(*exchange, wrong_method(request.method, "GET, HEAD"));
    }
    const auto query = Query::parse(request.raw_query().value_or(""));
    if (!query) return core->answer(*exchange, error(400, query.error()));
    bool verbose = false;
    if (const auto word = query->find("verbose")) {
        const auto read = boolean_word(*word);
        if (!read) {
            return core->answer(*exchange,
                                error(400, "Invalid query parameter: verbose; " + read.error()));
        }
        verbose = *read;
    }
    if (const std::string why = core->bridge.not_ready(); !why.empty()) {
        return core->answer(*exchange, away("The event store or the fabric does not answer"));
    }
    if (!verbose) {
        return core->answer(*exchange, Response::of(200, "text/plain; charset=utf-8", "OK\n"));
    }
    if (request.headers.find("X-Auth-Token").value_or("").empty()) {
        if (!request.loopback) return core->answer(*exchange, unknown_token());
    } else if (auto who = core->who(request); !who) {
        return core->answer(*exchange, std::move(who.error()));
    }
    answer_figures(core, exchange);
}

void answer_all(const SharedCore& core, const std::shared_ptr<Exchange>& exchange,
                const Principal& who, bool newest_first) {
    ReadRequest request = everything(*core);
    request.messages = dump_events_max;
    request.bytes = dump_bytes_max;
    if (newest_first) request.order = ReadRequest::Order::newest;
    request.keep = [who](const StoredEvent& event) { return who.may_read(event.message.topic()); };
    core->bridge.read(std::move(request), [core, exchange](auto page) {
        if (!page) return core->answer(*exchange, failed(page.error()));
        for (StoredEvent& event : page->events) event.id = core->ids->id_of(event.id);
        const std::uint64_t now_us = core->clock.utc_us();
        std::string body = "[";
        for (const StoredEvent& event : page->events) {
            if (body.size() > 1) body += ',';
            append_event(event, now_us, core->settings.json_depth_max,
                         core->topics.channel_of(event.message), body);
        }
        core->answer(*exchange, Response::of(200, json_type, body + "]"));
    });
}

}  // namespace weft::gateway::rse
