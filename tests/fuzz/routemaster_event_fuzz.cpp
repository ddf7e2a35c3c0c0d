// The body of a Routemaster event: what is accepted is written so that it means the same, its data
// is what was measured, and what is delivered is JSON.

#include <cassert>
#include <string>

#include "fabric/message/json_form.hpp"
#include "gateway/routemaster/address.hpp"
#include "gateway/routemaster/event.hpp"
#include "tests/fuzz/publish_checks.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {

void routemaster_event(std::string_view input) {
    using namespace gateway::routemaster;
    constexpr std::size_t data_bytes_max = 256;
    const auto event = Event::parse(input, data_bytes_max);
    if (!event) return check_sentence(event.error());
    assert(address_error("url", event->url, Schemes::https).empty());
    const auto body = fabric::from_json(input);
    assert(body);
    const fabric::Value& data = (*body)["data"];
    assert(event->data.has_value() == !data.is_nil());
    if (event->data) {
        const auto read = fabric::from_json(*event->data);
        assert(read && *read == data);
        const auto packed = fabric::to_msgpack(*read);
        assert(packed && packed->size() <= data_bytes_max);
    }
    const std::string written = event->body();
    const auto again = Event::parse(written, data_bytes_max);
    assert(again && again->type == event->type && again->url == event->url);
    assert(again->timestamp == event->timestamp && again->data == event->data);

    const auto delivered = fabric::from_json(event->delivered("widgets", 1'500'000'000'000));
    assert(delivered && (*delivered)["topic"].text_or("") == "widgets");
    assert((*delivered)["data"] == data);
    assert((*delivered)["t"].integer_or(0) == 1'500'000'000'000);
}

}  // namespace weft::fuzz
