#include "reliability/hub/dead_letter.hpp"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

#include "fabric/message/codec.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/message/msgpack_read.hpp"
#include "fabric/message/value.hpp"
#include "reliability/ack/statement.hpp"
#include "signing/proof.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability::hub {
namespace {

using fabric::Binary;
using fabric::Message;
using fabric::Value;

constexpr std::string_view mark = "weft_dead_letter";
constexpr std::int64_t version = 1;

Binary binary(std::string_view bytes) {
    return Binary{std::string{bytes}};
}

// ---- Writing ----

/// What of the message is kept for machines: as much as fits.
enum class Kept { run, content, nothing };

/// The contents frame with everything but this message left out: what its proof holds for.
std::string contents_of_one(const Message& message) {
    std::string contents;
    bool found = false;
    for (signing::ItemReader items(message.run()->contents); !items.at_end();) {
        const auto item = items.next();
        if (!item) break;
        if (item->present && !found && item->bytes == message.content()) {
            signing::append_item(item->bytes, contents);
            found = true;
        } else if (item->present) {
            signing::append_left_out(signing::message_digest(message.topic(), item->bytes),
                                     contents);
        } else {
            signing::Digest digest;
            std::copy(item->bytes.begin(), item->bytes.end(), digest.begin());
            signing::append_left_out(digest, contents);
        }
    }
    assert(found);
    return contents;
}

Value run_value(const Message& message, Kept kept) {
    if (kept == Kept::nothing) {
        return Value::Map{{"topic", message.topic()},
                          {"content_left_out", message.content().size()}};
    }
    if (kept == Kept::content) {
        return Value::Map{{"topic", message.topic()},
                          {"content", binary(message.content())},
                          {"proof_left_out", "with its proof it would be too large a message"}};
    }
    // A run that was not signed was not hashed either.
    const auto digest = signing::message_digest(message.topic(), message.content());
    return Value::Map{{"topic", message.topic()},
                      {"contents", binary(contents_of_one(message))},
                      {"proof", binary(message.run()->proof)},
                      {"digest", binary(signing::bytes_of(digest))}};
}

Value message_value(const Message& message, bool with_body) {
    Value::Map map{
        {"id", message.id().text()},
        {"topic", message.topic()},
        {"signer", message.signer().empty() ? Value{} : Value{message.signer()}},
        {"time", fabric::rfc3339(message.time_us())},
        {"content_type", message.content_type()},
    };
    if (with_body) {
        map.emplace_back("body", message.value());
    } else {
        map.emplace_back("body_left_out", message.body().size());
    }
    return map;
}

Value letter_value(const Death& death, const Message& message, bool with_body, Kept kept) {
    return Value::Map{{std::string{mark}, version},
                      {"consumer", death.consumer},
                      {"hub", death.hub},
                      {"reason", fitting_reason(death.reason)},
                      {"attempts", death.attempts},
                      {"died", death.died},
                      {"journal_id", death.journal_id ? Value{*death.journal_id} : Value{}},
                      {"message", message_value(message, with_body)},
                      {"run", run_value(message, kept)}};
}

// ---- Reading ----

tl::unexpected<std::string> wrong(const std::string& what) {
    return tl::make_unexpected("this dead letter cannot be read: " + what);
}

/// The text at `key`; false if there is something else.
bool text_at(const Value& map, std::string_view key, std::string& text) {
    const std::string* const found = map[key].text();
    if (found != nullptr) text = *found;
    return found != nullptr;
}

tl::expected<Death, std::string> death_of(const Value& value) {
    Death death;
    const std::int64_t* const attempts = value["attempts"].signed_number();
    const bool texts = text_at(value, "consumer", death.consumer) &&
                       text_at(value, "hub", death.hub) && text_at(value, "reason", death.reason) &&
                       text_at(value, "died", death.died);
    if (!texts || attempts == nullptr || *attempts < 0 || *attempts > UINT32_MAX) {
        return wrong(
            "consumer, hub, reason and died are texts, and attempts is a number from 0 on");
    }
    death.attempts = static_cast<unsigned>(*attempts);
    const Value& id = value["journal_id"];
    if (id.is_nil()) return death;
    if (const std::int64_t* const number = id.signed_number(); number != nullptr && *number > 0) {
        death.journal_id = static_cast<std::uint64_t>(*number);
    } else if (const std::uint64_t* const large = id.unsigned_number()) {
        death.journal_id = *large;
    } else {
        return wrong("journal_id is nil or a number from 1 on");
    }
    return death;
}

struct Found {
    std::uint64_t number = 0, present = 0;  ///< From 1; of those that are there.
    std::string_view content;
};

tl::expected<Found, std::string> find(const fabric::RunBytes& run, std::string_view digest) {
    Found found;
    std::size_t items_seen = 0;
    for (signing::ItemReader items(run.contents); !items.at_end();) {
        const auto item = items.next();
        if (!item || ++items_seen > signing::run_messages_max) {
            return wrong("the contents of its run are not 1 to 256 whole messages");
        }
        if (!item->present) continue;
        ++found.present;
        if (found.number != 0) continue;
        if (signing::bytes_of(signing::message_digest(run.topic, item->bytes)) != digest) continue;
        found.number = found.present;
        found.content = item->bytes;
    }
    if (found.number == 0) return wrong("no message of its run has the digest that it names");
    return found;
}

/// As a message that nobody vouches for.
tl::expected<Message, std::string> plain(std::shared_ptr<const fabric::RunBytes> run,
                                         std::string_view raw) {
    fabric::DecodedContent content;
    if (auto decoded = fabric::decode_content(raw, content); !decoded) {
        return wrong("the message in it: " + decoded.error());
    }
    const auto digest = signing::message_digest(run->topic, raw);
    return Message{std::move(run), std::move(content), raw, digest};
}

tl::expected<Message, std::string> believed(const std::shared_ptr<const fabric::RunBytes>& run,
                                            const Found& found, StoredVerifier& verifier,
                                            std::uint64_t at_us) {
    StoredRun stored{1,     found.present, found.number,  found.number,
                     at_us, run->topic,    run->contents, run->proof};
    std::optional<Message> message;
    std::string refused = "the message in this dead letter is not believed";
    verifier.verify(
        stored, run, [&](const VerifiedMessage& verified) { message = verified.message; },
        [&](const StoredRefusal& no) {
            refused += ": " + std::string{signing::sentence_for(no.why.reason)};
            if (!no.why.detail.empty()) refused += " (" + no.why.detail + ")";
        });
    if (!message) return tl::make_unexpected(refused);
    return *std::move(message);
}

tl::expected<Message, std::string> message_of(const Value& run, StoredVerifier* verifier,
                                              std::uint64_t at_us, bool& proof_left_out) {
    std::string topic;
    if (!text_at(run, "topic", topic)) return wrong("run is a map with a topic");
    if (const Binary* const content = run["content"].binary()) {
        proof_left_out = true;
        if (verifier != nullptr) {
            return tl::make_unexpected(std::string{
                "the message in this dead letter was too large for its proof to be kept, so that "
                "nobody can say who published it"});
        }
        std::string contents;
        if (content->bytes.size() >= signing::item_left_out)
            return wrong("its content is longer than a message can be");
        signing::append_item(content->bytes, contents);
        auto kept = std::make_shared<fabric::RunBytes>(topic, contents, "");
        const std::string_view raw = kept->contents.substr(4);
        return plain(std::move(kept), raw);
    }
    if (!run["content_left_out"].is_nil()) {
        return tl::make_unexpected(std::string{
            "the message was too large to be kept in this dead letter; find it in the journal by "
            "its id"});
    }
    const Binary* const contents = run["contents"].binary();
    const Binary* const proof = run["proof"].binary();
    const Binary* const digest = run["digest"].binary();
    if (contents == nullptr || proof == nullptr || digest == nullptr) {
        return wrong("run has contents, proof and digest, or content, as bytes");
    }
    auto kept = std::make_shared<fabric::RunBytes>(topic, contents->bytes, proof->bytes);
    const auto found = find(*kept, digest->bytes);
    if (!found) return tl::make_unexpected(found.error());
    if (verifier != nullptr) return believed(kept, *found, *verifier, at_us);
    return plain(std::move(kept), found->content);
}

}  // namespace

fabric::Body encode_dead_letter(const Death& death, const Message& message,
                                std::size_t content_bytes_max) {
    const std::size_t room = content_bytes_max - std::min(content_bytes_max, letter_header_bytes);
    const bool shown = message.body().size() <= body_shown_max;
    // What people read goes before what can be verified: nothing else says who published it.
    for (const Kept kept : {Kept::run, Kept::content, Kept::nothing}) {
        for (const bool with_body : {true, false}) {
            if (with_body && !shown) continue;
            auto bytes = fabric::to_msgpack(letter_value(death, message, with_body, kept));
            // Too deep is only what the body adds.
            if (!bytes || (bytes->size() > room && (kept != Kept::nothing || with_body))) continue;
            auto body = fabric::Body::msgpack(std::move(*bytes));
            if (body) return std::move(*body);
        }
    }
    assert(false);  // without a body and a run it is small and flat
    std::abort();
}

bool is_dead_letter(const Message& letter) {
    if (!letter.body_is_msgpack()) return false;
    fabric::MsgpackReader in{letter.body()};
    std::uint64_t keys = 0;
    std::string_view first;
    return in.map_head(keys) && keys > 0 && in.str(first) && first == mark;
}

tl::expected<RestoredLetter, std::string> decode_dead_letter(const Message& letter,
                                                             StoredVerifier* verifier,
                                                             std::uint64_t at_us) {
    if (!is_dead_letter(letter)) {
        return tl::make_unexpected(
            "this message is no dead letter: its body would be a map that begins with " +
            std::string{mark});
    }
    const auto value = fabric::from_msgpack(letter.body());
    if (!value) return wrong(value.error());
    const std::int64_t* const is = (*value)[mark].signed_number();
    if (is == nullptr || *is != version) {
        return wrong("it is not of version 1; a newer weft reads it");
    }
    auto death = death_of(*value);
    if (!death) return tl::make_unexpected(std::move(death.error()));
    bool proof_left_out = false;
    auto message = message_of((*value)["run"], verifier, at_us, proof_left_out);
    if (!message) return tl::make_unexpected(std::move(message.error()));
    message->mark_replayed(death->journal_id);
    return RestoredLetter{std::move(*death), std::move(*message), proof_left_out};
}

}  // namespace weft::reliability::hub
