#include "reliability/service/open_remote.hpp"

#include <mutex>
#include <utility>
#include <vector>

#include "config/endpoint.hpp"
#include "reliability/journal/stored_verifier.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability {
namespace {

/// Judges runs out of a journal one at a time, and gives messages that keep their own bytes.
class OneVerifier {
public:
    explicit OneVerifier(std::shared_ptr<signing::TrustStore> trust)
        : verifier_(std::move(trust)) {}

    tl::expected<std::vector<fabric::Message>, std::string> verify(const StoredRun& given) {
        const auto bytes = std::make_shared<const std::string>(
            std::string{given.topic}.append(given.contents).append(given.proof));
        StoredRun run = given;
        std::string_view rest = *bytes;
        for (std::string_view* part : {&run.topic, &run.contents, &run.proof}) {
            const std::size_t size = part->size();
            *part = rest.substr(0, size);
            rest.remove_prefix(size);
        }
        std::vector<fabric::Message> messages;
        std::string why;
        const std::scoped_lock lock(mutex_);
        verifier_.verify(
            run, bytes, [&](const VerifiedMessage& stored) { messages.push_back(stored.message); },
            [&](const StoredRefusal& refused) {
                why = std::string{signing::sentence_for(refused.why.reason)} +
                      (refused.why.detail.empty() ? "" : " (" + refused.why.detail + ")");
            });
        if (messages.empty() && !why.empty()) return tl::make_unexpected(why);
        return messages;
    }

private:
    std::mutex mutex_;
    StoredVerifier verifier_;
};

}  // namespace

tl::expected<RemoteSettings, std::string> remote_settings(const fabric::TopicSpace& space,
                                                          const Settings& settings,
                                                          const std::string& name) {
    RemoteSettings remote;
    remote.name = name;
    const auto found = settings.journal_endpoints.find(name);
    remote.endpoint =
        found == settings.journal_endpoints.end() ? settings.journal.listen : found->second;
    remote.space = space;
    const auto endpoint = config::Endpoint::parse(remote.endpoint);
    if (endpoint && (endpoint->is_wildcard_port() || endpoint->is_wildcard_host())) {
        return tl::make_unexpected("the journal " + name + " cannot be asked at " +
                                   remote.endpoint +
                                   ": set reliability.journal_endpoints to the host and port that "
                                   "it listens on");
    }
    return remote;
}

tl::expected<std::unique_ptr<RemoteJournal>, std::string> open_remote_journal(
    fabric::Fabric& fabric, const Settings& settings, const std::string& name,
    RemoteAccess access) {
    auto remote = remote_settings(fabric.settings().space, settings, name);
    if (!remote) return tl::make_unexpected(remote.error());
    std::shared_ptr<const signing::Identity> identity;
    if (access == RemoteAccess::change) identity = fabric.publisher().identity();
    fabric.expect(remote->endpoint, name);
    return RemoteJournal::open(fabric.transport(), fabric.clock(), std::move(*remote),
                               std::move(identity), fabric.trust());
}

tl::expected<std::unique_ptr<RemoteJournal>, std::string> open_any_journal(
    fabric::Fabric& fabric, const Settings& settings, RemoteAccess access,
    std::chrono::milliseconds patience) {
    if (settings.journals.empty()) {
        return tl::make_unexpected(
            std::string{"no journal is configured: set reliability.journals to the names of the "
                        "fabric's journals, such as [journal.host1]"});
    }
    std::string tried;
    for (const std::string& name : settings.journals) {
        auto journal = open_remote_journal(fabric, settings, name, access);
        if (!journal) return journal;
        // Something cheap that is really asked.
        Question question;
        question.patience = patience;
        const auto answer = (*journal)->link().ask(std::move(question));
        if (answer) return journal;
        tried += (tried.empty() ? "" : "; ") + answer.error().sentence;
    }
    return tl::make_unexpected(tried);
}

RepairOptions repair_options(fabric::Fabric& fabric, const Settings& settings) {
    RepairOptions options;
    if (!fabric.trust()) return options;
    for (const std::string& name : settings.journals) {
        auto journal = open_remote_journal(fabric, settings, name);
        if (journal) {
            options.journals.push_back({name, std::move(*journal)});
        } else {
            fabric.warn("holes are not repaired from it: " + journal.error());
        }
    }
    options.limits = repair_limits(settings, fabric.settings());
    auto verifier = std::make_shared<OneVerifier>(fabric.trust());
    options.verify = [verifier](const StoredRun& run) { return verifier->verify(run); };
    return options;
}

}  // namespace weft::reliability
