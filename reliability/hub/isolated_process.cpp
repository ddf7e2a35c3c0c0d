#include "reliability/hub/isolated_process.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <type_traits>
#include <utility>

#include "fabric/message/codec.hpp"
#include "reliability/hub/plugin_host.hpp"
#include "reliability/hub/program_environment.hpp"

namespace weft::reliability::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A process that closed the socket, or was told to stop reading, ends by itself within this.
constexpr milliseconds exit_patience{1'000};
/// What one process says at its end is read so many times 64 KiB far.
constexpr int last_reads_max = 64;
constexpr std::size_t reason_bytes_max = 2'000;

std::string text_of(milliseconds time) {
    return std::to_string(time.count()) + " ms";
}

bool would_block() {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

ChildOrder order_of(const ConsumerSettings& settings, Surroundings& surroundings,
                    const std::string& program) {
    ChildOrder order;
    order.argv = {program, "hub-plugin"};
    order.environment = consumer_environment(settings, surroundings.hub_name());
    order.memory = settings.memory;
    order.extra_socket = true;
    order.on_error_line = [&surroundings, name = settings.name](std::string_view line, bool cut) {
        log_line(surroundings, Surroundings::Level::warning, name, line, cut);
    };
    return order;
}

frames::Deliver deliver_of(const fabric::Message& message, unsigned attempt) {
    frames::Deliver said;
    said.topic = message.topic();
    said.content = message.content();
    if (message.certificate()) said.certificate = message.certificate()->bytes();
    said.verified = message.verified();
    said.replayed = message.replayed();
    said.journal_id = message.journal_id();
    said.attempt = attempt;
    return said;
}

}  // namespace

tl::expected<std::unique_ptr<IsolatedProcess>, std::string> IsolatedProcess::start(
    const ConsumerSettings& settings, Surroundings& surroundings, const std::string& program) {
    std::unique_ptr<IsolatedProcess> made(new IsolatedProcess(settings, surroundings));
    if (!made->interrupt_.is_open() || !made->socket_.is_open()) {
        return tl::make_unexpected("no descriptor is left for an eventfd");
    }
    auto child = ChildProcess::start(order_of(settings, surroundings, program));
    if (!child) return tl::make_unexpected("its process does not start: " + child.error());
    made->child_ = *std::move(child);
    made->child_->close_in();
    made->socket_.follow(made->child_->extra());
    const std::string plugin = settings.plugin.string();
    if (!made->post(frames::Start{plugin, settings.name, surroundings.hub_name(),
                                  settings.settings_json})) {
        return tl::make_unexpected("its settings are too large: at most " +
                                   std::to_string(frames::frame_bytes_max) + " bytes");
    }
    made->thread_ = std::thread([process = made.get()] { process->follow(); });
    return made;
}

IsolatedProcess::IsolatedProcess(const ConsumerSettings& settings, Surroundings& surroundings)
    : name_(settings.name),
      timeout_(settings.timeout),
      surroundings_(surroundings),
      start_deadline_(steady_clock::now() + std::max(settings.timeout, start_patience_min)),
      interrupt_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      output_(PluginHost::line_bytes_max, [this](std::string_view line, bool cut) {
          log_line(surroundings_, Surroundings::Level::info, name_, line, cut);
      }) {}

IsolatedProcess::~IsolatedProcess() {
    if (!thread_.joinable()) return;
    {
        const std::scoped_lock lock(mutex_);
        leaving_ = true;
    }
    kill("the hub does not need it any more");
    thread_.join();
}

/// False if it would be longer than a frame may be.
bool IsolatedProcess::post(const frames::ToProcess& said) {
    const auto frame = frames::encode(said);
    if (frame) socket_.send(*frame);
    return frame.has_value();
}

IsolatedProcess::Waited IsolatedProcess::wait_ready(Instant deadline) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [&] { return ready_ || over() || interrupted_; });
    if (over()) return Waited::ended;
    if (interrupted_) return Waited::interrupted;
    return ready_ ? Waited::ready : Waited::too_late;
}

Verdict IsolatedProcess::handle(const fabric::Message& message, unsigned attempt,
                                Instant deadline) {
    frames::Deliver said = deliver_of(message, attempt);
    said.number = number_ + 1;
    const auto frame = frames::encode(said);
    if (!frame) {
        return {Verdict::Is::reject, "the message is too large for a plugin with isolate: true"};
    }
    {
        const std::scoped_lock lock(mutex_);
        number_ = said.number;
        current_ = message.id();
        verdict_.reset();
    }
    const bool reads = socket_.take();
    socket_.send(*frame);
    if (reads) await_verdict(deadline);
    // Where the thread reads, it wakes us; else there is nothing left to wait for.
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [&] { return verdict_ || ended_ || interrupted_; });
    if (verdict_) {
        current_.reset();
        return *std::exchange(verdict_, std::nullopt);
    }
    if (ended_)
        return {Verdict::Is::retry, problem_ + " before it said what became of the message"};
    if (interrupted_) {
        lock.unlock();
        kill("the message was given up");
        return {Verdict::Is::left, "it was given up"};
    }
    lock.unlock();
    const std::string why = "it had the message for longer than timeout: " + text_of(timeout_);
    kill(why);
    return {Verdict::Is::retry, why + ", so its process was killed"};
}

/// Reads until the verdict has come or the rest is the thread's: its turn begins when this returns.
void IsolatedProcess::await_verdict(Instant deadline) {
    for (;;) {
        std::array<pollfd, 3> fds{{{child_->extra(), POLLIN, 0},
                                   {child_->ended_fd(), POLLIN, 0},
                                   {interrupt_.get(), POLLIN, 0}}};
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
        if (left <= 0) return socket_.give_back();
        const int ready =
            ::poll(fds.data(), fds.size(), static_cast<int>(std::min<std::int64_t>(left, 60'000)));
        if (ready <= 0) continue;
        if (fds[2].revents != 0) return socket_.give_back();
        if (fds[0].revents == 0) return socket_.give_back();  // it has ended
        if (!hear()) return;
    }
}

/// What the process says to the worker. False: the turn was given back.
bool IsolatedProcess::hear() {
    switch (socket_.read()) {
        case PluginSocket::Got::nothing:
            return true;
        case PluginSocket::Got::end:
            socket_.give_up();
            return false;
        case PluginSocket::Got::something:
            break;
    }
    for (;;) {
        auto payload = socket_.next();
        if (payload && !payload->has_value()) break;
        const auto said = payload ? frames::decode_to_hub(**payload)
                                  : tl::make_unexpected(std::move(payload).error());
        if (said && std::holds_alternative<frames::Publish>(*said)) {
            socket_.give_back_with(**std::move(payload));
            return false;
        }
        if (said && obey(*said)) continue;
        kill_for(said);
        socket_.give_up();
        return false;
    }
    {
        const std::scoped_lock lock(mutex_);
        if (!verdict_) return true;
    }
    socket_.give_back();
    return false;
}

void IsolatedProcess::interrupt() {
    const std::scoped_lock lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
    const std::uint64_t one = 1;
    static_cast<void>(!::write(interrupt_.get(), &one, sizeof one));
}

void IsolatedProcess::ask_to_stop() {
    {
        const std::scoped_lock lock(mutex_);
        if (std::exchange(stopping_, true)) return;
    }
    static_cast<void>(post(frames::Stop{}));
}

bool IsolatedProcess::wait_end(Instant deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline, [&] { return ended_; });
}

void IsolatedProcess::kill(const std::string& why) {
    {
        const std::scoped_lock lock(mutex_);
        if (ended_) return;
        if (killed_.empty()) killed_ = why;
    }
    child_->kill_now();
}

bool IsolatedProcess::over() const {
    return ended_ || !killed_.empty();
}

bool IsolatedProcess::has_ended() const {
    const std::scoped_lock lock(mutex_);
    return over();
}

bool IsolatedProcess::is_concluded() const {
    const std::scoped_lock lock(mutex_);
    return ended_;
}

std::string IsolatedProcess::problem() const {
    const std::scoped_lock lock(mutex_);
    return ended_ || killed_.empty() ? problem_ : killed_sentence();
}

std::string IsolatedProcess::killed_sentence() const {
    return "its process was killed because " + killed_;
}

// What follows is the work of the thread.

void IsolatedProcess::follow() {
    bool output_open = true;
    for (bool good = true; good && !child_->has_ended();) {
        std::array<pollfd, 3> fds{{{socket_.watch_fd(), POLLIN, 0},
                                   {output_open ? child_->out() : -1, POLLIN, 0},
                                   {child_->ended_fd(), POLLIN, 0}}};
        ::poll(fds.data(), fds.size(), pause_ms());
        if (fds[0].revents != 0 && socket_.watch()) {
            good = read_socket();
            socket_.watched();
        }
        good = good && !socket_.is_over();
        if (fds[1].revents != 0) output_open = read_output();
        if (pause_ms() == 0) {
            kill("it was not ready after " + text_of(std::max(timeout_, start_patience_min)) +
                 " of loading and start()");
        }
    }
    conclude();
}

/// Until the start's deadline, -1 where it does not matter any more.
int IsolatedProcess::pause_ms() const {
    const std::scoped_lock lock(mutex_);
    if (ready_ || !failed_.empty() || stopping_ || !killed_.empty()) return -1;
    const auto left =
        std::chrono::ceil<milliseconds>(start_deadline_ - steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

/// False at the end of the stream, or where it cannot be followed.
bool IsolatedProcess::read_socket() {
    if (!obey_all()) return false;  // what the worker left
    switch (socket_.read()) {
        case PluginSocket::Got::nothing:
            return true;
        case PluginSocket::Got::end:
            return false;
        case PluginSocket::Got::something:
            break;
    }
    return obey_all();
}

/// False if there was something that nobody may send.
bool IsolatedProcess::obey_all() {
    for (;;) {
        const auto payload = socket_.next();
        if (payload && !payload->has_value()) return true;
        const auto said =
            payload ? frames::decode_to_hub(**payload) : tl::make_unexpected(payload.error());
        if (said && obey(*said)) continue;
        kill_for(said);
        return false;
    }
}

void IsolatedProcess::kill_for(const tl::expected<frames::ToHub, std::string>& said) {
    kill("it sent what nobody may send: " + (said ? "a frame out of place" : said.error()));
}

/// False at the end of the stream.
bool IsolatedProcess::read_output() {
    std::array<char, 65'536> bytes;
    const ssize_t got = ::read(child_->out(), bytes.data(), bytes.size());
    if (got > 0) output_.take({bytes.data(), static_cast<std::size_t>(got)});
    return got > 0 || (got < 0 && would_block());
}

bool IsolatedProcess::obey(const frames::ToHub& said) {
    return std::visit([&](const auto& one) { return obey_one(one); }, said);
}

bool IsolatedProcess::obey_one(const frames::Started&) {
    const std::scoped_lock lock(mutex_);
    changed_.notify_all();
    return !std::exchange(ready_, true);
}

bool IsolatedProcess::obey_one(const frames::Failed& said) {
    const std::scoped_lock lock(mutex_);
    if (ready_) return false;
    failed_ = said.text.substr(0, reason_bytes_max);
    return true;
}

bool IsolatedProcess::obey_one(const frames::Publish& said) {
    Wanted wanted;
    wanted.topic = said.topic;
    wanted.body = said.body;
    wanted.content_type = said.content_type;
    wanted.headers = said.headers;
    wanted.durable = said.durable;
    fabric::MessageId parent;
    {
        const std::scoped_lock lock(mutex_);
        if (said.caused && current_) parent = *current_;
    }
    const auto id = surroundings_.publish(wanted, parent);
    const std::string_view answer = id ? id->bytes() : std::string_view{id.error()};
    return post(frames::Answer{said.number, id.has_value(), answer.substr(0, reason_bytes_max)});
}

bool IsolatedProcess::obey_one(const frames::Log& said) {
    log_lines(surroundings_, static_cast<Surroundings::Level>(said.level), name_, said.line);
    return true;
}

bool IsolatedProcess::obey_one(const frames::Judged& said) {
    const std::scoped_lock lock(mutex_);
    if (!ready_ || said.number != number_ || verdict_) return false;
    verdict_ = Verdict{static_cast<Verdict::Is>(said.is),
                       std::string{said.reason.substr(0, reason_bytes_max)}};
    changed_.notify_all();
    return true;
}

void IsolatedProcess::conclude() {
    // It closes the socket before it has exited.
    child_->wait(exit_patience);
    if (!child_->has_ended()) kill("it closed its socket and went on");
    // Its last words; a verdict that it gave before it died counts.
    socket_.take_for_good();
    for (int reads = 0; reads < last_reads_max && read_socket(); ++reads) {
        pollfd more{child_->extra(), POLLIN, 0};
        if (::poll(&more, 1, 0) <= 0) break;
    }
    for (int reads = 0; reads < last_reads_max; ++reads) {
        pollfd more{child_->out(), POLLIN, 0};
        if (::poll(&more, 1, 0) <= 0 || !read_output()) break;
    }
    output_.finish();
    const auto end = child_->ended();
    bool surprise = false;
    std::string problem;
    {
        const std::scoped_lock lock(mutex_);
        if (!failed_.empty()) {
            problem = failed_;
        } else if (!killed_.empty()) {
            problem = killed_sentence();
        } else {
            problem = "its process " + (end ? end->sentence : "hangs in the kernel");
        }
        surprise = ready_ && !stopping_ && !leaving_ && !current_;
        problem_ = problem;
        ended_ = true;
        changed_.notify_all();
    }
    if (surprise) {
        surroundings_.log(Surroundings::Level::warning, name_,
                          problem + ", while it had no message");
    }
}

}  // namespace weft::reliability::hub
