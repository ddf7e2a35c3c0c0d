// What an executable answers: any line is an answer or an error that fits into a log.

#include <cassert>
#include <string>
#include <variant>

#include "fabric/message/json_form.hpp"
#include "fabric/message/utf8_text.hpp"
#include "reliability/hub/exec_answer.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

namespace hub = reliability::hub;

/// One line of text, whatever stood in it.
void check_for_log(const std::string& text, std::size_t bytes_max) {
    assert(!text.empty() && text.size() <= bytes_max && fabric::is_utf8(text));
    for (const char c : text) assert(static_cast<unsigned char>(c) >= ' ' && c != '\x7F');
}

std::string line_of(const hub::AnswerMessage& message) {
    const bool json = message.content_type == "application/json";
    std::string line = "{\"topic\":" + fabric::json_string(message.topic) + ",\"body\":";
    line += json ? message.body : fabric::json_string(message.body);
    if (!json) line += ",\"content_type\":" + fabric::json_string(message.content_type);
    line += message.durable ? ",\"durable\":true,\"headers\":{" : ",\"headers\":{";
    bool first = true;
    for (const auto& [name, value] : message.headers) {
        if (!first) line += ',';
        first = false;
        line += fabric::json_string(name) + ":" + fabric::json_string(value);
    }
    return line + "}}";
}

}  // namespace

void exec_answer(std::string_view input) {
    const auto answer = hub::parse_answer(input);
    if (!answer) {
        assert(answer.error().starts_with("answered "));
        check_for_log(answer.error(), 4'000);
        return;
    }
    if (const auto* retry = std::get_if<hub::AnswerRetry>(&*answer)) {
        check_for_log(retry->reason, 8'100);
    }
    if (const auto* drop = std::get_if<hub::AnswerDrop>(&*answer)) {
        check_for_log(drop->reason, 8'100);
    }
    const auto* messages = std::get_if<hub::AnswerPublish>(&*answer);
    if (messages == nullptr) return;
    assert(messages->size() <= hub::answer_messages_max);
    std::string list;
    bool again = true;
    for (const hub::AnswerMessage& message : *messages) {
        assert(!message.topic.empty() && !message.content_type.empty());
        if (message.content_type == "application/json") {
            // Said so by the answer itself, any text is such a body.
            again = again && fabric::compact_json(message.body) == message.body;
        }
        list += (list.empty() ? "[" : ",") + line_of(message);
    }
    if (messages->empty()) list = "[";
    // Written down again they mean the same.
    if (again) assert(hub::parse_answer(list + "]") == answer);
}

}  // namespace weft::fuzz
