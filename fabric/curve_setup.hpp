#pragma once
// Makes the Curve of a process from its configuration: own keys, certificates of the others, and
// who is expected at which endpoint.
// Threads: any. Errors: a sentence that says what is missing and how to get it.

#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "fabric/settings.hpp"
#include "fabric/transport/curve.hpp"
#include "signing/settings.hpp"
#include "signing/trust_store.hpp"

namespace weft::fabric {

/// `trust` may be null (signing.validate: false): whom to let in is asked all the same, so the
/// trust of signing.directory is opened then. `clock` must outlive what is returned.
[[nodiscard]] tl::expected<std::shared_ptr<Curve>, std::string> make_curve(
    const Settings& settings, const signing::Settings& signing_settings,
    std::shared_ptr<signing::TrustStore> trust, const Clock& clock,
    std::function<void(const std::string&)> warn);

/// "" or why the process may not be a relay: others would not connect to it.
[[nodiscard]] std::string relay_refusal(const Curve& curve, const Settings& settings);

/// The same for one that connects to the relay: "" or why it cannot know the relay's key.
[[nodiscard]] std::string no_relay_key(const Curve& curve, const Settings& settings);

}  // namespace weft::fabric
