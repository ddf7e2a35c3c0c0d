// What a client says on /v1/ws: what is understood keeps its limits, what is not is answered by a
// frame that a client can read, and what it called itself comes back as JSON.

#include <cassert>
#include <string>

#include "fabric/message/json_form.hpp"
#include "gateway/native/publishing.hpp"
#include "gateway/native/ws_frames.hpp"
#include "tests/fuzz/publish_checks.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using namespace gateway;
using native::WsRequest;

void check_frame(const std::string& frame, const char* op) {
    const auto parsed = fabric::from_json(frame);
    assert(parsed && (*parsed)["op"].text_or("") == op);
    assert(frame.find('\n') == std::string::npos);
}

void check_about(const std::string& about) {
    assert(about.size() < 1024);
    check_frame(native::ws_said("pong", about), "pong");
}

void publish(const WsRequest& request) {
    const auto query = Query::parse(native::ws_publish_query(request.frame));
    assert(query);
    const auto how = native::how_to_publish(*query, {{"web", "all(web1.host1,web2.host1)"}});
    if (!how) return check_sentence(how.error());
    const auto made = native::message_of(request.frame, topic_space, *how);
    if (!made) return check_sentence(made.error());
    check_publish(*made);
}

}  // namespace

void ws_frames(std::string_view input) {
    const auto request = native::ws_request(input);
    if (!request) {
        check_sentence(request.error().sentence);
        check_about(request.error().about);
        return check_frame(native::ws_error(request.error()), "error");
    }
    check_about(request->about);
    assert(request->id.size() <= WsRequest::id_bytes_max);
    switch (request->op) {
        case WsRequest::Op::subscribe:
            assert(!request->id.empty());
            break;
        case WsRequest::Op::credit:
            assert(request->credit && *request->credit > 0);
            break;
        case WsRequest::Op::ack:
            assert(request->through > 0);
            break;
        case WsRequest::Op::publish:
            publish(*request);
            break;
        case WsRequest::Op::unsubscribe:
        case WsRequest::Op::ping:
            break;
    }
}

}  // namespace weft::fuzz
