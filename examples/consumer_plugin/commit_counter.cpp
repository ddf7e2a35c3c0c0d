// A plugin of the hub that counts commits by author. In the configuration:
//
//     hub:
//       consumers:
//         - name: commit-counter
//           plugin: commit_counter.so
//           topics: [git.commit]
//           settings:
//             output: /var/lib/weft/authors.json   # the counts as one JSON object
//             report_every: 100                    # publishes git.authors after each 100 commits
//
// A message of git.commit has a body such as {"author": "ann", "hash": "2f1c9e", "subject": "..."}.
//
// The hub keeps this consumer's place in the journal: after a restart the next message is the first
// that was not done. So what a plugin has made of the messages before must survive, too. Here that
// is the file `output`: it is written before a message is done, and read again at the start.
// Without `output` the counts are those since the start.
//
// Each message comes at least once. Where the process dies after the file was written and before
// the hub knew, that one commit counts twice; whoever must be exact keeps the ids of the messages
// beside the counts, and skips those that are there.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <weft/reliability/hub/plugin.hpp>

namespace {

using Counts = std::map<std::string, std::uint64_t>;

/// {"ann":7,"bob":3}. std::quoted() escapes what JSON wants escaped, but for control characters,
/// which are not let in.
std::string json_of(const Counts& counts) {
    std::ostringstream json;
    const char* before = "{";
    for (const auto& [author, commits] : counts) {
        json << before << std::quoted(author) << ':' << commits;
        before = ",";
    }
    json << (counts.empty() ? "{}" : "}");
    return json.str();
}

/// Reads what json_of() wrote.
Counts counts_of(std::istream& json) {
    Counts counts;
    char mark = 0;
    json >> mark >> std::ws;
    if (mark == '{' && json.peek() == '}') {
        json >> mark;
    } else {
        do {
            std::string author;
            json >> std::quoted(author) >> mark;
            json >> counts[author] >> mark;  // a comma, or the end
        } while (json && mark == ',');
    }
    if (!json || mark != '}') throw std::runtime_error("it does not hold counts of commits");
    return counts;
}

bool has_control_character(const std::string& text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

class CommitCounter : public weft::plugin::Consumer {
public:
    // What start() throws keeps the consumer from running; the hub shows the text beside the line
    // of the configuration. The settings throw by themselves if one is of another type.
    void start(weft::plugin::Host& host) override {
        host_ = &host;
        const auto every = host.settings().integer("report_every");
        if (every && *every < 1) {
            throw weft::plugin::BadSetting("settings.report_every must be at least 1");
        }
        report_every_ = static_cast<std::uint64_t>(every.value_or(0));
        output_ = host.settings().text("output").value_or("");
        if (!output_.empty()) load();
        for (const auto& [author, commits] : counts_) commits_ += commits;
        host.log().info("begins with " + std::to_string(commits_) + " commits");
    }

    weft::plugin::Result consume(const weft::plugin::Message& message) override {
        // No such body will ever become one: a dead letter at once instead of more attempts.
        const std::optional<std::string> author = message.text("author");
        if (!author) return weft::plugin::Result::reject("the body has no text `author`");
        if (has_control_character(*author)) {
            return weft::plugin::Result::reject("the author's name has a control character");
        }

        // With `workers: 4` this is called by four threads. One lock for all is enough here; who
        // wants them to work at the same time keeps it short.
        const std::lock_guard<std::mutex> lock(mutex_);
        Counts counts = counts_;
        ++counts[*author];
        // If this throws, the message comes again later, and finds the counts as they were.
        if (!output_.empty()) save(counts);
        counts_ = std::move(counts);
        ++commits_;
        if (report_every_ != 0 && commits_ % report_every_ == 0) report();
        return weft::plugin::Result::done();
    }

private:
    void load() {
        std::ifstream file(output_);
        if (!file && !std::filesystem::exists(output_)) return;  // the first start of all
        try {
            counts_ = counts_of(file);
        } catch (const std::exception& error) {
            throw std::runtime_error("cannot read '" + output_.string() + "': " + error.what() +
                                     "; remove it to count from nothing");
        }
    }

    /// A file of its own that takes the old one's place: readers see one or the other, whole. (It
    /// outlives this process; to outlive a power cut, it must be synced as well.)
    void save(const Counts& counts) const {
        const std::filesystem::path fresh = output_.string() + ".new";
        std::ofstream file(fresh, std::ios::trunc);
        file << json_of(counts) << '\n';
        file.close();
        if (!file) throw std::runtime_error("cannot write '" + fresh.string() + "'");
        std::filesystem::rename(fresh, output_);
    }

    /// The commit that made it due is the report's parent, since consume() handles it in this
    /// thread. The topic is short: the hub puts its prefix and environment in front.
    void report() {
        const std::string body =
            R"({"commits":)" + std::to_string(commits_) + R"(,"authors":)" + json_of(counts_) + "}";
        weft::plugin::Outgoing report;
        report.topic = "git.authors";
        report.body = body;
        try {
            host_->publisher().publish(report);
        } catch (const weft::plugin::PublishFailed& error) {
            // The commit is counted; a report that is missing is no reason to count it again.
            host_->log().warning(std::string{"no report: "} + error.what());
        }
    }

    weft::plugin::Host* host_ = nullptr;  ///< Until stop() has returned.
    std::uint64_t report_every_ = 0;      ///< 0: no reports.
    std::filesystem::path output_;        ///< Empty: none.

    std::mutex mutex_;
    Counts counts_;
    std::uint64_t commits_ = 0;  ///< All of counts_.
};

}  // namespace

WEFT_CONSUMER_PLUGIN(CommitCounter)
