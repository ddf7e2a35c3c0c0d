#include "gateway/native/ws_frames.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/http/uri.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway::native {
namespace {

using fabric::Value;
using Op = WsRequest::Op;

struct Shape {
    std::string_view name;
    Op op;
    /// What it may have besides `op` and `ref`; a misspelt member is an error, not a default.
    std::initializer_list<std::string_view> members;
};

const std::array<Shape, 6>& shapes() {
    static const std::array<Shape, 6> all{
        {{"subscribe", Op::subscribe, {"id", "topics", "after", "credit", "cursor", "member"}},
         {"unsubscribe", Op::unsubscribe, {"id"}},
         {"publish",
          Op::publish,
          {"topic", "body", "content_type", "headers", "parent", "durable", "recipients", "level",
           "ack_timeout"}},
         {"credit", Op::credit, {"id", "messages"}},
         {"ack", Op::ack, {"id", "through"}},
         {"ping", Op::ping, {}}}};
    return all;
}

/// A natural number, or nothing.
std::optional<std::uint64_t> natural(const Value& value) {
    const std::int64_t number = value.integer_or(-1);
    if (number < 0) return std::nullopt;
    return static_cast<std::uint64_t>(number);
}

/// A list of texts, or one text.
bool texts_of(const Value& value, std::vector<std::string>& texts) {
    if (value.is_nil()) return true;
    if (const std::string* text = value.text()) {
        texts.push_back(*text);
        return true;
    }
    if (value.list() == nullptr) return false;
    for (const Value& item : *value.list()) {
        if (item.text() == nullptr) return false;
        texts.push_back(*item.text());
    }
    return true;
}

bool text_or_nothing(const Value& value, std::string& text) {
    if (value.text() != nullptr) text = *value.text();
    return value.is_nil() || value.text() != nullptr;
}

/// "" or what is wrong.
std::string read_subscribe(const Value& frame, WsRequest& request) {
    if (!texts_of(frame["topics"], request.topics)) return "topics: a list of globs is needed";
    if (!text_or_nothing(frame["cursor"], request.cursor)) return "cursor: a name is needed";
    if (!text_or_nothing(frame["member"], request.member)) return "member: a name is needed";
    const Value& after = frame["after"];
    if (const auto id = natural(after)) {
        request.after = std::to_string(*id);
    } else if (!text_or_nothing(after, request.after)) {
        return "after: an id of the journal, now, beginning, last:N or since:10m is needed";
    }
    if (frame["credit"].is_nil()) return {};
    request.credit = natural(frame["credit"]);
    return request.credit ? "" : "credit: a number of messages is needed";
}

/// "" or what is wrong.
std::string read_members(const Value& frame, WsRequest& request) {
    switch (request.op) {
        case Op::subscribe:
            return read_subscribe(frame, request);
        case Op::credit:
            request.credit = natural(frame["messages"]);
            if (!request.credit || *request.credit == 0) {
                return "messages: how many more may come is needed, at least 1";
            }
            return {};
        case Op::ack: {
            const auto through = natural(frame["through"]);
            if (!through || *through == 0) {
                return "through: the journal_id of the last message that is done is needed";
            }
            request.through = *through;
            return {};
        }
        case Op::publish:
            if (frame["topic"].text() == nullptr) return "topic: a text is needed";
            request.frame = frame;
            return {};
        case Op::unsubscribe:
        case Op::ping:
            return {};
    }
    return {};
}

std::string ops_sentence(const Value& op) {
    const std::string what = op.text() == nullptr
                                 ? "a text `op` is missing"
                                 : "op '" + signing::escape(*op.text(), 40) + "' is not known";
    return what + "; there are subscribe, unsubscribe, publish, credit, ack and ping";
}

}  // namespace

std::string ws_about_id(std::string_view id) {
    return "\"id\":" + fabric::json_string(id);
}

tl::expected<WsRequest, WsRefusal> ws_request(std::string_view text) {
    const auto refuse = [](std::string sentence, std::string about) {
        return tl::make_unexpected(WsRefusal{400, std::move(sentence), std::move(about)});
    };
    const auto frame = fabric::from_json(text);
    if (!frame) {
        return tl::make_unexpected(
            WsRefusal{400, "the frame is not JSON: " + frame.error(), {}, false});
    }
    if (frame->map() == nullptr) return refuse("a frame is a JSON object with an `op`", {});
    WsRequest request;
    if (const std::string* id = (*frame)["id"].text()) request.id = *id;
    if (!(*frame)["ref"].is_nil()) {
        const std::string ref = fabric::to_json((*frame)["ref"]);
        if (ref.size() > WsRequest::ref_bytes_max) {
            return refuse("ref: at most 256 bytes of JSON; a number will do", {});
        }
        request.about = "\"ref\":" + ref;
    }
    const bool named = !request.id.empty() && request.id.size() <= WsRequest::id_bytes_max;
    if (named) request.about += (request.about.empty() ? "" : ",") + ws_about_id(request.id);

    const Value& op = (*frame)["op"];
    const auto shape = std::find_if(shapes().begin(), shapes().end(), [&](const Shape& one) {
        return op.text() != nullptr && one.name == *op.text();
    });
    if (shape == shapes().end()) return refuse(ops_sentence(op), request.about);
    request.op = shape->op;
    for (const auto& [name, value] : *frame->map()) {
        if (name == "op" || name == "ref") continue;
        if (std::find(shape->members.begin(), shape->members.end(), name) == shape->members.end()) {
            return refuse("'" + signing::escape(name, 40) + "' is no member of a frame with op " +
                              std::string{shape->name},
                          request.about);
        }
    }
    const bool needs_id = request.op != Op::publish && request.op != Op::ping;
    if (needs_id && !named) {
        return refuse("id: the name of the subscription is needed, a text of 1 to 64 bytes",
                      request.about);
    }
    if (std::string wrong = read_members(*frame, request); !wrong.empty()) {
        return refuse(std::move(wrong), request.about);
    }
    return request;
}

std::string ws_publish_query(const Value& frame) {
    std::string query;
    for (const char* name : {"durable", "recipients", "level", "ack_timeout", "parent"}) {
        const Value& value = frame[name];
        if (value.is_nil()) continue;
        std::string text = value.text() != nullptr ? *value.text() : fabric::to_json(value);
        if (value.list() != nullptr) {  // ["a", "b"] is "a,b"
            text.clear();
            for (const Value& item : *value.list()) {
                text += (text.empty() ? "" : ",") + item.text_or(fabric::to_json(item));
            }
        }
        query += (query.empty() ? "" : "&") + std::string{name} + "=" + percent_encode(text);
    }
    return query;
}

std::string ws_said(std::string_view op, std::string_view about, std::string_view more) {
    std::string text = R"({"op":")";
    text.append(op).append("\"");
    if (!about.empty()) text.append(",").append(about);
    if (!more.empty()) text.append(",").append(more);
    return text + "}";
}

std::string ws_error(const WsRefusal& refusal) {
    return ws_said("error", refusal.about,
                   "\"status\":" + std::to_string(refusal.status) +
                       ",\"detail\":" + fabric::json_string(refusal.sentence));
}

std::string ws_message(std::string_view about, std::string_view message, std::string_view more) {
    std::string text;
    text.reserve(about.size() + message.size() + more.size() + 40);
    text.append(R"({"op":"message",)").append(about);
    if (!more.empty()) text.append(",").append(more);
    return text.append(R"(,"message":)").append(message).append("}");
}

std::string ws_gap(std::string_view about, const reliability::JournalGap& gap) {
    return ws_said("gap", about,
                   "\"from\":" + std::to_string(gap.from) + ",\"to\":" + std::to_string(gap.to) +
                       ",\"lost\":" + (gap.lost ? std::to_string(*gap.lost) : "null"));
}

std::string ws_end(std::string_view reason) {
    return ws_said("end", {}, "\"reason\":" + fabric::json_string(reason));
}

std::string ws_verdict(std::string_view about, bool published, std::string_view verdict) {
    return ws_said(published ? "published" : "error", about, verdict.substr(1, verdict.size() - 2));
}

}  // namespace weft::gateway::native
