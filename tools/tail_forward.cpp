#include "tools/tail_forward.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/delivery/address_guard.hpp"
#include "gateway/delivery/curl_sender.hpp"
#include "gateway/webhooks/details.hpp"
#include "signing/refusal.hpp"
#include "tools/context.hpp"
#include "tools/standard_output.hpp"

namespace weft::tools {
namespace {

using fabric::Value;
using gateway::StoredEvent;
using gateway::delivery::SendResult;
using std::chrono::milliseconds;

constexpr std::array<milliseconds, TailForward::attempts_max - 1> pauses{
    milliseconds{200}, milliseconds{1000}, milliseconds{5000}};

gateway::webhooks::Details details_of(const ForwardFlags& flags) {
    gateway::webhooks::Details details;
    auto keys =
        tl::expected<gateway::webhooks::Keys, std::string>(gateway::webhooks::Keys::generate());
    if (!flags.secret.empty()) keys = gateway::webhooks::Keys::with_secret(flags.secret);
    if (!keys) throw usage_error("--secret: " + keys.error());
    details.keys.push_back(std::move(*keys));
    if (flags.format.empty()) return details;
    const auto format = gateway::webhooks::format_named(flags.format);
    if (!format) {
        throw usage_error(
            "--forward-format: cloudevents-binary, cloudevents-structured, cloudevents-batch or "
            "weft");
    }
    details.format = *format;
    return details;
}

std::unique_ptr<gateway::delivery::Sender> open_sender(const std::string& url) {
    // It is the developer's own choice where their own messages go: this machine is what it is for.
    auto guard = gateway::delivery::AddressGuard::make(true, {"127.0.0.0/8", "::1/128"});
    if (!guard) throw failure(guard.error());
    if (const std::string wrong = guard->form_error(url); !wrong.empty()) {
        throw usage_error("--forward: " + wrong);
    }
    auto sender = gateway::delivery::CurlSender::open({}, std::move(*guard));
    if (!sender) throw failure(sender.error());
    return std::move(*sender);
}

bool succeeded(const SendResult& result) {
    return result.status >= 200 && result.status < 300;
}

}  // namespace

TailForward::TailForward(const ForwardFlags& flags, StopSignal& stop)
    : flags_(flags), stop_signal_(stop) {
    const auto details = details_of(flags_);
    subscription_.id = "forward";
    subscription_.kind = gateway::webhooks::kind;
    subscription_.url = flags_.url;
    subscription_.details = details.json();
    sender_ = open_sender(flags_.url);
    const auto& keys = details.keys.front();
    if (flags_.json) {
        write_out(fabric::to_json(Value(
                      Value::Map{{"secret", keys.secret}, {"public_key", keys.public_key()}})) +
                  "\n");
    } else {
        write_out("secret      " + keys.secret + "\npublic key  " + keys.public_key() + "\n");
    }
    thread_ = std::thread([this] { run(); });
}

TailForward::~TailForward() {
    stop();
}

void TailForward::stop() {
    {
        const std::scoped_lock lock(mutex_);
        stopped_ = true;
        changed_.notify_all();
    }
    sender_->stop();
    if (thread_.joinable()) thread_.join();
}

bool TailForward::on_message(const fabric::Message& message,
                             std::optional<std::uint64_t> journal_id) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || queue_.size() < queue_max; });
    if (stopped_) return false;
    queue_.push_back({journal_id.value_or(0), message.time_us(), message, false});
    changed_.notify_all();
    return true;
}

void TailForward::on_gap(const reliability::JournalGap& gap) {
    Context::warn("ids " + std::to_string(gap.from) + " to " + std::to_string(gap.to) +
                  " are not in the journal any more: they are not forwarded");
}

void TailForward::run() {
    for (;;) {
        std::optional<StoredEvent> event;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] { return stopped_ || !queue_.empty(); });
            if (stopped_) return;
            event = std::move(queue_.front());
            queue_.pop_front();
            changed_.notify_all();
        }
        deliver(*event);
        if (flags_.count != 0 && delivered_ + failed_ >= flags_.count) {
            return stop_signal_.stop_now();
        }
    }
}

void TailForward::deliver(const StoredEvent& event) {
    for (std::uint64_t number = 1; number <= attempts_max; ++number) {
        const SendResult result = attempt(event, number);
        if (result.cancelled) return;
        say(event, result, number);
        if (succeeded(result)) {
            ++delivered_;
            return;
        }
        if (number < attempts_max && !pause(pauses[number - 1])) return;
    }
    ++failed_;
}

SendResult TailForward::attempt(const StoredEvent& event, std::uint64_t number) {
    const std::string delivery = event.message.id().text();
    auto request = presenter_.request(subscription_, {&event, 1},
                                      {delivery, number, fabric::SystemClock{}.utc_us()});
    struct Answer {
        std::mutex mutex;
        std::condition_variable given;
        std::optional<SendResult> result;
    };
    const auto answer = std::make_shared<Answer>();
    static_cast<void>(
        sender_->send({flags_.url, std::move(request.headers), std::move(request.body)},
                      [answer](SendResult result) {
                          const std::scoped_lock lock(answer->mutex);
                          answer->result = std::move(result);
                          answer->given.notify_all();
                      }));
    std::unique_lock lock(answer->mutex);
    answer->given.wait(lock, [&] { return answer->result.has_value(); });
    return std::move(*answer->result);
}

bool TailForward::pause(milliseconds span) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, span, [&] { return stopped_; });
}

void TailForward::say(const StoredEvent& event, const SendResult& result, std::uint64_t number) {
    const double took_ms = static_cast<double>(result.took.count()) / 1000;
    std::string line;
    if (flags_.json) {
        line = fabric::to_json(Value(Value::Map{{"id", event.message.id().text()},
                                                {"topic", event.message.topic()},
                                                {"attempt", number},
                                                {"status", result.status},
                                                {"took_ms", took_ms},
                                                {"error", result.error}}));
    } else {
        line =
            fmt::format("{}  {:.1f} ms  {}  {}",
                        result.status == 0 ? std::string{"---"} : std::to_string(result.status),
                        took_ms, signing::escape(event.message.topic()), event.message.id().text());
        if (!result.error.empty()) line += "  " + signing::escape(result.error);
        if (!succeeded(result) && number < attempts_max) {
            line += fmt::format("  again in {} ms", pauses[number - 1].count());
        }
    }
    if (!writer_.write(line)) stop_signal_.stop_now();
}

}  // namespace weft::tools
