#include "reliability/service/field_codec.hpp"

#include <algorithm>

#include "reliability/ack/fields.hpp"

namespace weft::reliability {
namespace {

using fabric::MsgpackReader;

bool read_bool(MsgpackReader& in, bool& value) {
    std::uint64_t number = 0;
    if (!in.uint(number) || number > 1) return false;
    value = number == 1;
    return true;
}

bool read_text(MsgpackReader& in, std::string& text) {
    std::string_view view;
    if (!in.str(view)) return false;
    text = view;
    return true;
}

bool read_run(MsgpackReader& in, StoredRun& run) {
    std::uint64_t count = 0;
    return in.array_head(count) && count == 8 && in.uint(run.first) && in.uint(run.last) &&
           in.uint(run.from) && in.uint(run.to) && in.uint(run.stored_us) && in.str(run.topic) &&
           in.bin(run.contents) && in.bin(run.proof) && run.first >= 1 && run.first <= run.from &&
           run.from <= run.to && run.to <= run.last &&
           run.last - run.first < signing::run_messages_max;
}

}  // namespace

void write_position(Packer& out, const Position& position) {
    out.uint(position.epoch).uint(position.id);
}

bool read_position(MsgpackReader& in, Position& position) {
    return in.uint(position.epoch) && in.uint(position.id);
}

void write_gap(Packer& out, const std::optional<JournalGap>& gap) {
    if (!gap) {
        out.nil();
        return;
    }
    out.array(3).uint(gap->from).uint(gap->to);
    gap->lost ? out.uint(*gap->lost) : out.nil();
}

bool read_gap(MsgpackReader& in, std::optional<JournalGap>& gap) {
    gap.reset();
    if (in.nil()) return true;
    std::uint64_t count = 0, lost = 0;
    JournalGap read;
    if (!in.array_head(count) || count != 3 || !in.uint(read.from) || !in.uint(read.to)) {
        return false;
    }
    if (!in.nil()) {
        if (!in.uint(lost)) return false;
        read.lost = lost;
    }
    gap = read;
    return true;
}

void write_filter(Packer& out, const TopicFilter& filter) {
    if (filter.everything()) {
        out.nil();
        return;
    }
    out.array(filter.globs().size());
    for (const signing::TopicGlob& glob : filter.globs()) out.str(glob.text());
}

bool read_filter(MsgpackReader& in, TopicFilter& filter) {
    filter = {};
    if (in.nil()) return true;
    std::uint64_t count = 0;
    if (!in.array_head(count) || count > filter_globs_max) return false;
    std::vector<signing::TopicGlob> globs;
    for (std::uint64_t i = 0; i < count; ++i) {
        std::string_view text;
        if (!in.str(text)) return false;
        auto glob = signing::TopicGlob::parse(text);
        if (!glob) return false;
        globs.push_back(std::move(*glob));
    }
    filter = TopicFilter(std::move(globs));
    return true;
}

void write_limits(Packer& out, const ReadLimits& limits) {
    out.uint(limits.messages).uint(limits.bytes).uint(limits.runs_scanned).uint(limits.through);
}

bool read_limits(MsgpackReader& in, ReadLimits& limits) {
    std::uint64_t bytes = 0;
    if (!in.uint(limits.messages) || !in.uint(bytes) || !in.uint(limits.runs_scanned) ||
        !in.uint(limits.through)) {
        return false;
    }
    limits.messages = std::min(limits.messages, page_messages_max);
    limits.bytes = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, page_bytes_max));
    limits.runs_scanned = std::min(limits.runs_scanned, page_runs_scanned_max);
    return true;
}

bool read_message_id(MsgpackReader& in, fabric::MessageId& id) {
    std::string_view bytes;
    if (!in.bin(bytes)) return false;
    const auto read = fabric::MessageId::from_bytes(bytes);
    if (read) id = *read;
    return read.has_value();
}

void write_info(Packer& out, const JournalInfo& info) {
    out.uint(info.epoch).uint(info.low).uint(info.head).uint(info.oldest_us).uint(info.newest_us);
    out.uint(info.bytes).str(info.backend).str(info.not_ready);
}

bool read_info(MsgpackReader& in, JournalInfo& info) {
    return in.uint(info.epoch) && in.uint(info.low) && in.uint(info.head) &&
           in.uint(info.oldest_us) && in.uint(info.newest_us) && in.uint(info.bytes) &&
           read_text(in, info.backend) && read_text(in, info.not_ready);
}

void write_page(Packer& out, const Page& page) {
    write_position(out, page.next);
    out.uint(page.head).uint(page.at_head ? 1 : 0);
    write_gap(out, page.gap);
    out.array(page.runs.size());
    for (const StoredRun& run : page.runs) {
        out.array(8).uint(run.first).uint(run.last).uint(run.from).uint(run.to);
        out.uint(run.stored_us).str(run.topic).bin(run.contents).bin(run.proof);
    }
}

bool read_page(MsgpackReader& in, Page& page) {
    std::uint64_t count = 0;
    page.runs.clear();
    if (!read_position(in, page.next) || !in.uint(page.head) || !read_bool(in, page.at_head) ||
        !read_gap(in, page.gap) || !in.array_head(count)) {
        return false;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        if (!read_run(in, page.runs.emplace_back())) return false;
    }
    return true;
}

void write_ids(Packer& out, const std::vector<JournalId>& ids) {
    out.array(ids.size());
    for (const JournalId id : ids) out.uint(id);
}

bool read_ids(MsgpackReader& in, std::vector<JournalId>& ids) {
    std::uint64_t count = 0;
    ids.clear();
    if (!in.array_head(count)) return false;
    for (std::uint64_t i = 0; i < count; ++i) {
        if (!in.uint(ids.emplace_back())) return false;
    }
    return true;
}

}  // namespace weft::reliability
