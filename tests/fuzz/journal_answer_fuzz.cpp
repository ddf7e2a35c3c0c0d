// What a journal answers, and the pages, ids and descriptions in it: whatever decodes survives
// being written and read again.

#include "reliability/service/answer_codec.hpp"

#include <cassert>
#include <string>

#include "fabric/message/codec.hpp"
#include "fabric/message/utf8_text.hpp"
#include "reliability/service/field_codec.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using namespace reliability;

void check_page(std::string_view fields) {
    fabric::MsgpackReader in{fields};
    Page page;
    if (!read_page(in, page)) return;
    std::uint64_t messages = 0;
    for (const StoredRun& run : page.runs) {
        for_each_message(run, [&](JournalId id, std::string_view) {
            assert(id >= run.from && id <= run.to);
            ++messages;
        });
    }
    assert(messages <= page.messages());
    if (page.runs.size() >= 65'536) return;
    Packer out;
    write_page(out, page);
    fabric::MsgpackReader again{out.bytes()};
    Page same;
    const bool read = read_page(again, same);
    assert(read && again.rest().empty());
    assert(same.next == page.next && same.head == page.head && same.at_head == page.at_head);
    assert(same.gap == page.gap && same.runs.size() == page.runs.size());
}

void check_others(std::string_view fields) {
    fabric::MsgpackReader in{fields};
    JournalInfo info;
    static_cast<void>(read_info(in, info));
    in = fabric::MsgpackReader{fields};
    std::vector<JournalId> ids;
    // Each id has a byte at least.
    if (read_ids(in, ids)) assert(ids.size() <= fields.size());
}

}  // namespace

void journal_answer(std::string_view input) {
    check_page(input);
    check_others(input);
    JournalAnswer answer;
    if (const auto decoded = decode_journal_answer(input, answer); !decoded) {
        assert(decoded.error().ends_with('.') && fabric::is_utf8(decoded.error()));
        return;
    }
    assert(answer.life != 0);
    check_page(answer.fields);
    check_others(answer.fields);
    if (answer.count >= 1000) return;
    const std::string bytes = encode_journal_answer(answer);
    assert(fabric::check_msgpack(bytes).empty());
    JournalAnswer after;
    const auto again = decode_journal_answer(bytes, after);
    assert(again && after.nonce == answer.nonce && after.status == answer.status);
    assert(after.life == answer.life && after.sentence == answer.sentence);
    assert(answer.status != 0 || after.fields == answer.fields);
}

}  // namespace weft::fuzz
