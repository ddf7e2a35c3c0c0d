// What people read of an outcome: one line, or a table.
#include <algorithm>
#include <array>
#include <cstdio>

#include "reliability/ack/outcome.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability {
namespace {

using State = RecipientAnswer::State;
using Verdict = Outcome::Verdict;

/// More names than this are counted instead of shown, in a sentence.
constexpr std::size_t names_shown_max = 8;
constexpr std::size_t reason_shown_max = 120;

/// "850 us", "1.2 ms", "300 ms", "3.0 s", "5.0 min": two or three digits that matter.
std::string span_text(std::chrono::microseconds span) {
    const auto us = static_cast<double>(std::max<std::int64_t>(span.count(), 0));
    const auto text = [](const char* format, double number) {
        std::array<char, 48> out{};
        std::snprintf(out.data(), out.size(), format, number);
        return std::string(out.data());
    };
    if (us < 1e3) return text("%.0f us", us);
    if (us < 99.95e3) return text("%.1f ms", us / 1e3);
    if (us < 999.5e3) return text("%.0f ms", us / 1e3);
    if (us < 119.95e6) return text("%.1f s", us / 1e6);
    if (us < 7197e6) return text("%.1f min", us / 60e6);
    return text("%.1f h", us / 3600e6);
}

std::uint64_t ignored_count(const RecipientAnswer& answer) {
    const auto& ignored = answer.ignored;
    return std::uint64_t{ignored.wrong_signer} + ignored.wrong_bytes + ignored.wrong_role +
           ignored.refused;
}

/// "2 ACKs in its name did not count: signed by c", or nothing.
std::string ignored_text(const RecipientAnswer& answer) {
    const std::uint64_t count = ignored_count(answer);
    if (count == 0) return {};
    std::string text = std::to_string(count) + (count == 1 ? " ACK in its name did not count"
                                                           : " ACKs in its name did not count");
    if (!answer.ignored.last.empty()) {
        text += (count == 1 ? ": " : ", the last: ") + answer.ignored.last;
    }
    return text;
}

/// "processed it after 1.2 ms"
std::string answer_text(const RecipientAnswer& answer, AckLevel asked) {
    const std::string after = " after " + span_text(answer.after);
    const std::string ignored = ignored_text(answer);
    switch (answer.state) {
        case State::acknowledged:
            return std::string(name_of(answer.level.value_or(asked))) + " it" + after;
        case State::rejected:
            return "rejected it" + after +
                   (answer.reason.empty()
                        ? std::string(" without a reason")
                        : " (" + signing::escape(answer.reason, reason_shown_max) + ")");
        case State::unknown:
            break;
    }
    std::string text;
    if (answer.level) {
        text = "said only \"" + std::string(name_of(*answer.level)) + "\"" + after +
               " (unknown: it may have " + std::string(name_of(asked)) + " it or not";
    } else {
        text = "did not answer (unknown: it may have the message or not";
    }
    return text + (ignored.empty() ? "" : "; " + ignored) + ")";
}

/// What decided comes first.
int place_of(State state, Verdict verdict) {
    if (verdict == Verdict::acknowledged) return state == State::acknowledged ? 0 : 1;
    if (state == State::acknowledged) return 2;
    return (state == State::rejected) == (verdict == Verdict::rejected) ? 0 : 1;
}

std::string rest_text(const std::vector<const RecipientAnswer*>& order) {
    std::array<std::size_t, 3> counts{};
    for (std::size_t i = names_shown_max; i < order.size(); ++i) {
        ++counts.at(static_cast<std::size_t>(order[i]->state));
    }
    std::string text;
    const auto add = [&](State state, const char* did) {
        const std::size_t count = counts.at(static_cast<std::size_t>(state));
        if (count > 0) text += "; " + std::to_string(count) + " more " + did;
    };
    add(State::rejected, "rejected it");
    add(State::unknown, "are unknown");
    add(State::acknowledged, "acknowledged it");
    return text;
}

std::string subject_text(const Outcome::About& about) {
    if (about.topic.empty()) return "a message that had not been sent yet";
    return signing::escape(about.topic, 255) + " " + about.id.text();
}

std::string verdict_text(const Outcome& outcome) {
    const Outcome::About& about = outcome.about();
    const std::string whom = signing::escape(about.recipients);
    const std::string elapsed = " after " + span_text(about.elapsed);
    switch (outcome.verdict()) {
        case Verdict::acknowledged:
            return " was acknowledged by " + whom + elapsed;
        case Verdict::rejected:
            return " cannot be acknowledged by " + whom + " any more";
        case Verdict::aborted:
            return " was not acknowledged by " + whom + " when its publisher was closed" + elapsed;
        case Verdict::unknown:
            break;
    }
    return " was not acknowledged by " + whom + " within " + span_text(about.timeout);
}

struct Row {
    std::string name, did, after, why;
};

Row row_of(const RecipientAnswer& answer, AckLevel asked) {
    Row row{signing::escape(answer.name, 255), "did not answer", "", "unknown whether it has it"};
    const std::string ignored = ignored_text(answer);
    if (answer.state != State::unknown || answer.level) row.after = span_text(answer.after);
    if (answer.state == State::acknowledged) {
        row.did = name_of(answer.level.value_or(asked));
        row.why.clear();
    } else if (answer.state == State::rejected) {
        row.did = "rejected";
        row.why = signing::escape(answer.reason, reason_shown_max);
    } else if (answer.level) {
        row.did = "only " + std::string(name_of(*answer.level));
        row.why = "unknown whether it has " + std::string(name_of(asked)) + " it";
    }
    if (!ignored.empty()) row.why += (row.why.empty() ? "" : "; ") + ignored;
    return row;
}

}  // namespace

std::string Outcome::sentence() const {
    std::vector<const RecipientAnswer*> order;
    for (const RecipientAnswer& answer : answers_) order.push_back(&answer);
    std::stable_sort(order.begin(), order.end(), [&](const auto* one, const auto* other) {
        return place_of(one->state, verdict_) < place_of(other->state, verdict_);
    });

    std::string text = subject_text(about_) + verdict_text(*this);
    const std::size_t shown = std::min(order.size(), names_shown_max);
    for (std::size_t i = 0; i < shown; ++i) {
        text += i == 0 ? ": " : "; ";
        text += signing::escape(order[i]->name) + " " + answer_text(*order[i], about_.level);
    }
    return text + rest_text(order);
}

std::string Outcome::table() const {
    std::vector<Row> rows;
    std::array<std::size_t, 3> widths{};
    for (const RecipientAnswer& answer : answers_) {
        const Row& row = rows.emplace_back(row_of(answer, about_.level));
        widths[0] = std::max(widths[0], row.name.size());
        widths[1] = std::max(widths[1], row.did.size());
        widths[2] = std::max(widths[2], row.after.size());
    }
    std::string text;
    for (const Row& row : rows) {
        std::string line = row.name + std::string(widths[0] - row.name.size() + 2, ' ');
        line += row.did + std::string(widths[1] - row.did.size() + 2, ' ');
        // Times stand to the right of their column, so that they compare at a glance.
        line += std::string(widths[2] - row.after.size(), ' ') + row.after + "  " + row.why;
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

}  // namespace weft::reliability
