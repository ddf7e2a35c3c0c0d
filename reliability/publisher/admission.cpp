// What a publish needs before it begins: recipients that make sense, a wait that is possible, and
// a way for ACKs to come.
#include <algorithm>

#include "reliability/publisher/core.hpp"
#include "signing/overdue.hpp"

namespace weft::reliability {
namespace {

using fabric::Instant;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using Reason = PublishFailure::Reason;

constexpr std::size_t parsed_recipients_max = 1024;
/// Who closes us while a first publish waits to be ready does not wait longer than this.
constexpr milliseconds ready_slice{100};

}  // namespace

tl::unexpected<PublishFailure> failed(Reason reason, std::string sentence) {
    return tl::make_unexpected(PublishFailure{reason, std::move(sentence), {}, {}, false});
}

tl::expected<std::shared_ptr<const Recipients>, PublishFailure> ReliablePublisher::Core::parse(
    const std::string& text) {
    const std::scoped_lock lock(parse_mutex);
    if (const auto found = parsed.find(text); found != parsed.end()) return found->second;
    auto recipients = Recipients::parse(text, settings.groups);
    if (!recipients) return failed(Reason::invalid_request, recipients.error());
    auto shared = std::make_shared<const Recipients>(std::move(*recipients));
    if (parsed.size() >= parsed_recipients_max) parsed.clear();
    parsed.emplace(text, shared);
    return shared;
}

tl::expected<ReliablePublisher::Core::Wanted, PublishFailure> ReliablePublisher::Core::wanted(
    const ReliableOptions& options) {
    std::string text = options.recipients.text();
    AckLevel level = options.level;
    if (options.durable) {
        if (!text.empty()) {
            return failed(Reason::invalid_request,
                          "durable and recipients at once: a journal stores and the others do "
                          "not, so publish either durable, or to recipients; or name the "
                          "journals as recipients with the level `stored`");
        }
        if (settings.journals.empty()) {
            return failed(Reason::invalid_request,
                          "durable needs a journal: set `reliability.journals` to the names on "
                          "the certificates of the fabric's journals, such as [journal.host1]");
        }
        text = "any(" + Who::joined(settings.journals) + ")";
        level = AckLevel::stored;
    }
    auto recipients = parse(text);
    if (!recipients) return tl::make_unexpected(std::move(recipients.error()));
    return Wanted{std::move(*recipients), level};
}

std::string ReliablePublisher::Core::impossible() const {
    if (!publisher.identity()) {
        return "signing.sign is off: recipients acknowledge signed messages only";
    }
    if (!fabric.trust()) {
        return "signing.validate is off: an acknowledgement that nobody verifies proves "
               "nothing";
    }
    const auto now = static_cast<signing::UtcSeconds>(clock.utc_us() / 1'000'000);
    return signing::overdue_list(*fabric.trust()->current(), now).value_or("");
}

tl::unexpected<PublishFailure> ReliablePublisher::Core::is_closed() {
    return failed(Reason::not_published, "the publisher has been closed: nothing was published");
}

std::string ReliablePublisher::Core::unreachable(milliseconds waited) const {
    const bool relay = fabric.settings().mode == fabric::Settings::Mode::relay;
    const std::string who = relay ? "the relay at " + fabric.settings().relay_outbound.text()
                                  : "no peer of fabric.endpoints, and no relay,";
    return "no acknowledgement could reach us: " + who +
           (relay ? " did not answer within " : " answered within ") +
           std::to_string(waited.count()) + " ms" + (relay ? " (is `weft relay` running?)" : "");
}

tl::expected<void, PublishFailure> ReliablePublisher::Core::await_ready(Instant start,
                                                                        Instant deadline) {
    if (ready.load(std::memory_order_acquire)) return {};
    while (true) {
        const auto left = duration_cast<milliseconds>(deadline - clock.steady());
        const auto result = subscriber->wait_ready(std::clamp(left, milliseconds{0}, ready_slice));
        if (result.ready || result.answered > 0) {
            ready.store(true, std::memory_order_release);
            return {};
        }
        if (closed) return is_closed();
        if (left <= ready_slice) {
            return failed(Reason::not_ready,
                          unreachable(duration_cast<milliseconds>(deadline - start)) +
                              ". Nothing was published");
        }
    }
}

tl::expected<microseconds, PublishFailure> ReliablePublisher::Core::timeout_of(
    const ReliableOptions& options) const {
    const milliseconds timeout = options.ack_timeout.value_or(settings.ack_timeout);
    // In milliseconds: the longest of those would not fit into microseconds.
    if (timeout > milliseconds{0} && timeout <= duration_cast<milliseconds>(ack_timeout_max)) {
        return microseconds{timeout};
    }
    return failed(Reason::invalid_request,
                  "an ack_timeout of " + std::to_string(timeout.count()) +
                      " ms is not possible: it must be more than 0 and at most 24h");
}

}  // namespace weft::reliability
