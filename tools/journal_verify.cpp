// weft journal verify: every signature, proof, id and checksum.

#include <fmt/format.h>

#include <chrono>
#include <cstdint>

#include "fabric/message/json_form.hpp"
#include "reliability/journal/journal_check.hpp"
#include "signing/refusal.hpp"
#include "tools/journal_command.hpp"
#include "tools/journal_parts.hpp"
#include "tools/progress.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

/// Shown one by one; the others are counted.
constexpr std::uint64_t problems_max = 100;

struct Flags {
    JournalFlags journal;
    bool json = false;
};

std::string ids_text(const reliability::JournalProblem& problem) {
    if (problem.first == problem.last) return "id " + std::to_string(problem.first);
    return "ids " + std::to_string(problem.first) + " to " + std::to_string(problem.last);
}

void show_problem(const reliability::JournalProblem& problem, bool json) {
    if (json) {
        fmt::print("{{\"problem\":{{\"first\":{},\"last\":{},\"sentence\":{}}}}}\n", problem.first,
                   problem.last, fabric::json_string(problem.sentence));
        return;
    }
    fmt::print("{}: {}\n", ids_text(problem), signing::escape(problem.sentence, 1000));
}

int verify(Context& context, const Flags& flags) {
    const auto trust = own_trust(context);
    const auto journal =
        open_own_journal(context, flags.journal, reliability::JournalAccess::read_only);
    const auto info = journal->info();
    StopSignal stop;
    Progress progress(info.head + 1 - info.low);
    std::uint64_t shown = 0;
    reliability::CheckHooks hooks;
    hooks.on_problem = [&](const reliability::JournalProblem& problem) {
        if (++shown > problems_max) return;
        progress.end();
        show_problem(problem, flags.json);
    };
    hooks.progress = [&](std::uint64_t done, std::uint64_t /*total*/) { progress.show(done); };
    hooks.stopped = [&] { return stop.requested(); };
    const auto start = std::chrono::steady_clock::now();
    const auto check = reliability::check_journal(*journal, trust, hooks);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    progress.end();
    if (stop.requested()) return std::max<int>(stop.exit_code(), exit_failed);
    if (flags.json) {
        fmt::print(
            "{{\"low\":{},\"head\":{},\"messages\":{},\"runs\":{},\"signatures\":{},\"expired\":{},"
            "\"revoked_later\":{},\"problems\":{},\"seconds\":{:.3f}}}\n",
            check.low, check.head, check.messages, check.runs, check.signatures_checked,
            check.expired, check.revoked_later, check.problems, seconds);
    } else {
        if (shown > problems_max) fmt::print("… and {} more\n", shown - problems_max);
        fmt::print(
            "{}: ids {} to {}, {} messages in {} runs, {} signatures, {} expired, {} whose signer "
            "was revoked later; {} problems; {:.1f} s ({:.0f} messages/s)\n",
            check.problems == 0 ? "good" : "NOT GOOD", check.low, check.head, check.messages,
            check.runs, check.signatures_checked, check.expired, check.revoked_later,
            check.problems, seconds, static_cast<double>(check.messages) / std::max(seconds, 1e-9));
    }
    return check.problems == 0 ? exit_done : exit_failed;
}

}  // namespace

void add_journal_verify(CLI::App& journal, Context& context) {
    CLI::App* command = journal.add_subcommand(
        "verify", "Check every signature, proof, id and checksum, and name what is wrong");
    auto flags = std::make_shared<Flags>();
    flags->journal.add_to(*command);
    command->add_flag("--json", flags->json, "One JSON object a line");
    command->footer(
        "Signers are judged by the time at which the journal stored each message: who was revoked\n"
        "later is counted, not refused. Exit 1 if anything is wrong. Also while it is served.\n"
        "Example:  weft journal verify");
    command->callback(
        [&context, flags] { context.run = [&context, flags] { return verify(context, *flags); }; });
}

}  // namespace weft::tools
