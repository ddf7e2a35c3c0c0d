#include "reliability/service/submission.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "fabric/message/codec.hpp"
#include "reliability/service/field_codec.hpp"

namespace weft::reliability {
namespace {

using Reason = JournalError::Reason;
using signing::Digest;

/// One message that was handed in. `id` 0: it is not stored yet.
struct HandedMessage {
    StoredMessageKey key;
    Digest digest{};
    JournalId id = 0;
};

struct HandedRun {
    std::string_view topic, contents, proof;
    std::string signer;
    std::vector<HandedMessage> messages;
};

JournalError invalid(std::string sentence) {
    return {Reason::invalid, std::move(sentence)};
}

std::string stream_of(const HandedRun& run, std::uint64_t epoch) {
    // No name has a space in it.
    return run.signer + " " + std::to_string(epoch) + " " + std::string{run.topic};
}

JournalResult<void> read_messages(const signing::VerifiedRun& verified, HandedRun& run) {
    for (const signing::RunItem& item : verified.items) {
        if (!item.present) continue;
        fabric::DecodedContent content;
        if (auto decoded = fabric::decode_content(item.content, content); !decoded) {
            return tl::make_unexpected(
                invalid(std::string{name_of(signing::Refusal::content_undecodable)} + ": " +
                        decoded.error()));
        }
        const fabric::ContentHeader& header = content.header;
        if (header.seq == 0) {
            return tl::make_unexpected(invalid("a message has the number 0; they begin with 1"));
        }
        run.messages.push_back(
            {{header.id, header.parent.value_or(fabric::MessageId{}), header.epoch, header.seq},
             item.digest,
             0});
    }
    return {};
}

/// As a subscriber would, but for the age.
JournalResult<HandedRun> verify(const signing::RunFrames& frames, std::string_view from,
                                OperationContext& context) {
    const auto now = static_cast<signing::UtcSeconds>(context.clock.utc_us() / 1'000'000);
    const auto steady_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(context.clock.steady()).count());
    signing::VerifiedRun verified;
    auto believed = context.records.verify(frames, {from, 200}, now, steady_ms, verified);
    const bool is_message = believed && verified.kind == signing::Kind::message;
    if (is_message && frames.topic.starts_with(context.ack_root)) {
        believed = tl::make_unexpected(
            signing::Refused{signing::Refusal::ack_topic_reserved, verified.signer->name()});
    }
    if (!believed) {
        const signing::Refused& why = believed.error();
        return tl::make_unexpected(
            JournalError{Reason::refused, std::string{name_of(why.reason)} + ": " +
                                              std::string{sentence_for(why.reason)} +
                                              (why.detail.empty() ? "" : " (" + why.detail + ")")});
    }
    if (!is_message || !verified.verified) {
        return tl::make_unexpected(
            JournalError{Reason::refused, "only signed messages (kind 0) can be handed in"});
    }
    HandedRun run{frames.topic, frames.contents, frames.proof, verified.signer->name(), {}};
    if (auto read = read_messages(verified, run); !read) return tl::make_unexpected(read.error());
    return run;
}

JournalResult<std::vector<HandedRun>> read_runs(Asked& asked, OperationContext& context) {
    std::uint64_t count = 0;
    if (!asked.fields.array_head(count)) {
        return tl::make_unexpected(malformed("submit: array of [topic, contents, proof]"));
    }
    std::vector<HandedRun> runs;
    for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t three = 0;
        signing::RunFrames frames;
        if (!asked.fields.array_head(three) || three != 3 || !asked.fields.str(frames.topic) ||
            !asked.fields.bin(frames.contents) || !asked.fields.bin(frames.proof)) {
            return tl::make_unexpected(malformed("submit: array of [topic, contents, proof]"));
        }
        auto run = verify(frames, asked.signer ? asked.signer->name() : "", context);
        if (!run) return tl::make_unexpected(run.error());
        runs.push_back(std::move(*run));
    }
    return runs;
}

/// The id of this very message in what the journal has of its number; 0 if it has none.
JournalResult<JournalId> stored_id(const HandedRun& run, const HandedMessage& message,
                                   const Page& page) {
    JournalId id = 0;
    bool other_bytes = false;
    for (const StoredRun& stored : page.runs) {
        for_each_message(stored, [&](JournalId at, std::string_view content) {
            const bool same = signing::message_digest(stored.topic, content) == message.digest;
            if (same && id == 0) id = at;
            other_bytes = other_bytes || !same;
        });
    }
    if (id == 0 && other_bytes) {
        return tl::make_unexpected(
            invalid("number " + std::to_string(message.key.seq) + " of '" + run.signer +
                    "', epoch " + std::to_string(message.key.epoch) + ", topic '" +
                    std::string{run.topic} + "' is stored with other bytes"));
    }
    return id;
}

JournalResult<Page> page_of(Journal& journal, const HandedRun& run, std::uint64_t epoch,
                            std::uint64_t from, std::uint64_t to) {
    ReadLimits limits;
    limits.messages = 16;
    return journal.read_stream({run.signer, epoch, std::string{run.topic}, from, to}, limits);
}

/// Most runs are new as a whole, which one question tells.
JournalResult<bool> is_new(Journal& journal, const HandedRun& run) {
    const auto [low, high] =
        std::minmax_element(run.messages.begin(), run.messages.end(),
                            [](const auto& a, const auto& b) { return a.key.seq < b.key.seq; });
    const std::uint64_t epoch = run.messages.front().key.epoch;
    if (std::any_of(run.messages.begin(), run.messages.end(),
                    [&](const auto& message) { return message.key.epoch != epoch; })) {
        return false;
    }
    const auto page = page_of(journal, run, epoch, low->key.seq, high->key.seq);
    if (!page) return tl::make_unexpected(page.error());
    return page->runs.empty();
}

JournalResult<void> look_up(Journal& journal, HandedRun& run) {
    const auto unknown = is_new(journal, run);
    if (!unknown) return tl::make_unexpected(unknown.error());
    if (*unknown) return {};
    for (HandedMessage& message : run.messages) {
        const std::uint64_t seq = message.key.seq;
        const auto page = page_of(journal, run, message.key.epoch, seq, seq);
        if (!page) return tl::make_unexpected(page.error());
        const auto id = stored_id(run, message, *page);
        if (!id) return tl::make_unexpected(id.error());
        message.id = *id;
    }
    return {};
}

/// What is stored already is left out. Nothing if that is all of it.
std::optional<RunToStore> to_store(const HandedRun& run) {
    RunToStore store{std::string{run.topic}, {}, std::string{run.proof}, run.signer, {}};
    auto message = run.messages.begin();
    for (signing::ItemReader items(run.contents); !items.at_end();) {
        const auto item = items.next();
        if (!item) return std::nullopt;
        Digest digest;
        if (!item->present) {
            std::copy(item->bytes.begin(), item->bytes.end(), digest.begin());
            signing::append_left_out(digest, store.contents);
            continue;
        }
        if (message->id == 0) {
            signing::append_item(item->bytes, store.contents);
            store.messages.push_back(message->key);
        } else {
            signing::append_left_out(message->digest, store.contents);
        }
        ++message;
    }
    if (store.messages.empty()) return std::nullopt;
    return store;
}

Fields ids_of(const std::vector<HandedRun>& runs) {
    Packer out;
    out.array(runs.size());
    for (const HandedRun& run : runs) {
        out.array(run.messages.size());
        for (const HandedMessage& message : run.messages) out.uint(message.id);
    }
    return {1, out.take()};
}

void enter(std::vector<HandedRun>& runs, const std::vector<IdRange>& stored) {
    auto range = stored.begin();
    for (HandedRun& run : runs) {
        JournalId next = 0;
        for (HandedMessage& message : run.messages) {
            if (message.id != 0) continue;
            if (next == 0) next = range->first;
            message.id = next++;
        }
        if (next != 0) ++range;
    }
}

/// Empty if a message is there twice.
std::optional<std::set<std::string>> streams_of(const std::vector<HandedRun>& runs) {
    std::set<std::string> streams;
    std::set<std::pair<std::string, std::uint64_t>> numbers;
    for (const HandedRun& run : runs) {
        for (const HandedMessage& message : run.messages) {
            const std::string stream = stream_of(run, message.key.epoch);
            if (!numbers.emplace(stream, message.key.seq).second) return std::nullopt;
            streams.insert(stream);
        }
    }
    return streams;
}

}  // namespace

std::shared_ptr<void> Submissions::begin(std::shared_ptr<Submissions> all,
                                         std::set<std::string> streams) {
    {
        const std::scoped_lock lock(all->mutex_);
        for (const std::string& stream : streams) {
            if (all->streams_.contains(stream)) return nullptr;
        }
        all->streams_.insert(streams.begin(), streams.end());
    }
    auto* const held = all.get();
    return {held, [all = std::move(all), streams = std::move(streams)](void*) {
                const std::scoped_lock lock(all->mutex_);
                for (const std::string& stream : streams) all->streams_.erase(stream);
            }};
}

void submit(Asked asked, OperationContext& context, const Reply& reply) {
    const auto no = [&](JournalError error) { reply(tl::make_unexpected(std::move(error))); };
    auto read = read_runs(asked, context);
    if (!read) return no(read.error());
    auto streams = streams_of(*read);
    if (!streams) return no(invalid("one message is there twice"));
    auto held = Submissions::begin(context.submissions, std::move(*streams));
    if (!held) return no({Reason::busy, "the same stream is being handed in; try again"});

    std::vector<RunToStore> store;
    for (HandedRun& run : *read) {
        if (auto found = look_up(context.journal, run); !found) {
            // Before the answer: who has it may ask again at once.
            held.reset();
            return no(found.error());
        }
        if (auto missing = to_store(run)) store.push_back(std::move(*missing));
    }
    if (store.empty()) {
        held.reset();
        return reply(ids_of(*read));
    }
    // The views of the runs end with this call: what is needed later is in their messages.
    context.journal.append(std::move(store),
                           [runs = std::move(*read), held = std::move(held),
                            reply](JournalResult<std::vector<IdRange>> stored) mutable {
                               held.reset();
                               if (!stored) return reply(tl::make_unexpected(stored.error()));
                               enter(runs, *stored);
                               reply(ids_of(runs));
                           });
}

}  // namespace weft::reliability
