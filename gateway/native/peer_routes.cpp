#include "gateway/native/peer_routes.hpp"

#include <utility>

#include "fabric/message/json_form.hpp"
#include "fabric/node/counters.hpp"

namespace weft::gateway::native {
namespace {

using fabric::Value;

Value text_or_null(const std::string& text) {
    return text.empty() ? Value{} : Value(text);
}

Value publisher_value(const Peers& peers) {
    const fabric::PublisherStats& stats = peers.publisher;
    // The figures are read one after the other while messages pass.
    const std::uint64_t gone = stats.sent + stats.unwanted + stats.dropped_at_close;
    return Value::Map{{"name", peers.name},
                      {"peers", stats.peers},
                      {"accepted", stats.accepted},
                      {"sent", stats.sent},
                      {"unwanted", stats.unwanted},
                      {"queued", stats.accepted > gone ? stats.accepted - gone : 0},
                      {"dropped", Value::Map{{"queue_full", stats.refused_full},
                                             {"at_close", stats.dropped_at_close}}}};
}

Value subscriber_value(const reliability::RecorderStats& recorder) {
    const fabric::SubscriberStats& stats = recorder.subscriber;
    return Value::Map{{"delivered", stats.delivered},
                      {"queued", recorder.waiting},
                      {"streams", stats.streams},
                      {"gaps", stats.gaps},
                      {"missing", stats.missing},
                      {"dropped", Value::Map{{"refused", stats.refused_total()},
                                             {"not_recorded", recorder.not_recorded}}}};
}

Value publishers_value(const TrafficTable::Snapshot& heard) {
    Value::List list;
    for (const TrafficTable::Row& row : heard.rows) {
        list.emplace_back(Value::Map{{"name", row.name},
                                     {"messages", row.messages},
                                     {"last_time", fabric::rfc3339(row.last_us)},
                                     {"per_second", row.per_second}});
    }
    return list;
}

Value journals_value(const Peers& peers) {
    Value::List list;
    for (const Peers::JournalPeer& journal : peers.journals) {
        list.emplace_back(Value::Map{{"name", journal.name},
                                     {"endpoint", text_or_null(journal.endpoint)},
                                     {"own", journal.own}});
    }
    return list;
}

std::string peers_json(const Peers& peers) {
    const bool relay = !peers.relay_inbound.empty();
    const Value value = Value::Map{
        {"mode", relay ? "relay" : "bind"},
        {"relay", relay ? Value(Value::Map{{"inbound", peers.relay_inbound},
                                           {"outbound", peers.relay_outbound}})
                        : Value{}},
        {"linked", peers.linked},
        {"why_not_linked", text_or_null(peers.why_not_linked)},
        {"publisher", publisher_value(peers)},
        {"subscriber", subscriber_value(peers.recorder)},
        {"publishers", publishers_value(peers.publishers)},
        {"publishers_forgotten", peers.publishers.forgotten},
        {"journals", journals_value(peers)},
        {"journal_service",
         Value::Map{{"requests", peers.service.requests},
                    {"answers", peers.service.answers},
                    {"queued", peers.service.parked},
                    {"dropped", Value::Map{{"busy", peers.service.busy},
                                           {"undeliverable", peers.service.undeliverable},
                                           {"refused", peers.service.refused_total()}}}}}};
    fabric::Counters counters;
    counters.add(peers.publisher);
    counters.add(peers.recorder.subscriber);
    std::string json = fabric::to_json(value);
    json.pop_back();
    return json + ",\"counters\":" + counters.json() + "}";
}

}  // namespace

void add_peer_routes(RouteTable& table, std::function<Peers()> peers) {
    table.add("GET", "/v1/peers", [peers = std::move(peers)](const Asked& asked) {
        if (!asked.who.everything && !asked.who.admin) {
            return refuse(asked.exchange, 403,
                          "peers are shown to admin tokens alone: `weft token add NAME --admin` "
                          "makes one");
        }
        asked.exchange->answer(Response::of(200, json_type, peers_json(peers())));
    });
}

}  // namespace weft::gateway::native
