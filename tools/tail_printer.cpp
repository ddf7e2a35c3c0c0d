#include "tools/tail_printer.hpp"

#include "fabric/message/json_form.hpp"
#include "signing/sodium.hpp"
#include "tools/context.hpp"
#include "tools/terse.hpp"

namespace weft::tools {
namespace {

std::regex regex_of(const std::string& flag, const std::string& text) {
    try {
        return std::regex(text, std::regex::ECMAScript | std::regex::optimize);
    } catch (const std::regex_error&) {
        throw usage_error(flag + " '" + signing::escape(text, 80) +
                          "' is not a regular expression (ECMAScript syntax)");
    }
}

}  // namespace

TailPrinter::TailPrinter(const TailFlags& flags, StopSignal& stop) : flags_(flags), stop_(stop) {
    if (!flags.include.empty()) include_ = regex_of("--include", flags.include);
    if (!flags.exclude.empty()) exclude_ = regex_of("--exclude", flags.exclude);
}

bool TailPrinter::on_message(const fabric::Message& message,
                             std::optional<std::uint64_t> journal_id) {
    const std::scoped_lock lock(mutex_);
    if (done_) return false;
    if (flags_.raw) return on_raw(message);
    const std::string json = fabric::to_json(message, journal_id);
    if (include_ && !std::regex_search(json, *include_)) return false;
    if (exclude_ && std::regex_search(json, *exclude_)) return false;
    if (!flags_.query.empty()) {
        const auto part = fabric::query_json(json, flags_.query);
        return part && print(*part);
    }
    if (flags_.terse) return print(terse(message));
    return print(flags_.pretty ? pretty(json) : json);
}

void TailPrinter::on_refused(const fabric::RefusedMessage& refused) {
    const std::scoped_lock lock(mutex_);
    if (done_) return;
    const std::string reason{signing::name_of(refused.why.reason)};
    if (flags_.terse) {
        print("refused  " + signing::escape(refused.topic) + "  " + reason + ": " +
              std::string{signing::sentence_for(refused.why.reason)} +
              (refused.why.detail.empty() ? "" : " (" + refused.why.detail + ")"));
        return;
    }
    print("{\"refused\":" + fabric::json_string(reason) + ",\"topic\":" +
          fabric::json_string(refused.topic) + ",\"peer\":" + fabric::json_string(refused.peer) +
          ",\"reason\":" + fabric::json_string(signing::sentence_for(refused.why.reason)) +
          ",\"detail\":" + fabric::json_string(refused.why.detail) + "}");
}

void TailPrinter::on_gap(const fabric::Gap& gap) {
    const std::scoped_lock lock(mutex_);
    if (done_ || flags_.raw || flags_.terse || flags_.pretty) return;
    print("{\"gap\":{\"topic\":" + fabric::json_string(gap.topic) +
          ",\"signer\":" + fabric::json_string(gap.signer) +
          ",\"epoch\":" + std::to_string(gap.epoch) + ",\"from\":" + std::to_string(gap.from) +
          ",\"to\":" + std::to_string(gap.to) + ",\"count\":" + std::to_string(gap.count) + "}}");
}

void TailPrinter::on_gap(const reliability::JournalGap& gap) {
    const std::scoped_lock lock(mutex_);
    if (done_ || flags_.raw) return;
    const std::string lost = gap.lost ? std::to_string(*gap.lost) : "null";
    if (flags_.terse || flags_.pretty) {
        print(gap.lost
                  ? "gap  ids " + std::to_string(gap.from) + " to " + std::to_string(gap.to) +
                        ", " + lost + " lost"
                  : "gap  the place was one of another journal; what follows is this one, from "
                    "its beginning");
        return;
    }
    print("{\"gap\":{\"from\":" + std::to_string(gap.from) + ",\"to\":" + std::to_string(gap.to) +
          ",\"lost\":" + lost + "}}");
}

void TailPrinter::on_lost(const reliability::Lost& lost) {
    on_gap(fabric::Gap{lost.signer, lost.epoch, lost.topic, lost.from, lost.to, lost.count});
}

bool TailPrinter::on_raw(const fabric::Message& message) {
    if (message.run() == last_run_) return true;
    last_run_ = message.run();
    const fabric::RunBytes& run = *last_run_;
    return print("{\"topic\":\"" + signing::to_base64(run.topic) + "\",\"contents\":\"" +
                 signing::to_base64(run.contents) + "\",\"proof\":\"" +
                 signing::to_base64(run.proof) + "\"}");
}

bool TailPrinter::print(const std::string& line) {
    const bool written = writer_.write(line);
    ++printed_;
    // Whoever read our output may have gone: that is a reader's way to say enough.
    done_ = !written || (flags_.count > 0 && printed_ >= flags_.count);
    if (done_) stop_.stop_now();
    return written;
}

}  // namespace weft::tools
