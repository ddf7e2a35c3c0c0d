#include "gateway/native/family_routes.hpp"

#include <charconv>
#include <optional>
#include <vector>

#include "fabric/message/json_form.hpp"
#include "reliability/journal/lineage.hpp"
#include "reliability/journal/stored_message.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway::native {
namespace {

using fabric::MessageId;
using reliability::JournalId;
using reliability::JournalResult;
using reliability::StoredMessage;

JournalResult<std::optional<StoredMessage>> stored_under(const MessageId& id,
                                                         reliability::Journal& journal) {
    const auto number = journal.find(id);
    if (!number) return tl::make_unexpected(number.error());
    if (!*number) return std::optional<StoredMessage>{};
    return reliability::read_message(journal, **number);
}

/// The publisher's id of what the journal has under this number.
JournalResult<std::optional<MessageId>> id_of(const std::string& text, JournalThings& things) {
    std::optional<MessageId> found;
    JournalId number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return found;
    const auto stored = reliability::read_message(things.journal, number);
    if (!stored) return tl::make_unexpected(stored.error());
    if (!*stored) return found;
    for_each_believed((*stored)->run, (*stored)->bytes, things.verifier,
                      [&](const fabric::Message& message, JournalId) { found = message.id(); });
    return found;
}

}  // namespace

void answer_message(JournalRoom& room, const SharedExchange& exchange, const MessageId& id,
                    const Principal& who) {
    work(room, exchange, [exchange, id, who](JournalThings& things) {
        const auto stored = stored_under(id, things.journal);
        if (!stored) return refuse(exchange, stored.error());
        std::string json;
        if (*stored && who.may_read((*stored)->run.topic)) {
            for_each_believed((*stored)->run, (*stored)->bytes, things.verifier,
                              [&](const fabric::Message& message, JournalId at) {
                                  json = fabric::to_json(message, at);
                              });
        }
        if (json.empty()) {
            return refuse(exchange, 404,
                          "message " + id.text() +
                              " is not in the journal: it was trimmed, or never was there");
        }
        exchange->answer(Response::of(200, json_type, std::move(json)));
    });
}

void answer_family(JournalRoom& room, const SharedExchange& exchange, const std::string& text,
                   Family family, const Principal& who) {
    work(room, exchange, [exchange, text, family, who](JournalThings& things) {
        auto id = MessageId::parse(text);
        if (!id) {
            const auto named = id_of(text, things);
            if (!named) return refuse(exchange, named.error());
            id = *named;
        }
        if (!id) {
            return refuse(exchange, 404,
                          "'" + signing::escape(text, 60) +
                              "' is no message of this journal: a "
                              "UUID or a number of the journal is needed");
        }
        const auto lineage = family == Family::ancestors
                                 ? reliability::ancestors(things.journal, *id)
                                 : reliability::descendants(things.journal, *id);
        if (!lineage) return refuse(exchange, lineage.error());
        std::vector<std::string> events;
        for (const auto& relative : lineage->relatives) {
            if (!relative.stored || !who.may_read(relative.stored->run.topic)) continue;
            for_each_believed(
                relative.stored->run, relative.stored->bytes, things.verifier,
                [&](const fabric::Message& message, JournalId at) {
                    std::string json = fabric::to_json(message, at);
                    json.pop_back();
                    events.push_back(json + ",\"depth\":" + std::to_string(relative.depth) + "}");
                });
        }
        std::string answer = list_json("events", events);
        if (lineage->cut) answer += ",\"cut\":true";
        exchange->answer(Response::of(200, json_type, answer + "}"));
    });
}

}  // namespace weft::gateway::native
