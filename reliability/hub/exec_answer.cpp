#include "reliability/hub/exec_answer.hpp"

#include <optional>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability::hub {
namespace {

using fabric::Value;

constexpr std::size_t quoted_bytes_max = 100;
constexpr std::size_t reason_bytes_max = 1'000;

std::string quoted(std::string_view text) {
    return "'" + signing::escape(text, quoted_bytes_max) + "'";
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// What stands behind `word`, or nothing if the line does not begin with it.
std::optional<std::string> reason_after(std::string_view word, std::string_view line) {
    if (!line.starts_with(word)) return std::nullopt;
    line.remove_prefix(word.size());
    if (!line.empty() && line[0] != ' ' && line[0] != '\t') return std::nullopt;
    line = trimmed(line);
    return line.empty() ? "it gave no reason" : signing::escape(line, reason_bytes_max);
}

/// The elements of a JSON list that is valid and has no white space outside of its strings.
std::vector<std::string_view> elements_of(std::string_view list) {
    std::vector<std::string_view> elements;
    const std::string_view inside = list.substr(1, list.size() - 2);
    std::size_t begin = 0, depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < inside.size(); ++i) {
        const char c = inside[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if (c == '[' || c == '{') ++depth;
        if (c == ']' || c == '}') --depth;
        if (c == ',' && depth == 0) {
            elements.push_back(inside.substr(begin, i - begin));
            begin = i + 1;
        }
    }
    if (!inside.empty()) elements.push_back(inside.substr(begin));
    return elements;
}

/// Reads one message to publish. What is wrong stays in `wrong`, as the end of a sentence.
struct MessageReader {
    std::string_view json;
    AnswerMessage message{};
    std::string wrong{};

    bool read() {
        const auto value = fabric::from_json(json);
        if (!value) return refuse(value.error());
        const Value::Map* map = value->map();
        if (map == nullptr) return refuse("a message to publish is an object");
        bool has_body = false, body_is_text = false;
        for (const auto& [key, member] : *map) {
            if (key == "body") {
                has_body = true;
                body_is_text = member.text() != nullptr;
            } else if (!take(key, member)) {
                return false;
            }
        }
        if (message.topic.empty()) return refuse("its \"topic\" must be a text that names one");
        if (!has_body) return refuse("it has no \"body\"; null is one, too");
        if (message.content_type.empty()) {
            // Of the text, not of the value: so each digit stays as it was written.
            message.body = fabric::query_json(json, "body").value();
            message.content_type = "application/json";
            return true;
        }
        if (!body_is_text) return refuse("with a \"content_type\" its \"body\" must be a text");
        message.body = *(*value)["body"].text();
        return true;
    }

private:
    bool refuse(std::string why) {
        wrong = std::move(why);
        return false;
    }

    bool take(const std::string& key, const Value& member) {
        if (key == "topic") {
            message.topic = member.text_or("");
            return true;
        }
        if (key == "content_type") {
            message.content_type = member.text_or("");
            if (!message.content_type.empty()) return true;
            return refuse("its \"content_type\" must be a text that is not empty");
        }
        if (key == "durable") {
            if (member.flag() == nullptr) {
                return refuse("its \"durable\" must be true or false");
            }
            message.durable = *member.flag();
            return true;
        }
        if (key == "headers") return take_headers(member);
        return refuse("it has " + quoted(key) +
                      "; a message to publish has topic, body, content_type, headers and durable");
    }

    bool take_headers(const Value& headers) {
        message.headers.clear();
        if (headers.map() == nullptr) return refuse("its \"headers\" must be an object");
        for (const auto& [name, value] : *headers.map()) {
            if (value.text() == nullptr) {
                return refuse("the value of its header " + quoted(name) + " must be a text");
            }
            message.headers.emplace_back(name, *value.text());
        }
        return true;
    }
};

tl::expected<ExecAnswer, std::string> messages_in(std::string_view line) {
    const auto bad = [&](const std::string& why) {
        return tl::make_unexpected("answered " + quoted(line) +
                                   ", which cannot be published: " + why);
    };
    const auto json = fabric::compact_json(line);
    if (!json) return bad(json.error());
    const bool many = json->front() == '[';
    const std::vector<std::string_view> elements =
        many ? elements_of(*json) : std::vector<std::string_view>{*json};
    if (elements.size() > answer_messages_max) {
        return bad("they are " + std::to_string(elements.size()) + " messages, and at most " +
                   std::to_string(answer_messages_max) + " may answer one");
    }
    AnswerPublish messages;
    for (const std::string_view element : elements) {
        MessageReader reader{element};
        if (!reader.read()) {
            return bad(many ? "number " + std::to_string(messages.size() + 1) + ": " + reader.wrong
                            : reader.wrong);
        }
        messages.push_back(std::move(reader.message));
    }
    return ExecAnswer{std::move(messages)};
}

}  // namespace

tl::expected<ExecAnswer, std::string> parse_answer(std::string_view line) {
    const std::string_view answer = trimmed(line);
    if (answer == "ok") return ExecAnswer{AnswerOk{}};
    if (auto reason = reason_after("retry", answer)) return ExecAnswer{AnswerRetry{*reason}};
    if (auto reason = reason_after("drop", answer)) return ExecAnswer{AnswerDrop{*reason}};
    if (answer.starts_with('{') || answer.starts_with('[')) return messages_in(answer);
    if (answer.empty()) {
        return tl::make_unexpected(std::string{
            "answered an empty line, which is none of ok, retry REASON, drop REASON and a JSON "
            "object to publish"});
    }
    return tl::make_unexpected(
        "answered " + quoted(answer) +
        ", which is none of ok, retry REASON, drop REASON and a JSON object to publish");
}

}  // namespace weft::reliability::hub
