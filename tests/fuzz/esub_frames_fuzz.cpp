// A frame of esub's prep: what is read is UTF-8 and no longer than mending makes it, means the same
// when it is written again, and is what another reader of JSON finds where both understand it.

#include <cassert>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "config/utf8.hpp"
#include "fabric/message/json_form.hpp"
#include "gateway/esub/prep_frame.hpp"
#include "gateway/http/message.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using gateway::esub::PrepFrame;

std::string written(const PrepFrame& frame) {
    return "{\"key\":" + fabric::json_string(frame.key) +
           ",\"token\":" + fabric::json_string(frame.token) +
           ",\"data\":" + fabric::json_string(frame.data) +
           ",\"psub\":" + (frame.psub ? "true" : "false") + "}";
}

std::string text_at(const nlohmann::json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// No name of ours stands there in capitals, which only one of the readers takes for it.
bool plain_names(const nlohmann::json& object) {
    for (const auto& [name, value] : object.items()) {
        for (const char* own : {"key", "token", "data", "psub"}) {
            if (gateway::same_name(name, own) && name != own) return false;
        }
    }
    return true;
}

}  // namespace

void esub_frames(std::string_view input) {
    const auto frame = gateway::esub::read_prep_frame(input);
    if (!frame) return;
    for (const std::string* text : {&frame->key, &frame->token, &frame->data}) {
        assert(config::is_utf8(*text) && text->size() <= 3 * input.size());
    }
    const auto again = gateway::esub::read_prep_frame(written(*frame));
    assert(again && again->key == frame->key && again->token == frame->token &&
           again->data == frame->data && again->psub == frame->psub);

    // Of repeated names one reader takes the last, and null leaves what was there to the other.
    std::set<std::string> names;
    bool repeats = false;
    const nlohmann::json::parser_callback_t note = [&](int depth, auto event, auto& name) {
        if (depth == 1 && event == nlohmann::json::parse_event_t::key) {
            repeats = !names.insert(name.template get<std::string>()).second || repeats;
        }
        return true;
    };
    const auto parsed = nlohmann::json::parse(input, note, false);
    if (!parsed.is_object() || repeats || !plain_names(parsed)) return;
    assert(text_at(parsed, "key") == frame->key && text_at(parsed, "token") == frame->token);
    assert(text_at(parsed, "data") == frame->data);
    assert(parsed.value("psub", nlohmann::json(false)) == nlohmann::json(true) ? frame->psub
                                                                               : !frame->psub);
}

}  // namespace weft::fuzz
