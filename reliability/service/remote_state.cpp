#include "reliability/service/remote_state.hpp"

#include "reliability/service/field_codec.hpp"

namespace weft::reliability {
namespace {

Question signed_question(Operation operation, Fields fields) {
    Question question;
    question.operation = operation;
    question.fields = std::move(fields);
    question.is_signed = true;
    return question;
}

tl::unexpected<JournalError> unreadable() {
    return tl::make_unexpected(JournalError{JournalError::Reason::corrupt,
                                            "the journal's answer about its state cannot be read"});
}

/// Appends what the answer holds; false if it cannot be read.
bool read_entries(fabric::MsgpackReader& in, bool& more, std::vector<StateStore::Entry>& entries) {
    std::uint64_t flag = 0, count = 0;
    if (!in.uint(flag) || flag > 1 || !in.array_head(count)) return false;
    more = flag == 1;
    for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t two = 0;
        std::string_view key, value;
        if (!in.array_head(two) || two != 2 || !in.bin(key) || !in.bin(value)) return false;
        entries.emplace_back(key, value);
    }
    return count > 0 || !more;
}

}  // namespace

tl::expected<std::optional<std::string>, JournalError> RemoteState::get(std::string_view key) {
    auto answer = link_.ask(signed_question(Operation::state_get, {1, Packer{}.bin(key).take()}));
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    if (answer->fields.nil()) return std::nullopt;
    std::string_view value;
    if (!answer->fields.bin(value)) return unreadable();
    return std::string{value};
}

tl::expected<std::vector<StateStore::Entry>, JournalError> RemoteState::list(
    std::string_view prefix, std::string_view after, std::size_t limit) {
    std::vector<Entry> entries;
    bool more = true;
    while (more && entries.size() < limit) {
        const std::string_view from =
            entries.empty() ? after : std::string_view{entries.back().first};
        auto answer = link_.ask(signed_question(
            Operation::state_list,
            {3, Packer{}.bin(prefix).bin(from).uint(limit - entries.size()).take()}));
        if (!answer) return tl::make_unexpected(std::move(answer.error()));
        if (!read_entries(answer->fields, more, entries)) return unreadable();
    }
    return entries;
}

tl::expected<void, JournalError> RemoteState::apply(const std::vector<StateChange>& changes,
                                                    Durability durability) {
    if (changes.size() >= 65'536) {
        return tl::make_unexpected(JournalError{JournalError::Reason::invalid,
                                                "one change of a journal's state has at most "
                                                "65535 keys"});
    }
    Packer out;
    out.uint(durability == Durability::lazy ? 1 : 0).array(changes.size());
    for (const StateChange& change : changes) {
        out.array(2).bin(change.key);
        change.value ? out.bin(*change.value) : out.nil();
    }
    Question question = signed_question(Operation::state_apply, {2, out.take()});
    question.again = false;
    if (question.fields.bytes.size() > apply_bytes_max) {
        return tl::make_unexpected(
            JournalError{JournalError::Reason::invalid,
                         "one change of a journal's state has at most 8 MiB with all its keys"});
    }
    auto answer = link_.ask(std::move(question));
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    return {};
}

}  // namespace weft::reliability
