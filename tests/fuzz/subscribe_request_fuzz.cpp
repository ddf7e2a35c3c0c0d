// The body of a Routemaster subscribe request: what is accepted stays within its limits, and where
// only https is allowed nothing else is.

#include <cassert>
#include <set>
#include <string>

#include "gateway/routemaster/names.hpp"
#include "gateway/routemaster/subscribe_request.hpp"
#include "tests/fuzz/publish_checks.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {

void subscribe_request(std::string_view input) {
    using namespace gateway::routemaster;
    constexpr std::size_t topics_max = 8;
    const auto request = SubscribeRequest::parse(input, Schemes::http_too, topics_max);
    const auto strict = SubscribeRequest::parse(input, Schemes::https, topics_max);
    assert(request || !strict);
    if (!request) {
        check_sentence(request.error());
        return check_sentence(strict.error());
    }
    assert(request->topics.size() <= topics_max);
    assert(std::set<std::string>(request->topics.begin(), request->topics.end()).size() ==
           request->topics.size());
    for (const std::string& topic : request->topics) assert(is_topic_name(topic));
    assert(address_error("callback", request->callback, Schemes::http_too).empty());
    assert(request->callback.size() <= address_bytes_max);
    if (request->uuid) assert(request->uuid->size() <= SubscribeRequest::uuid_bytes_max);
    if (request->timeout) {
        assert(request->timeout->count() >= 0 &&
               *request->timeout <= SubscribeRequest::timeout_max);
    }
    if (request->max) assert(*request->max >= 1 && *request->max <= SubscribeRequest::max_most);
    if (strict) assert(strict->callback == request->callback);
}

}  // namespace weft::fuzz
