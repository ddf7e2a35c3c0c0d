#include "tools/trigger_runner.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "config/duration.hpp"
#include "fabric/message/json_form.hpp"
#include "signing/refusal.hpp"
#include "tools/context.hpp"

namespace weft::tools {
namespace {

using reliability::hub::ChildOrder;
using reliability::hub::ChildProcess;
using reliability::hub::Descriptor;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// What a command may still do between SIGTERM and SIGKILL.
constexpr milliseconds grace{1'000};

Descriptor new_event() {
    Descriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event.is_open()) throw failure("no file descriptor left for an eventfd");
    return event;
}

/// False once nothing more can or need be written. SIGPIPE is ignored by main().
bool write_some(int fd, std::string_view& rest) {
    const ssize_t written = ::write(fd, rest.data(), rest.size());
    if (written < 0) return errno == EAGAIN || errno == EINTR;
    rest.remove_prefix(static_cast<std::size_t>(written));
    return !rest.empty();
}

}  // namespace

TriggerRunner::TriggerRunner(TriggerPlan plan, StopSignal& stop)
    : plan_(std::move(plan)), stop_(stop), stop_event_(new_event()) {
    for (unsigned i = 0; i < plan_.parallel; ++i) workers_.emplace_back([this] { work(); });
}

TriggerRunner::~TriggerRunner() {
    stop(milliseconds{0});
}

bool TriggerRunner::on_message(const fabric::Message& message,
                               std::optional<std::uint64_t> journal_id) {
    std::unique_lock lock(mutex_);
    if (plan_.wait_for_room) {
        changed_.wait(lock, [&] { return stopping_ || queue_.size() < plan_.queue; });
    }
    if (stopping_ || (plan_.count > 0 && accepted_ >= plan_.count)) return false;
    if (queue_.size() >= plan_.queue) {
        if (stats_.dropped++ == 0) {
            Context::warn("dropped " + signing::escape(message.topic()) + " " +
                          message.id().text() + ": " + std::to_string(plan_.queue) +
                          " messages wait already (--queue, --parallel); the rest is counted");
        }
        return false;
    }
    ++accepted_;
    queue_.push_back({message, journal_id});
    changed_.notify_all();
    return true;
}

void TriggerRunner::on_gap(const reliability::JournalGap& gap) {
    Context::warn("the journal no longer has ids " + std::to_string(gap.from) + " to " +
                  std::to_string(gap.to));
}

std::optional<TriggerRunner::Item> TriggerRunner::next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return std::nullopt;
    Item item = std::move(queue_.front());
    queue_.pop_front();
    changed_.notify_all();
    return item;
}

void TriggerRunner::work() {
    while (const auto item = next()) finished(*item, run(*item));
}

std::string TriggerRunner::run(const Item& item) {
    const fabric::Message& message = item.message;
    ChildOrder order;
    order.argv = plan_.command;
    order.environment = {"WEFT_TOPIC=" + std::string{message.topic()},
                         "WEFT_ID=" + message.id().text(),
                         "WEFT_SIGNER=" + std::string{message.signer()}};
    order.pipe_output = false;
    const auto child = ChildProcess::start(std::move(order));
    if (!child) return child.error();
    return see_through(**child, fabric::to_json(message, item.journal_id) + "\n");
}

std::string TriggerRunner::see_through(ChildProcess& child, std::string_view input) {
    Instant deadline = steady_clock::now() + plan_.timeout;
    bool told = false;
    while (!child.has_ended()) {
        std::array<pollfd, 3> fds{{{child.ended_fd(), POLLIN, 0},
                                   {told ? -1 : stop_event_.get(), POLLIN, 0},
                                   {child.in(), POLLOUT, 0}}};
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
        if (left <= 0) {
            child.terminate(grace);
            return told ? "was stopped, since we are"
                        : "did not end within " + config::duration_text(plan_.timeout);
        }
        ::poll(fds.data(), fds.size(), static_cast<int>(std::min<std::int64_t>(left, 60'000)));
        if (fds[1].revents != 0) {
            const std::scoped_lock lock(mutex_);
            told = true;
            deadline = std::min(deadline, end_by_);
        }
        if (fds[2].revents != 0 && !write_some(child.in(), input)) child.close_in();
    }
    const auto end = child.ended();
    return end->well ? "" : end->sentence;
}

void TriggerRunner::finished(const Item& item, const std::string& failure) {
    if (!failure.empty()) {
        Context::warn("failed for " + signing::escape(item.message.topic()) + " " +
                      item.message.id().text() + ": " + failure);
    }
    const std::scoped_lock lock(mutex_);
    ++stats_.ran;
    if (!failure.empty()) ++stats_.failed;
    if (plan_.count > 0 && stats_.ran >= plan_.count) stop_.stop_now();
}

void TriggerRunner::stop(milliseconds patience) {
    {
        const std::scoped_lock lock(mutex_);
        if (!stopping_) {
            stopping_ = true;
            end_by_ = steady_clock::now() + patience;
            stats_.left = queue_.size();
            const std::uint64_t one = 1;
            static_cast<void>(!::write(stop_event_.get(), &one, sizeof one));
        }
        changed_.notify_all();
    }
    workers_.clear();
}

TriggerRunner::Stats TriggerRunner::stats() const {
    const std::scoped_lock lock(mutex_);
    return stats_;
}

}  // namespace weft::tools
