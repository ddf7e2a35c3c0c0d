#pragma once
// Opens the journals that a configuration names, by the fabric's own transport and trust.
// Threads: any.

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "fabric/fabric.hpp"
#include "reliability/repair/repairing_subscriber.hpp"
#include "reliability/service/remote_journal.hpp"
#include "reliability/settings.hpp"

namespace weft::reliability {

/// Whether what changes something may be asked for: it needs our key and certificate.
enum class RemoteAccess { read, change };

/// How the journal `name` is asked; the error says what the configuration has to say.
[[nodiscard]] tl::expected<RemoteSettings, std::string> remote_settings(
    const fabric::TopicSpace& space, const Settings& settings, const std::string& name);

/// `name` is one of settings.journals or settings.journal_endpoints. It is connected to when it is
/// there; nothing is waited for. Must be gone before `fabric` is. The error is a sentence.
[[nodiscard]] tl::expected<std::unique_ptr<RemoteJournal>, std::string> open_remote_journal(
    fabric::Fabric& fabric, const Settings& settings, const std::string& name,
    RemoteAccess access = RemoteAccess::read);

/// The first of settings.journals that answers within `patience`; the error names each that was
/// tried, and why there was no answer.
[[nodiscard]] tl::expected<std::unique_ptr<RemoteJournal>, std::string> open_any_journal(
    fabric::Fabric& fabric, const Settings& settings, RemoteAccess access = RemoteAccess::read,
    std::chrono::milliseconds patience = std::chrono::seconds{5});

/// What a RepairingSubscriber needs to ask every journal of `settings`; nothing where there are
/// none, or where signing.validate is off. One that cannot be asked is warned of and left out.
[[nodiscard]] RepairOptions repair_options(fabric::Fabric& fabric, const Settings& settings);

}  // namespace weft::reliability
