#include "reliability/hub/exec_worker.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "config/duration.hpp"
#include "fabric/message/json_form.hpp"
#include "reliability/hub/program_environment.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

int new_eventfd() {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    return fd;
}

std::string in_quotes(std::string_view text) {
    return "'" + signing::escape(text, 100) + "'";
}

/// The JSON form, and two members more at its end.
std::string line_of(const fabric::Message& message, unsigned attempt, const std::string& consumer) {
    std::string line = fabric::to_json(message);
    line.pop_back();
    line += ",\"attempt\":" + std::to_string(attempt) +
            ",\"consumer\":" + fabric::json_string(consumer) + "}\n";
    return line;
}

milliseconds time_until(steady_clock::time_point then) {
    return std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(then - steady_clock::now()));
}

/// Why the process must not go on; "" where it may.
std::string misbehaviour(const Exchanged& exchanged, milliseconds timeout) {
    switch (exchanged.is) {
        case Exchanged::Is::timed_out:
            return "did not answer within " + config::duration_text(timeout) +
                   (exchanged.text.empty() ? ""
                                           : "; it has written " + in_quotes(exchanged.text) +
                                                 " without a line break");
        case Exchanged::Is::closed_in:
            return "closed its stdin before it had read the message";
        case Exchanged::Is::closed_out:
            return "closed its stdout, where its answer should have come";
        case Exchanged::Is::too_long:
            return "wrote more than " + std::to_string(answer_bytes_max >> 20) +
                   " MiB without a line break, beginning with " + in_quotes(exchanged.text);
        case Exchanged::Is::early:
            return "wrote " + in_quotes(exchanged.text) +
                   " before it had read the message; stdout is for one answer to each message";
        case Exchanged::Is::more:
            return "wrote " + in_quotes(exchanged.text) +
                   " behind its answer; stdout is for one answer to each message, stderr for the "
                   "log";
        case Exchanged::Is::answered:
        case Exchanged::Is::woken:
        case Exchanged::Is::ended:
            break;
    }
    return {};
}

}  // namespace

ExecWorker::ExecWorker(ConsumerSettings settings, Surroundings& surroundings,
                       std::shared_ptr<ErrorLog> errors)
    : settings_(std::move(settings)),
      surroundings_(surroundings),
      errors_(std::move(errors)),
      wake_(new_eventfd()) {}

std::shared_ptr<ChildProcess> ExecWorker::child() const {
    const std::scoped_lock lock(mutex_);
    return child_;
}

pid_t ExecWorker::pid() const {
    const auto process = child();
    return process && !process->has_ended() ? process->pid() : 0;
}

void ExecWorker::warn(const std::string& line) const {
    surroundings_.log(Surroundings::Level::warning, settings_.name, line);
}

tl::expected<void, std::string> ExecWorker::start() {
    ChildOrder order;
    order.argv = settings_.exec;
    order.environment = consumer_environment(settings_, surroundings_.hub_name());
    order.environment.push_back("WEFT_SETTINGS=" + settings_.settings_json);
    order.memory = settings_.memory;
    order.on_error_line = [errors = errors_](std::string_view line, bool cut) {
        errors->take(line, cut);
    };
    auto started = ChildProcess::start(std::move(order));
    if (!started) return tl::make_unexpected(started.error());
    const std::scoped_lock lock(mutex_);
    child_ = std::move(*started);
    answers_ = 0;
    return {};
}

void ExecWorker::give_up() noexcept {
    left_ = true;
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

Verdict ExecWorker::handle(const fabric::Message& message, unsigned attempt) {
    {
        const std::scoped_lock lock(mutex_);
        if (left()) return {Verdict::Is::left};
        busy_ = true;
    }
    Verdict verdict = handle_line(line_of(message, attempt, settings_.name), message.id());
    const std::scoped_lock lock(mutex_);
    busy_ = false;
    idle_.notify_all();
    return verdict;
}

Verdict ExecWorker::handle_line(const std::string& line, const fabric::MessageId& id) {
    const Instant deadline = steady_clock::now() + settings_.timeout;
    for (;;) {
        look_between();
        if (auto verdict = await_process(deadline)) return std::move(*verdict);
        const auto process = child();
        const ExchangeEnds ends{process->in(), process->out(), process->ended_fd(), wake_.get()};
        const Exchanged exchanged = exchange_line(ends, line, deadline, answer_bytes_max);
        switch (exchanged.is) {
            case Exchanged::Is::answered:
                return on_answer(exchanged.text, id);
            // The process has the message and may go on with it until stop(); nobody asks it again.
            case Exchanged::Is::woken:
                return {Verdict::Is::left};
            case Exchanged::Is::ended:
                break;
            default:
                return kill_and_retry(misbehaviour(exchanged, settings_.timeout));
        }
        // It has ended after an earlier answer, just when we wrote: the message is untouched.
        const bool again = exchanged.untouched && answers_ > 0;
        if (!again) return after_end(exchanged);
        forget_process();
    }
}

/// Notices what happened since the last message.
void ExecWorker::look_between() {
    const auto process = child();
    if (!process) return;
    if (const auto said = said_unasked(process->out())) {
        warn("wrote " + in_quotes(*said) +
             " although it was asked nothing; it is killed and started again");
        process->kill_now();
        forget_process();
    } else if (process->has_ended()) {
        forget_process();
    }
}

void ExecWorker::forget_process() {
    const auto process = child();
    process->kill_now();  // where it has not ended
    const auto end = process->ended();
    last_end_ = end ? end->sentence : "hangs in the kernel";
    errors_->finish();
    if (answers_ > 0) {
        barren_ = 0;
        not_before_ = {};
        if (end && !end->well) warn("its process " + last_end_);
    } else {
        const milliseconds pause = std::min(pause_most, pause_first * (1 << std::min(barren_, 7U)));
        ++barren_;
        not_before_ = steady_clock::now() + pause;
        warn("its process " + last_end_ +
             " without having answered anything; the next one starts " +
             config::duration_text(pause) + " later");
    }
    const std::scoped_lock lock(mutex_);
    child_.reset();
}

/// False if somebody gave up meanwhile.
bool ExecWorker::pause_until(Instant until) {
    while (!left() && steady_clock::now() < until) {
        pollfd woken{wake_.get(), POLLIN, 0};
        ::poll(&woken, 1, static_cast<int>(std::min(time_until(until), pause_most).count()));
    }
    return !left();
}

/// Nothing once a process runs.
std::optional<Verdict> ExecWorker::await_process(Instant deadline) {
    if (child()) return std::nullopt;
    if (!pause_until(std::min(not_before_, deadline))) return Verdict{Verdict::Is::left};
    if (steady_clock::now() >= deadline) {
        return Verdict{Verdict::Is::retry, "its process " + last_end_ +
                                               ", and is not started again before the timeout"};
    }
    if (const auto started = start(); !started) {
        not_before_ = steady_clock::now() + pause_first;
        return Verdict{Verdict::Is::retry, started.error()};
    }
    return std::nullopt;
}

Verdict ExecWorker::kill_and_retry(std::string reason) {
    warn(reason + "; it is killed");
    forget_process();
    return {Verdict::Is::retry, std::move(reason)};
}

Verdict ExecWorker::after_end(const Exchanged& exchanged) {
    forget_process();
    std::string reason = last_end_ + " before it answered";
    if (!exchanged.text.empty()) {
        reason += "; it had written " + in_quotes(exchanged.text) + " without a line break";
    }
    return {Verdict::Is::retry, std::move(reason)};
}

Verdict ExecWorker::on_answer(const std::string& text, const fabric::MessageId& id) {
    auto answer = parse_answer(text);
    if (!answer) return kill_and_retry(answer.error());
    ++answers_;
    if (auto* retry = std::get_if<AnswerRetry>(&*answer)) {
        return {Verdict::Is::retry, std::move(retry->reason)};
    }
    if (auto* drop = std::get_if<AnswerDrop>(&*answer)) {
        return {Verdict::Is::reject, std::move(drop->reason)};
    }
    if (const auto* messages = std::get_if<AnswerPublish>(&*answer)) return publish(*messages, id);
    return {};
}

Verdict ExecWorker::publish(const AnswerPublish& messages, const fabric::MessageId& id) {
    for (const AnswerMessage& message : messages) {
        if (left()) return {Verdict::Is::left};
        Wanted wanted{message.topic, message.body, message.content_type};
        wanted.headers.assign(message.headers.begin(), message.headers.end());
        wanted.durable = message.durable;
        if (const auto published = surroundings_.publish(wanted, id); !published) {
            return {Verdict::Is::retry, "its answer could not be published to " +
                                            in_quotes(message.topic) + ": " + published.error()};
        }
    }
    return {};
}

void ExecWorker::begin_stop(Instant deadline) {
    give_up();
    std::unique_lock lock(mutex_);
    const bool idle = idle_.wait_for(lock, time_until(deadline), [&] { return !busy_; });
    if (idle && child_) child_->close_in();
}

void ExecWorker::end_stop(Instant deadline) {
    const auto process = child();
    if (!process) return;
    if (!process->wait(time_until(deadline))) {
        warn("its process did not end after its stdin was closed; it is killed");
        process->kill_now();
    }
    errors_->finish();
}

}  // namespace weft::reliability::hub
