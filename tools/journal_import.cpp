// weft journal import: takes what `export --format frames` wrote into the journal of this host.

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iostream>
#include <optional>
#include <utility>

#include "fabric/message/json_form.hpp"
#include "fabric/transport/clock.hpp"
#include "reliability/journal/stored_verifier.hpp"
#include "signing/proof.hpp"
#include "signing/refusal.hpp"
#include "signing/sodium.hpp"
#include "tools/journal_command.hpp"
#include "tools/journal_parts.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

/// Runs that were stored at the same time are stored together.
constexpr std::size_t together_max = 1024;
/// A run of the largest frames in base64, and some more.
constexpr std::size_t line_bytes_max = std::size_t{16} << 20;

/// The time at which what is imported was stored: signers are judged by it, also later.
class ImportClock final : public fabric::Clock {
public:
    [[nodiscard]] fabric::Instant steady() const noexcept override { return system_.steady(); }
    [[nodiscard]] std::uint64_t utc_us() const noexcept override { return utc_us_; }
    void set(std::uint64_t utc_us) { utc_us_ = utc_us; }

private:
    fabric::SystemClock system_;
    std::atomic<std::uint64_t> utc_us_{0};
};

struct Line {
    std::uint64_t stored_us = 0;
    std::string topic, contents, proof;
};

/// Nothing: it is not what export writes.
std::optional<Line> read_line(const std::string& text) {
    const auto json = fabric::from_json(text);
    if (!json) return std::nullopt;
    Line line;
    const std::int64_t stored = (*json)["stored_us"].integer_or(0);
    if (stored <= 0) return std::nullopt;
    line.stored_us = static_cast<std::uint64_t>(stored);
    for (const auto& [key, part] :
         {std::pair{"topic", &line.topic}, std::pair{"contents", &line.contents},
          std::pair{"proof", &line.proof}}) {
        auto bytes = signing::from_base64((*json)[key].text_or(""));
        if (!bytes) return std::nullopt;
        *part = std::move(*bytes);
    }
    return line;
}

class Importer {
public:
    Importer(Context& context, const JournalFlags& flags, std::string input)
        : input_(std::move(input)), verifier_(own_trust(context)) {
        auto settings = reliability_settings(context).journal;
        if (!flags.path.empty()) settings.path = flags.path;
        auto journal =
            reliability::open_journal(settings, reliability::JournalAccess::write, &clock_);
        if (!journal) throw failure(journal.error().sentence);
        journal_ = std::move(*journal);
        if (input_ == "-") return;
        file_.open(input_, std::ios::binary);
        if (!file_) throw usage_error(input_ + ": cannot be read");
    }

    int run() {
        std::istream& in = input_ == "-" ? std::cin : file_;
        StopSignal stop;
        std::string text;
        while (!stop.requested() && std::getline(in, text)) {
            ++line_;
            if (text.size() > line_bytes_max) throw failure(where() + ": the line is too long");
            take(text);
        }
        store();
        Context::info("imported " + std::to_string(imported_) + " messages; " +
                      std::to_string(there_) + " were there already, " + std::to_string(refused_) +
                      " lines are not believed");
        if (stop.requested()) return std::max<int>(stop.exit_code(), exit_failed);
        return refused_ == 0 ? exit_done : exit_failed;
    }

private:
    [[nodiscard]] std::string where() const {
        return (input_ == "-" ? "standard input" : input_) + ":" + std::to_string(line_);
    }

    void take(const std::string& text) {
        const auto line = read_line(text);
        if (!line) {
            throw failure(where() +
                          ": this is not a line of `weft journal export --format frames`; nothing "
                          "from it on was imported");
        }
        if (line->stored_us != stored_us_ || runs_.size() >= together_max) store();
        stored_us_ = line->stored_us;
        reliability::RunToStore run{line->topic, line->contents, line->proof, {}, {}};
        if (verified(*line, run)) runs_.push_back(std::move(run));
    }

    /// False: it is not believed, or is there already.
    bool verified(const Line& line, reliability::RunToStore& run) {
        reliability::StoredRun stored;
        stored.first = stored.from = 1;
        stored.last = stored.to =
            std::max<std::uint64_t>(reliability::present_items(line.contents), 1);
        stored.stored_us = line.stored_us;
        stored.topic = line.topic;
        stored.contents = line.contents;
        stored.proof = line.proof;
        bool good = true, is_there = false;
        verifier_.verify(
            stored, nullptr,
            [&](const reliability::VerifiedMessage& given) {
                const fabric::Message& message = given.message;
                run.signer = message.signer();
                run.messages.push_back({message.id(),
                                        message.parent().value_or(fabric::MessageId{}),
                                        message.epoch(), message.seq()});
                const auto found = journal_->find(message.id());
                if (!found) throw failure(found.error().sentence);
                if (*found) is_there = true;
            },
            [&](const reliability::StoredRefusal& refused) {
                if (std::exchange(good, false)) ++refused_;
                Context::warn(where() + " is not believed: " +
                              std::string{signing::sentence_for(refused.why.reason)} +
                              (refused.why.detail.empty() ? "" : " (" + refused.why.detail + ")"));
            });
        if (is_there) there_ += run.messages.size();
        return good && !is_there && !run.messages.empty();
    }

    void store() {
        if (runs_.empty()) return;
        clock_.set(stored_us_);
        std::uint64_t messages = 0;
        for (const auto& run : runs_) messages += run.messages.size();
        const auto stored = journal_->append(std::exchange(runs_, {}));
        if (!stored) throw failure(stored.error().sentence);
        imported_ += messages;
    }

    const std::string input_;
    reliability::StoredVerifier verifier_;
    ImportClock clock_;
    std::unique_ptr<reliability::Journal> journal_;
    std::ifstream file_;
    std::uint64_t line_ = 0, stored_us_ = 0;
    std::vector<reliability::RunToStore> runs_;
    std::uint64_t imported_ = 0, there_ = 0, refused_ = 0;
};

}  // namespace

void add_journal_import(CLI::App& journal, Context& context) {
    CLI::App* command =
        journal.add_subcommand("import", "Take what `export --format frames` wrote");
    auto flags = std::make_shared<JournalFlags>();
    auto input = std::make_shared<std::string>("-");
    command->add_option("FILE", *input, "What export wrote; - is standard input")
        ->capture_default_str();
    flags->add_to(*command);
    command->footer(
        "Each run is verified as of the time at which the other journal stored it, and stored\n"
        "under new ids. What is there already is left as it is, so an import may be repeated.\n"
        "The journal must not be served meanwhile. Exit 1 if a line is not believed.\n"
        "Example:  weft journal import commits.frames");
    command->callback([&context, flags, input] {
        context.run = [&context, flags, input] { return Importer(context, *flags, *input).run(); };
    });
}

}  // namespace weft::tools
