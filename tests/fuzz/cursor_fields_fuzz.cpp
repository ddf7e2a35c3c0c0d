// The fields of cursors, groups and families: whatever is read survives being written and read
// again, and nothing is larger than the bytes that say so.

#include <algorithm>
#include <cassert>
#include <memory>
#include <string>

#include "reliability/service/cursor_codec.hpp"
#include "reliability/service/lineage_codec.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using namespace reliability;

/// Reads, writes, reads again: the same bytes.
template <class Value, class Read, class Write>
void check(std::string_view fields, Read read, Write write) {
    fabric::MsgpackReader in{fields};
    Value value;
    if (!read(in, value)) return;
    Packer out;
    write(out, value);
    fabric::MsgpackReader again{out.bytes()};
    Value same;
    const bool whole = read(again, same) && again.rest().empty();
    assert(whole);
    Packer twice;
    write(twice, same);
    assert(twice.bytes() == out.bytes());
}

void check_next(std::string_view fields) {
    const auto bytes = std::make_shared<const std::string>(fields);
    fabric::MsgpackReader in{*bytes};
    NextMessages next;
    if (!read_next(in, bytes, next)) return;
    assert(next.messages.size() <= GroupService::messages_max);
    JournalId before = 0;
    for (const LeasedMessage& leased : next.messages) {
        assert(leased.message.id() > before);
        before = leased.message.id();
    }
}

}  // namespace

void cursor_fields(std::string_view input) {
    check<Cursor>(input, read_cursor, write_cursor);
    check<CursorView>(input, read_view, write_view);
    check<std::optional<GroupSettings>>(input, read_group_settings, write_group_settings);
    check<Start>(input, read_start, write_start);
    check<std::vector<ConsumerGroup::Answer>>(input, read_answers, [](auto& out, auto all) {
        all.resize(std::min<std::size_t>(all.size(), 65'535));
        write_answers(out, all);
    });
    check<std::vector<DeadLetter>>(input, read_dead, [](auto& out, auto all) {
        all.resize(std::min<std::size_t>(all.size(), 65'535));
        write_dead(out, all);
    });
    check<Family>(input, read_family, [](auto& out, const Family& family) {
        write_family(out, family.members.size() < 65'536 ? family : Family{});
    });
    check_next(input);
}

}  // namespace weft::fuzz
