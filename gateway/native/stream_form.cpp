#include "gateway/native/stream_form.hpp"

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"

namespace weft::gateway::native {

using fabric::Value;

std::string stream_event(StreamForm form, const StoredEvent& event) {
    const std::string json = fabric::to_json(event.message, event.id);
    if (form == StreamForm::ndjson) return json + "\n";
    return "id: " + std::to_string(event.id) + "\ndata: " + json + "\n\n";
}

std::string stream_gap(StreamForm form, const reliability::JournalGap& gap) {
    const std::string json = fabric::to_json(
        Value(Value::Map{{"gap", Value::Map{{"from", gap.from},
                                            {"to", gap.to},
                                            {"lost", gap.lost ? Value(*gap.lost) : Value{}}}}}));
    if (form == StreamForm::ndjson) return json + "\n";
    return "event: gap\nid: " + std::to_string(gap.to) + "\ndata: " + json + "\n\n";
}

std::string stream_ping(StreamForm form) {
    return form == StreamForm::sse ? ": ping\n\n" : "\n";
}

std::string stream_end(StreamForm form, std::string_view why) {
    const std::string json = fabric::to_json(Value(Value::Map{{"end", why}}));
    if (form == StreamForm::ndjson) return json + "\n";
    return "event: end\ndata: " + json + "\n\n";
}

}  // namespace weft::gateway::native
