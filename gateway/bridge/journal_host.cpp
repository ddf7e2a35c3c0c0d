#include "gateway/bridge/journal_host.hpp"

#include <utility>

#include "reliability/journal/open_journal.hpp"

namespace weft::gateway {

using reliability::JournalSettings;

tl::expected<std::unique_ptr<reliability::Journal>, std::string> JournalHost::open_journal(
    const fabric::Fabric& fabric, const reliability::Settings& settings) {
    auto journal = reliability::open_journal(settings.journal, reliability::JournalAccess::write,
                                             &fabric.clock());
    if (!journal) {
        return tl::make_unexpected(
            journal.error().sentence +
            ". The gateway keeps a journal of its own: give it one by reliability.journal.path");
    }
    if (settings.journal.backend == JournalSettings::Backend::memory) {
        fabric.warn("the gateway's journal is in memory: it forgets everything when it ends");
    } else if (!settings.journal.sync) {
        fabric.warn(
            "reliability.journal.sync is never: what is acknowledged survives kill -9, and may be "
            "lost with the power");
    }
    return std::move(*journal);
}

JournalHost::Opened JournalHost::open(fabric::Fabric& fabric, const reliability::Settings& settings,
                                      std::unique_ptr<reliability::Journal> journal,
                                      reliability::RecorderOptions options) {
    std::unique_ptr<JournalHost> host(new JournalHost(fabric, std::move(journal)));
    try {
        if (auto begun = host->begin(settings, std::move(options)); !begun) {
            return tl::make_unexpected(std::move(begun.error()));
        }
    } catch (const fabric::OpenFailed& failed) {
        return tl::make_unexpected(std::string{failed.what()});
    }
    return host;
}

tl::expected<void, std::string> JournalHost::begin(const reliability::Settings& settings,
                                                   reliability::RecorderOptions options) {
    auto listen = reliability::service_settings(fabric_.settings(), settings.journal.listen);
    if (!listen) return tl::make_unexpected(std::move(listen.error()));
    recorder_ = std::make_unique<reliability::Recorder>(fabric_, *journal_, settings.journal.topics,
                                                        std::move(options));
    generation_ = fabric_.publisher().identity_generation();
    cursors_ = std::make_unique<reliability::CursorStore>(*journal_, fabric_.clock());
    groups_ = std::make_unique<reliability::GroupService>(*cursors_);
    cursor_operations_ = std::make_unique<reliability::CursorOperations>(*cursors_, *groups_);
    listen->operations = cursor_operations_->entries();
    const auto warn = [this](const std::string& line) { fabric_.warn(line); };
    auto service = reliability::JournalService::open(
        fabric_.transport(), fabric_.clock(), std::move(*listen), *journal_,
        fabric_.publisher().identity(), fabric_.trust(), warn);
    if (!service) return tl::make_unexpected(std::move(service.error()));
    service_ = std::move(*service);
    bound_ = service_->bound();
    keeper_ = std::make_unique<reliability::RetentionKeeper>(
        *journal_, *cursors_, settings.journal, [this](const std::string& glob) {
            return signing::TopicGlob::parse(fabric_.settings().space.complete_glob(glob));
        });
    retention_ = std::make_unique<reliability::RetentionThread>(
        *keeper_, fabric_.clock(), [this](const reliability::RetentionReport& report) {
            for (const std::string& line : report.said) fabric_.warn(line);
        });
    return {};
}

JournalHost::~JournalHost() {
    stop();
}

void JournalHost::follow_identity() {
    const std::uint64_t now = fabric_.publisher().identity_generation();
    if (now == generation_) return;
    generation_ = now;
    service_->use(fabric_.publisher().identity());
}

reliability::RecorderStats JournalHost::recorder_stats() const {
    const std::scoped_lock lock(going_);
    return recorder_ ? recorder_->stats() : last_recorder_;
}

reliability::JournalServiceStats JournalHost::service_stats() const {
    const std::scoped_lock lock(going_);
    return service_ ? service_->stats() : last_service_;
}

void JournalHost::stop_recording() {
    if (!recorder_) return;
    recorder_->stop();
    // It listens no more: whoever waits until every listener has heard must not wait for it.
    const std::scoped_lock lock(going_);
    last_recorder_ = recorder_->stats();
    recorder_.reset();
}

void JournalHost::stop() {
    stop_recording();
    retention_.reset();
    if (groups_) groups_->stop();
    if (cursor_operations_) cursor_operations_->stop();
    {
        const std::scoped_lock lock(going_);
        if (service_) last_service_ = service_->stats();
        service_.reset();
    }
    journal_->close();
}

}  // namespace weft::gateway
