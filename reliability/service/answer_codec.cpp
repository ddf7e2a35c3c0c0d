#include "reliability/service/answer_codec.hpp"

#include "fabric/message/codec.hpp"
#include "fabric/message/msgpack_read.hpp"
#include "fabric/message/utf8_text.hpp"
#include "reliability/ack/fields.hpp"
#include "reliability/ack/statement.hpp"

namespace weft::reliability {
namespace {

using Reason = JournalError::Reason;
constexpr std::uint64_t positions = 4;

std::string wrong_position(int position, std::string_view name, std::string_view demand) {
    return "Position " + std::to_string(position) + " of the answer of a journal (" +
           std::string{name} + ") must be " + std::string{demand} + ".";
}

std::string read_positions(fabric::MsgpackReader& reader, JournalAnswer& answer) {
    std::uint64_t version = 0;
    if (!reader.uint(version) || version != asking_version)
        return wrong_position(0, "version", "1");
    if (!read_bytes(reader, answer.nonce)) return wrong_position(1, "nonce", "16 bytes (bin)");
    if (!reader.uint(answer.status)) return wrong_position(2, "status", "an integer");
    if (!reader.uint(answer.life) || answer.life == 0) {
        return wrong_position(3, "life", "an integer above 0");
    }
    return "";
}

}  // namespace

AnswerStatus status_of(Reason reason) noexcept {
    switch (reason) {
        case Reason::closed:
            return AnswerStatus::closed;
        case Reason::busy:
            return AnswerStatus::busy;
        case Reason::disk_full:
            return AnswerStatus::disk_full;
        case Reason::io:
            return AnswerStatus::io;
        case Reason::corrupt:
            return AnswerStatus::corrupt;
        case Reason::invalid:
            return AnswerStatus::invalid;
        case Reason::not_found:
            return AnswerStatus::not_found;
        case Reason::away:
            return AnswerStatus::away;
        case Reason::refused:
            break;
    }
    return AnswerStatus::refused;
}

Reason reason_of(std::uint64_t status) noexcept {
    for (const Reason reason :
         {Reason::closed, Reason::busy, Reason::disk_full, Reason::io, Reason::corrupt,
          Reason::invalid, Reason::not_found, Reason::away}) {
        if (static_cast<std::uint64_t>(status_of(reason)) == status) return reason;
    }
    return Reason::refused;
}

std::string encode_journal_answer(const JournalAnswer& answer) {
    const bool good = answer.status == 0;
    Packer out;
    out.array(positions + (good ? answer.count : 1)).uint(asking_version);
    out.bin({answer.nonce.data(), answer.nonce.size()}).uint(answer.status).uint(answer.life);
    if (good) return out.raw(answer.fields).take();
    return out.str(fitting_reason(answer.sentence)).take();
}

tl::expected<void, std::string> decode_journal_answer(std::string_view content,
                                                      JournalAnswer& answer) {
    answer.sentence = {};
    if (std::string wrong = fabric::check_msgpack(content); !wrong.empty()) {
        return tl::make_unexpected("The answer of a journal is not one msgpack object. " + wrong);
    }
    fabric::MsgpackReader reader{content};
    std::uint64_t count = 0;
    if (!reader.array_head(count) || count < positions) {
        return tl::make_unexpected(
            std::string{"The answer of a journal must be a msgpack array of at least 4."});
    }
    if (std::string wrong = read_positions(reader, answer); !wrong.empty()) {
        return tl::make_unexpected(std::move(wrong));
    }
    answer.count = count - positions;
    answer.fields = reader.rest();
    if (answer.status != 0 &&
        (!reader.str(answer.sentence) || answer.sentence.size() > reason_bytes_max ||
         !fabric::is_utf8(answer.sentence))) {
        return tl::make_unexpected(
            wrong_position(4, "sentence", "UTF-8 text (str) of at most 1024 bytes"));
    }
    return {};
}

}  // namespace weft::reliability
