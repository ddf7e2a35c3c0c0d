#include "reliability/service/open_remote.hpp"

#include "config/endpoint.hpp"

namespace weft::reliability {

tl::expected<std::unique_ptr<RemoteJournal>, std::string> open_remote_journal(
    fabric::Fabric& fabric, const Settings& settings, const std::string& name,
    RemoteAccess access) {
    RemoteSettings remote;
    remote.name = name;
    const auto found = settings.journal_endpoints.find(name);
    remote.endpoint =
        found == settings.journal_endpoints.end() ? settings.journal.listen : found->second;
    remote.space = fabric.settings().space;
    const auto endpoint = config::Endpoint::parse(remote.endpoint);
    if (endpoint && (endpoint->is_wildcard_port() || endpoint->is_wildcard_host())) {
        return tl::make_unexpected("the journal " + name + " cannot be asked at " +
                                   remote.endpoint +
                                   ": set reliability.journal_endpoints to the host and port that "
                                   "it listens on");
    }
    std::shared_ptr<const signing::Identity> identity;
    if (access == RemoteAccess::change) identity = fabric.publisher().identity();
    fabric.expect(remote.endpoint, name);
    return RemoteJournal::open(fabric.transport(), fabric.clock(), std::move(remote),
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

}  // namespace weft::reliability
