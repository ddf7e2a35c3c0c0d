#include "gateway/rse/id_line.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "signing/durable_file.hpp"

namespace weft::gateway::rse {
namespace {

constexpr std::string_view first_line = "weft rse ids 1\n";
constexpr std::size_t file_bytes_max = 256;

/// A decimal number up to the end of its line, which is taken away.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::size_t length = static_cast<std::size_t>(read.ptr - text.data());
    if (read.ec != std::errc() || length >= text.size() || text[length] != '\n') {
        return std::nullopt;
    }
    text.remove_prefix(length + 1);
    return number;
}

}  // namespace

tl::expected<std::shared_ptr<IdLine>, std::string> IdLine::open(
    std::filesystem::path file, const reliability::JournalInfo& journal) {
    auto line = std::make_shared<IdLine>();
    line->file_ = std::move(file);
    line->epoch_ = journal.epoch;
    std::error_code failed;
    const bool is_there = std::filesystem::exists(line->file_, failed);
    if (failed) return tl::make_unexpected(line->file_.string() + ": " + failed.message());
    std::uint64_t mark = 0;
    if (is_there) {
        const auto bytes = signing::read_file(line->file_, file_bytes_max);
        if (!bytes) return tl::make_unexpected(bytes.error());
        std::string_view rest = *bytes;
        const bool is_ours = rest.starts_with(first_line);
        if (is_ours) rest.remove_prefix(first_line.size());
        const auto epoch = take_number(rest), base = take_number(rest), kept = take_number(rest);
        if (!is_ours || !epoch || !base || !kept || *kept < *base || *kept > INT64_MAX) {
            return tl::make_unexpected(line->file_.string() +
                                       " does not hold the ids of RSE: restore it, or remove it if "
                                       "no client remembers an id");
        }
        mark = *kept;
        line->base_ = *epoch == journal.epoch ? *base : mark;
    }
    const std::uint64_t head = line->base_ + journal.head;
    if (auto written = line->write(std::max(mark, head + step)); !written) {
        return tl::make_unexpected(written.error());
    }
    return line;
}

tl::expected<void, std::string> IdLine::write(std::uint64_t mark) {
    const std::string bytes = std::string{first_line} + std::to_string(epoch_) + '\n' +
                              std::to_string(base_) + '\n' + std::to_string(mark) + '\n';
    auto written = signing::write_file(file_, bytes, 0644, signing::WhenFileExists::replace);
    if (written) mark_ = mark;
    return written;
}

reliability::JournalId IdLine::id_of(reliability::JournalId in_journal) {
    const std::uint64_t id = base_ + in_journal;
    if (id <= mark_) return id;
    const std::scoped_lock lock(writing_);
    // Where the disk does not take it the journal does not either; the next id tries again.
    if (id > mark_) static_cast<void>(write(id + step));
    return id;
}

}  // namespace weft::gateway::rse
