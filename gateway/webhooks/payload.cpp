#include "gateway/webhooks/payload.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <string_view>

#include "fabric/message/json_form.hpp"
#include "fabric/message/utf8_text.hpp"
#include "signing/sodium.hpp"

namespace weft::gateway::webhooks {
namespace {

using fabric::Message;
using Attributes = std::vector<std::pair<std::string, std::string>>;

constexpr const char* json_type = "application/json";
constexpr const char* bytes_type = "application/octet-stream";
constexpr std::string_view hex = "0123456789ABCDEF";
/// Attributes that we set ourselves, or that say how the data is written.
constexpr std::array<std::string_view, 7> taken{"specversion", "id",   "source",         "type",
                                                "time",        "data", "datacontenttype"};

bool is_plain(char letter) {
    return letter > 0x20 && letter < 0x7f;
}

/// The bytes that `keep` does not want as %41.
template <class Keep>
std::string escaped(std::string_view text, Keep keep) {
    std::string out;
    for (const char letter : text) {
        if (keep(letter)) {
            out += letter;
            continue;
        }
        const auto byte = static_cast<unsigned char>(letter);
        out += '%';
        out += hex[byte >> 4];
        out += hex[byte & 15];
    }
    return out;
}

/// As the HTTP binding of CloudEvents writes values of headers.
std::string header_value(std::string_view text) {
    return escaped(text,
                   [](char letter) { return is_plain(letter) && letter != '"' && letter != '%'; });
}

/// A URI reference, which `source` must be; never empty.
std::string source_of(const Message& message) {
    const std::string_view source = !message.source().empty()   ? message.source()
                                    : !message.signer().empty() ? message.signer()
                                                                : "weft";
    constexpr std::string_view unsafe = "\"<>\\^`{|}%[]#";
    return escaped(source, [&](char letter) {
        return is_plain(letter) && unsafe.find(letter) == std::string_view::npos;
    });
}

bool is_attribute_name(std::string_view name) {
    return !name.empty() && name.size() <= 40 &&
           std::all_of(name.begin(), name.end(), [](char letter) {
               return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
           });
}

/// Foreign text that is to stand in a header of ours.
std::string content_type_of(const Message& message) {
    if (message.body_is_msgpack()) return json_type;
    const std::string_view type = message.content_type();
    const bool safe = std::all_of(type.begin(), type.end(),
                                  [](char letter) { return is_plain(letter) || letter == ' '; });
    return safe && !type.empty() ? std::string{type} : bytes_type;
}

bool is_json(std::string_view content_type) {
    const std::string_view type = content_type.substr(0, content_type.find(';'));
    return type == json_type || type == "text/json" || type.ends_with("+json");
}

Attributes attributes_of(const StoredEvent& event) {
    const Message& message = event.message;
    Attributes all{{"specversion", "1.0"},
                   {"id", message.id().text()},
                   {"source", source_of(message)},
                   {"type", std::string{message.topic()}},
                   {"time", fabric::rfc3339(message.time_us())}};
    for (const auto& [name, value] : message.headers()) {
        if (!name.starts_with("ce-")) continue;
        const std::string_view attribute = name.substr(3);
        if (!is_attribute_name(attribute) || attribute.starts_with("weft") ||
            !fabric::is_utf8(value) ||
            std::find(taken.begin(), taken.end(), attribute) != taken.end()) {
            continue;
        }
        const bool repeated = std::any_of(all.begin(), all.end(),
                                          [&](const auto& one) { return one.first == attribute; });
        if (!repeated) all.emplace_back(attribute, value);
    }
    // An id of 0 is not in the journal: a test.
    if (event.id != 0) all.emplace_back("weftjournalid", std::to_string(event.id));
    if (!message.signer().empty()) all.emplace_back("weftsigner", message.signer());
    all.emplace_back("weftverified", message.verified() ? "true" : "false");
    all.emplace_back("weftseq", std::to_string(message.seq()));
    if (message.parent()) all.emplace_back("weftparent", message.parent()->text());
    if (const auto via = message.header("via")) all.emplace_back("weftvia", *via);
    if (event.revoked_later) all.emplace_back("weftrevoked", "true");
    return all;
}

std::string field(std::string_view name, const std::string& json) {
    return "," + fabric::json_string(name) + ":" + json;
}

std::string data_of(const Message& message, const std::string& content_type) {
    if (message.body_is_msgpack()) return field("data", fabric::body_to_json(message));
    if (is_json(content_type)) {
        if (auto json = fabric::compact_json(message.body())) return field("data", *json);
    } else if (fabric::declares_plain_text(content_type) && fabric::is_utf8(message.body())) {
        return field("data", fabric::json_string(message.body()));
    }
    return field("data_base64", fabric::json_string(signing::to_base64(message.body())));
}

std::string structured(const StoredEvent& event) {
    const std::string content_type = content_type_of(event.message);
    std::string text;
    for (const auto& [name, value] : attributes_of(event)) {
        text += field(name, fabric::json_string(value));
    }
    text += field("datacontenttype", fabric::json_string(content_type));
    text += data_of(event.message, content_type);
    text.front() = '{';
    return text + "}";
}

Payload binary(const StoredEvent& event) {
    const Message& message = event.message;
    Payload payload;
    payload.headers.emplace_back("Content-Type", content_type_of(message));
    for (const auto& [name, value] : attributes_of(event)) {
        payload.headers.emplace_back("ce-" + name, header_value(value));
    }
    payload.body =
        message.body_is_msgpack() ? fabric::body_to_json(message) : std::string{message.body()};
    return payload;
}

template <class Text>
std::string list_of(std::span<const StoredEvent> events, Text text) {
    std::string all;
    for (const StoredEvent& event : events) all += (all.empty() ? "[" : ",") + text(event);
    return all + "]";
}

std::string weft_form(const StoredEvent& event) {
    return fabric::to_json(event.message,
                           event.id == 0 ? std::nullopt : std::optional<std::uint64_t>(event.id));
}

}  // namespace

Payload payload_of(Format format, bool as_list, std::span<const StoredEvent> events) {
    assert(!events.empty());
    switch (format) {
        case Format::binary:
            assert(events.size() == 1);
            return binary(events.front());
        case Format::structured:
            assert(events.size() == 1);
            return {{{"Content-Type", "application/cloudevents+json; charset=utf-8"}},
                    structured(events.front())};
        case Format::batch:
            return {{{"Content-Type", "application/cloudevents-batch+json; charset=utf-8"}},
                    list_of(events, structured)};
        case Format::weft:
            break;
    }
    assert(as_list || events.size() == 1);
    return {{{"Content-Type", json_type}},
            as_list ? list_of(events, weft_form) : weft_form(events.front())};
}

}  // namespace weft::gateway::webhooks
