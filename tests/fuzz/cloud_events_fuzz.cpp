// POST with CloudEvents: `Content-Type: …` and further headers, a line each, an empty line, the
// body. It is read as one message (binary mode) and as a list (structured, or a batch): what comes
// out is a topic of ours with a body of its type, or a sentence, and the attributes of an event
// are headers.

#include <algorithm>
#include <cassert>
#include <string>

#include "fabric/message/json_form.hpp"
#include "gateway/native/publishing.hpp"
#include "tests/fuzz/publish_checks.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using namespace gateway;

Request request_of(std::string_view input) {
    Request request;
    request.method = "POST";
    request.target = "/v1/events";
    request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (bool first = true; !input.empty(); first = false) {
        const std::size_t end = std::min(input.find('\n'), input.size());
        const std::string_view line = input.substr(0, end);
        input.remove_prefix(std::min(end + 1, input.size()));
        if (line.empty()) break;
        const std::size_t colon = line.find(": ");
        if (first) {
            request.headers.add("Content-Type", std::string{line});
        } else if (colon != std::string_view::npos) {
            request.headers.add(std::string{line.substr(0, colon)},
                                std::string{line.substr(colon + 2)});
        }
    }
    request.body = input;
    return request;
}

bool has(const PublishRequest& made, std::string_view name) {
    return std::any_of(made.headers.begin(), made.headers.end(),
                       [&](const auto& header) { return header.first == name; });
}

}  // namespace

void cloud_events(std::string_view input) {
    const Request request = request_of(input);
    const native::HowToPublish how;
    if (const auto made = native::message_of(request, "git.commit", topic_space, how)) {
        check_publish(*made);
        assert(made->body == request.body && made->topic == "org.weft.dev.git.commit");
        for (const auto& [name, value] : request.headers.list()) {
            if (name == "ce-id") assert(has(*made, name));
        }
        assert(has(*made, "traceparent"));
    } else {
        check_sentence(made.error());
    }
    const auto list = native::messages_of(request, topic_space, how);
    if (!list) return check_sentence(list.error());
    assert(list->size() <= native::batch_max);
    const bool cloud = request.headers.find("Content-Type")
                           .value_or("")
                           .starts_with("application/cloudevents+json");
    for (const auto& made : *list) {
        if (!made) {
            check_sentence(made.error());
            continue;
        }
        check_publish(*made);
        assert(has(*made, "traceparent"));
        if (cloud) assert(has(*made, "ce-id") && has(*made, "ce-source"));
    }
}

}  // namespace weft::fuzz
