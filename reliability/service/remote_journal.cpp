#include "reliability/service/remote_journal.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "reliability/service/field_codec.hpp"
#include "reliability/service/remote_state.hpp"
#include "reliability/service/request_codec.hpp"
#include "reliability/service/waiting_room.hpp"

namespace weft::reliability {

using Reason = JournalError::Reason;
using std::chrono::milliseconds;

namespace {

/// A journal that was killed forgets who waits: they ask again after this.
constexpr milliseconds wait_at_once{5'000};
/// How much longer than asked a wait may take for its answer to come.
constexpr milliseconds lateness_max{500};

Question question_of(Operation operation, std::size_t count, Packer& fields) {
    Question question;
    question.operation = operation;
    question.fields = {count, fields.take()};
    return question;
}

JournalError unreadable() {
    return {Reason::corrupt, "the journal's answer cannot be read"};
}

JournalResult<Page> page_of(JournalResult<RemoteAnswer> answer) {
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    Page page;
    if (!read_page(answer->fields, page)) return tl::make_unexpected(unreadable());
    page.bytes = std::move(answer->content);
    return page;
}

JournalResult<std::uint64_t> number_of(JournalResult<RemoteAnswer> answer) {
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    std::uint64_t number = 0;
    if (!answer->fields.uint(number)) return tl::make_unexpected(unreadable());
    return number;
}

Question question_of_page(Operation operation, Position after, const TopicFilter& filter,
                          const ReadLimits& limits) {
    Packer out;
    write_position(out, after);
    write_filter(out, filter);
    write_limits(out, limits);
    Question question = question_of(operation, position_fields + 1 + limits_fields, out);
    if (filter.globs().size() > filter_globs_max) {
        question.failed = JournalError{
            Reason::invalid, "a journal elsewhere takes at most 256 globs in one question"};
    }
    return question;
}

/// For each run from the smallest to the largest id of its messages.
JournalResult<std::vector<IdRange>> ranges_of(JournalResult<RemoteAnswer> answer,
                                              std::size_t runs) {
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    std::uint64_t count = 0;
    std::vector<IdRange> ranges;
    std::vector<JournalId> ids;
    if (!answer->fields.array_head(count) || count != runs) {
        return tl::make_unexpected(unreadable());
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        if (!read_ids(answer->fields, ids) || ids.empty()) return tl::make_unexpected(unreadable());
        const auto [first, last] = std::minmax_element(ids.begin(), ids.end());
        ranges.push_back({*first, *last});
    }
    return ranges;
}

struct Watcher {
    /// Recursive: who is called may let go of the handle.
    std::recursive_mutex mutex;
    Journal::OnHead on_head;
};

}  // namespace

struct RemoteJournal::Core {
    Core(std::unique_ptr<RemoteLink> the_link, const fabric::Clock& the_clock)
        : link(std::move(the_link)),
          clock(the_clock),
          state(*link),
          heads(std::make_shared<Heads>()) {}

    /// Outlives the journal as long as somebody has a handle.
    struct Heads {
        std::mutex mutex;  // guards what follows
        JournalInfo last;
        std::map<std::uint64_t, std::shared_ptr<Watcher>> watchers;
        std::uint64_t next = 0;
        bool asking = false;
    };

    /// True if the head has moved.
    bool heard(JournalId head) {
        const std::scoped_lock lock(heads->mutex);
        const bool moved = head > heads->last.head;
        heads->last.head = std::max(heads->last.head, head);
        return moved;
    }

    Question wait_question(JournalId after, milliseconds timeout) const {
        Packer out;
        out.uint(after).uint(static_cast<std::uint64_t>(timeout.count()));
        Question question = question_of(Operation::wait, 2, out);
        question.longer = timeout;
        return question;
    }

    /// One long question at a time, while somebody watches. In the link's thread but for the first.
    void ask_for_head(JournalId known) {
        link->ask(wait_question(known, wait_at_once), [this, known](auto answer) {
            const auto head = number_of(std::move(answer));
            if (!head && head.error().reason == Reason::closed) return;
            std::vector<std::shared_ptr<Watcher>> watchers;
            JournalId now = known;
            {
                const std::scoped_lock lock(heads->mutex);
                if (head && *head != known) {
                    // Smaller: a journal that was made anew.
                    now = heads->last.head = *head;
                    for (const auto& [number, watcher] : heads->watchers) {
                        watchers.push_back(watcher);
                    }
                }
                heads->asking = !heads->watchers.empty();
                if (!heads->asking) return;
            }
            for (const auto& watcher : watchers) {
                const std::scoped_lock lock(watcher->mutex);
                if (watcher->on_head) watcher->on_head(now);
            }
            ask_for_head(now);
        });
    }

    std::unique_ptr<RemoteLink> link;
    const fabric::Clock& clock;
    RemoteState state;
    std::shared_ptr<Heads> heads;
};

RemoteJournal::RemoteJournal(std::unique_ptr<Core> core) : core_(std::move(core)) {}

RemoteJournal::~RemoteJournal() {
    core_->link->close();
}

tl::expected<std::unique_ptr<RemoteJournal>, std::string> RemoteJournal::open(
    fabric::Transport& transport, const fabric::Clock& clock, RemoteSettings settings,
    std::shared_ptr<const signing::Identity> identity, std::shared_ptr<signing::TrustStore> trust) {
    auto link = RemoteLink::open(transport, clock, std::move(settings), std::move(identity),
                                 std::move(trust));
    if (!link) return tl::make_unexpected(link.error());
    return std::unique_ptr<RemoteJournal>(
        new RemoteJournal(std::make_unique<Core>(std::move(*link), clock)));
}

void RemoteJournal::append(std::vector<RunToStore> runs, OnAppended done) {
    Packer out;
    out.array(std::min<std::size_t>(runs.size(), 65'535));
    bool whole = !runs.empty() && runs.size() < 65'536;
    for (const RunToStore& run : runs) {
        if (out.bytes().size() + run.contents.size() > asking_bytes_max) whole = false;
        if (!whole) break;
        out.array(3).str(run.topic).bin(run.contents).bin(run.proof);
    }
    const std::size_t count = runs.size();
    Question question = question_of(Operation::submit, 1, out);
    question.is_signed = true;
    question.in_turn = true;
    if (!whole || question.fields.bytes.size() > asking_bytes_max - 1000) {
        question.fields = {};
        question.failed = JournalError{Reason::invalid,
                                       "what is appended to a journal elsewhere at once has "
                                       "1 run to 9,000,000 bytes; append less at a time"};
    }
    core_->link->ask(std::move(question), [done = std::move(done), count](auto answer) {
        done(ranges_of(std::move(answer), count));
    });
}

JournalResult<Page> RemoteJournal::read(Position after, const TopicFilter& filter,
                                        const ReadLimits& limits) {
    return page_of(core_->link->ask(question_of_page(Operation::read, after, filter, limits)));
}

void RemoteJournal::read_async(Position after, const TopicFilter& filter, const ReadLimits& limits,
                               OnPage on_page) {
    core_->link->ask(
        question_of_page(Operation::read, after, filter, limits),
        [on_page = std::move(on_page)](auto answer) { on_page(page_of(std::move(answer))); });
}

JournalResult<Page> RemoteJournal::read_stream(const StreamRange& range, const ReadLimits& limits) {
    Packer out;
    out.str(range.signer).uint(range.epoch).str(range.topic).uint(range.from).uint(range.to);
    write_limits(out, limits);
    return page_of(core_->link->ask(question_of(Operation::read_stream, 5 + limits_fields, out)));
}

JournalResult<Page> RemoteJournal::read_last_of_topics(Position after, const TopicFilter& filter,
                                                       const ReadLimits& limits) {
    return page_of(core_->link->ask(question_of_page(Operation::read_last, after, filter, limits)));
}

JournalResult<JournalId> RemoteJournal::id_at(std::uint64_t stored_us) {
    Packer out;
    out.uint(stored_us);
    return number_of(core_->link->ask(question_of(Operation::id_at, 1, out)));
}

JournalResult<std::optional<JournalId>> RemoteJournal::find(const fabric::MessageId& id) {
    Packer out;
    out.bin(id.bytes());
    auto answer = core_->link->ask(question_of(Operation::find, 1, out));
    if (answer && answer->fields.nil()) return std::optional<JournalId>{};
    const auto number = number_of(std::move(answer));
    if (!number) return tl::make_unexpected(number.error());
    return std::optional{*number};
}

JournalResult<std::vector<JournalId>> RemoteJournal::children(const fabric::MessageId& parent,
                                                              JournalId after, std::size_t limit) {
    Packer out;
    out.bin(parent.bytes()).uint(after).uint(limit);
    auto answer = core_->link->ask(question_of(Operation::children, 3, out));
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    std::vector<JournalId> ids;
    if (!read_ids(answer->fields, ids)) return tl::make_unexpected(unreadable());
    return ids;
}

JournalInfo RemoteJournal::info() {
    Packer none;
    auto answer = core_->link->ask(question_of(Operation::info, 0, none));
    JournalInfo info;
    const bool read = answer && read_info(answer->fields, info);
    const std::scoped_lock lock(core_->heads->mutex);
    JournalInfo& last = core_->heads->last;
    if (read) {
        last = info;
    } else {
        last.not_ready = answer ? unreadable().sentence : answer.error().sentence;
    }
    last.backend = "remote";
    return last;
}

JournalId RemoteJournal::wait(JournalId after, milliseconds timeout) {
    const auto now = [this] { return core_->clock.steady(); };
    const auto deadline = now() + timeout;
    JournalId head = 0;
    do {
        const auto left = std::chrono::ceil<milliseconds>(deadline - now());
        const auto part = std::clamp(left, milliseconds{0}, wait_at_once);
        Question question = core_->wait_question(after, part);
        question.patience = lateness_max;
        const auto heard = number_of(core_->link->ask(std::move(question)));
        if (heard) {
            head = *heard;
            core_->heard(head);
        } else if (heard.error().reason == Reason::closed) {
            break;
        }
    } while (head <= after && now() < deadline);
    const std::scoped_lock lock(core_->heads->mutex);
    return head != 0 ? head : core_->heads->last.head;
}

std::shared_ptr<void> RemoteJournal::watch(OnHead on_head) {
    auto watcher = std::make_shared<Watcher>();
    watcher->on_head = std::move(on_head);
    std::uint64_t number = 0;
    bool begin = false;
    JournalId known = 0;
    {
        const std::scoped_lock lock(core_->heads->mutex);
        number = ++core_->heads->next;
        core_->heads->watchers.emplace(number, watcher);
        begin = !std::exchange(core_->heads->asking, true);
        known = core_->heads->last.head;
    }
    if (begin) core_->ask_for_head(known);
    auto* const held = watcher.get();
    return {held, [heads = core_->heads, watcher = std::move(watcher), number](void*) {
                {
                    const std::scoped_lock lock(heads->mutex);
                    heads->watchers.erase(number);
                }
                const std::scoped_lock lock(watcher->mutex);
                watcher->on_head = nullptr;
            }};
}

JournalResult<JournalId> RemoteJournal::trim(JournalId low) {
    Packer out;
    out.uint(low);
    Question question = question_of(Operation::trim, 1, out);
    question.is_signed = true;
    return number_of(core_->link->ask(std::move(question)));
}

JournalResult<JournalId> RemoteJournal::low_for_bytes(std::uint64_t bytes) {
    Packer out;
    out.uint(bytes);
    return number_of(core_->link->ask(question_of(Operation::low_for_bytes, 1, out)));
}

JournalResult<Journal::Expired> RemoteJournal::expire(Position after, const TopicFilter& filter,
                                                      std::uint64_t stored_us,
                                                      const ReadLimits& limits) {
    Packer out;
    write_position(out, after);
    write_filter(out, filter);
    out.uint(stored_us);
    write_limits(out, limits);
    Question question = question_of(Operation::expire, position_fields + 2 + limits_fields, out);
    question.is_signed = true;
    question.again = false;
    auto answer = core_->link->ask(std::move(question));
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    Expired expired;
    std::uint64_t done = 0;
    if (!answer->fields.uint(expired.messages) || !read_position(answer->fields, expired.next) ||
        !answer->fields.uint(done)) {
        return tl::make_unexpected(unreadable());
    }
    expired.done = done != 0;
    return expired;
}

StateStore& RemoteJournal::state() {
    return core_->state;
}

void RemoteJournal::close() {
    core_->link->close();
}

RemoteLink& RemoteJournal::link() {
    return *core_->link;
}

}  // namespace weft::reliability
